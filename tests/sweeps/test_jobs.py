"""Sources of a sweep's jobs that are cancelled, time out, or are left early."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from support.virtual import now, virtual

from wxrevenue import sweep

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


async def work(job: int) -> int:
    """Wait a second."""
    await asyncio.sleep(1)
    return job


def cancelled() -> Iterator[int]:
    """Yield two jobs, then raise ``CancelledError`` as from a cancelled task."""
    yield 1
    yield 2
    raise asyncio.CancelledError


async def awaits_a_cancelled_task() -> AsyncIterator[int]:
    """Yield two jobs, then await a task that was cancelled."""
    yield 1
    yield 2
    task = asyncio.ensure_future(asyncio.sleep(10))
    task.cancel()
    await task


@pytest.mark.parametrize("source", [cancelled, awaits_a_cancelled_task])
@virtual
async def test_a_cancellation_from_within_the_source_is_no_end(source: type) -> None:
    """A cancellation within the source is raised like any other error.

    The jobs before it come first. The sweep neither hangs nor seems complete.
    """
    found: list[int] = []
    with pytest.raises(asyncio.CancelledError):  # noqa: PT012  (what came before the error counts)
        async with asyncio.timeout(10):
            async for outcome in sweep(work, source(), concurrency=3):
                found.append(outcome.job)  # noqa: PERF401
    assert sorted(found) == [1, 2]


@virtual
async def test_a_source_with_a_timeout() -> None:
    """A timeout within the source is one for all its jobs.

    It would be so in a plain loop.
    """

    async def source() -> AsyncIterator[int]:
        async with asyncio.timeout(5):
            yield 1
            await asyncio.sleep(100)
            yield 2

    with pytest.raises(TimeoutError):
        _ = [outcome async for outcome in sweep(work, source())]
    assert now() == 5


@pytest.mark.parametrize("most", [1, 7])
@virtual
async def test_a_source_lives_in_one_task(most: int) -> None:
    """A source is begun, asked and closed by one task.

    It may come to its end or be left early.
    """
    tasks = set[asyncio.Task[object] | None]()

    async def source() -> AsyncIterator[int]:
        try:
            for job in range(3):
                tasks.add(asyncio.current_task())
                yield job
        finally:
            tasks.add(asyncio.current_task())

    async with sweep(work, source()) as one:
        async for outcome in one:
            if outcome.job == most:
                break
    assert len(tasks) == 1
    assert tasks != {asyncio.current_task()}


@virtual
async def test_a_source_that_fails_to_close() -> None:
    """An error in the closing of a source is raised at the end of the block."""

    async def source() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        finally:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with sweep(work, source()) as one:
            await anext(one)
