"""Pages fetched ahead: few, never kept, and cancelled when the walk ends.

It does not matter how the walk ends.
"""

from __future__ import annotations

import asyncio
import gc
import weakref
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from support.lists import Item, Leaf, Query, Shelf, Source, items, script, shelf
from support.virtual import now, run_virtual, settle, virtual

from wxrevenue.errors import ClientStateError, ConfigurationError, ServerBusyError
from wxrevenue.pagination._paginator import LARGEST_PREFETCH, Paginator

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


@pytest.mark.parametrize("prefetch", [0, 1, 3])
def test_bounded_prefetch(prefetch: int) -> None:
    """P-14: while the consumer holds a row, at most ``prefetch`` pages are fetched.

    With none the walk fetches a page only when the consumer asks.
    """

    async def slow() -> None:
        server = shelf(items(200), 10)
        async with server.walk(prefetch=prefetch) as walk:
            async for row in walk:
                if row.group % 10 == 0:
                    await asyncio.sleep(60)
                    assert len(server.asked) == min(20 + (row.group == 190), row.group // 10 + 1 + prefetch)
                assert server.under_way == 0 or row.group % 10 == 0 or prefetch

    run_virtual(slow())


@virtual
async def test_prefetch_saves_time() -> None:
    """A page fetched while the consumer works costs the consumer no time."""
    async for row in shelf(items(100), 10).walk(prefetch=1):
        if row.group % 10 == 0:
            await asyncio.sleep(1.0)
    assert now() == 11.0


@pytest.mark.parametrize("prefetch", [0, 1, 3])
def test_a_request_is_made_once(prefetch: int) -> None:
    """The request for a page is made when it is fetched, and not again for its reader."""

    async def walk() -> None:
        server = shelf(items(50), 10)
        source = Source(Query(), server.fetch)
        await Paginator[Item](source, prefetch=prefetch).collect()
        assert source.made == server.asked

    run_virtual(walk())


@virtual
async def test_prefetch_only_what_is_missing() -> None:
    """No more pages are fetched ahead than the missing rows fill."""
    server = shelf(items(25), 10)
    walk = server.walk(prefetch=LARGEST_PREFETCH)
    await anext(walk)
    await settle()
    assert server.asked == [1, 2, 3]
    await walk.aclose()


@pytest.mark.parametrize("wrong", [-1, LARGEST_PREFETCH + 1, True, 1.0, None, "1"])
def test_wrong_prefetch(wrong: Any) -> None:
    """A wrong number of pages ahead is refused when the walk is made."""
    with pytest.raises(ConfigurationError, match="prefetch"):
        shelf([], 10).walk(prefetch=wrong)


@virtual
async def test_no_page_is_kept() -> None:
    """A page is freed as soon as its last row is yielded.

    Neither it nor its rows stay while the next one is awaited.
    """
    server = shelf([Item(n) for n in range(40)], 10)
    walk = server.walk(prefetch=0)
    rows: list[weakref.ref[Item]] = []
    async for row in walk:
        rows.append(weakref.ref(row))
        del row
        assert sum(leaf() is not None for leaf in server.leaves) == 0
    assert len(rows) == 40


@virtual
async def test_no_page_is_kept_by_page() -> None:
    """A walk by page keeps no page either, once its consumer has dropped it."""
    rows: list[weakref.ref[Item]] = []
    alive: list[int] = []

    def serve(page: int) -> Leaf:
        alive.append(sum(row() is not None for row in rows))
        return Leaf([Item(page * 10 + n) for n in range(10 if page < 5 else 0)], 40)

    async for found in Shelf(serve).walk(prefetch=0).by_page():
        rows += map(weakref.ref, found)
        del found
    assert alive == [0, 0, 0, 0, 0]


async def stop_at(server: Shelf, walk: Paginator[Item], *, how: str) -> None:
    """Read five rows of a walk and stop."""
    if how == "aclosing by_page":
        async with aclosing(walk.by_page()) as pages:
            async for _ in pages:
                break
    elif how == "aclosing":
        async with aclosing(walk):
            await anext(walk)
    elif how == "async with":
        async with walk:
            async for row in walk:
                if row.group == 5:
                    break
    else:
        with pytest.raises(KeyError):  # noqa: PT012  (the walk is what is left)
            async with walk:
                async for row in walk:
                    if row.group == 5:
                        raise KeyError
    assert server.under_way == 0


@pytest.mark.parametrize("how", ["async with", "aclosing", "aclosing by_page", "exception"])
@pytest.mark.parametrize("prefetch", [0, 1, 4])
def test_early_exit(how: str, prefetch: int) -> None:
    """P-13: a walk that is left early leaves no task behind.

    The pages fetched ahead are cancelled before the block ends.
    """

    async def leave() -> Shelf:
        server = shelf(items(100), 10)
        await stop_at(server, server.walk(prefetch=prefetch), how=how)
        return server

    server = run_virtual(leave())
    assert len(server.cancelled) <= prefetch
    assert len(server.asked) <= 1 + prefetch


@virtual
async def test_break_without_a_block() -> None:
    """After a bare ``break`` the loop cleans up as soon as the walk is collected."""
    server = shelf(items(100), 10, takes=5.0)
    async for _ in server.walk(prefetch=2):
        break
    await settle()
    gc.collect()
    await settle()
    assert server.under_way == 0
    assert len(asyncio.all_tasks()) == 1


@virtual
async def test_cancelled_consumer() -> None:
    """P-15: a consumer cancelled as it waits for a page cancels the pages ahead too."""
    server = shelf(items(100), 10, takes=5.0)

    async def consume() -> None:
        async with server.walk(prefetch=3) as walk:
            async for _ in walk:
                pass

    task = asyncio.create_task(consume())
    await asyncio.sleep(12.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert server.under_way == 0
    assert server.cancelled


@virtual
async def test_closed_walk() -> None:
    """A closed walk yields no more rows.

    It may be closed twice, and before it began.
    """
    server = shelf(items(100), 10)
    walk = server.walk()
    await anext(walk)
    await walk.aclose()
    await walk.aclose()
    assert [row async for row in _rest(walk)] == []
    unused = server.walk()
    await unused.aclose()
    with pytest.raises(ClientStateError):
        unused.by_page()
    assert server.under_way == 0


async def _rest(walk: Paginator[Item]) -> AsyncGenerator[Item, None]:
    while True:
        try:
            yield await anext(walk)
        except StopAsyncIteration:
            return


@virtual
async def test_one_walk_only() -> None:
    """P-16: a paginator is one walk; every way to begin a second one is refused."""
    server = shelf(items(3), 10)
    walk = server.walk()
    assert await walk.collect() == items(3)
    for again in (walk.__aiter__, walk.by_page):
        with pytest.raises(ClientStateError, match="one walk"):
            again()
    with pytest.raises(ClientStateError):
        await walk.collect()
    assert server.asked == [1]


@virtual
async def test_a_page_that_failed_ahead_of_a_reader_who_left() -> None:
    """P-15: the loop does not report a failed page of a walk that was not closed.

    The page failed after the consumer had left.
    """
    told = list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    walk = script(Leaf(items(10), 20), ServerBusyError("no")).walk()
    async for _ in walk:
        await asyncio.sleep(5)
        break
    del walk
    gc.collect()
    await settle()
    gc.collect()
    assert told == []
