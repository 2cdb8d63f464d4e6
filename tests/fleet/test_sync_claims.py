"""Which jobs a sync holds: claims are given back, also where it is cut short."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support.fleet import Fleet
from support.synced import SPAN, ledger_in, sent
from support.virtual import virtual

from wxrevenue import FetchJob, HalfMonth, Ledger, LedgerError, open_ledger, sync

if TYPE_CHECKING:
    from pathlib import Path

    from wxrevenue import Claim


class OfOnes:
    """A ledger of somebody else's: it takes claims back one by one."""

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger
        self.given_back = 0
        for name in dir(Ledger):
            if name in {"__aenter__", "__aexit__"} or not (name.startswith("_") or hasattr(self, name)):
                setattr(self, name, getattr(ledger, name))

    async def give_back(self, claim: Claim) -> None:
        """Let others claim the job."""
        self.given_back += 1
        await self._ledger.give_back(claim)


@virtual
async def test_a_claim_that_another_left_behind(tmp_path: Path) -> None:
    """A job that a killed process held is fetched when its lease is over.

    The other jobs do not wait for it.
    """
    fleet = Fleet()
    held = FetchJob(fleet.appid, HalfMonth(2022, 2, 2), HalfMonth(2022, 3, 1))
    async with open_ledger(str(tmp_path / "revenue.db"), clock=fleet.clock) as ledger:
        await ledger.claim([held], limit=1, lease=30.0)
        begin = fleet.clock.time()
        report = await sync(fleet.client, ledger, [fleet.appid], "2022-01-01", "2022-12-31")
        assert (report.jobs, sent(fleet)) == (2, 2)
        assert 30.0 <= fleet.clock.time() - begin < 32.0


@virtual
async def test_cancelled_it_gives_back(tmp_path: Path) -> None:
    """A run that is cancelled leaves no claim behind."""
    fleet = Fleet()
    async with ledger_in(tmp_path) as ledger:
        running = asyncio.create_task(sync(fleet.client, ledger, fleet.programs[:3], *SPAN, concurrency=2))
        while not fleet.actions:  # noqa: ASYNC110  (threads are on the way, too)
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        jobs = [job async for job in ledger.missing(fleet.programs[:3], *SPAN)]
        assert len(await ledger.claim(jobs, limit=99)) == len(jobs)


@virtual
async def test_cancelled_while_it_claims(tmp_path: Path) -> None:
    """B-26: a run that is cancelled while it claims leaves no claim behind."""
    fleet = Fleet()
    async with ledger_in(tmp_path) as ledger:
        inner: Any = ledger
        original, claimed = inner.claim, asyncio.Event()

        async def slow(*args: Any, **options: Any) -> Any:
            found = await original(*args, **options)
            claimed.set()
            await asyncio.sleep(1.0)
            return found

        inner.claim = slow
        running = asyncio.create_task(sync(fleet.client, ledger, fleet.programs[:3], *SPAN, concurrency=2))
        await claimed.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        jobs = [job async for job in ledger.missing(fleet.programs[:3], *SPAN)]
        assert len(await original(jobs, limit=99)) == len(jobs)


@virtual
async def test_cancelled_while_it_gives_back(tmp_path: Path) -> None:
    """B-26: a run that is cancelled while it gives back leaves no claim behind."""
    fleet = Fleet()
    async with ledger_in(tmp_path) as ledger:
        inner: Any = ledger
        original, begun = inner.give_back_all, asyncio.Event()

        async def slow(*args: Any) -> None:
            begun.set()
            await asyncio.sleep(5.0)
            await original(*args)

        inner.give_back_all = slow
        running = asyncio.create_task(sync(fleet.client, ledger, fleet.programs[:1], SPAN[0], "2024-01-31"))
        await begun.wait()
        await asyncio.sleep(1.0)  # until nothing is left to do but this
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert await inner.claim([FetchJob(fleet.programs[0], HalfMonth(2024, 1, 1), HalfMonth(2024, 1, 2))], limit=1)


@virtual
async def test_a_ledger_that_fails_at_the_end(tmp_path: Path) -> None:
    """Where the ledger fails, a claim is given back once.

    Then the run knows that the ledger does not work.
    """
    fleet = Fleet()
    async with ledger_in(tmp_path) as ledger:
        inner: Any = ledger
        tries: list[Any] = []

        async def broken(*_: Any, **__: Any) -> Any:
            raise LedgerError("fake")

        async def give_back(claim: Any) -> None:
            tries.append(claim)
            raise LedgerError("fake")

        inner.record_job, inner.give_back = broken, give_back
        with pytest.raises(LedgerError, match="fake"):
            await sync(fleet.client, ledger, fleet.programs[:3], *SPAN, concurrency=8)
        assert len(tries) == 1


