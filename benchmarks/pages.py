"""G10 and G11: what a walk costs beside many that wait, and its memory per row.

G10 is fair because both sides are the same :class:`Paginator` over the same answers. The rival
merely keeps each page until the next one has arrived, as ``page = await fetch(…)`` in a loop does.
What it pays for is the garbage collector, which goes over every row of every waiting walk again and
again; therefore the collector stays on here, as it is in a service.

G11 counts bytes with ``tracemalloc``, dictionaries just grown included; its yardstick is the goal
itself.
"""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import attrs

from benchmarks._answers import settlement_page
from benchmarks._measure import Outcome, compared
from wxrevenue import GetAgencySettlement, Paginator, Settlement, SettlementPage
from wxrevenue._wire.codec import decode, parse
from wxrevenue.pagination._page import indexed
from wxrevenue.pagination._row_index import RowIndex
from wxrevenue.pagination._source import PageSizes

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT: Final = 0.55
LARGEST: Final = 140.0
_WALKS: Final = 500
_PAGES: Final = 6
_ROWS: Final = 100
_BODY: Final = settlement_page(_ROWS)


async def page_of(number: int) -> SettlementPage:
    """Return a page of rows of its own, after all other tasks had a turn.

    The other walks wait meanwhile.
    """
    await asyncio.sleep(0)
    payload: Any = parse(_BODY)
    for key in ("ret", "err_msg"):
        payload.pop(key)
    if number > _PAGES:
        payload["settlement_list"] = []
    for row in payload["settlement_list"]:
        row["sett_no"] = f"{number}-{row['sett_no']}"
    payload["total_num"] = _PAGES * _ROWS
    page: SettlementPage = decode(SettlementPage, payload)
    return page


class _Source:
    """Pages made on the spot; keeps each until the next one is there, or drops it."""

    account, span = "", 0

    def __init__(self, *, keeps: bool) -> None:
        self.sizes, self._keeps = PageSizes(_ROWS), keeps
        self._kept: SettlementPage | None = None

    def windows(self, span: int) -> list[GetAgencySettlement]:  # noqa: ARG002  (one list)
        return [GetAgencySettlement("2020-01-01", "2024-12-31", page_size=_ROWS)]

    def request_for(self, number: int, window: GetAgencySettlement, size: int) -> GetAgencySettlement:  # noqa: ARG002  (no offsets)
        return attrs.evolve(window, page=number)

    async def fetch(self, request: GetAgencySettlement) -> SettlementPage:
        page = await page_of(request.page)
        if self._keeps:
            self._kept = page
        return page

    def is_waiting(self) -> bool:
        return False

    def on_page(self, **facts: object) -> None:
        pass


def walk(*, keeps: bool) -> Paginator[Settlement]:
    """Return a walk that drops each page, or keeps it until the next one is there."""
    return Paginator(_Source(keeps=keeps), prefetch=0)


async def rows(*, keeps: bool, walks: int = _WALKS) -> int:
    """Walk side by side; return how many rows came."""

    async def count() -> int:
        return sum([1 async for _ in walk(keeps=keeps)])

    return sum(await asyncio.gather(*(count() for _ in range(walks))))


def microseconds_per_page(walks: int, *, keeps: bool) -> float:
    """Return the CPU time of a page."""
    gc.collect()
    started = time.process_time()
    asyncio.run(rows(keeps=keeps, walks=walks))
    return (time.process_time() - started) / (walks * _PAGES) * 1e6


def bytes_per_key(count: int) -> float:
    """Return the most that a walk ever held per row.

    It has so many rows, with keys of their own.
    """
    gc.collect()
    tracemalloc.start()
    try:
        seen, worst = RowIndex(), 0.0
        before = tracemalloc.get_traced_memory()[0]
        for first in range(0, count, 1_000):
            rows = [Settlement(f"{number:06}", 1, number, sett_no=f"no{number}") for number in range(first, first + 1_000)]
            page = SettlementPage(settlement_list=rows)
            seen.diff(indexed(page), 1, 1, moved=False)
            del rows, page
            worst = max(worst, (tracemalloc.get_traced_memory()[0] - before) / (first + 1_000))
        return worst
    finally:
        tracemalloc.stop()


def run(*, quick: bool = False) -> list[Outcome]:
    """Measure."""
    walks = _WALKS // 10 if quick else _WALKS
    sides: tuple[Callable[[], float], ...] = tuple(partial(microseconds_per_page, walks, keeps=keeps) for keeps in (False, True))
    sides[0]()  # what runs only once is not part of the comparison
    pairs: list[tuple[float, float]] = []
    for number in range(1 if quick else 7):
        first, second = sides if number % 2 else sides[::-1]
        one, other = first(), second()
        pairs.append((one, other) if number % 2 else (other, one))
    held = bytes_per_key(20_000 if quick else 200_000)
    return [
        compared(pairs).outcome("G10", f"page of {walks} walks, dropped / kept until the next one", "µs", LIMIT),
        Outcome("G11", "memory of a walk per row / what it may have", held, LARGEST, "B", held / LARGEST, 1.0),
    ]
