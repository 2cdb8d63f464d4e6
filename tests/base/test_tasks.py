"""A value that a thread makes while its caller may be cancelled."""

from __future__ import annotations

import asyncio
import threading

import pytest

from wxrevenue._base.tasks import made_in_a_thread


async def test_what_comes_too_late_is_closed() -> None:
    """B-21: a caller that is cancelled returns at once.

    What is made for it afterwards is closed by its maker.
    """
    begun, go_on, closed = asyncio.Event(), threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    found: list[int] = []

    def make() -> int:
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(10)
        return 7

    def close(value: int) -> None:
        found.append(value)
        loop.call_soon_threadsafe(closed.set)

    making = asyncio.create_task(made_in_a_thread(make, close))
    await begun.wait()
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    go_on.set()
    await asyncio.wait_for(closed.wait(), 10)
    assert found == [7]


async def test_what_comes_in_time_is_not() -> None:
    """A value made in time is the caller's, and so is an exception of its maker."""
    closed: list[int] = []
    assert await made_in_a_thread(lambda: 7, closed.append) == 7
    with pytest.raises(ZeroDivisionError):
        await made_in_a_thread(lambda: 1 // 0, closed.append)
    assert closed == []
