"""Whether a row is what its annotations say.

Rows may come from anywhere, and money must not be a float.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import NoneType
from typing import TYPE_CHECKING, Final, cast

from wxrevenue.ams.settlement import Settlement, SettlementStatus, SlotRevenue
from wxrevenue.errors import ConfigurationError
from wxrevenue.export._flat import FLAT

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


def check(where: str, row: object, model: type) -> None:
    """Raise ``ConfigurationError`` unless a row's fields have its model's types.

    Subclasses are not allowed, nor is ``bool``.
    """
    if model in FLAT:
        _check(f"{where}.rows", row, model, FLAT[model].fields)
        return
    _check(f"{where}.rows", row, Settlement, _SETTLEMENT)
    for slot in cast("Settlement", row).slot_revenue:
        _check(f"{where}.rows: slot_revenue", slot, SlotRevenue, _SLOT)


def _check(where: str, value: object, kind: type, fields: Mapping[str, tuple[type, ...]]) -> None:
    if not isinstance(value, kind):
        raise ConfigurationError(f"{where}: expected {kind.__name__}, got {type(value).__name__}")
    for name, allowed in fields.items():
        found: object = getattr(value, name)
        if type(found) not in allowed:
            raise ConfigurationError(f"{where}: {name} should be {allowed[0].__name__}, is {type(found).__name__}")
        if isinstance(found, Decimal) and not found.is_finite():
            raise ConfigurationError(f"{where}: {name} should be a finite number")
        if isinstance(found, dict) and not _is_text(cast("dict[object, object]", found)):
            raise ConfigurationError(f"{where}: {name} should hold text alone")


def _is_text(found: Mapping[object, object]) -> bool:
    return all(type(part) is str for pair in found.items() for part in pair)
