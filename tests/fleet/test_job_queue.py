"""The queue of jobs: each job is there once, as signed JSON.

What goes wrong is reported without a password.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest
from support.leaks import assert_no_leak
from support.redis import admin, running_server
from support.workers import KEY, PASSWORD, Provider, queue_at, until, working

from wxrevenue import ClientStateError, ConfigurationError, HalfMonth, TransportError, open_ledger
from wxrevenue.fleet import _streaq
from wxrevenue.fleet.workers import JobQueue, QueueState, work
from wxrevenue.ledger import FetchJob

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HALF = HalfMonth(2024, 1, 1)
JOBS = [FetchJob(f"wx{number}", HALF, HALF) for number in range(3)]


async def test_adding_twice_is_adding_once(redis_path: str) -> None:
    """Jobs that wait are not added again, and all of them are returned.

    They may come in any kind of iterable.
    """

    async def listed() -> AsyncIterator[FetchJob]:
        for job in JOBS:
            yield job

    async with queue_at(redis_path, "wx-twice") as queue:
        assert await queue.state() == QueueState(0, 0, 0, 0)
        assert await queue.add(JOBS) == JOBS
        assert await queue.add(listed()) == JOBS
        assert await queue.add(iter(JOBS[:1])) == JOBS[:1]
        assert await queue.state() == QueueState(3, 0, 0, 0)
        stranger = FetchJob("wx9", HALF, HALF)
        assert await queue.unfinished([*JOBS, stranger]) == JOBS
        assert await queue.failed(JOBS) == {}


async def test_many_jobs_are_sent_in_pieces(redis_path: str) -> None:
    """More jobs than one piece are all queued, all found, and each once."""
    jobs = [FetchJob(f"wx{number}", HALF, HALF) for number in range(2500)]
    async with queue_at(redis_path, "wx-many") as queue:
        await queue.add(jobs)
        assert (await queue.state()).waiting == 2500
        assert await queue.unfinished(jobs) == jobs


async def test_what_lies_in_redis(redis_path: str) -> None:
    """A job lies in Redis as signed JSON with its text and nothing else.

    No value can be unpickled, and none holds a token or the key.
    """
    async with queue_at(redis_path, "wx-lies") as queue, admin(redis_path) as client:
        await queue.add(JOBS[:1])
        keys = [key async for key in client.scan_iter(match="*wx-lies*")]
        assert [key for key in keys if key.endswith(b":task:data:wx0/2024-01-1..2024-01-1")]
        for key in keys:
            if await client.type(key) != b"string":
                continue
            data = await client.get(key)
            value = _streaq.loads(data[:-32])
            assert isinstance(value, dict)
            assert {name: value[name] for name in "fak"} == {"f": "fetch", "a": [str(JOBS[0])], "k": {}}
            with pytest.raises((pickle.UnpicklingError, EOFError)):
                pickle.loads(data)  # noqa: S301  (that it cannot be is the point)


class _Planted:
    """Sets off an alarm when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return ALARM.append, ("unpickled",)


ALARM: list[str] = []


UNSIGNED = _streaq.dumps({"f": "fetch", "a": ["wx7/2024-01-1..2024-01-1"], "k": {}, "t": 0})
PLANTED = {"pickle": pickle.dumps(_Planted()), "unsigned": UNSIGNED, "text": b"{", "empty": b"", "list": b"[" * 40}


@pytest.mark.parametrize("kind", PLANTED)
async def test_forged_jobs(kind: str, redis_path: str, tmp_path: Path) -> None:
    """A job that was not signed with the key is neither unpickled nor fetched.

    It is dropped, and the worker continues.
    """
    provider = Provider()
    half = HalfMonth(2025, 1, 1)
    forged, real = FetchJob(provider.owners[1], half, half), FetchJob(provider.appid, half, half)
    name = f"wx-forged-{kind}"
    async with queue_at(redis_path, name) as queue, admin(redis_path) as client, open_ledger(str(tmp_path / "a.db")) as ledger:
        await queue.add([forged])
        (key,) = [key async for key in client.scan_iter(match=f"*{name}*:task:data:*")]
        await client.set(key, PLANTED[kind])
        async with working(queue, provider, ledger):
            await until(lambda: _none_left(queue, [forged]))
            await queue.add([real])
            await until(lambda: _none_left(queue, [real]))
        assert {owner async for owner, _ in ledger.settlements()} == {provider.appid}
    assert ALARM == []


async def _none_left(queue: JobQueue, jobs: list[FetchJob]) -> bool:
    return not await queue.unfinished(jobs)


