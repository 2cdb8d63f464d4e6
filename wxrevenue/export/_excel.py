"""Rows as a workbook: the columns of CSV, with cells that know what they hold."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final

from wxrevenue.ams._ad_row import AdRow
from wxrevenue.ams.settlement import Settlement
from wxrevenue.export._lines import lines_of
from wxrevenue.export._workbook import ROWS, Column, excel_book, loaded
from wxrevenue.funds._bill import BillRow

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from wxrevenue.export._pump import Add, FileFormat

_SHEETS: Final = {Settlement: "settlements", AdRow: "ads", BillRow: "bill"}
_WHERE: Final = "to_excel"


def excel_format(model: type = Settlement, *, by: str = "settlement", most: int = ROWS) -> FileFormat:
    """Return the format.

    Args:
        model: of what the rows are.
        by: of settlements, what a line is for.
        most: lines of a sheet, after which comes a further one.

    Raises:
        ConfigurationError: XlsxWriter is not installed, or rows of this model have no slots.
    """
    loaded(_WHERE)
    head, lines = lines_of(_WHERE, model, by)
    columns = [Column(name, "yuan" if name.endswith("_yuan") else "number") for name in head]

    @contextmanager
    def excel_sheets(file: BinaryIO) -> Generator[Add]:
        with excel_book(_WHERE, file) as book:
            table = book.table(_SHEETS[model], columns, most=most)

            def add(rows: Sequence[object]) -> None:
                for row in rows:
                    for line in lines(row):
                        table.add(line)

            yield add

    return excel_sheets
