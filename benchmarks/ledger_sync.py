"""G13 and R13: 2,000 Mini Programs of 48 half-months, synced into a ledger.

The rival of ``sync`` is the same sweep that throws its rows away: the difference is the ledger's.
It is told what the chapter on sweeps tells of the garbage collector. R13 is the same sweep whose
rows are written as one would at first. Written many in a commit, they are the floor.
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
from typing import TYPE_CHECKING, Final, TypeAlias

import orjson

from benchmarks._apart import apart
from benchmarks._half_months import server
from benchmarks._measure import Outcome
from benchmarks.ledger import HALVES, SPAN, appids
from benchmarks.sweep import tune
from wxrevenue import AiohttpTransport, RevenueClient, Settlement, open_ledger, sweep, sync

if TYPE_CHECKING:
    from wxrevenue import FetchJob, Ledger, TokenKind

    Written: TypeAlias = tuple[tuple[str, list[Settlement]], asyncio.Future[None]]

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


class HandWritten:
    """Writes rows into a file, in a thread of its own, as durably as a ledger does.

    It keeps no changes, no progress and no claims, and compares with nothing.
    """

    def __init__(self, file: str) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._connection.executescript(_BY_HAND)
        self._writer = ThreadPoolExecutor(1)
        self._waiting: list[Written] = []
        self._is_busy = False

    async def alone(self, owner: str, rows: list[Settlement]) -> int:
        """Write the rows of a job in a commit of their own, as one would at first."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._write, [(owner, rows)])

    async def together(self, owner: str, rows: list[Settlement]) -> int:
        """Write them together with those that come while the thread is busy."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(((owner, rows), written))
        if not self._is_busy:
            self._hand_over()
        await written
        return len(rows)

    def _hand_over(self) -> None:
        some, self._waiting = self._waiting, []
        self._is_busy = bool(some)
        if some:
            handed = asyncio.get_running_loop().run_in_executor(self._writer, self._write, [job for job, _ in some])
            handed.add_done_callback(lambda _: self._written(some))

    def _written(self, some: list[Written]) -> None:
        for _, written in some:
            written.set_result(None)
        self._hand_over()

    def _write(self, jobs: list[tuple[str, list[Settlement]]]) -> int:
        values = [(owner, *_columns(row)) for owner, rows in jobs for row in rows]
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT OR REPLACE INTO settlements VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        self._connection.execute("COMMIT")
        return len(values)

    def close(self) -> None:
        """End the thread, and close the file."""
        self._writer.shutdown()
        self._connection.close()


def _columns(row: Settlement) -> tuple[object, ...]:
    slots = [(slot.slot_id, slot.slot_settled_revenue) for slot in row.slot_revenue]
    content = orjson.dumps((row.date, row.zone, row.mail_send_cnt, slots)).decode()
    return row.month, row.order, row.sett_no, row.sett_status, row.settled_revenue, content


async def by_hand(client: RevenueClient, ledger: Ledger, count: int, file: str, *, together: bool) -> float:
    """Return the seconds of the same jobs, their rows written by hand."""
    with closing(HandWritten(file)) as table:
        write = table.together if together else table.alone

        async def pages(job: FetchJob) -> int:
            walk = client.iter_settlement(job.first.start, job.last.end, authorizer_appid=job.owner)
            return await write(job.owner, await walk.collect())

        jobs = ledger.missing(appids(count), *SPAN, again=True)
        began = time.monotonic()
        found = sum([outcome.result() async for outcome in sweep(pages, jobs, concurrency=SLOTS)])
        took = time.monotonic() - began
    assert found == count * HALVES
    return took


async def fleet(base_url: str, count: int) -> dict[str, float]:
    """Return the seconds of each side."""
    transport = AiohttpTransport(limit=SLOTS)
    client = RevenueClient(OneToken(), base_url=base_url, transport=transport)
    with tempfile.TemporaryDirectory() as folder:
        async with open_ledger(f"{folder}/warm.db") as warm:
            await synced(client, warm, SLOTS)
        async with open_ledger(f"{folder}/revenue.db") as ledger:
            tune()
            found = {"thrown away": await thrown_away(client, ledger, count)}
            for run in ("first", "second"):
                found[run] = await synced(client, ledger, count)
            assert (await ledger.progress()).half_months == count * HALVES
            for way, together in {"alone": False, "together": True}.items():
                found[way] = await by_hand(client, ledger, count, f"{folder}/{way}.db", together=together)
    await transport.aclose()
    return found


def run(*, quick: bool = False) -> list[Outcome]:
    """Measure."""
    programs = PROGRAMS // 10 if quick else PROGRAMS
    with server(pinned=False) as base_url:  # the ledger's thread needs a core, too
        rounds = [apart(__name__, base_url, programs) for _ in range(1 if quick else _TURNS)]
    found = sorted(rounds, key=lambda seconds: seconds["first"] / seconds["thrown away"])[len(rounds) // 2]  # the median round
    ours, rival = found["first"], found["thrown away"]
    what = f"sync, {programs} Mini Programs x {HALVES} half-months"

    def outcome(goal: str, what: str, one: float, other: float, limit: float) -> Outcome:
        return Outcome(goal, what, one, other, "s", one / other, limit)

    return [
        outcome("G13", f"{what} / rows thrown away", ours, rival, LIMIT),
        outcome("G13", "floor: rows by hand, many in a commit / the same", found["together"], rival, inf),
        outcome("R13", f"{what} / by hand, a commit for each job", ours, found["alone"], inf),
        outcome("G13", "a second run, all paid / rows thrown away", found["second"], rival, LIMIT_OF_A_SECOND_RUN),
    ]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(fleet(sys.argv[1], int(sys.argv[2])))))
