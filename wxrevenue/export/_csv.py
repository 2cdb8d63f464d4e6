"""CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, BinaryIO, Final

from wxrevenue.ams.settlement import Settlement
from wxrevenue.export._lines import lines_of
from wxrevenue.export._text import cell

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from wxrevenue.export._lines import Line
    from wxrevenue.export._pump import Add, FileFormat

_BOM: Final = "\ufeff"
_LOSES_DIGITS: Final = re.compile(
    r"0\d+|\d{16,}|\d+[eE]\d+|\d{1,4}-\d{1,4}(-\d{1,4})?|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}-?\d{1,4}",
    re.ASCII | re.IGNORECASE,
)
"""Text that Excel takes for a number or a day and does not keep.

It has 15 digits, no zeros in front, exponents, and months.
"""


def csv_format(model: type = Settlement, *, bom: bool, by: str) -> FileFormat:
    """Return the format with these options.

    Raises:
        ConfigurationError: rows of ad data and bills have no slots to be written by.
    """
    head, lines = lines_of("to_csv", model, by)

    @contextmanager
    def csv_sheet(file: BinaryIO) -> Generator[Add]:
        pending = (_BOM if bom else "").encode() + _encoded([head])  # comes with the first row: an error comes before it

        def add(rows: Sequence[object]) -> None:
            nonlocal pending
            made = (tuple(map(_written, line)) for row in rows for line in lines(row))
            file.write(pending + _encoded(map(_for_excel, made) if bom else made))
            pending = b""

        yield add
        file.write(pending)

    return csv_sheet


def csv_table(head: Line, lines: Iterable[Line], *, bom: bool) -> bytes:
    """Return a table of any lines as a file's content."""
    made = [tuple(map(_written, line)) for line in lines]
    return (_BOM if bom else "").encode() + _encoded([head, *(map(_for_excel, made) if bom else made)])


def _written(value: object) -> object:
    """Return a value as it stands in the file.

    Text is no formula, a decimal number has no exponent.
    """
    if isinstance(value, str):
        return cell(value)
    return format(value, "f") if isinstance(value, Decimal) else value


def _for_excel(line: Line) -> Line:
    """Return a line whose text stays text in Excel, though it looks like a number."""
    return tuple(f"'{value}" if isinstance(value, str) and _LOSES_DIGITS.fullmatch(value) else value for value in line)


def _encoded(lines: Iterable[Line]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()
