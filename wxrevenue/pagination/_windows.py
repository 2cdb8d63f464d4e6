"""A range of days cut into windows of whole half-months, newest first, so that they can be fetched side by side.

A query returns every half-month that shares a day with its range. Windows cut between half-months therefore return, one after
the other, what the range returns, and no half-month twice.
"""

from __future__ import annotations

from typing import Any

import attrs

from wxrevenue._base.calendar import half_months


def span_for(request: Any, concurrency: int) -> int:
    """Return how many half-months a window should have: few enough that all are busy, and with one row each no full page.

    After a full page another one would be asked for.
    """
    if concurrency <= 1:
        return 0
    count = len(half_months(request.start_date, request.end_date))
    page_size: int = request.page_size
    return max(1, min(page_size - 1, -(-count // concurrency)))


def windows(request: Any, span: int) -> list[Any]:
    """Return the request cut into windows of ``span`` half-months, newest first; 0 leaves it whole."""
    if not span:
        return [request]
    halves = half_months(request.start_date, request.end_date)[::-1]
    parts = [halves[first : first + span] for first in range(0, len(halves), span)]
    cut = [{"start_date": part[-1].start.isoformat(), "end_date": part[0].end.isoformat()} for part in parts]
    cut[0]["end_date"], cut[-1]["start_date"] = request.end_date, request.start_date
    return [attrs.evolve(request, **days) for days in cut]
