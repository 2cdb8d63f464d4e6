"""What is left of a sweep or a walk that ends badly: no task and no call.

The sweep or walk is cancelled more than once, disconnected, or dropped.
"""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest
from support.lists import Item, Leaf, Query, Source, items
from support.virtual import settle, virtual

from wxrevenue import Paginator, sweep

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class Jobs:
    """Endless jobs, one at a time; knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    async def __call__(self) -> AsyncIterator[int]:
        """Yield numbers."""
        try:
            number = 0
            while True:
                yield (number := number + 1)
                await asyncio.sleep(1)
        finally:
            await asyncio.sleep(1)
            self.closed = True


async def stubborn(_job: int) -> None:
    """Wait; when cancelled, do some work before the end."""
    try:
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(5)


async def consume(jobs: AsyncIterator[int]) -> None:
    """Take every outcome."""
    async with sweep(stubborn, jobs, concurrency=4) as outcomes:
        async for _ in outcomes:
            pass


async def cancel_at_every_turn(task: asyncio.Task[Any]) -> None:
    """Cancel a task again and again until it ends, as a cancelled scope of anyio does."""
    for _ in range(30):
        task.cancel()
        await asyncio.sleep(0)
    while not task.done():
        task.cancel()
        await asyncio.sleep(1)


async def cancel_twice(task: asyncio.Task[Any]) -> None:
    """Cancel a task a second time while it ends."""
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(1)


@pytest.mark.parametrize("cancel", [cancel_twice, cancel_at_every_turn])
@virtual
async def test_cancelled_more_than_once(cancel: Callable[[asyncio.Task[Any]], Any]) -> None:
    """C-18: a sweep that is cancelled again while its calls end still waits for them.

    It closes its source.
    """
    jobs = Jobs()
    task = asyncio.create_task(consume(jobs()))
    await asyncio.sleep(3.5)
    await cancel(task)
    await asyncio.wait([task])
    assert task.cancelled()
    assert jobs.closed
    assert asyncio.all_tasks() == {asyncio.current_task()}


@virtual
async def test_a_walk_cancelled_more_than_once() -> None:
    """C-18: a walk's cancellation comes through after its pages ahead have ended.

    It does not matter how often the walk was cancelled.
    """
    put_away: list[int] = []

    async def fetch(query: Query) -> Leaf:
        if query.page == 1:
            return Leaf(items(10), 100)
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(3)
            put_away.append(query.page)
        raise AssertionError

    task = asyncio.create_task(Paginator[Item](Source(Query(), fetch), prefetch=4).collect())
    await asyncio.sleep(1)
    await cancel_twice(task)
    await asyncio.wait([task])
    assert put_away == [3, 4, 5]  # page 2 was awaited by the walk itself, and cancelled as often
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def as_it_is(job: int) -> int:
    """Return the job itself."""
    return job


@pytest.mark.parametrize("make", [lambda: range(10**6), Jobs()])
@virtual
async def test_dropped_and_collected(make: Callable[[], Any]) -> None:
    """C-19: a sweep dropped in a reference cycle ends when it is collected.

    A streaming response may drop it so. No task is destroyed.
    """
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context["message"]))

    async def response() -> AsyncIterator[int]:
        async for outcome in sweep(as_it_is, make(), concurrency=3):
            yield outcome.result()

    circle: dict[str, Any] = {"rows": response()}
    circle["itself"] = circle
    await anext(circle["rows"])
    await settle()
    del circle
    gc.collect()
    await asyncio.sleep(5)
    assert told == []
    assert asyncio.all_tasks() == {asyncio.current_task()}
