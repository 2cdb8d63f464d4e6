"""G13: a fleet of 2,000 Mini Programs in a ledger, and a ledger of a million rows.

Each Mini Program has 48 half-months. Of the million rows a report is made too. The rival of
``sync`` is the same sweep that throws its rows away: the difference is the ledger's. It is told
what the chapter on sweeps tells of the garbage collector. The rival of a ledger of 10^6 rows is one
of 10^5: nothing may cost more than its share. Memory is the process's own high-water mark.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks._half_months import server
from benchmarks._measure import Outcome
from benchmarks.sweep import tune
from wxrevenue import (
    AiohttpTransport,
    HalfMonth,
    RevenueClient,
    Settlement,
    SettlementStatus,
    open_ledger,
    render_html,
    sweep,
    sync,
    to_json,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from wxrevenue import FetchJob, Ledger, TokenKind

PROGRAMS: Final = 2_000
SLOTS: Final = 64
SPAN: Final = ("2023-01-01", "2024-12-31")
"""48 half-months."""
LIMIT: Final = 1.40
LIMIT_OF_A_SECOND_RUN: Final = 0.05
_SECONDS: Final = 2.0
_SECONDS_FOR_ALL: Final = 15.0
_MEGABYTES: Final = 100.0
_ROWS: Final = {"10^3": 1_000, "10^4": 10_000, "10^5": 100_000, "10^6": 1_000_000}
_HALVES: Final = 48
_TODAY: Final = date(2025, 1, 10)
_PAGE_MEGABYTES: Final = 2.0
_TURNS: Final = 3
_BY_HAND: Final = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE settlements (
        owner TEXT, month TEXT, half INTEGER, sett_no TEXT, status INTEGER, fen INTEGER, content TEXT,
        PRIMARY KEY (owner, month, half, sett_no)
    );
"""
_HERE: Final = Path(__file__).parent.parent


class OneToken:
    """Has the same token for every account."""

    component_appid = "wx-benchmark"

    async def get(self, kind: TokenKind, appid: str | None, *, timeout: float) -> str:  # noqa: ARG002  (the port's)
        """Return it."""
        return "fake-token"

    async def reject(self, kind: TokenKind, appid: str | None, token: object) -> None:
        """Take notice of nothing."""


def appids(count: int) -> list[str]:
    """Return so many Mini Programs."""
    return [f"wx{number:016x}" for number in range(count)]


# -- sync ------------------------------------------------------------------------------------------


async def synced(client: RevenueClient, ledger: Ledger, count: int) -> float:
    """Return the seconds of a run of ``sync``."""
    began = time.monotonic()
    report = await sync(client, ledger, appids(count), *SPAN, concurrency=SLOTS)
    assert not report.failed
    return time.monotonic() - began


async def thrown_away(client: RevenueClient, ledger: Ledger, count: int) -> float:
    """Return the seconds of the same jobs in a sweep that keeps nothing."""

    async def pages(job: FetchJob) -> int:
        walk = client.iter_settlement(job.first.start, job.last.end, authorizer_appid=job.owner)
        return len(await walk.collect())

    jobs = ledger.missing(appids(count), *SPAN)
    began = time.monotonic()
    found = sum([outcome.result() async for outcome in sweep(pages, jobs, concurrency=SLOTS)])
    assert found == count * _HALVES
    return time.monotonic() - began


