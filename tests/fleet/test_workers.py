"""Workers: what they fetch, what they try again, what they note, and how they end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support.killed_sync import content
from support.postgres import new_database
from support.redis import admin
from support.workers import SPAN, Provider, queue_at, until, working

from wxrevenue import ConfigurationError, HalfMonth, QuotaExceededError, ServerBusyError, TooFastError, open_ledger, sync
from wxrevenue import fetch as fetched
from wxrevenue.fleet import _streaq, _worker
from wxrevenue.fleet.workers import FleetProgress, JobQueue, sync_by_workers, work
from wxrevenue.ledger import FetchJob

if TYPE_CHECKING:
    from pathlib import Path

HALF = HalfMonth(2025, 1, 1)


@pytest.fixture(params=["sqlite", "postgres"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Return where two empty ledgers are."""
    if request.param == "sqlite":
        return str(tmp_path / "one.db"), str(tmp_path / "two.db")
    server = request.getfixturevalue("postgres_url")
    return new_database(server, "workers_one"), new_database(server, "workers_two")


async def test_workers_fetch_what_sync_fetches(urls: tuple[str, str], redis_path: str) -> None:
    """Two workers leave in a ledger what one run of sync leaves.

    They make as many calls. What cannot be fetched is named with its reason.
    """
    alone, provider = Provider(), Provider()
    async with open_ledger(urls[0]) as ledger:
        expected = await sync(alone.client, ledger, [*alone.owners, alone.unsigned], *SPAN)
    seen: list[FleetProgress] = []
    async with queue_at(redis_path, f"wx-same-{len(urls[0])}") as queue, open_ledger(urls[1]) as ledger:
        async with working(queue, provider, ledger), working(queue, provider, ledger):
            owners = [*provider.owners, provider.unsigned]
            report = await sync_by_workers(queue, ledger, owners, *SPAN, pause=0.02, on_progress=seen.append)
        assert report.jobs == expected.jobs + len(expected.failed)
        assert {(job, str(error)) for job, error in expected.failed} == {*report.failed}
        assert report.last_seq == expected.last_seq
        assert await queue.failed([job for job, _ in report.failed]) == dict(report.failed)
        state = await queue.state()
        assert (state.waiting, state.running, state.postponed) == (0, 0, 0)
    assert await content(urls[0]) == await content(urls[1])
    assert provider.calls == alone.calls
    assert seen
    assert seen[-1].jobs == report.jobs


async def test_a_second_run(redis_path: str, tmp_path: Path) -> None:
    """A further run queues only what can still change and what failed.

    ``again`` queues everything.
    """
    provider = Provider()
    async with queue_at(redis_path, "wx-second") as queue, open_ledger(str(tmp_path / "a.db")) as ledger, working(queue, provider, ledger):
        options: dict[str, Any] = {"pause": 0.02}
        first = await sync_by_workers(queue, ledger, [provider.appid, provider.unsigned], *SPAN, **options)
        second = await sync_by_workers(queue, ledger, [provider.appid, provider.unsigned], *SPAN, **options)
        third = await sync_by_workers(queue, ledger, [provider.appid], *SPAN, again=True, **options)
    assert len(first.failed) == 5
    assert (second.jobs, second.failed, second.last_seq) == (6, first.failed, first.last_seq)
    assert (third.jobs, third.failed) == (5, ())


async def test_jobs_that_redis_lost(redis_path: str, tmp_path: Path) -> None:
    """Jobs that Redis loses while they wait are queued again, and fetched."""
    provider = Provider()
    async with queue_at(redis_path, "wx-lost") as queue, admin(redis_path) as client, open_ledger(str(tmp_path / "a.db")) as ledger:
        run = asyncio.create_task(sync_by_workers(queue, ledger, provider.owners, *SPAN, pause=0.02))
        await until(lambda: _has(queue, waiting=20))
        await client.delete(*[key async for key in client.scan_iter(match="*wx-lost*")])
        await until(lambda: _has(queue, waiting=20))
        async with working(queue, provider, ledger):
            report = await run
        assert (report.jobs, report.failed) == (40, ())
        assert [job async for job in ledger.missing(provider.owners, *SPAN, again=True, since=None)]
        assert (await ledger.progress()).half_months == 4 * 52


async def _has(queue: JobQueue, **facts: int) -> bool:
    state = await queue.state()
    return all(getattr(state, name) == fact for name, fact in facts.items())


