"""The file that says who gets what share.

It is a CSV with the columns ``payee`` and ``share``, and ``appid`` where accounts differ.

Shares are numbers that relate to each other, or all of them per cent, which then have to come to
100 for each account. Further columns are for people. Whatever is wrong is told with its line, ten
problems at most, before anything is read or written.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import defaultdict
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue._base.checks import flaw_of_credential
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

_PAYEE, _SHARE, _APPID = "payee", "share", "appid"
_NUMBER: Final = re.compile(r"\d{1,15}(\.\d{1,15})?", re.ASCII)
_WHOLE: Final = 100
_MOST_TOLD: Final = 10
_NO_NAME: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories of characters that no name has.

They come of a file that was cut, or is in another encoding.
"""


@attrs.frozen
class Share:
    """One row of the file."""

    payee: str
    share: Decimal
    appid: str | None


def read_shares(path: Path) -> dict[str | None, list[Share]]:
    """Return the shares of each account.

    They stand under ``None`` if the file names no accounts.

    Raises:
        ConfigurationError: the file is not as it has to be.
        OSError: it cannot be read.
    """
    rows, problems = _rows(path)
    found: defaultdict[str | None, list[Share]] = defaultdict(list)
    in_percent = bool(rows) and all(cells[_SHARE].endswith("%") for _, cells in rows)
    for line, cells in rows:
        number = cells[_SHARE].removesuffix("%") if in_percent else cells[_SHARE]
        appid = cells.get(_APPID)
        flaw = _flaw(cells[_PAYEE], number, appid)
        if flaw is None and cells[_PAYEE] in {one.payee for one in found[appid]}:
            flaw = f"column payee: {cells[_PAYEE]!r} stands there already"
        if flaw is not None:
            problems.append(f"{path}, line {line}, {flaw}")
        else:
            found[appid].append(Share(cells[_PAYEE], Decimal(number), appid))
    problems += [flaw for appid, shares in found.items() for flaw in _flaws_of_sum(path, appid, shares, in_percent=in_percent)]
    if not rows and not problems:
        problems.append(f"{path}: expected a row below the line that names the columns")
    if problems:
        rest = len(problems) - _MOST_TOLD
        raise ConfigurationError("\n".join([*problems[:_MOST_TOLD], *([f"and {rest} more"] if rest > 0 else [])]))
    return dict(found)


def _rows(path: Path) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """Return lines with their cells, and what is wrong with them."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    found: list[tuple[int, dict[str, str]]] = []
    try:
        names = [name.strip() for name in next(reader, list[str]())]
        if len(set(names)) < len(names) or not {_PAYEE, _SHARE} <= set(names):
            return [], [f"{path}, line 1: expected the names of the columns, payee and share among them"]
        for cells in reader:
            if len(cells) > len(names):
                return found, [f"{path}, line {reader.line_num}: expected {len(names)} cells, got {len(cells)}"]
            if any(cells):
                padded = [*cells, *[""] * (len(names) - len(cells))]
                found.append((reader.line_num, {name: cell.strip() for name, cell in zip(names, padded, strict=True)}))
    except csv.Error as error:
        return found, [f"{path}, line {reader.line_num}: expected CSV: {error}"]
    return found, []


def _text(path: Path) -> str:
    """Return a file's text.

    It is UTF-8, with or without its mark, or else what Excel writes in China.

    Raises:
        ConfigurationError: it is neither. A wrong letter would pay another payee.
        OSError: it cannot be read.
    """
    written = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        with suppress(UnicodeDecodeError):
            return written.decode(encoding)
    raise ConfigurationError(f"{path}: expected a CSV in UTF-8, or in GB 18030 as Excel writes it in China; save it as CSV UTF-8")


def _flaw(payee: str, number: str, appid: str | None) -> str | None:
    if not payee:
        return "column payee: expected a name; the cell is empty"
    if any(letter == "\ufffd" or unicodedata.category(letter) in _NO_NAME for letter in payee):
        return f"column payee: expected a name; {payee[:40]!r} has a character that cannot be read"
    if _NUMBER.fullmatch(number) is None:
        return f"column share: expected a number such as 70 or 12.5, or all of them per cent, got {number[:20]!r}"
    flaw = None if appid is None else flaw_of_credential(appid)
    return None if flaw is None else f"column appid: {flaw}"


def _flaws_of_sum(path: Path, appid: str | None, shares: list[Share], *, in_percent: bool) -> list[str]:
    together = sum(one.share for one in shares)
    whose = "" if appid is None else f" of {appid}"
    if in_percent and together != _WHOLE:
        return [f"{path}: expected the shares{whose} to come to 100 %, got {together} %"]
    if shares and not together:
        return [f"{path}: expected a share{whose} above zero"]
    return []