async def test_queues_of_other_keys_and_providers(redis_path: str) -> None:
    """Queues of other keys and providers do not see each other's jobs.

    The other queue has another key, no key, another provider or another prefix.
    """
    url = f"unix://{redis_path}"
    others = [
        JobQueue(url, "wx-own"),
        JobQueue(url, "wx-own", keys=bytes(31) + b"x"),
        JobQueue(url, "wx-other", keys=KEY),
        JobQueue(url, "wx-own", keys=KEY, prefix="test"),
    ]
    async with JobQueue(url, "wx-own", keys=[KEY, bytes(31) + b"x"]) as queue, queue_at(redis_path, "wx-own") as same:
        await queue.add(JOBS)
        assert (await same.state()).waiting == 3
        for other in others:
            async with other:
                assert (await other.state()).waiting == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"redis": 7}, "JobQueue.redis: expected a URL"),
        ({"redis": f"redis://:{PASSWORD}@host:port"}, "JobQueue.redis: expected redis://host"),
        ({"redis": f"redis://:{PASSWORD}@h/0?protocol={PASSWORD}"}, "option behind the question mark"),
        ({"component_appid": "wx 1"}, "JobQueue.component_appid: "),
        ({"keys": b"short"}, "JobQueue.keys: expected keys of 32 bytes"),
        ({"prefix": "a{b"}, "JobQueue.prefix: expected no braces"),
    ],
)
async def test_arguments_that_are_refused(options: dict[str, Any], told: str) -> None:
    """A wrong argument is refused before anything is connected to.

    No password is shown.
    """
    arguments: dict[str, Any] = {"redis": "redis://localhost", "component_appid": "wx1", **options}
    with pytest.raises(ConfigurationError) as caught:
        async with JobQueue(**arguments):
            pass
    assert told in str(caught.value)
    assert_no_leak(caught.value, secrets=[PASSWORD])


async def test_jobs_and_workers_that_are_refused(redis_path: str, tmp_path: Path) -> None:
    """Only jobs are added, and only to an open queue.

    A worker needs a client that knows its account, and an open queue.
    """
    provider = Provider()
    queue = queue_at(redis_path, "wx-refused")
    with pytest.raises(ClientStateError, match="JobQueue: not open; use async with"):
        await queue.add(JOBS)
    async with queue, open_ledger(str(tmp_path / "a.db")) as ledger:
        with pytest.raises(ClientStateError, match="JobQueue: open already"):
            await queue.__aenter__()
        for jobs, told in (
            (["wx1/2024-01-1..2024-01-1"], "expected FetchJob values, got str"),
            ("wx1", "expected an iterable"),
            (7, "int"),
        ):
            with pytest.raises(ConfigurationError, match=told):
                await queue.add(jobs)  # type: ignore[arg-type]
        refused: tuple[tuple[dict[str, Any], str], ...] = (
            ({"concurrency": 0}, "work.concurrency"),
            ({"lease": 0.0}, "work.lease"),
            ({"grace": -1.0}, "work.grace"),
        )
        for options, told in refused:
            with pytest.raises(ConfigurationError, match=told):
                await work(queue, provider.client, ledger, **options)
        with pytest.raises(ConfigurationError, match=r"work\.ledger: expected a Ledger, got str"):
            await work(queue, provider.client, "a.db")  # type: ignore[arg-type]
        assert await queue.state() == QueueState(0, 0, 0, 0)


async def test_no_redis_there(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where nothing listens the error may be tried again, and shows no password.

    The logs do not show one either.
    """
    with pytest.raises(
        TransportError, match=r"Redis at 127\.0\.0\.1:1 did not serve the job queue: no connection \(.*\): is it running"
    ) as caught:
        async with JobQueue(f"redis://user:{PASSWORD}@127.0.0.1:1/0", "wx1"):
            pass
    assert caught.value.retryable
    assert_no_leak(caught.value, secrets=[PASSWORD], caplog=caplog)


async def test_a_wrong_password(caplog: pytest.LogCaptureFixture) -> None:
    """The error of a wrong password names the place of Redis alone.

    With the right password Redis serves.
    """
    with running_server() as path:
        async with admin(path) as client:
            await client.config_set("requirepass", PASSWORD)
        for wrong in (f"unix://:{PASSWORD}-not@{path}", f"unix://{path}"):
            with pytest.raises(ConfigurationError, match="does not take this user and password") as caught:
                async with JobQueue(wrong, "wx1"):
                    pass
            assert_no_leak(caught.value, secrets=[PASSWORD], caplog=caplog)
        async with JobQueue(f"unix://:{PASSWORD}@{path}", "wx1") as queue:
            assert PASSWORD not in repr(queue)
            assert await queue.add(JOBS) == JOBS
    assert_no_leak(secrets=[PASSWORD], caplog=caplog)


async def test_a_queue_that_is_open_while_redis_goes_away() -> None:
    """A call while Redis is away raises an error of the package.

    When Redis is back, the same queue works again.
    """
    with running_server() as path:
        queue = queue_at(path, "wx1")
        await queue.__aenter__()
        await queue.add(JOBS)
    for asked in (queue.state(), queue.add(JOBS), queue.unfinished(JOBS), queue.failed(JOBS)):
        with pytest.raises(TransportError, match="did not serve the job queue"):
            await asked
    await queue.__aexit__(None, None, None)
