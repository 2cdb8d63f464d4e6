"""G13: a ledger of a million rows, and what reading one of 10^5 costs of that.

A report is made, too. The rival of a ledger of 10^6 rows is one of 10^5: nothing may cost more than
its share.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from datetime import date
from typing import TYPE_CHECKING, Final

from benchmarks._apart import apart
from benchmarks._measure import Outcome
from benchmarks._resident import MEGABYTE, peak, resident
from wxrevenue import HalfMonth, Settlement, SettlementStatus, open_ledger, render_html

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

SPAN: Final = ("2023-01-01", "2024-12-31")
HALVES: Final = 48
"""Half-months of the span."""
_AT_ONCE: Final = 64
_SECONDS: Final = 2.0
_SECONDS_FOR_ALL: Final = 15.0
_MEGABYTES: Final = 100.0
_ROWS: Final = {"10^3": 1_000, "10^4": 10_000, "10^5": 100_000, "10^6": 1_000_000}
_TODAY: Final = date(2025, 1, 10)
_PAGE_MEGABYTES: Final = 2.0
_TURNS: Final = 3


def appids(count: int) -> list[str]:
    """Return so many Mini Programs."""
    return [f"wx{number:016x}" for number in range(count)]


async def fill(path: str, rows: int) -> None:
    """Write a ledger of so many rows, a row a half-month, all paid."""
    halves = [HalfMonth(2023, 1, 1).shifted(number) for number in range(HALVES)]
    async with open_ledger(path) as ledger:
        owners = appids(rows // HALVES)
        for begin in range(0, len(owners), _AT_ONCE):
            some = owners[begin : begin + _AT_ONCE]
            await asyncio.gather(*(ledger.record(owner, half, [paid(half)]) for owner in some for half in halves))


def paid(half: HalfMonth) -> Settlement:
    """Return a statement of a half-month."""
    return Settlement(
        f"{half.year}{half.month:02}", half.order, 7 * half.ordinal, sett_status=SettlementStatus.PAID, sett_no=f"N{half.ordinal}"
    )


async def read(path: str, rows: int) -> dict[str, float]:
    """Return the seconds of each kind of reading, and the megabytes that it took."""
    async with open_ledger(path) as ledger:
        last, before = (await ledger.progress()).last_seq, resident()
        kinds: dict[str, Callable[[], Awaitable[object]]] = {
            "missing": lambda: count(ledger.missing(appids(rows // HALVES), *SPAN)),
            "progress": ledger.progress,
            "newest 1,000": lambda: count(ledger.changes(max(0, last - 1_000))),
            "all changes": lambda: count(ledger.changes()),
        }
        found: dict[str, float] = {}
        for kind, work in kinds.items():
            began = time.monotonic()
            await work()
            found[kind] = time.monotonic() - began
        grown = (peak() - before) / MEGABYTE
        return {**found, "MB": grown, "CPU": min([await cpu(kinds["all changes"]) for _ in range(_TURNS)])}


async def cpu(work: Callable[[], Awaitable[object]]) -> float:
    """Return the seconds of processor time that work takes, in all threads.

    A busy machine changes them little.
    """
    began = time.process_time()
    await work()
    return time.process_time() - began


async def reported(path: str) -> dict[str, float]:
    """Return the seconds, the megabytes and the size of a report.

    It is made as the command makes it.
    """
    async with open_ledger(path) as ledger:
        before, began = resident(), time.monotonic()
        page = await render_html(ledger, today=_TODAY)
        took, grown = time.monotonic() - began, (peak() - before) / MEGABYTE
    return {"report": took, "report MB": grown, "page MB": len(page.encode()) / 1e6}


async def count(values: AsyncIterator[object]) -> int:
    """Return how many values come."""
    return sum([1 async for _ in values])


def in_processes(rows: int) -> dict[str, float]:
    """Fill a ledger, report on it, and read it.

    Each has a process of its own, so that each one's memory is its own.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/revenue.db"
        apart(__name__, "fill", path, rows)
        found: dict[str, float] = apart(__name__, "reported", path) | apart(__name__, "read", path, rows)
        return found


def run(*, quick: bool = False) -> list[Outcome]:
    """Measure."""
    sizes = [*_ROWS][:2] if quick else [*_ROWS][2:]
    found = {size: in_processes(_ROWS[size]) for size in sizes}
    largest, smaller = sizes[-1], sizes[-2]
    limits = {"report": _SECONDS, "missing": _SECONDS, "progress": _SECONDS, "newest 1,000": _SECONDS, "all changes": _SECONDS_FOR_ALL}
    outcomes = [_limited(f"{kind}, {largest} rows / limit", found[largest][kind], "s", limit) for kind, limit in limits.items()]
    growth = found[largest]["CPU"] / (10 * found[smaller]["CPU"])
    outcomes.append(
        Outcome("G15", f"a change of {largest} / of {smaller}, CPU", found[largest]["CPU"], found[smaller]["CPU"], "s", growth, 1.15)
    )
    memory = {
        "memory of it": ("MB", _MEGABYTES),
        "memory of its report": ("report MB", _MEGABYTES),
        "the page": ("page MB", _PAGE_MEGABYTES),
    }
    outcomes += [_limited(f"{what}, {largest} rows / limit", found[largest][key], "MB", most) for what, (key, most) in memory.items()]
    return outcomes


def _limited(what: str, figure: float, unit: str, limit: float) -> Outcome:
    return Outcome("G13", what, figure, limit, unit, figure / limit, 1.0)


def _main(what: str, path: str, rows: str = "0") -> object:
    if what == "reported":
        return asyncio.run(reported(path))
    return asyncio.run(fill(path, int(rows)) if what == "fill" else read(path, int(rows)))


if __name__ == "__main__":
    print(json.dumps(_main(*sys.argv[1:])))
