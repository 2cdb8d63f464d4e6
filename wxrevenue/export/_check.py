"""Whether a row is what its annotations say: rows may come from anywhere, and money must not be a float."""

from __future__ import annotations

from datetime import date
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from wxrevenue.ams.settlement import Settlement, SettlementStatus, SlotRevenue
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SETTLEMENT: Final[Mapping[str, tuple[type, ...]]] = {
    "month": (str,),
    "order": (int,),
    "settled_revenue": (int,),
    "date": (date, NoneType),
    "zone": (str, NoneType),
    "sett_status": (SettlementStatus, int, NoneType),
    "sett_no": (str, NoneType),
    "mail_send_cnt": (int, NoneType),
    "slot_revenue": (list,),
}
_SLOT: Final[Mapping[str, tuple[type, ...]]] = {"slot_id": (str, NoneType), "slot_settled_revenue": (int,)}


def check(where: str, row: Any) -> None:
    """Raise ``ConfigurationError`` unless the row, with its slots, holds what a settlement holds; no subclasses, no ``bool``."""
    _check(f"{where}.rows", row, Settlement, _SETTLEMENT)
    for slot in row.slot_revenue:
        _check(f"{where}.rows: slot_revenue", slot, SlotRevenue, _SLOT)


def _check(where: str, value: Any, kind: type, fields: Mapping[str, tuple[type, ...]]) -> None:
    if not isinstance(value, kind):
        raise ConfigurationError(f"{where}: expected {kind.__name__}, got {type(value).__name__}")
    for name, allowed in fields.items():
        found: object = getattr(value, name)
        if type(found) not in allowed:
            raise ConfigurationError(f"{where}: {name} should be {allowed[0].__name__}, is {type(found).__name__}")
