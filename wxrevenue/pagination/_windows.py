"""A range of days cut into windows, newest first.

They can be fetched side by side. A query for settlements returns every half-month that shares a day
with its range: windows cut between half-months return, one after the other, what the range returns,
and no half-month twice. Ad data have a row for every day: they may be cut anywhere.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

import attrs

from wxrevenue._base.calendar import half_months

if TYPE_CHECKING:
    from typing import Any


T = TypeVar("T")


class _Query(Protocol):
    """A request with a range of days, as far as it matters here."""

    @property
    def start_date(self) -> str: ...
    @property
    def end_date(self) -> str: ...
    @property
    def page_size(self) -> int: ...


def span_for(request: object, concurrency: int) -> int:
    """Return how many half-months a window should have.

    They are few enough that all are busy, and that with one row each no page is full. After a full
    page another one would be asked for.
    """
    if concurrency <= 1:
        return 0
    query = cast("_Query", request)
    count = len(half_months(query.start_date, query.end_date))
    return max(1, min(query.page_size - 1, -(-count // concurrency)))


def half_month_windows(request: T, span: int) -> list[T]:
    """Return the request cut into windows of ``span`` half-months, newest first.

    0 leaves it whole.
    """
    if not span:
        return [request]
    query = cast("_Query", request)
    halves = half_months(query.start_date, query.end_date)[::-1]
    parts = [halves[first : first + span] for first in range(0, len(halves), span)]
    cut = [{"start_date": part[-1].start.isoformat(), "end_date": part[0].end.isoformat()} for part in parts]
    cut[0]["end_date"], cut[-1]["start_date"] = query.end_date, query.start_date
    return [attrs.evolve(cast("Any", request), **days) for days in cut]


def days_of(request: object) -> int:
    """Return how many days the range has."""
    start, end = _range(request)
    return (end - start).days + 1


def day_windows(request: T, span: int) -> list[T]:
    """Return the request cut into windows of ``span`` days, newest first.

    0 leaves it whole.
    """
    if not span:
        return [request]
    start, end = _range(request)
    ends = [end - timedelta(days=back) for back in range(0, days_of(request), span)]
    # A range may begin where the calendar does.
    starts = [last - timedelta(days=min(span - 1, (last - start).days)) for last in ends]
    cut = [{"start_date": first.isoformat(), "end_date": last.isoformat()} for first, last in zip(starts, ends, strict=True)]
    return [attrs.evolve(cast("Any", request), **days) for days in cut]


def _range(request: object) -> tuple[date, date]:
    query = cast("_Query", request)
    return date.fromisoformat(query.start_date), date.fromisoformat(query.end_date)
