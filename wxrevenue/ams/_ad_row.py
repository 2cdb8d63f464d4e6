"""What answers say of advertising on one day.

Counts, rates, and money in fen (分, 1/100 yuan).
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias

import attrs

from wxrevenue._base.json_types import is_object
from wxrevenue._wire.model import Count, Day, Model, Name, Respelled, Tally, digits, one_of_one
from wxrevenue.errors import DecodeError

if TYPE_CHECKING:
    from wxrevenue._base.json_types import JsonObject, JsonValue

__all__ = ["AdPage", "AdRow", "AdSummary"]

AdKey: TypeAlias = tuple[dt.date | None, str | None, str, int | str]


def _slot_id(value: object) -> object:
    """Return the number that a str of digits stands for; a name stays one."""
    number = digits(value)
    return value if number is None else number


def _without_nesting(value: JsonObject) -> object:
    """Return a row with the figures of its ``stat_item`` beside its own fields.

    A null hides none of them.
    """
    row = {**value}
    figures = one_of_one(row.pop("stat_item"))
    if figures is None or figures == []:
        return row
    if not is_object(figures):
        raise DecodeError("expected an object, or an array of one", path="$.stat_item")
    return {**figures, **{name: value for name, value in row.items() if value is not None or name not in figures}}


_OF_THE_UNIT = frozenset({"slot_id", "ad_unit_id", "ad_unit_name", "appid", "publisher_appid"})
"""What stands beside a ``stat_item``."""


@attrs.define
class AdRow(Model):
    """What one slot or ad unit of one Mini Program brought on one day.

    The four interfaces fill different fields. Rows of ad units have their figures inside
    ``stat_item`` on the wire; here they stand beside the unit's id. Yesterday's figures may still
    be revised.
    """

    respelled: ClassVar[Respelled | None] = Respelled(_without_nesting, key="stat_item", outside=_OF_THE_UNIT)

    date: Day | None = None
    """The day, Beijing calendar."""
    ad_slot: Name | None = None
    """One of :class:`AdSlot`, or another.

    Missing in rows that stand for a whole account.
    """
    slot_id: Annotated[int | str, Respelled(_slot_id, usual=int)] | None = None
    """The number of the kind of slot, 16 digits."""
    ad_unit_id: Name | None = None
    ad_unit_name: str | None = None
    appid: Name | None = None
    """The Mini Program.

    The client fills it in where the answer leaves it out because the call names it, or calls it
    ``publisher_appid``.
    """
    publisher_appid: Name | None = None
    """The Mini Program, as ``GetAgencyAdsStat`` calls it."""
    req_succ_count: Tally | None = None
    """Ads that were delivered."""
    exposure_count: Tally | None = None
    exposure_rate: Decimal | None = None
    """A fraction, 0 to 1."""
    click_count: Tally | None = None
    click_rate: Decimal | None = None
    """A fraction, 0 to 1."""
    income: int | None = None
    """Fen: everything that was earned, both parties' parts."""
    publisher_income: int | None = None
    """Fen: the Mini Program's part.

    Where ``GetAdposGeneral`` or ``GetAdposDetail`` answer with ``income`` alone, it is that.
    """
    agency_income: int | None = None
    """Fen: the provider's part."""
    ecpm: Decimal | None = None
    """Fen for a thousand exposures, with a fraction."""

    @property
    def key(self) -> AdKey:
        """``(date, Mini Program, slot, slot's or unit's id)``.

        It tells the row from other rows.
        """
        return (self.date, self.publisher_appid or self.appid, self.ad_slot or "", self.slot_id or self.ad_unit_id or "")

    @property
    def supersedes(self) -> None:
        """Nothing: a row's key stays."""

    def fingerprint(self) -> bytes:
        """Return bytes that change with anything in the row, the same in every process."""
        return repr((self, self.extra)).encode("utf-8", "surrogatepass")


def _one_or_none(value: JsonValue) -> object:
    return None if value == [] else one_of_one(value)


@attrs.define
class AdSummary(Model):
    """The sums over the range that was asked for."""

    req_succ_count: Tally | None = None
    exposure_count: Tally | None = None
    exposure_rate: Decimal | None = None
    click_count: Tally | None = None
    click_rate: Decimal | None = None
    income: int | None = None
    """Fen."""
    publisher_income: int | None = None
    """Fen."""
    agency_income: int | None = None
    """Fen."""
    ecpm: Decimal | None = None
    """Fen."""
    exposure_uv: Tally | None = None
    """Users that saw an ad."""
    open_uv: Tally | None = None
    """Users that opened a Mini Program."""


_Rows: TypeAlias = list[AdRow]


@attrs.define
class AdPage(Model):
    """One page of ad data."""

    at_least_one: ClassVar[tuple[str, ...]] = ("list", "total_num", "summary")

    summary: Annotated[AdSummary | None, Respelled(_one_or_none, usual=dict)] = None
    """The sums; the interfaces for ad units have none."""
    total_num: Count | None = None
    """Rows of the whole range; was seen to be missing, and to be wrong."""
    list: _Rows = attrs.field(factory=list[AdRow])
    """The rows, newest day first; empty where the server left the list out."""

    @property
    def rows(self) -> _Rows:
        """The rows, as every paged answer calls them."""
        return self.list

    @property
    def total(self) -> int | None:
        """How many rows the whole range has, as every paged answer calls it."""
        return self.total_num

    def fill_in(self, appid: str | None, ad_slot: str | None, days: tuple[str, str]) -> None:
        """Put in what the answer leaves out because the call says it.

        That is the Mini Program, the slot and the day.
        """
        first, last = days
        day = dt.date.fromisoformat(first) if first == last else None
        for row in self.list:
            row.appid = row.appid or row.publisher_appid or appid
            row.ad_slot = row.ad_slot or ad_slot
            row.date = row.date or day

    def name_income(self) -> None:
        """Put a Mini Program's own income under the field's newer name."""
        figures: tuple[AdRow | AdSummary, ...] = (*self.list, self.summary) if self.summary is not None else (*self.list,)
        for one in figures:
            if one.publisher_income is None:
                one.publisher_income = one.income
