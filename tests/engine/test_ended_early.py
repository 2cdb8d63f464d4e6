"""Walks and sweeps that ended early do not look as if they were complete."""

from __future__ import annotations

import asyncio

import pytest
from support.lists import items, script, shelf
from support.virtual import virtual

from wxrevenue import ClientStateError, ServerBusyError, sweep


async def work(job: int) -> int:
    """Take a second."""
    await asyncio.sleep(1)
    return job


@pytest.mark.parametrize("prefetch", [0, 1])
@virtual
async def test_a_timeout_is_not_the_end_of_the_list(prefetch: int) -> None:
    """A walk that a timeout ended says so to a caller that asks on.

    The timeout was around a wait for a row. The error says where to continue.
    """
    server = shelf(items(25), 10)
    walk = server.walk(prefetch=prefetch)
    seen = [await anext(walk) for _ in range(10)]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await anext(walk)
    with pytest.raises(ClientStateError, match="before the last page") as caught:
        await anext(walk)
    assert caught.value.cursor == walk.cursor
    assert seen + await walk.resumed().collect() == items(25)


@virtual
async def test_an_error_is_not_the_end_of_the_list() -> None:
    """A walk that an error ended says the same to a caller that asks on."""
    walk = script(ServerBusyError("no")).walk()
    with pytest.raises(ServerBusyError):
        await anext(walk)
    with pytest.raises(ClientStateError, match="before the last page"):
        await anext(walk)


@virtual
async def test_after_the_last_row_there_is_none() -> None:
    """A complete walk says so as often as it is asked."""
    walk = shelf(items(3), 10).walk()
    assert [row async for row in walk] == items(3)
    for _ in range(2):
        with pytest.raises(StopAsyncIteration):
            await anext(walk)


@virtual
async def test_a_timeout_is_not_the_end_of_the_jobs() -> None:
    """A sweep that a timeout ended says so to a caller that asks on.

    The timeout was around a wait for an outcome.
    """
    one = sweep(work, range(3), concurrency=1)
    assert (await anext(one)).job == 0
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await anext(one)
    with pytest.raises(ClientStateError, match="before its last outcome"):
        await anext(one)


@virtual
async def test_after_the_last_outcome_there_is_none() -> None:
    """A sweep that is complete or closed says so as often as it is asked."""
    done, closed = sweep(work, range(1)), sweep(work, range(1))
    assert [outcome.job async for outcome in done] == [0]
    await closed.aclose()
    for one in (done, done, closed, closed):
        with pytest.raises(StopAsyncIteration):
            await anext(one)
