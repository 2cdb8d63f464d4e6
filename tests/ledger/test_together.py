"""What comes to a file's writer at once, or while it writes, is recorded together.

It is as if one call had come after the other.
"""

from __future__ import annotations

import asyncio
import random
import threading
from typing import TYPE_CHECKING, Any

from wxrevenue import ChangeKind, FetchJob, HalfMonth, Settlement, SettlementStatus, Totals, open_ledger
from wxrevenue.ledger._sql_ledger import SqlLedger

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Awaitable
    from pathlib import Path

    from wxrevenue.ledger import Recorded

FIRST = HalfMonth(2024, 1, 1)
HALVES = [FIRST.shifted(number) for number in range(12)]


def book(folder: Path, name: str = "revenue") -> SqlLedger:
    """Return a ledger in a file."""
    ledger = open_ledger(f"{folder}/{name}.db")
    assert isinstance(ledger, SqlLedger)
    return ledger


def row(half: HalfMonth, amount: int = 100, number: str | None = None) -> Settlement:
    """Return a settlement."""
    status = SettlementStatus.PAID if number else SettlementStatus.SETTLED
    return Settlement(f"{half.year}{half.month:02}", half.order, amount, sett_status=status, sett_no=number)


def job_of(owner: str) -> FetchJob:
    """Return a job of all half-months."""
    return FetchJob(owner, HALVES[0], HALVES[-1])


async def together(ledger: SqlLedger, *calls: Awaitable[Any]) -> list[Any]:
    """Make calls while the writer is busy, so that it comes to all of them at once."""
    go_on, busy = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def work(_: object) -> None:
        loop.call_soon_threadsafe(busy.set)
        assert go_on.wait(10)

    blocking = asyncio.create_task(ledger.database.write(work))
    await busy.wait()
    tasks = [asyncio.ensure_future(call) for call in calls]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    go_on.set()
    await blocking
    return await asyncio.gather(*tasks)


def traced(ledger: SqlLedger) -> list[str]:
    """Return a list that gets the statements of the writer."""
    database: Any = ledger.database
    connection: sqlite3.Connection = database._writer._session.connection
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    return statements


async def content(ledger: SqlLedger) -> list[Any]:
    """Return everything that was recorded, but for the times."""
    changes = [(one.seq, one.owner, one.key, one.kinds, one.before, one.after) async for one in ledger.changes()]
    rows = [found async for found in ledger.settlements()]
    progress = await ledger.progress()
    totals = [await ledger.totals(f"wx{number}") for number in range(4)]
    return [changes, rows, (progress.owners, progress.half_months, progress.unsettled, progress.unpaid), totals]


async def added_up(ledger: SqlLedger) -> dict[tuple[HalfMonth, SettlementStatus | None], tuple[int, int]]:
    """Return rows and fen of all statements, by half-month and status."""
    found: dict[tuple[HalfMonth, SettlementStatus | None], tuple[int, int]] = {}
    async for _, one in ledger.settlements():
        key = HalfMonth(int(one.month[:4]), int(one.month[4:]), one.order), one.sett_status
        rows, fen = found.get(key, (0, 0))
        found[key] = rows + 1, fen + one.settled_revenue
    return found


async def test_as_if_one_came_after_the_other(tmp_path: Path) -> None:
    """Answers that come at once leave what the same answers leave one after the other.

    Those that are about one half-month follow one another in any case.
    """
    chance = random.Random(7)
    async with book(tmp_path, "one") as one, book(tmp_path, "other") as other:
        for turn in range(6):
            answers: list[tuple[Any, ...]] = []
            for _ in range(40):
                half = chance.choice(HALVES)
                rows = [row(half, chance.randrange(3), chance.choice([None, "1", "2"])) for _ in range(chance.randrange(3))]
                totals = chance.choice([None, Totals(turn, chance.randrange(9), 3, "body")])
                answers.append((f"wx{chance.randrange(4)}", half, rows, totals))
            found = await together(one, *(one.record(owner, half, rows, totals=totals) for owner, half, rows, totals in answers))
            expected = [await other.record(owner, half, rows, totals=totals) for owner, half, rows, totals in answers]
            assert [[change.kinds for change in each.changes] for each in found] == [
                [change.kinds for change in each.changes] for each in expected
            ]
        assert await content(one) == await content(other)
        assert {(each.half_month, each.status): (each.rows, each.fen) for each in await one.sums()} == await added_up(one)


async def test_few_statements(tmp_path: Path) -> None:
    """Jobs that come at once take little more than a statement each."""
    async with book(tmp_path) as ledger:
        claims = await ledger.claim([job_of(f"wx{number}") for number in range(32)], limit=32)
        statements = traced(ledger)
        calls = [ledger.record_job(claim.job, map(row, HALVES), claim=claim, totals=Totals(1, 2, 3, None)) for claim in claims]
        found = await together(ledger, *calls)
        await ledger.give_back_all(claims)
        assert len(statements) < 40
        assert [len(each.changes) for each in found] == [12] * 32
        changes, rows, progress, _ = await content(ledger)
        assert [len(changes), len(rows), progress] == [384, 384, (32, 384, 0, 384)]
        assert await ledger.claim([job_of("wx1")], limit=1)


async def test_calls_of_one_round(tmp_path: Path) -> None:
    """Calls made at once take one transaction, also of a writer that was idle."""
    async with book(tmp_path) as ledger:
        statements = traced(ledger)
        await asyncio.gather(*(ledger.record(f"wx{number}", FIRST, [row(FIRST)]) for number in range(64)))
        assert statements.count("COMMIT") == 1
        await asyncio.gather(*(ledger.record(f"wx{number}", FIRST, [row(FIRST, 7)]) for number in range(65)))
        assert statements.count("COMMIT") == 3


