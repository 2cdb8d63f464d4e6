"""The events of a sweep, and sweeps within sweeps."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.fakes import ams_client, answer, ratio
from support.sweeping import outcomes
from support.virtual import virtual

from wxrevenue import ClientStateError, JobEvent, sweep

# -- events ----------------------------------------------------------------------------------------


@virtual
async def test_events_count_jobs(caplog: pytest.LogCaptureFixture) -> None:
    """Every job has one event with the counts so far, never with the job itself.

    A listener that raises stops no job.
    """
    told: list[JobEvent] = []

    def listen(event: JobEvent) -> None:
        told.append(event)
        raise RuntimeError("a listener's own")

    async def call(job: str) -> str:
        await asyncio.sleep(1)
        if job == "fake-secret-b":
            raise ValueError(job)
        return job

    await outcomes(sweep(call, ["fake-secret-a", "fake-secret-b"], concurrency=1, on_event=listen))
    assert [(event.state, event.done, event.failed, event.cooling) for event in told] == [("done", 1, 0, 0), ("failed", 1, 1, 0)]
    assert "fake-secret" not in repr(told)
    assert [(event.job, event.jobs) for event in told] == [("fake-secret-a", 2), ("fake-secret-b", 2)]
    assert sum("on_event raised" in record.message for record in caplog.records) == 2  # the second one for debugging


@virtual
async def test_sweeps_within_sweeps() -> None:
    """A job may sweep by itself; afterwards its own calls count as its own again."""
    client, _ = ams_client(handler=lambda _: ratio())

    async def call(job: int) -> int:
        inner = await outcomes(sweep(client.get_share_ratio, [f"{job}-{n}" for n in range(3)]))
        await client.get_share_ratio("own")
        return sum(one.attempts for one in inner)

    assert [(one.result(), one.attempts) for one in await outcomes(sweep(call, range(4)))] == [(3, 1)] * 4


@virtual
async def test_an_answer_without_a_sweep() -> None:
    """Outside of sweeps a call is reported to no sweep."""
    client, _ = ams_client(handler=lambda _: answer({"ret": 0, "share_ratio": 1}))
    assert (await client.get_share_ratio("a")).share_ratio == 1


@virtual
async def test_a_call_that_cancels_its_own_task() -> None:
    """A sweep whose workers are cancelled by a call ends in an error.

    It does not end as if all jobs were done.
    """

    async def call(job: int) -> int:
        if job:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(1)
        return job

    found: list[Any] = []
    with pytest.raises(ClientStateError, match="cancelled from outside"):  # noqa: PT012  (what came before counts)
        async for outcome in sweep(call, range(10), concurrency=2):
            found.append(outcome.job)  # noqa: PERF401
    assert set(found) <= {0}