async def test_what_another_try_may_help_is_tried_again(redis_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job whose failure may pass is put off and handed out again.

    This may happen any number of times. The job is never noted as failed.
    """
    monkeypatch.setattr(_worker, "_LONGEST_PAUSE_S", 0.01)
    provider = Provider()
    fails = 8

    async def fetch(*args: Any, **options: Any) -> Any:
        nonlocal fails
        fails -= 1
        if fails >= 0:
            raise ServerBusyError("busy") if fails % 2 else TooFastError("slow", retry_after=0.01)
        return await fetched(*args, **options)

    monkeypatch.setattr(_worker, "fetch", fetch)
    job = FetchJob(provider.appid, HALF, HALF)
    async with queue_at(redis_path, "wx-again") as queue, open_ledger(str(tmp_path / "a.db")) as ledger, working(queue, provider, ledger):
        await queue.add([job])
        await until(lambda: _done(queue, job))
        assert (fails, await queue.failed([job])) == (-1, {})
        assert (await ledger.progress()).half_months == 1


async def _done(queue: JobQueue, *jobs: FetchJob) -> bool:
    return not await queue.unfinished(jobs)


@pytest.mark.parametrize(
    ("error", "tries", "seconds"),
    [
        (TooFastError("slow", retry_after=42.0), 1, 42.0),
        (QuotaExceededError("spent", retry_after=600.0), 9, 600.0),
        (TooFastError("slow"), 3, 8.0),
        (ServerBusyError("busy"), 1, 2.0),
        (ServerBusyError("busy"), 5000, 300.0),
    ],
)
def test_how_long_a_job_is_put_off(error: Any, tries: int, seconds: float) -> None:
    """A job is put off for as long as the error asks.

    Without a time in the error it is longer at each attempt, five minutes at most.
    """
    assert _worker.pause(error, tries) == seconds


async def test_told_to_stop_a_worker_finishes(redis_path: str, tmp_path: Path) -> None:
    """A worker that is told to stop ends its running jobs.

    It takes none of those that wait.
    """
    provider = Provider()
    jobs = [FetchJob(provider.appid, HALF.shifted(number), HALF.shifted(number)) for number in range(10)]
    async with queue_at(redis_path, "wx-stop") as queue, open_ledger(str(tmp_path / "a.db")) as ledger:
        provider.open.clear()
        await queue.add(jobs)
        async with working(queue, provider, ledger) as stop:
            await until(lambda: _called(provider, 4))
            stop.set()
            provider.open.set()
        assert (await ledger.progress()).half_months == 4
        assert len(await queue.unfinished(jobs)) == 6


@pytest.mark.parametrize("way", ["stopped", "cancelled"])
async def test_jobs_that_do_not_end_are_given_back(way: str, redis_path: str, tmp_path: Path) -> None:
    """A job that does not end in time, or is cancelled, is free at once.

    Another worker fetches it before any lease has ended.
    """
    provider, other = Provider(), Provider()
    job = FetchJob(provider.appid, HALF, HALF)
    async with queue_at(redis_path, f"wx-{way}") as queue, open_ledger(str(tmp_path / "a.db")) as ledger:
        provider.open.clear()
        await queue.add([job])
        stop = asyncio.Event()
        worker = asyncio.create_task(work(queue, provider.client, ledger, lease=600.0, grace=0.01, stop=stop))
        await until(lambda: _called(provider, 1))
        if way == "stopped":
            stop.set()
            await worker
        else:
            worker.cancel()
            with pytest.raises(asyncio.CancelledError):
                await worker
        assert await queue.unfinished([job]) == [job]
        async with working(queue, other, ledger, lease=600.0):
            await until(lambda: _done(queue, job))
        assert other.calls == 1
        assert (await ledger.progress()).half_months == 1


async def _called(provider: Provider, calls: int) -> bool:
    return provider.calls == calls


@pytest.mark.slow("waits for six times as long as a worker may be silent")
async def test_a_job_that_waits_long_is_handed_out_once(redis_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that waits long for its turn is not handed to another worker.

    It waits many times as long as a worker may be silent.
    """
    monkeypatch.setattr(_streaq, "IDLE_S", 0.5)
    provider = Provider()
    jobs = [FetchJob(provider.appid, HALF.shifted(number), HALF.shifted(number)) for number in range(4)]
    async with queue_at(redis_path, "wx-long") as queue, open_ledger(str(tmp_path / "a.db")) as ledger:
        provider.open.clear()
        await queue.add(jobs)
        async with working(queue, provider, ledger), working(queue, provider, ledger):
            await until(lambda: _called(provider, 4))
            await asyncio.sleep(3.0)
            calls = provider.calls
            provider.open.set()
            await until(lambda: _done(queue, *jobs))
        assert calls == provider.calls == 4


async def test_arguments_of_a_run_that_are_refused(redis_path: str, tmp_path: Path) -> None:
    """Wrong arguments are refused before anything is queued.

    They are days, owners, a pause, a listener or a ledger.
    """
    async with queue_at(redis_path, "wx-days") as queue, open_ledger(str(tmp_path / "a.db")) as ledger:
        cases: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
            ((ledger, ["wx1"], "2024-13-01", "2024-12-31"), {}, "2024-13-01"),
            ((ledger, "wx1", *SPAN), {}, "sync_by_workers.owners"),
            ((ledger, ["wx1"], *SPAN), {"pause": 0.0}, "sync_by_workers.pause"),
            ((ledger, ["wx1"], *SPAN), {"on_progress": 7}, "sync_by_workers.on_progress"),
            ((ledger, ["wx1"], *SPAN), {"on_progress": asyncio.sleep}, "sync_by_workers.on_progress: expected a plain function"),
            (("a.db", ["wx1"], *SPAN), {}, "sync_by_workers.ledger: expected a Ledger, got str"),
        ]
        for args, options, told in cases:
            with pytest.raises(ConfigurationError, match=told):
                await sync_by_workers(queue, *args, **options)
        assert (await queue.state()).waiting == 0
