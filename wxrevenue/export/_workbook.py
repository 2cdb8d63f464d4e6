"""Workbooks through XlsxWriter (extra ``excel``), which nothing else imports.

They are strict, whole, and in constant memory. XlsxWriter drops a cell that it cannot write and
returns a negative number; here that is an error. Text is text whatever it begins with. A sheet that
is full goes on in a further one.
"""

from __future__ import annotations

import importlib
import tempfile
from contextlib import contextmanager, suppress
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import attrs

from wxrevenue._base import extras
from wxrevenue.errors import ConfigurationError
from wxrevenue.export._cells import LONGEST, excel_text, fits, is_plain, length, sheet_name
from wxrevenue.export._output_file import Output, told_apart
from wxrevenue.export._text import is_risky

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from types import ModuleType

    from wxrevenue.export._untyped import Workbook, Worksheet


ROWS: Final = 1_048_576
"""Rows of a sheet."""
_FIRST_DAY: Final = date(1900, 3, 1)
"""Excel has a day before it that never was; earlier ones are written as text."""
_BEFORE_THE_FIRST: Final = date(1899, 12, 30).toordinal()
"""Excel counts days from here."""
_WIDTH: Final = 16
_FORMATS: Final[Mapping[str, Mapping[str, object]]] = {
    "text": {},
    "risky": {"quote_prefix": True},
    "head": {"bold": True, "bg_color": "#E8EEF4", "bottom": 1, "text_wrap": True, "valign": "top"},
    "amount head": {"bold": True, "bg_color": "#E8EEF4", "bottom": 1, "text_wrap": True, "valign": "top", "align": "right"},
    "title": {"bold": True, "font_size": 14},
    "strong": {"bold": True},
    "whole": {"num_format": "0"},
    "yuan": {"num_format": "0.00"},
    "money": {"num_format": "#,##0.00"},
    "sum": {"num_format": "#,##0.00", "bold": True, "top": 1},
    "count": {"num_format": "0", "bold": True, "top": 1},
    "foot": {"bold": True, "top": 1},
    "plain": {},
    "day": {"num_format": "yyyy-mm-dd"},
}
_OPTIONS: Final = {
    "constant_memory": True,
    "strings_to_numbers": False,
    "strings_to_formulas": False,
    "strings_to_urls": False,
}
_NUMBERS: Final = frozenset({"money", "whole"})
_MADE: Final = datetime(1980, 1, 1)  # noqa: DTZ001  (the same rows make the same bytes)


@attrs.frozen
class Column:
    """A column.

    Args:
        title: what stands above it.
        format: that of its numbers; ``"number"``: whole ones without an exponent, others as they
            are.
        width: in characters.
    """

    title: str
    format: str = "number"
    width: int = _WIDTH


@contextmanager
def excel_book(where: str, file: BinaryIO) -> Generator[ExcelBook]:
    """Write a workbook within the block.

    The file is complete when the block has ended.

    Raises:
        ConfigurationError: XlsxWriter is not installed.
        OSError: the file, or the folder for temporary files, cannot be written.
    """
    xlsxwriter, output = loaded(where), Output(file)
    failure: OSError | None = None
    with tempfile.TemporaryDirectory(prefix="wxrevenue-") as folder, told_apart(Path(folder).parent, output):
        book = xlsxwriter.Workbook(output, {**_OPTIONS, "tmpdir": folder})
        try:
            book.use_zip64()
            book.set_properties({"created": _MADE})
            yield ExcelBook(where, book)
            book.close()
        except xlsxwriter.exceptions.FileCreateError as error:
            failure = error.args[0]
        finally:
            output.given_up = True
            for sheet in book.worksheets():  # of a workbook that was given up
                with suppress(OSError):
                    sheet.row_data_fh.close()
        if failure is not None:
            raise failure