@virtual
async def test_the_next_claims_fail(tmp_path: Path) -> None:
    """Where jobs that are claimed ahead cannot be, the run ends with that.

    What was claimed before is given back.
    """
    fleet = Fleet()
    async with ledger_in(tmp_path) as ledger:
        inner: Any = ledger
        original, tries = inner.claim, list[int]()

        async def breaking(jobs: Any, **options: Any) -> Any:
            tries.append(len(jobs))
            if len(tries) > 1:
                raise LedgerError("fake")
            return await original(jobs, **options)

        inner.claim = breaking
        with pytest.raises(LedgerError, match="fake"):
            await sync(fleet.client, ledger, fleet.programs[:3], *SPAN, concurrency=2)
        assert tries[:2] == [2, 2]  # how many more had begun by then is the event loop's affair
        jobs = [job async for job in ledger.missing(fleet.programs[:3], *SPAN, again=True)]
        assert len(await original(jobs, limit=99)) == len(jobs)


@virtual
async def test_fetching_waits_for_no_claim(tmp_path: Path) -> None:
    """Jobs are claimed ahead: three pieces of them before the first call is made."""
    fleet = Fleet()
    async with ledger_in(tmp_path) as ledger:
        inner: Any = ledger
        original, log = inner.claim, fleet.log

        async def claim(jobs: Any, **options: Any) -> Any:
            log.append(f"claim {len(jobs)}")
            return await original(jobs, **options)

        inner.claim = claim
        await sync(fleet.client, ledger, fleet.programs[:3], *SPAN, concurrency=2)
        first = next(number for number, line in enumerate(log) if "settle" in line)
        assert log[:first].count("claim 2") == 3
        assert [line for line in log if line.startswith("claim")] == ["claim 2"] * 7 + ["claim 1"]


@virtual
async def test_fetching_waits_for_no_commit(tmp_path: Path) -> None:
    """While jobs are recorded others are fetched, as many at once as was asked."""
    fleet = Fleet()
    wire: Any = fleet
    inner_wire = wire._wire

    class Slow:
        """The way to the server, which takes a second."""

        async def send(self, request: Any, *, timeout: float) -> Any:
            await asyncio.sleep(1.0)
            return await inner_wire.send(request, timeout=timeout)

    wire._wire = Slow()
    async with ledger_in(tmp_path) as ledger:
        inner: Any = ledger
        original, meanwhile = inner.record_job, list[int]()

        async def slow(*args: Any, **options: Any) -> Any:
            await asyncio.sleep(0.5)
            meanwhile.append(fleet.in_flight)
            await asyncio.sleep(1.0)
            return await original(*args, **options)

        inner.record_job = slow
        report = await sync(fleet.client, ledger, fleet.programs[:2], *SPAN, concurrency=3)
        assert (report.jobs, fleet.most_in_flight) == (10, 3)
        assert meanwhile[:3] == [3, 3, 3]


@virtual
async def test_claims_are_given_back_together(tmp_path: Path) -> None:
    """Jobs that end about the same time have one transaction to give them back."""
    fleet = Fleet()
    async with ledger_in(tmp_path) as ledger:
        inner: Any = ledger
        give_back, together = inner.give_back_all, list[int]()

        async def counted(claims: Any) -> None:
            together.append(len(claims))
            await give_back(claims)

        inner.give_back_all = counted
        report = await sync(fleet.client, ledger, fleet.programs, *SPAN)
        assert sum(together) == report.jobs + len(report.failed)
        assert max(together) > 1


@virtual
async def test_another_ledger(tmp_path: Path) -> None:
    """A ledger that takes claims back one by one has them back at the end."""
    fleet = Fleet()
    async with ledger_in(tmp_path) as ledger:
        other: Any = OfOnes(ledger)
        report = await sync(fleet.client, other, fleet.programs[:3], *SPAN)
        assert (report.jobs, other.given_back > 0) == (15, True)
        jobs = [job async for job in ledger.missing(fleet.programs[:3], *SPAN, again=True)]
        assert len(await ledger.claim(jobs, limit=99)) == 15
