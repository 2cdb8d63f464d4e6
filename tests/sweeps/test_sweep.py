"""Sweeps: one outcome for each job, and a limited number at a time.

Jobs are pulled lazily, and every end leaves no task behind.
"""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any, cast

import pytest
from support.fakes import ams_client, ratio, refusal
from support.sweeping import outcomes
from support.virtual import armed_timers, now, settle, virtual

from wxrevenue import ClientStateError, ConfigurationError, ServerBusyError, sweep

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class Work:
    """A call that takes a second.

    It knows how many were under way at once and how many were given up.
    """

    def __init__(self, seconds: float = 1.0) -> None:
        self.seconds = seconds
        self.running = 0
        self.most = 0
        self.started: list[int] = []
        self.cancelled = 0

    async def __call__(self, job: int) -> int:
        self.started.append(job)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            await asyncio.sleep(0.5)  # cleaning up takes its time
            raise
        finally:
            self.running -= 1
        return job * job


def counted(most: int, pulled: list[int]) -> Iterator[int]:
    """Yield numbers, and keep those that were asked for."""
    for number in range(most):
        pulled.append(number)
        yield number


# -- one outcome for each job ----------------------------------------------------------------------


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("concurrency", [1, 3, 50])
@virtual
async def test_every_job_has_its_outcome(concurrency: int, ordered: bool, asynchronous: bool) -> None:  # noqa: FBT001
    """Every job has one outcome, with its value.

    The time shows that so many ran side by side and never more.
    """
    work = Work()

    async def arriving() -> AsyncIterator[int]:
        for number in range(12):
            yield number

    found = await outcomes(sweep(work, arriving() if asynchronous else range(12), concurrency=concurrency, ordered=ordered))
    assert sorted((one.job, one.value, one.error, one.done, one.cursor) for one in found) == [
        (n, n * n, None, True, None) for n in range(12)
    ]
    assert now() == max(1, 12 // concurrency)
    assert work.most == min(12, concurrency)
    assert work.started == list(range(12))


@virtual
async def test_no_jobs() -> None:
    """A sweep without jobs ends at once."""
    assert await outcomes(sweep(Work(), [])) == []
    assert now() == 0


@virtual
async def test_a_failing_job_stops_no_other() -> None:
    """The exception of a call is in its job's outcome; the others go on.

    This includes a cancellation of its own.
    """
    script: dict[str, Any] = {"ours": ServerBusyError("busy"), "theirs": ZeroDivisionError(), "cancelled": asyncio.CancelledError("inner")}

    async def call(job: str) -> str:
        await asyncio.sleep(1)
        if job in script:
            raise script[job]
        return job

    found = {outcome.job: outcome for outcome in await outcomes(sweep(call, [*script, "fine"], concurrency=2))}
    assert {job: found[job].error for job in script} == script
    assert [(one.value, one.done) for job, one in found.items() if job in script] == [(None, False)] * 3
    assert found["fine"].result() == "fine"
    with pytest.raises(ServerBusyError):
        found["ours"].result()


@virtual
async def test_a_call_that_raises_before_it_awaits() -> None:
    """A plain function that raises fails its own job only.

    So does one that returns nothing to await.
    """

    def call(job: int) -> Any:
        if job == 1:
            raise ValueError("one")
        return Work()(job) if job == 2 else job

    found = await outcomes(sweep(call, [1, 2, 3]))
    assert {one.job: type(one.error) for one in found} == {1: ValueError, 2: type(None), 3: ConfigurationError}


@pytest.mark.parametrize("error", [GeneratorExit, type("Fatal", (BaseException,), {})])
@virtual
async def test_what_is_no_exception_ends_the_sweep(error: type[BaseException]) -> None:
    """A fatal exception of a call reaches the consumer.

    Every other call is cancelled and awaited.
    """
    work = Work(10)

    async def call(job: int) -> int:
        if job == 3:
            await asyncio.sleep(1)
            raise error
        return await work(job)

    with pytest.raises(error):
        await outcomes(sweep(call, range(10), concurrency=4))
    assert (work.running, work.cancelled) == (0, 3)


@virtual
async def test_calls_report_what_they_took() -> None:
    """An outcome has the attempts and the seconds waited of its job's calls.

    Calls of other jobs do not count.
    """
    fails = iter([refusal(-1), refusal(-1)])
    client, _ = ams_client(handler=lambda request: next(fails, None) or ratio() if b"busy" in request.body else ratio())
    found = {one.job: one for one in await outcomes(sweep(client.get_share_ratio, ["busy", "idle"]))}
    assert (found["busy"].attempts, found["idle"].attempts) == (3, 1)
    assert 0 < found["busy"].waited == now()
    assert found["idle"].waited == 0


@virtual
async def test_calls_run_under_the_page_deadline() -> None:
    """Inside a sweep a call has as long as a page has.

    Outside, and in the consumer's own code, its own deadline counts.
    """
    client, _ = ams_client(handler=lambda _: asyncio.sleep(40, ratio()), deadline=30.0, page_deadline=50.0, timeout=45.0)
    async with sweep(client.get_share_ratio, ["a"]) as one:
        async for outcome in one:
            assert outcome.error is None
            assert now() == 40
            with pytest.raises(TimeoutError):
                await client.get_share_ratio("b")
            assert now() == 70


# -- jobs are pulled lazily, and a slow consumer stops the workers ---------------------------------


@pytest.mark.parametrize("ordered", [False, True])
@virtual
async def test_a_slow_consumer_stops_the_workers(ordered: bool) -> None:  # noqa: FBT001
    """While the consumer works on an outcome, each worker makes one more at most.

    No further job is pulled.
    """
    pulled: list[int] = []
    async with sweep(Work(), counted(1_000, pulled), concurrency=4, ordered=ordered) as one:
        assert (await anext(one)).job == 0
        await asyncio.sleep(100)
        assert len(pulled) == 5
        await anext(one)
        await asyncio.sleep(100)
        assert len(pulled) == 6


@pytest.mark.slow("sweeps over a hundred thousand jobs")
@virtual
async def test_as_many_tasks_as_slots() -> None:
    """A hundred thousand jobs take no more tasks than there are slots."""

    async def call(job: int) -> int:
        await asyncio.sleep(0)
        return job

    most = total = 0
    async for outcome in sweep(call, range(100_000), concurrency=8):
        total += outcome.result()
        if outcome.job % 1_000 == 0:
            most = max(most, len(asyncio.all_tasks()))
    assert total == sum(range(100_000))
    assert most == 9


@virtual
async def test_jobs_that_arrive_over_time() -> None:
    """A job from an asynchronous iterable starts when it arrives.

    Others are under way then.
    """
    client, _ = ams_client(handler=lambda _: asyncio.sleep(20, ratio()), timeout=25.0)

    async def arriving() -> AsyncIterator[str]:
        for name in "abc":
            await asyncio.sleep(10)
            yield name

    ended = [(outcome.job, now()) async for outcome in sweep(client.get_share_ratio, arriving(), concurrency=3)]
    assert ended == [("a", 30), ("b", 40), ("c", 50)]


@virtual
async def test_jobs_that_are_made_by_calls() -> None:
    """The calls that an asynchronous iterable makes belong to no job.

    They have their own deadline, and are not counted.
    """
    client, _ = ams_client(handler=lambda _: asyncio.sleep(20, ratio()), timeout=25.0, deadline=15.0)

    async def found_out() -> AsyncIterator[str]:
        for name in "abc":
            yield name
            with pytest.raises(TimeoutError):
                await client.get_share_ratio("own")

    found = await outcomes(sweep(client.get_share_ratio, found_out(), concurrency=1))
    assert [(one.job, one.attempts, one.error) for one in found] == [("a", 1, None), ("b", 1, None), ("c", 1, None)]


@pytest.mark.parametrize("asynchronous", [False, True])
@virtual
async def test_jobs_that_break_off(asynchronous: bool) -> None:  # noqa: FBT001
    """When the iterable raises, the jobs that came before are completed.

    Then its error is raised.
    """

    def broken() -> Iterator[int]:
        yield from range(3)
        raise LookupError("no more")

    async def broken_later() -> AsyncIterator[int]:
        for number in broken():
            yield number

    one = aiter(sweep(Work(), broken_later() if asynchronous else broken(), concurrency=2))
    assert [(await anext(one)).job for _ in range(3)] == [0, 1, 2]
    with pytest.raises(LookupError, match="no more"):
        await anext(one)


# -- ends ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ordered", [False, True])
@virtual
async def test_leaving_early(ordered: bool) -> None:  # noqa: FBT001
    """Leaving the block cancels every call and waits for it.

    It closes an asynchronous generator of jobs, and leaves no timer.
    """
    work, closed = Work(2), list[float]()

    async def arriving() -> AsyncIterator[int]:
        try:
            for number in range(10):
                yield number
                await asyncio.sleep(0.1)
        finally:
            closed.append(now())

    async with sweep(work, arriving(), concurrency=4, ordered=ordered) as one:
        async for outcome in one:
            assert outcome.job == 0
            break
    assert (now(), work.running, work.cancelled) == (2.5, 0, 3)
    assert closed == [2.5]
    assert armed_timers() == 0
    await one.aclose()


@virtual
async def test_a_consumer_that_is_cancelled() -> None:
    """Cancelling a consumer that waits for an outcome cancels every call.

    It waits for them, without any ``async with``.
    """
    work = Work(5)
    consumer = asyncio.create_task(outcomes(sweep(work, range(10), concurrency=3)))
    await asyncio.sleep(1)
    consumer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consumer
    assert (work.running, work.cancelled, now()) == (0, 3, 1.5)


@virtual
async def test_a_sweep_that_is_dropped() -> None:
    """A loop that is left without ``async with`` ends its calls.

    It does so as soon as the sweep is dropped.
    """
    work = Work()

    async def first() -> int:
        async for outcome in sweep(work, range(10), concurrency=3):
            return outcome.result()
        return -1

    assert await first() == 0
    gc.collect()
    await asyncio.sleep(1)
    await settle()
    assert work.running == 0


@virtual
async def test_a_sweep_goes_once() -> None:
    """A second iteration is refused; so is one after the end.

    A sweep that never began may be closed.
    """
    one = sweep(Work(), range(3))
    assert len(await outcomes(one)) == 3
    with pytest.raises(ClientStateError):
        await outcomes(one)
    await sweep(Work(), range(3)).aclose()


@virtual
async def test_a_sweep_has_one_consumer() -> None:
    """A second task that asks for an outcome, or closes the sweep, gets an error.

    It says that another task waits.
    """
    one = sweep(Work(), range(3))
    first = asyncio.create_task(outcomes(one))
    await asyncio.sleep(0.5)
    for wrong in (anext(one), one.aclose()):
        with pytest.raises(ClientStateError, match="another task"):
            await wrong
    assert len(await first) == 3


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"call": 5}, "call"),
        ({"jobs": 5}, "jobs"),
        ({"jobs": "wx1"}, "jobs"),
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": True}, "concurrency"),
        ({"concurrency": 10_001}, "concurrency"),
        ({"ordered": 1}, "ordered"),
        ({"requeue": "no"}, "requeue"),
        ({"patience": 0}, "patience"),
        ({"patience": "long"}, "patience"),
        ({"checkpoint": "file"}, "checkpoint"),
        ({"on_event": 5}, "on_event"),
    ],
)
def test_arguments_that_are_refused(arguments: dict[str, Any], name: str) -> None:
    """A forbidden argument is refused by name when the sweep is made."""
    with pytest.raises(ConfigurationError, match=rf"sweep\.{name}"):
        cast("Any", sweep)(**{"call": Work(), "jobs": [], **arguments})
