"""Which types the fields of a row may have.

What is kept can be read again, whatever a program hands in.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias

from wxrevenue.ams._ratio_status import RatioState
from wxrevenue.ams.settlement import SettlementStatus, SlotRevenue
from wxrevenue.errors import ConfigurationError, WxRevenueError
from wxrevenue.ledger._texts import FEN, amount

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxrevenue.ams._ad_row import AdRow
    from wxrevenue.ams._ratio_status import RatioStatus
    from wxrevenue.ams.settlement import Settlement

    Types: TypeAlias = Mapping[str, tuple[type, ...]]

_NONE: Final = type(None)
_TEXT, _NUMBER, _DAY, _FRACTION = (str, _NONE), (int, _NONE), (date, _NONE), (Decimal, _NONE)
SETTLEMENT: Final[Types] = {
    "month": (str,),
    "order": (int,),
    "settled_revenue": (int,),
    "date": _DAY,
    "zone": _TEXT,
    "sett_status": (SettlementStatus, int, _NONE),
    "sett_no": _TEXT,
    "mail_send_cnt": _NUMBER,
    "slot_revenue": (list,),
}
SLOT: Final[Types] = {"slot_id": _TEXT, "slot_settled_revenue": (int,)}
AD_ROW: Final[Types] = {
    "date": _DAY,
    "slot_id": (int, str, _NONE),
    **dict.fromkeys(("ad_slot", "ad_unit_id", "ad_unit_name", "appid", "publisher_appid"), _TEXT),
    **dict.fromkeys(("req_succ_count", "exposure_count", "click_count", "income", "publisher_income", "agency_income"), _NUMBER),
    **dict.fromkeys(("exposure_rate", "click_rate", "ecpm"), _FRACTION),
}
RATIO_STATUS: Final[Types] = {
    "appid": (str,),
    **dict.fromkeys(("default", "custom", "in_force"), _FRACTION),
    "state": (RatioState,),
    "error": (WxRevenueError, _NONE),
}
_LEAST, _LARGEST = FEN[0], FEN[-1]
"""Of a status, or an amount.

A range would compare a status that is no plain int with each of its numbers.
"""
_STATUS: Final = (SettlementStatus, int)
_INEXACT: Final = (str, WxRevenueError)
"""Of these a subclass will do: enums of names, kinds of errors."""


def is_plain(row: Settlement) -> bool:
    """Return whether a settlement may be kept as it is.

    It is asked of every row, where most are: field by field, for that is fastest. Of any other
    :func:`check_settlement` finds out.
    """
    day, number, status, fen, zone, copies = row.date, row.sett_no, row.sett_status, row.settled_revenue, row.zone, row.mail_send_cnt
    if (
        type(row.month) is not str
        or type(row.order) is not int
        or (type(fen) is not int or not _LEAST <= fen <= _LARGEST)
        or (day is not None and type(day) is not date)
        or (number is not None and type(number) is not str)
        or (zone is not None and type(zone) is not str)
        or (copies is not None and type(copies) is not int)
        or (status is not None and (type(status) not in _STATUS or not _LEAST <= status <= _LARGEST))
        or type(row.slot_revenue) is not list
    ):
        return False
    for slot in row.slot_revenue:  # a generator would be a call for each of them
        if type(slot) is not SlotRevenue or type(fen := slot.slot_settled_revenue) is not int or not _LEAST <= fen <= _LARGEST:
            return False
        if type(slot.slot_id) not in _TEXT:
            return False
    return True


def check_settlement(where: str, row: Settlement) -> None:
    """Refuse a settlement that could not be read again.

    Raises:
        ConfigurationError: the field that is wrong is named.
    """
    _SETTLEMENT.check(where, row)
    amount(f"{where}.settled_revenue", row.settled_revenue)
    if not _LEAST <= (row.sett_status or 0) <= _LARGEST:
        raise ConfigurationError(f"{where}.sett_status: expected a number that fits 64 bits")
    for slot in row.slot_revenue:
        if not isinstance(slot, SlotRevenue):
            raise ConfigurationError(f"{where}.slot_revenue: expected SlotRevenue values, got {type(slot).__name__}")
        _SLOT.check(f"{where}.slot_revenue", slot)
        amount(f"{where}.slot_revenue.slot_settled_revenue", slot.slot_settled_revenue)


def check_ad_row(where: str, row: AdRow) -> None:
    """Refuse a row of ad data that could not be read again.

    Raises as :func:`check_settlement`.
    """
    _AD_ROW.check(where, row)


def check_ratio_status(where: str, status: RatioStatus) -> None:
    """Refuse ratios that could not be read again; raises as :func:`check_settlement`."""
    _RATIO_STATUS.check(where, status)


class _Checked:
    """The types of a class's fields."""

    def __init__(self, types: Types) -> None:
        self._types = types

    def check(self, where: str, value: object) -> None:
        """Refuse a value with a field of another type."""
        for name, kinds in self._types.items():
            if type(found := getattr(value, name)) not in kinds and not _is_one(found, kinds):
                names = " or ".join(kind.__name__ for kind in kinds if kind is not _NONE)
                raise ConfigurationError(f"{where}.{name}: expected {names}, got {type(found).__name__}")


_SETTLEMENT, _SLOT, _AD_ROW, _RATIO_STATUS = map(_Checked, (SETTLEMENT, SLOT, AD_ROW, RATIO_STATUS))


def _is_one(value: object, kinds: tuple[type, ...]) -> bool:
    return any(kind in _INEXACT and isinstance(value, kind) for kind in kinds)
