"""Ranges cut into windows of whole half-months.

Windows are fetched side by side, yielded in order, and resumable.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fakes import ams_client, answer
from support.ledger import RANGE, Ledger, numbers, settlement
from support.virtual import now, run_virtual, virtual

from wxrevenue import GetAgencySettlement, HttpRequest, HttpResponse, LocalRateLimiter, Rate, half_months
from wxrevenue.pagination._windows import day_windows, days_of, half_month_windows, span_for

few = settings(max_examples=60)
days = st.dates(min_value=dt.date(1990, 1, 1), max_value=dt.date(2030, 12, 31))


def ledger(count: int, to_a_half_month: int = 1) -> Ledger:
    """Return a server of so many rows, several to a half-month."""
    return Ledger([settlement(number, to_a_half_month) for number in range(count)])


class Slow:
    """Answers after a second, and knows the most requests under way at once."""

    def __init__(self, server: Ledger) -> None:
        self.server = server
        self.under_way = self.most = 0

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request after a second."""
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(1.0)
            return self.server(request)
        finally:
            self.under_way -= 1


@few
@given(one=days, other=days, span=st.integers(1, 50))
def test_windows_cover_the_range_once(one: Any, other: Any, span: int) -> None:
    """Every half-month of the range is in exactly one window.

    Windows come newest first and keep the range's own ends.
    """
    start, end = sorted((one, other))
    cut = half_month_windows(GetAgencySettlement(start, end), span)
    halves = [half for window in reversed(cut) for half in half_months(window.start_date, window.end_date)]
    assert halves == half_months(start, end)
    assert (cut[-1].start_date, cut[0].end_date) == (start.isoformat(), end.isoformat())
    assert all(len(half_months(window.start_date, window.end_date)) <= span for window in cut)


@few
@given(one=st.dates(), other=st.dates(), span=st.integers(1, 400))
def test_windows_of_days_cover_the_range_once(one: Any, other: Any, span: int) -> None:
    """Every day of the range is in exactly one window.

    Windows come newest first, and only the last one is shorter.
    """
    start, end = sorted((one, other))
    end = min(end, dt.date.fromordinal(min(start.toordinal() + 4000, dt.date.max.toordinal())))
    cut = day_windows(GetAgencySettlement(start, end), span)
    edges = [(dt.date.fromisoformat(window.start_date), dt.date.fromisoformat(window.end_date)) for window in reversed(cut)]
    assert (edges[0][0], edges[-1][1]) == (start, end)
    assert all(first.toordinal() == last.toordinal() + 1 for (_, last), (first, _) in itertools.pairwise(edges))
    assert {days_of(window) for window in cut[:-1]} <= {span}
    assert days_of(cut[-1]) <= span


@pytest.mark.parametrize(
    ("days", "page_size", "concurrency", "expected"),
    [
        (RANGE, 20, 1, 0),
        (RANGE, 20, 4, 19),
        (RANGE, 100, 4, 30),
        (RANGE, 1, 4, 1),
        (("2024-01-01", "2024-12-31"), 20, 4, 6),
        (("2024-01-01", "2024-01-02"), 20, 4, 1),
    ],
)
def test_spans(days: tuple[str, str], page_size: int, concurrency: int, expected: int) -> None:
    """A window has few enough half-months that all workers are busy.

    It also has fewer than would fill a page with one row each.
    """
    assert span_for(GetAgencySettlement(*days, page_size=page_size), concurrency) == expected


@pytest.mark.parametrize("concurrency", [1, 2, 4, 16])
@pytest.mark.parametrize("to_a_half_month", [1, 3])
def test_rows_in_order(concurrency: int, to_a_half_month: int) -> None:
    """However many windows are fetched at once, rows come newest first, each once."""
    server = ledger(120 * to_a_half_month, to_a_half_month)
    client, _ = ams_client(handler=server)
    rows = run_virtual(client.iter_agency_settlement(*RANGE, 7, prefetch=2, concurrency=concurrency).collect())
    assert numbers(rows) == [f"no{number}" for number in range(120 * to_a_half_month)]


@virtual
async def test_side_by_side() -> None:
    """Windows are fetched at the same time, and never more than ``concurrency``."""
    slow = Slow(ledger(120))
    client, _ = ams_client(handler=slow, limiter=LocalRateLimiter(rate=Rate(10_000)))
    await client.iter_agency_settlement(*RANGE, 11, prefetch=0, concurrency=4).collect()
    assert (slow.most, now()) == (4, 3.0)
    assert len(slow.server.asked) == 12


@virtual
async def test_bounded_while_the_consumer_is_slow() -> None:
    """P-14: while the consumer is slow no window is fetched too early."""
    server = ledger(120)
    client, _ = ams_client(handler=server)
    taken = 0
    async with client.iter_agency_settlement(*RANGE, 11, prefetch=0, concurrency=4) as walk:
        async for _ in walk:
            taken += 1
            await asyncio.sleep(1.0)
            assert len(server.asked) <= (taken - 1) // 10 + 4


@virtual
async def test_leaving_early() -> None:
    """P-13: a walk that is left early leaves no window behind."""
    slow = Slow(ledger(120))
    client, _ = ams_client(handler=slow)
    async with client.iter_agency_settlement(*RANGE, 10, concurrency=8) as walk:
        await anext(walk)
    assert slow.under_way == 0


@pytest.mark.slow("simulates many walks that are resumed")
@few
@given(
    stops=st.lists(st.integers(0, 60), max_size=4),
    concurrencies=st.lists(st.sampled_from([1, 2, 5]), min_size=5, max_size=5),
    to_a_half_month=st.integers(1, 2),
)
def test_resumed(stops: list[int], concurrencies: list[int], to_a_half_month: int) -> None:
    """A walk cut into windows is resumed anywhere, also with another ``concurrency``.

    Its windows stay the same.
    """
    server = ledger(120 * to_a_half_month, to_a_half_month)
    client, _ = ams_client(handler=server)

    async def walk_in_pieces() -> list[str]:
        found: list[Any] = []
        cursor = None
        for stop, concurrency in zip([*stops, 1000], concurrencies, strict=False):
            async with client.iter_agency_settlement(*RANGE, 8, cursor=cursor, concurrency=concurrency) as walk:
                while stop and (row := await anext(walk, None)) is not None:
                    found.append(row)
                    stop -= 1  # noqa: PLW2901  (counted down)
            cursor = walk.cursor
        return numbers(found)

    assert run_virtual(walk_in_pieces()) == [f"no{number}" for number in range(120 * to_a_half_month)]


@virtual
async def test_a_window_that_changes() -> None:
    """When rows are removed while a window is walked, that window alone is read again."""
    server = ledger(120)

    def remove(query: dict[str, Any]) -> None:
        if len(server.asked) == 5:
            del server.rows[22]

    server.before = remove
    client, _ = ams_client(handler=server)
    found = numbers(await client.iter_agency_settlement(*RANGE, 10, prefetch=0, concurrency=2).collect())
    assert len(found) == len(set(found))
    assert set(found) >= {f"no{number}" for number in range(120)} - {"no22"}


@virtual
async def test_rows_that_two_windows_show() -> None:
    """A row is yielded once even where a server shows it in two windows."""
    rows = [settlement(number) for number in range(6)]
    client, _ = ams_client(handler=lambda _request: answer({"settlement_list": rows, "total_num": 6}))
    found = await client.iter_agency_settlement("2024-10-01", "2024-12-31", 50, concurrency=3).collect()
    assert numbers(found) == [f"no{number}" for number in range(6)]
