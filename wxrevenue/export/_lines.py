"""Rows as lines of a table: the names of the columns, and values as they are.

Each format writes the values in a form of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from wxrevenue.ams.settlement import Settlement, SlotRevenue, yuan
from wxrevenue.errors import ConfigurationError
from wxrevenue.export._flat import FLAT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Line: TypeAlias = tuple[object, ...]
Lines: TypeAlias = "Callable[[Any], Iterator[Line]]"

_SETTLEMENT: Final[Mapping[str, Callable[[Settlement], object]]] = {
    "month": lambda row: row.month,
    "order": lambda row: row.order,
    "settled_revenue": lambda row: row.settled_revenue,
    "settled_revenue_yuan": lambda row: yuan(row.settled_revenue),
    "date": lambda row: row.date,
    "zone": lambda row: row.zone,
    "sett_status": lambda row: None if row.sett_status is None else int(row.sett_status),
    "sett_no": lambda row: row.sett_no,
    "mail_send_cnt": lambda row: row.mail_send_cnt,
}
_SLOT: Final[Mapping[str, Callable[[SlotRevenue], object]]] = {
    "slot_id": lambda slot: slot.slot_id,
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


SHAPES: Final[Mapping[str, tuple[tuple[str, ...], Callable[[Settlement], Iterator[Line]]]]] = {
    "settlement": (tuple(_SETTLEMENT), _by_settlement),
    "slot": ((*_SETTLEMENT, *_SLOT), _by_slot),
}
"""What ``by=`` may be: the names of the columns, and the lines of a settlement."""


def lines_of(where: str, model: type, by: str) -> tuple[tuple[str, ...], Lines]:
    """Return the names of the columns, and what makes the lines of a row.

    Raises:
        ConfigurationError: rows of ad data and bills have no slots to be written by.
    """
    if model is Settlement:
        return SHAPES[by]
    if by != "settlement":
        raise ConfigurationError(f"{where}.by: {by!r} is for settlements, not for {model.__name__}")
    return FLAT[model].head, FLAT[model].lines