def loaded(where: str) -> ModuleType:
    """Return the module.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        return importlib.import_module("xlsxwriter")
    except ModuleNotFoundError:
        pass
    raise ConfigurationError(extras.missing(where, "XlsxWriter", "excel"))


class ExcelBook:
    """A workbook that is being written."""

    def __init__(self, where: str, book: Workbook) -> None:
        self.where, self._book = where, book
        self._names: set[str] = set()
        self._formats = {name: book.add_format(dict(facts)) for name, facts in _FORMATS.items()}

    def sheet(self, wanted: str) -> ExcelSheet:
        """Return a new sheet, called like this as far as Excel allows it."""
        name = sheet_name(wanted, self._names)
        self._names.add(name.casefold())
        return ExcelSheet(self.where, name, self._book.add_worksheet(name), self._formats)

    def table(self, wanted: str, columns: Sequence[Column], *, most: int = ROWS) -> ExcelTable:
        """Return a new sheet with columns.

        Rows beyond ``most`` lines go to further sheets.
        """
        return ExcelTable(self, wanted, columns, most)


class ExcelSheet:
    """A sheet of a workbook. Lines are written in order."""

    def __init__(self, where: str, name: str, sheet: Worksheet, formats: Mapping[str, object]) -> None:
        self._where, self.name, self._sheet, self._formats = where, name, sheet, formats
        self.lines = 0
        """Lines that were written."""

    @property
    def reference(self) -> str:
        """The name, as formulas have it."""
        quoted = self.name.replace("'", "''")
        return f"'{quoted}'!"

    def add(self, cells: Sequence[object], formats: Sequence[str], *, texts: str = "text") -> None:
        """Write a line.

        ``None`` is an empty cell; ``formats`` are those of numbers, ``texts`` that of text.
        """
        row, self.lines = self.lines, self.lines + 1
        for number, (value, look) in enumerate(zip(cells, formats, strict=True)):
            if value is not None:
                self._write(row, number, value, look, texts)

    def head(self, columns: Sequence[Column]) -> None:
        """Write the titles of columns."""
        row, self.lines = self.lines, self.lines + 1
        for number, column in enumerate(columns):
            self._write(row, number, column.title, "text", "amount head" if column.format in _NUMBERS else "head")

    def skip(self) -> None:
        """Leave a line empty."""
        self.lines += 1

    def formula(self, number: int, formula: str, value: Decimal, format: str) -> None:
        """Put a formula into the line that was written last.

        It comes with its value, for programs that do not calculate.
        """
        if found := self._sheet.write_formula(self.lines - 1, number, formula, self._formats[format], value):
            raise ConfigurationError(f"{self._where}: the formula in line {self.lines} was not written ({found})")

    def look(self, columns: Sequence[Column], *, head: int | None = None) -> None:
        """Set the widths, and the line that stays in view and is printed on every page.

        Without such a line, the sheet is one page.
        """
        for number, column in enumerate(columns):
            self._sheet.set_column(number, number, column.width)
        if head is not None:
            self._sheet.freeze_panes(head + 1, 0)
            self._sheet.repeat_rows(head)
            self._sheet.set_landscape()
        self._sheet.set_paper(9)  # A4
        self._sheet.fit_to_pages(1, 1 if head is None else 0)
        self._sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        self._sheet.set_footer("&L&A&R&P / &N")

    def _write(self, row: int, number: int, value: object, look: str, texts: str) -> None:
        if isinstance(value, str):
            found = self._write_text(row, number, value, texts)
        elif isinstance(value, (int, Decimal)) and fits(value):
            if look == "number":
                look = "whole" if isinstance(value, int) else "plain"
            found = self._sheet.write_number(row, number, value, self._formats[look])
        elif isinstance(value, date) and value >= _FIRST_DAY:
            found = self._sheet.write_number(row, number, value.toordinal() - _BEFORE_THE_FIRST, self._formats["day"])
        else:
            text = format_number(value) if isinstance(value, (int, Decimal)) else str(value)
            found = self._write_text(row, number, text, texts)
        if found:
            raise ConfigurationError(f"{self._where}: the cell in line {row + 1}, column {number + 1} was not written ({found})")

    def _write_text(self, row: int, number: int, text: str, texts: str) -> int:
        if is_plain(text):
            code: int = self._sheet.write_string(row, number, text, self._formats[texts])
            return code
        text = excel_text(text)
        if length(text) > LONGEST:
            raise ConfigurationError(f"{self._where}: a text of {length(text):,} characters; a cell holds {LONGEST:,}")
        look = self._formats["risky" if texts == "text" and is_risky(text) else texts]
        if text.startswith("<r>") and text.endswith("</r>"):  # XlsxWriter would take it for marked up text of its own
            code = self._sheet.write_rich_string(row, number, text[:1], self._formats["plain"], text[1:], look)
        else:
            code = self._sheet.write_string(row, number, text, look)
        return code


def format_number(value: int | Decimal) -> str:
    """Return a number as text, with all its digits."""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


class ExcelTable:
    """Rows below titles, on as many sheets as they need."""

    def __init__(self, book: ExcelBook, wanted: str, columns: Sequence[Column], most: int) -> None:
        self._book, self._wanted, self._columns, self._most = book, wanted, columns, most
        self._formats = [column.format for column in columns]
        self.sheets: list[ExcelSheet] = []
        self._ends: list[int] = []
        self._begin()

    def add(self, cells: Sequence[object]) -> None:
        """Write a row."""
        if self.sheets[-1].lines >= self._most:
            self._begin()
        self.sheets[-1].add(cells, self._formats)
        self._ends[-1] = self.sheets[-1].lines  # what is written below the rows is none of them

    def ranges(self, number: int) -> str:
        """Return where the cells of a column are, as arguments of a function.

        Empty, if there is no row.
        """
        letter, ends = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[number], zip(self.sheets, self._ends, strict=True)
        return ",".join(f"{sheet.reference}{letter}2:{letter}{end}" for sheet, end in ends if end > 1)

    def _begin(self) -> None:
        sheet = self._book.sheet(self._wanted)
        sheet.head(self._columns)
        sheet.look(self._columns, head=0)
        self.sheets.append(sheet)
        self._ends.append(sheet.lines)
