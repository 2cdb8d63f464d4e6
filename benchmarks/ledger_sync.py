"""G13 and R13: 2,000 Mini Programs of 48 half-months, synced into a ledger.

The rival of ``sync`` is the same sweep that throws its rows away: the difference is the ledger's.
It is told what the chapter on sweeps tells of the garbage collector. R13 is the same sweep whose
rows are written as one would at first.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from math import inf
from typing import TYPE_CHECKING, Final

from benchmarks._apart import apart
from benchmarks._half_months import server
from benchmarks._measure import Outcome
from benchmarks.ledger import HALVES, SPAN, appids
from benchmarks.sweep import tune
from wxrevenue import AiohttpTransport, RevenueClient, Settlement, open_ledger, sweep, sync, to_json

if TYPE_CHECKING:
    from wxrevenue import FetchJob, Ledger, TokenKind

PROGRAMS: Final = 2_000
SLOTS: Final = 64
LIMIT: Final = 1.40
LIMIT_OF_A_SECOND_RUN: Final = 0.05
_TURNS: Final = 3
_BY_HAND: Final = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE settlements (
        owner TEXT, month TEXT, half INTEGER, sett_no TEXT, status INTEGER, fen INTEGER, content TEXT,
        PRIMARY KEY (owner, month, half, sett_no)
    );
"""


class OneToken:
    """Has the same token for every account."""

    component_appid = "wx-benchmark"

    async def get(self, kind: TokenKind, appid: str | None, *, timeout: float) -> str:  # noqa: ARG002  (the port's)
        """Return it."""
        return "fake-token"

    async def reject(self, kind: TokenKind, appid: str | None, token: object) -> None:
        """Take notice of nothing."""


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
    assert found == count * HALVES
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
    assert found == count * HALVES
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
            assert (await ledger.progress()).half_months == count * HALVES
            hand = await by_hand(client, ledger, count, f"{folder}/hand.db")
    await transport.aclose()
    return rival, times[0], times[1], hand


def run(*, quick: bool = False) -> list[Outcome]:
    """Measure."""
    programs = PROGRAMS // 10 if quick else PROGRAMS
    with server(pinned=False) as base_url:  # the ledger's thread needs a core, too
        pairs = [apart(__name__, base_url, programs) for _ in range(1 if quick else _TURNS)]
    rival, first, second, hand = sorted(pairs, key=lambda pair: pair[1] / pair[0])[len(pairs) // 2]  # the median pair
    what = f"sync, {programs} Mini Programs x {HALVES} half-months"
    return [
        Outcome("G13", f"{what} / rows thrown away", first, rival, "s", first / rival, LIMIT),
        Outcome("R13", f"{what} / rows written by hand", first, hand, "s", first / hand, inf),
        Outcome("G13", "a second run, all paid / the same", second, rival, "s", second / rival, LIMIT_OF_A_SECOND_RUN),
    ]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(fleet(sys.argv[1], int(sys.argv[2])))))
