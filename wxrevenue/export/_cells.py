"""What a cell of a workbook can hold, and what a sheet may be called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from wxrevenue.export._text import well_formed

if TYPE_CHECKING:
    from decimal import Decimal

LONGEST: Final = 32_767
"""Characters of a cell, as UTF-16 counts them."""
DIGITS: Final = 15
"""Digits that a spreadsheet keeps of a number."""
_LARGEST_POWER: Final = 300
_LONGEST_NAME: Final = 31
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_FORBIDDEN: Final = re.compile(r"[\[\]:*?/\\\x00-\x1f\ufffe\uffff]")
_RESERVED: Final = "history"


def fits(number: int | Decimal) -> bool:
    """Return whether a spreadsheet keeps all digits of a number."""
    if isinstance(number, int):
        return abs(number) < 10**DIGITS
    return len(number.as_tuple().digits) <= DIGITS and abs(number.adjusted()) < _LARGEST_POWER


def is_plain(text: str) -> bool:
    """Return whether a str needs no closer look, as most do.

    It is printable, short, and begins with a letter or digit.
    """
    return text[:1].isalnum() and text.isprintable() and len(text) <= LONGEST // 2


def excel_text(text: str) -> str:
    r"""Return text as XML can hold it.

    Half surrogate pairs and control characters, but tabs and ``\n``, are U+FFFD.
    """
    text = text if text.isascii() else well_formed(text)
    return text if text.isprintable() else _UNPRINTABLE.sub("\ufffd", text.replace("\r\n", "\n"))


def length(text: str) -> int:
    """Return the length of a str as UTF-16 counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def sheet_name(wanted: str, taken: set[str]) -> str:
    """Return a name for a sheet that Excel takes.

    31 characters, none forbidden, not one of those taken.

    Args:
        wanted: what it should be called.
        taken: names that there are, ``casefold()``.
    """
    plain = _FORBIDDEN.sub("_", well_formed(wanted)).strip().strip("'") or "_"
    if plain.casefold() == _RESERVED:
        plain = f"{plain}_"
    name, number = _cut(plain, _LONGEST_NAME), 1
    while name.casefold() in taken:
        number += 1
        end = f" ({number})"
        name = _cut(plain, _LONGEST_NAME - len(end)) + end
    return name


def _cut(text: str, most: int) -> str:
    text = text[:most]
    while length(text) > most:
        text = text[:-1]
    return text.rstrip("'")
