"""Amounts that a reconciliation compares, added up as rows come by."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue._base.calendar import beijing_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from wxrevenue._base.calendar import HalfMonth
    from wxrevenue.ams._ad_row import AdRow
    from wxrevenue.ams._ratio_status import RatioStatus
    from wxrevenue.ams.settlement import Settlement

WHOLE: Final = 100
"""Percent."""


@attrs.define
class Settled:
    """What an owner's settlements of the half-month come to."""

    rows: int = 0
    fen: int = 0
    unsettled: int = 0
    """Rows whose amount may still change."""
    slots: int = 0

    def add(self, row: Settlement) -> None:
        """Count a settlement."""
        self.rows += 1
        self.fen += row.settled_revenue
        self.unsettled += not row.is_settled
        self.slots += max(1, len(row.slot_revenue))


@attrs.define
class Earned:
    """What a Mini Program's ad data of the half-month come to, fen."""

    rows: int = 0
    days: set[date | None] = attrs.field(factory=set["date | None"])
    publisher: int = 0
    agency: int = 0
    lacks_publisher: bool = False
    lacks_agency: bool = False

    def add_day(self, rows: Sequence[AdRow]) -> None:
        """Count a day."""
        for row in counted_once(rows):
            self.rows += 1
            self.days.add(row.date)
            own = row.income if row.publisher_income is None else row.publisher_income
            self.publisher += own or 0
            self.lacks_publisher |= own is None
            self.agency += row.agency_income or 0
            self.lacks_agency |= row.agency_income is None


def counted_once(rows: Sequence[AdRow]) -> list[AdRow]:
    """Return the rows of a day that count.

    An ad unit is a part of its slot, and a row without a slot may be the sum of the others.
    """
    by_slot = [row for row in rows if row.ad_unit_id is None and (row.ad_slot or row.slot_id)]
    if not by_slot:
        by_slot = [row for row in rows if row.ad_unit_id is not None]
    whole = [row for row in rows if row.ad_unit_id is None and not (row.ad_slot or row.slot_id)]
    if by_slot and _money(whole) == _money(by_slot):
        return by_slot
    return by_slot + whole


def _money(rows: Iterable[AdRow]) -> tuple[int, int, int]:
    listed = [(row.income or 0, row.publisher_income or 0, row.agency_income or 0) for row in rows]
    return (sum(one[0] for one in listed), sum(one[1] for one in listed), sum(one[2] for one in listed))


@attrs.define
class Ratios:
    """The ratios that were in force for a Mini Program within a half-month.

    Only those that were recorded.
    """

    before: Decimal | None = None
    """The last one known when it began."""
    within: list[Decimal] = attrs.field(factory=list[Decimal])
    later: datetime | None = None
    """When one was recorded first, if that was after its end."""

    def add(self, at: datetime, status: RatioStatus, half_month: HalfMonth) -> None:
        """Take what was recorded at a time; what could not be read says nothing."""
        if status.in_force is None:
            return
        day = beijing_day(at)
        if day < half_month.start:
            self.before = status.in_force
        elif day <= half_month.end:
            self.within.append(status.in_force)
        elif self.later is None:
            self.later = at

    @property
    def bounds(self) -> tuple[Decimal, Decimal] | None:
        """The lowest and the highest; ``None``: none is known."""
        known = [*self.within] if self.before is None else [self.before, *self.within]
        return (min(known), max(known)) if known else None


def providers_part(income: int, bounds: tuple[Decimal, Decimal], roundings: int) -> tuple[Fraction, Fraction]:
    """Return the bounds of the provider's part of an income.

    Every amount behind it was rounded to the fen.
    """
    parts = [Fraction(income) * Fraction(ratio) / WHOLE for ratio in bounds]
    return min(parts) - roundings, max(parts) + roundings


def beside(program: int, bounds: tuple[Decimal, Decimal], roundings: int) -> tuple[Fraction, Fraction]:
    """Return the bounds of the provider's part where the Mini Program's is known.

    The ratios are below 100.
    """
    rates = [Fraction(ratio) / (WHOLE - Fraction(ratio)) for ratio in bounds]
    parts = [Fraction(program) * rate for rate in rates]
    slack = roundings * (1 + max(rates))
    return min(parts) - slack, max(parts) + slack


def nearest(found: int, low: Fraction, high: Fraction) -> int | None:
    """Return the fen within two bounds that come nearest to an amount.

    ``None`` if the amount lies within.
    """
    if low <= found <= high:
        return None
    return round((low + high) / 2)


def days_of(half_month: HalfMonth) -> int:
    """Return how many days it has."""
    return (half_month.end - half_month.start).days + 1
