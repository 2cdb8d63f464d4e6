"""A test's own figures, in place of made-up ones.

These are settlements, and ad data by slot and by unit.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import attrs

from wxrevenue._base.calendar import is_day
from wxrevenue._base.json_types import is_object
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

Row: TypeAlias = dict[str, Any]

_MONTH = re.compile(r"\d{4}(0[1-9]|1[0-2])", re.ASCII)
_WRITTEN = len("2026-03-20")
_FEN = ("settled_revenue", "slot_settled_revenue", "income", "publisher_income", "agency_income")
"""Names under which there is money."""


@attrs.define
class Figures:
    """What a test says that an account brought.

    ``alone``: and nothing made up besides.
    """

    settlements: list[Row] = attrs.field(factory=list[Row])
    ads: list[Row] = attrs.field(factory=list[Row])
    alone: bool = False

    def days(self, *, by_unit: bool) -> set[date]:
        """Return the days of which it says what slots, or units, brought."""
        return {day_of(row) for row in self.ads if is_of_unit(row) is by_unit}


class OwnFigures:
    """The accounts that a test has given figures, by appid."""

    def __init__(self) -> None:
        self._by_appid: dict[str, Figures] = {}

    def begin(self, appid: str) -> None:
        """Let an account have nothing but what is put."""
        self._by_appid[appid] = Figures(alone=True)

    def of(self, appid: str) -> Figures:
        """Return what is put of an account."""
        return self._by_appid.get(appid) or Figures()

    def put(self, appid: str, row: Row, *, replacing: bool) -> None:
        """Take a row in, in place of the one that it is a newer state of, if there is one."""
        figures = self._by_appid.setdefault(appid, Figures())
        rows = figures.settlements if is_settlement(row) else figures.ads
        place = next((n for n, former in enumerate(rows) if _is_newer(row, former)), len(rows)) if replacing else len(rows)
        rows[place : place + 1] = [row]


def is_settlement(row: Row) -> bool:
    """Return whether a row is a settlement, and not of ad data."""
    return "month" in row


def is_of_unit(row: Row) -> bool:
    """Return whether a row of ad data is a unit's, and not a slot's."""
    return "ad_unit_id" in row


def as_row(where: str, value: object) -> Row:
    """Return a row as the wire has it.

    It is made of one of the wire's, or of a value whose fields have the wire's names.

    Raises:
        ConfigurationError: it is neither, names neither its half-month nor its day, or has money
            that is no whole number of fen.
    """
    kind = type(value)
    if not is_object(value) and not attrs.has(kind):
        raise ConfigurationError(f"{where}: expected a dict or an attrs value with the wire's names, got {kind.__name__}")
    row: Row = _plain(value)
    if "stat_item" in row:
        row = {**_of_one(where, row.pop("stat_item")), **row}
    _check_money(where, row)
    if is_settlement(row):
        if not _MONTH.fullmatch(str(row["month"])) or row.get("order") not in {1, 2}:
            raise ConfigurationError(f"{where}: expected a month such as '202603' and an order, 1 or 2")
    elif not is_day(str(row.get("date"))[:_WRITTEN]):
        raise ConfigurationError(f"{where}: expected a month and an order, or a date such as '2026-03-20'")
    return row


def _check_money(where: str, row: Row) -> None:
    """Refuse money that is no whole number of fen, of a row or of its slots.

    The server sends none.
    """
    slots: object = row.get("slot_revenue")
    parts: list[object] = [row, *(slots if isinstance(slots, list) else [])]
    for part in parts:
        for name in _FEN if isinstance(part, dict) else ():
            value: object = cast("Row", part).get(name)
            if value is not None and type(value) is not int:
                raise ConfigurationError(f"{where}: expected {name} in fen as an int, got {value!r}")


def _of_one(where: str, item: object) -> Row:
    """Return the figures of a ``stat_item``: an object, or an array of one."""
    inner = item[0] if isinstance(item, list) and len(item) == 1 else item  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if not isinstance(inner, dict):
        raise ConfigurationError(f"{where}: expected a stat_item that is an object, or an array of one")
    return cast("Row", inner)


def _plain(value: object) -> Any:
    """Return what JSON has, with fields under their names.

    Private fields, and those that are not known, are left out.
    """
    kind: type = value.__class__
    if attrs.has(kind):
        named = {field.name: getattr(value, field.name) for field in attrs.fields(kind) if not field.name.startswith("_")}
        known = {name: _plain(one) for name, one in named.items() if one is not None}
        return {**known, **_plain(getattr(value, "extra", None) or {})}
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in cast("Mapping[str, object]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in cast("list[object]", value)]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


def _is_newer(row: Row, former: Row) -> bool:
    if is_settlement(row):
        same = (row["month"], row["order"]) == (former["month"], former["order"])
        return same and former.get("sett_no") in {None, "", row.get("sett_no")}
    return ad_key(row) == ad_key(former)


def ad_key(row: Row) -> tuple[object, ...]:
    """Return what tells a row of ad data from others of its account."""
    return (str(row["date"])[:_WRITTEN], row.get("ad_slot") or "", row.get("slot_id") or "", row.get("ad_unit_id") or "")


def day_of(row: Row) -> date:
    """Return the day of a row of ad data."""
    return date.fromisoformat(str(row["date"])[:_WRITTEN])


def without_program(row: Row) -> Row:
    """Return a row of ad data without the name of its Mini Program."""
    return {name: value for name, value in row.items() if name not in {"appid", "publisher_appid"}}


def program_of(row: Row) -> str | None:
    """Return the Mini Program that a row of ad data names."""
    return row.get("publisher_appid") or row.get("appid")