async def test_one_that_has_left(tmp_path: Path) -> None:
    """What waits for the writer is not done if its caller has left meanwhile."""
    begun: list[int] = []
    async with book(tmp_path) as ledger:

        async def calling(number: int) -> Recorded:
            begun.append(number)
            return await ledger.record(f"wx{number}", FIRST, [row(FIRST)])

        calls = [asyncio.create_task(calling(number)) for number in range(70)]
        if len(begun) < len(calls):  # some loops start tasks at once: a round more would hand the calls over
            await asyncio.sleep(0)
        for one in (calls[0], *calls[3:69]):
            one.cancel()
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert [number for number, one in enumerate(found) if not isinstance(one, BaseException)] == [1, 2, 69]
        assert [owner async for owner, _ in ledger.settlements()] == ["wx1", "wx2", "wx69"]


async def test_closed_behind_its_calls(tmp_path: Path) -> None:
    """What was called before the ledger was closed is committed."""
    async with book(tmp_path) as ledger:
        calls = [asyncio.create_task(ledger.record(f"wx{number}", FIRST, [row(FIRST)])) for number in range(200)]
        await asyncio.sleep(0)
    async with asyncio.timeout(30):
        assert not any(one.stale for one in await asyncio.gather(*calls))
    async with book(tmp_path) as ledger:
        assert (await ledger.progress()).half_months == 200


async def test_another_loop(tmp_path: Path) -> None:
    """A call from the event loop of another thread has its answer there."""
    async with book(tmp_path) as ledger:

        def elsewhere() -> bool:
            return asyncio.run(ledger.record("wx2", FIRST, [row(FIRST)])).stale

        here = ledger.record("wx1", FIRST, [row(FIRST)])
        assert [(await here).stale, await asyncio.to_thread(elsewhere)] == [False, False]
        assert (await ledger.progress()).owners == 2


async def test_closed_behind_a_call_of_another_loop(tmp_path: Path) -> None:
    """What another thread's loop has called is committed when the ledger is closed."""
    begun, closed = threading.Event(), threading.Event()

    async def calling(ledger: SqlLedger) -> bool:
        call = asyncio.create_task(ledger.record("wx1", FIRST, [row(FIRST)]))
        await asyncio.sleep(0)
        begun.set()
        assert closed.wait(10)  # this loop stands still meanwhile
        return (await asyncio.wait_for(call, 5)).stale

    async with book(tmp_path) as ledger:
        elsewhere = asyncio.create_task(asyncio.to_thread(asyncio.run, calling(ledger)))
        assert await asyncio.to_thread(begun.wait, 10)
    closed.set()
    assert not await elsewhere


async def test_one_that_is_stale_stops_no_other(tmp_path: Path) -> None:
    """Of answers that come at once only that of a lost claim is stale."""
    jobs = [job_of(f"wx{number}") for number in range(3)]
    async with book(tmp_path) as ledger:
        claims = await ledger.claim(jobs, limit=3)
        await ledger.give_back(claims[1])
        (newer,) = await ledger.claim([jobs[1]], limit=1)
        found = await together(ledger, *(ledger.record_job(claim.job, [row(FIRST)], claim=claim) for claim in claims))
        assert [each.stale for each in found] == [False, True, False]
        assert not (await ledger.record_job(jobs[1], [row(FIRST)], claim=newer)).stale


async def test_a_claim_given_back_behind_its_answer(tmp_path: Path) -> None:
    """An answer counts whose claim is given back behind it."""
    async with book(tmp_path) as ledger:
        one, other = await ledger.claim([job_of("wx1"), job_of("wx2")], limit=2)
        calls = ledger.give_back(one), ledger.record_job(other.job, [row(FIRST)], claim=other), ledger.give_back(other)
        _, recorded, _ = await together(ledger, *calls)
        assert not recorded.stale
        assert len(await ledger.claim([job_of("wx1"), job_of("wx2")], limit=2)) == 2


async def test_one_half_month_twice(tmp_path: Path) -> None:
    """Of two answers about a half-month the second one is kept."""
    async with book(tmp_path) as ledger:
        found = await together(ledger, ledger.record("wx1", FIRST, [row(FIRST)]), ledger.record("wx1", FIRST, [row(FIRST, 100, "7")]))
        assert [each.changes[0].kinds for each in found] == [{ChangeKind.NEW}, {ChangeKind.NUMBER, ChangeKind.STATUS}]
        assert [kept.sett_no async for _, kept in ledger.settlements()] == ["7"]


async def test_claims_of_one_call(tmp_path: Path) -> None:
    """Of jobs that overlap the first is claimed. A lease that ended is over."""
    early, late = FetchJob("wx1", HALVES[0], HALVES[5]), FetchJob("wx1", HALVES[5], HALVES[9])
    jobs = [early, late, *(job_of(f"wx{number}") for number in range(2, 200))]
    async with book(tmp_path) as ledger:
        claims = await ledger.claim(jobs, limit=150, lease=0.001)
        assert [claim.job for claim in claims] == [early, *jobs[2:151]]
        assert len({claim.fence for claim in claims}) == 150
        await asyncio.sleep(0.01)
        (again,) = await ledger.claim([late], limit=1)
        assert again.fence > max(claim.fence for claim in claims)
        assert (await ledger.record_job(early, [], claim=claims[0])).stale
