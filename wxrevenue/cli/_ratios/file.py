"""The file that says which ratios are wanted.

It is a CSV with the columns ``appid`` and ``share_ratio``.

Further columns are for people. The row ``default`` stands for the provider's default. Whatever is
wrong is told with its line and column, ten problems at most, before anything is sent.
"""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue._base.checks import flaw_of_credential
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APPID, RATIO, DEFAULT = "appid", "share_ratio", "default"
_APPID: Final = re.compile(r"[\w-]+", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,3}(\.\d{1,9})?", re.ASCII)
_LARGEST, _PLACES = 100, 2
_LONGEST_APPID, _LONGEST_SHOWN = 64, 20
_MOST_TOLD: Final = 10


def read_ratios(path: Path, *, allow_fractions: bool) -> dict[str | None, Decimal]:
    """Return the ratio that is wanted for each Mini Program.

    The default stands under ``None``.

    Raises:
        ConfigurationError: the file is not as it has to be.
        OSError: it cannot be read.
    """
    table = _Table(path, (APPID, RATIO))
    found: dict[str | None, Decimal | None] = {}
    for line, appid, cells in table.rows():
        found[appid] = table.ratio(line, cells, allow_fractions=allow_fractions)
    return {appid: ratio for appid, ratio in table.sound(found).items() if ratio is not None}


def read_appids(path: Path) -> list[str]:
    """Return the Mini Programs of the file; it needs no column ``share_ratio``.

    Raises:
        ConfigurationError: the file is not as it has to be.
        OSError: it cannot be read.
    """
    table = _Table(path, (APPID,))
    found: dict[str | None, Decimal | None] = {appid: None for _, appid, _ in table.rows()}
    return [appid for appid in table.sound(found) if appid is not None]


@attrs.define
class _Table:
    """A file's rows, and what is wrong with them."""

    path: Path
    columns: tuple[str, ...]
    problems: list[str] = attrs.field(factory=list[str])

    def rows(self) -> Iterator[tuple[int, str | None, dict[str, str]]]:
        """Yield the line, the appid and the cells of each row that has a good appid."""
        seen: dict[str | None, int] = {}
        for line, cells in self._cells():
            appid = None if cells[APPID] == DEFAULT else cells[APPID]
            flaw = None if appid is None else flaw_of_appid(appid)
            if appid in seen:
                flaw = f"{_shown(cells[APPID])} stands in line {seen[appid]} already"
            if flaw is not None:
                self._note(line, APPID, flaw)
                continue
            seen[appid] = line
            yield line, appid, cells

    def ratio(self, line: int, cells: dict[str, str], *, allow_fractions: bool) -> Decimal | None:
        """Return the ratio of a row, or ``None`` where it is none."""
        text = cells[RATIO]
        ratio = Decimal(text) if _NUMBER.fullmatch(text) else None
        is_whole = ratio is not None and ratio == ratio.to_integral_value()
        if ratio is not None and ratio <= _LARGEST and (is_whole or (allow_fractions and ratio == round(ratio, _PLACES))):
            return ratio
        allowed = "a number from 0 to 100 with at most 2 decimal places" if allow_fractions else "a whole number from 0 to 100"
        hint = "" if is_whole or ratio is None or allow_fractions else "; --allow-fractions lets fractions pass"
        self._note(line, RATIO, f"expected {allowed}, got {_shown(text)}{hint}")
        return None

    def sound(self, found: dict[str | None, Decimal | None]) -> dict[str | None, Decimal | None]:
        """Return what was found, if nothing is wrong with the file.

        Raises:
            ConfigurationError: something is.
        """
        if not found and not self.problems:
            self.problems.append(f"{self.path}: expected a row below the line that names the columns")
        if self.problems:
            rest = len(self.problems) - _MOST_TOLD
            more = [f"and {rest} more"] if rest > 0 else []
            raise ConfigurationError("\n".join([*self.problems[:_MOST_TOLD], *more]))
        return found

    def _cells(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield the line and the cells of each row that is not empty."""
        reader = csv.reader(io.StringIO(text_of(self.path), newline=""), strict=True)  # lines end as CSV's do, and nowhere else
        try:
            names = next(reader, list[str]())
            if len(set(names)) < len(names) or not set(self.columns) <= set(names):
                self.problems.append(f"{self.path}, line 1: expected the names of the columns, {' and '.join(self.columns)} among them")
                return
            for cells in reader:
                if len(cells) > len(names):
                    self.problems.append(f"{self.path}, line {reader.line_num}: expected {len(names)} cells, got {len(cells)}")
                elif any(cells):
                    yield reader.line_num, {**dict.fromkeys(names, ""), **dict(zip(names, cells, strict=False))}
        except csv.Error as error:
            self.problems.append(f"{self.path}, line {reader.line_num}: expected CSV: {error}")

    def _note(self, line: int, column: str, problem: str) -> None:
        self.problems.append(f"{self.path}, line {line}, column {column}: {problem}")


def text_of(path: Path) -> str:
    """Return a file's text.

    It is UTF-8, with or without its mark, or else what Excel writes in China.
    """
    written = path.read_bytes()
    try:
        return written.decode("utf-8-sig")
    except UnicodeDecodeError:
        return written.decode("gb18030", errors="replace")


def flaw_of_appid(appid: str) -> str | None:
    """Return what is wrong with an appid in a file, or ``None``."""
    if not appid:
        return f"expected an appid, or {DEFAULT}; the cell is empty"
    if len(appid) > _LONGEST_APPID:
        return f"expected an appid of at most {_LONGEST_APPID} characters, got {len(appid)}"
    if appid.casefold() == DEFAULT:
        return f"expected {DEFAULT} in small letters, got {_shown(appid)}"
    flaw = flaw_of_credential(appid)
    return flaw if flaw or _APPID.fullmatch(appid) else f"expected an appid: letters, digits, _ and -, got {_shown(appid)}"


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…")
