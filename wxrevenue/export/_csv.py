"""CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeAlias

from wxrevenue.ams.settlement import Settlement, SlotRevenue, yuan
from wxrevenue.export._text import well_formed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from wxrevenue.export._pump import Add, FileFormat

Line: TypeAlias = tuple[Any, ...]
_BOM: Final = "\ufeff"
_RISKY: Final = re.compile(r"[\s\x00-\x20\ufeff]*[=+\-@＝＋－＠]|['\t\r\n]")  # noqa: RUF001  (Chinese and Japanese Excel knows the wide ones, too)
"""What a spreadsheet may take for a formula, and the apostrophe that tells it not to."""

_LOSES_DIGITS: Final = re.compile(r"0\d+|\d{16,}|\d+[eE]\d+", re.ASCII)
"""Text that Excel takes for a number and does not keep: it has 15 digits, no zeros in front, and exponents."""


def cell(text: str | None) -> str | None:
    """Return text of the server's as a cell: no formula, no NUL, no half of a surrogate pair."""
    if text is None:
        return None
    text = well_formed(text).replace("\0", "\ufffd")
    return f"'{text}" if _RISKY.match(text) else text


_SETTLEMENT: Final[Mapping[str, Callable[[Settlement], Any]]] = {
    "month": lambda row: cell(row.month),
    "order": lambda row: row.order,
    "settled_revenue": lambda row: row.settled_revenue,
    "settled_revenue_yuan": lambda row: yuan(row.settled_revenue),
    "date": lambda row: row.date,
    "zone": lambda row: cell(row.zone),
    "sett_status": lambda row: None if row.sett_status is None else int(row.sett_status),
    "sett_no": lambda row: cell(row.sett_no),
    "mail_send_cnt": lambda row: row.mail_send_cnt,
}
_SLOT: Final[Mapping[str, Callable[[SlotRevenue], Any]]] = {
    "slot_id": lambda slot: cell(slot.slot_id),
    "slot_settled_revenue": lambda slot: slot.slot_settled_revenue,
    "slot_settled_revenue_yuan": lambda slot: yuan(slot.slot_settled_revenue),
}
_NO_SLOT: Final = (None,) * len(_SLOT)
_AMOUNTS: Final = ("settled_revenue", "settled_revenue_yuan")


def _by_settlement(row: Settlement) -> Iterator[Line]:
    yield tuple(column(row) for column in _SETTLEMENT.values())


def _by_slot(row: Settlement) -> Iterator[Line]:
    cells = {name: column(row) for name, column in _SETTLEMENT.items()}
    for slot in row.slot_revenue or (None,):
        yield (*cells.values(), *(_NO_SLOT if slot is None else [column(slot) for column in _SLOT.values()]))
        cells |= dict.fromkeys(_AMOUNTS)  # stands on the first line only, so that the column adds up


SHAPES: Final[Mapping[str, tuple[Line, Callable[[Settlement], Iterator[Line]]]]] = {
    "settlement": (tuple(_SETTLEMENT), _by_settlement),
    "slot": ((*_SETTLEMENT, *_SLOT), _by_slot),
}
"""What ``by=`` may be: the names of the columns, and the lines of a settlement."""


def csv_format(*, bom: bool, by: str) -> FileFormat:
    """Return the format with these options."""
    head, lines = SHAPES[by]

    @contextmanager
    def csv_sheet(file: BinaryIO) -> Generator[Add]:
        def add(rows: Sequence[Settlement]) -> None:
            made = (line for row in rows for line in lines(row))
            file.write(_encoded(map(_for_excel, made) if bom else made))

        file.write((_BOM if bom else "").encode() + _encoded([head]))
        yield add

    return csv_sheet


def _for_excel(line: Line) -> Line:
    """Return a line whose text stays text in Excel, though it looks like a number."""
    return tuple(f"'{value}" if isinstance(value, str) and _LOSES_DIGITS.fullmatch(value) else value for value in line)


def _encoded(lines: Iterable[Line]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()