async def by_hand(client: RevenueClient, ledger: Ledger, count: int, file: str) -> float:
    """Return the seconds of the same jobs, their rows written as one would at first.

    A thread of its own commits each job as durably as a ledger does. It keeps no changes, no
    progress and no claims, and compares with nothing.
    """
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    connection.executescript(_BY_HAND)
    loop = asyncio.get_running_loop()

    def write(owner: str, rows: list[Settlement]) -> int:
        connection.execute("BEGIN")
        values = [(owner, row.month, row.order, row.sett_no, row.sett_status, row.settled_revenue, to_json(row)) for row in rows]
        connection.executemany("INSERT OR REPLACE INTO settlements VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        connection.execute("COMMIT")
        return len(rows)

    with ThreadPoolExecutor(1) as writer, closing(connection):

        async def pages(job: FetchJob) -> int:
            walk = client.iter_settlement(job.first.start, job.last.end, authorizer_appid=job.owner)
            return await loop.run_in_executor(writer, write, job.owner, await walk.collect())

        jobs = ledger.missing(appids(count), *SPAN, again=True)
        began = time.monotonic()
        found = sum([outcome.result() async for outcome in sweep(pages, jobs, concurrency=SLOTS)])
        took = time.monotonic() - began
    assert found == count * _HALVES
    return took


async def fleet(base_url: str, count: int) -> tuple[float, float, float, float]:
    """Return the seconds of the rival, of a first run, of a second one, and by hand."""
    transport = AiohttpTransport(limit=SLOTS)
    client = RevenueClient(OneToken(), base_url=base_url, transport=transport)
    with tempfile.TemporaryDirectory() as folder:
        async with open_ledger(f"{folder}/warm.db") as warm:
            await synced(client, warm, SLOTS)
        async with open_ledger(f"{folder}/revenue.db") as ledger:
            tune()
            rival = await thrown_away(client, ledger, count)
            times = [await synced(client, ledger, count) for _ in range(2)]
            assert (await ledger.progress()).half_months == count * _HALVES
            hand = await by_hand(client, ledger, count, f"{folder}/hand.db")
    await transport.aclose()
    return rival, times[0], times[1], hand


# -- a million rows --------------------------------------------------------------------------------


async def fill(path: str, rows: int) -> None:
    """Write a ledger of so many rows, a row a half-month, all paid."""
    halves = [HalfMonth(2023, 1, 1).shifted(number) for number in range(_HALVES)]
    async with open_ledger(path) as ledger:
        owners = appids(rows // _HALVES)
        for begin in range(0, len(owners), SLOTS):
            some = owners[begin : begin + SLOTS]
            await asyncio.gather(*(ledger.record(owner, half, [paid(half)]) for owner in some for half in halves))


def paid(half: HalfMonth) -> Settlement:
    """Return a statement of a half-month."""
    return Settlement(
        f"{half.year}{half.month:02}", half.order, 7 * half.ordinal, sett_status=SettlementStatus.PAID, sett_no=f"N{half.ordinal}"
    )


async def read(path: str, rows: int) -> dict[str, float]:
    """Return the seconds of each kind of reading, and the megabytes that it took."""
    async with open_ledger(path) as ledger:
        last = (await ledger.progress()).last_seq
        found = await reported(ledger)
        before = megabytes()
        kinds: dict[str, Callable[[], Awaitable[object]]] = {
            "missing": lambda: count(ledger.missing(appids(rows // _HALVES), *SPAN)),
            "progress": ledger.progress,
            "newest 1,000": lambda: count(ledger.changes(max(0, last - 1_000))),
            "all changes": lambda: count(ledger.changes()),
        }
        for kind, work in kinds.items():
            began = time.monotonic()
            await work()
            found[kind] = time.monotonic() - began
        used = megabytes() - before
        return {**found, "MB": used, "CPU": min([await cpu(kinds["all changes"]) for _ in range(_TURNS)])}


async def cpu(work: Callable[[], Awaitable[object]]) -> float:
    """Return the seconds of processor time that work takes, in all threads.

    A busy machine changes them little.
    """
    began = time.process_time()
    await work()
    return time.process_time() - began


async def reported(ledger: Ledger) -> dict[str, float]:
    """Return the seconds, the megabytes and the size of a report.

    It is the first report, made as the command makes it.
    """
    before, began = megabytes(), time.monotonic()
    page = await render_html(ledger, today=_TODAY)
    return {"report": time.monotonic() - began, "report MB": megabytes() - before, "page MB": len(page.encode()) / 1e6}


async def count(values: AsyncIterator[object]) -> int:
    """Return how many values come."""
    return sum([1 async for _ in values])


def megabytes() -> float:
    """Return the most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def apart(what: str, *arguments: object) -> Any:
    """Run a part of this module in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.ledger", what, *map(str, arguments)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=_HERE).stdout)  # noqa: S603


def run(*, quick: bool = False) -> list[Outcome]:
    """Measure."""
    programs = PROGRAMS // 10 if quick else PROGRAMS
    with server(pinned=False) as base_url:  # the ledger's thread needs a core, too
        pairs = [apart("fleet", base_url, programs) for _ in range(1 if quick else _TURNS)]
    rival, first, second, hand = sorted(pairs, key=lambda pair: pair[1] / pair[0])[len(pairs) // 2]  # the median pair
    what = f"sync, {programs} Mini Programs x {_HALVES} half-months"
    outcomes = [
        Outcome("G13", f"{what} / rows thrown away", first, rival, "s", first / rival, LIMIT),
        Outcome("R13", f"{what} / rows written by hand", first, hand, "s", first / hand, inf),
        Outcome("G13", "a second run, all paid / the same", second, rival, "s", second / rival, LIMIT_OF_A_SECOND_RUN),
    ]
    sizes = [*_ROWS][:2] if quick else [*_ROWS][2:]
    found = {size: apart("rows", _ROWS[size]) for size in sizes}
    largest, smaller = sizes[-1], sizes[-2]
    limits = {"report": _SECONDS, "missing": _SECONDS, "progress": _SECONDS, "newest 1,000": _SECONDS, "all changes": _SECONDS_FOR_ALL}
    for kind, limit in limits.items():
        outcomes.append(
            Outcome("G13", f"{kind}, {largest} rows / limit", found[largest][kind], limit, "s", found[largest][kind] / limit, 1.0)
        )
    growth = found[largest]["CPU"] / (10 * found[smaller]["CPU"])
    outcomes.append(
        Outcome("G15", f"a change of {largest} / of {smaller}, CPU", found[largest]["CPU"], found[smaller]["CPU"], "s", growth, 1.15)
    )
    outcomes.append(
        Outcome(
            "G13", f"memory of it, {largest} rows / limit", found[largest]["MB"], _MEGABYTES, "MB", found[largest]["MB"] / _MEGABYTES, 1.0
        )
    )
    for what, key, most in (("memory of its report", "report MB", _MEGABYTES), ("the page", "page MB", _PAGE_MEGABYTES)):
        megabytes_of = found[largest][key]
        outcomes.append(Outcome("G13", f"{what}, {largest} rows / limit", megabytes_of, most, "MB", megabytes_of / most, 1.0))
    return outcomes


async def _rows(rows: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/revenue.db"
        apart("fill", path, rows)  # in a process of its own, so that its memory is not counted
        return await read(path, rows)


def _main(what: str, *arguments: str) -> object:
    if what == "fleet":
        return asyncio.run(fleet(arguments[0], int(arguments[1])))
    if what == "fill":
        return asyncio.run(fill(arguments[0], int(arguments[1])))
    return asyncio.run(_rows(int(arguments[0])))


if __name__ == "__main__":
    print(json.dumps(_main(*sys.argv[1:])))
