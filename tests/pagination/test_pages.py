"""Walks over pages: every row once, in order, and what ends the walk."""

from __future__ import annotations

import pytest
from support.lists import Item, Leaf, items, script, shelf
from support.virtual import run_virtual, virtual

from wxrevenue.errors import ServerBusyError
from wxrevenue.pagination._paginator import LARGEST_PREFETCH


@pytest.mark.parametrize("prefetch", [0, 1, 3, LARGEST_PREFETCH])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 95])
def test_every_row_once(count: int, prefetch: int) -> None:
    """Each row comes once, in the server's order, with any number of pages ahead.

    Only behind a full page one more is asked for.
    """
    server = shelf(items(count), 10)
    assert run_virtual(server.walk(prefetch=prefetch).collect()) == items(count)
    assert server.asked == list(range(1, max(1, -(-count // 10)) + 1 + (count == 20)))


@virtual
async def test_by_page() -> None:
    """Walking by page yields the new rows of each page."""
    walk = shelf(items(25), 10).walk()
    assert [[row.group for row in rows] for rows in [rows async for rows in walk.by_page()]] == [
        list(range(10)),
        list(range(10, 20)),
        list(range(20, 25)),
    ]


@pytest.mark.parametrize("prefetch", [0, 2])
def test_unknown_total(prefetch: int) -> None:
    """Without a total the walk ends at the first empty page."""
    server = shelf(items(30), 10, total=None)
    assert run_virtual(server.walk(prefetch=prefetch).collect()) == items(30)
    assert server.asked[:4] == [1, 2, 3, 4]


@virtual
async def test_server_caps_the_page_size() -> None:
    """A server that serves fewer rows to a page than asked for loses none.

    Rows are counted, not pages.
    """
    server = shelf(items(100), 7)
    assert await server.walk(prefetch=4).collect() == items(100)
    assert len(server.asked) == 15


@virtual
async def test_short_pages_amid() -> None:
    """A short page in the middle does not end the walk while more rows are announced."""
    rows = items(6)
    server = script(Leaf(rows[:3], 6), Leaf(rows[3:4], 6), Leaf(rows[4:], 6))
    assert await server.walk().collect() == rows


@virtual
async def test_total_shrinks() -> None:
    """The newest total counts: when all its rows were seen, the pass is over.

    A total that fell brings another pass.
    """
    rows = items(6)
    server = script(Leaf(rows[:4], 9), Leaf(rows[4:], 6))
    assert await server.walk(prefetch=0).collect() == rows
    assert server.asked == [1, 2, 1, 2]


@pytest.mark.parametrize("prefetch", [0, 1, 4])
def test_failure_comes_after_the_rows_before_it(prefetch: int) -> None:
    """P-12: when a page cannot be fetched, all rows before it were yielded.

    Pages beyond it are dropped without a message.
    """

    async def fail() -> None:
        rows = items(60)
        busy = [ServerBusyError(str(n)) for n in range(4)]
        server = script(Leaf(rows[:10], 60), Leaf(rows[10:20], 60), *busy)
        seen: list[Item] = []
        with pytest.raises(ServerBusyError) as caught:  # noqa: PT012  (what came before the error counts)
            async for row in server.walk(prefetch=prefetch):
                seen.append(row)  # noqa: PERF401
        assert caught.value is busy[0]
        assert seen == rows[:20]
        assert server.under_way == 0

    run_virtual(fail())


@virtual
async def test_first_page_fails() -> None:
    """A first page that cannot be fetched is the walk's error, and ends it."""
    walk = script(ServerBusyError("no")).walk()
    with pytest.raises(ServerBusyError):
        await walk.collect()
    with pytest.raises(StopAsyncIteration):
        await anext(walk)
