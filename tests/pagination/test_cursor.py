"""Cursors: a walk resumes where it stopped, and refuses what is no cursor of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cursors import few
from support.lists import Item, Leaf, Shelf, items, shelf
from support.virtual import run_virtual, settle, virtual

from wxrevenue.errors import PageDriftError

if TYPE_CHECKING:
    from wxrevenue.pagination._paginator import Paginator


async def some(walk: Paginator[Item], count: int) -> list[Item]:
    """Return the next rows, at most so many."""
    found: list[Item] = []
    async with walk:
        while len(found) < count:
            try:
                found.append(await anext(walk))
            except StopAsyncIteration:
                break
    return found


# -- going on --------------------------------------------------------------------------------------


@pytest.mark.slow("simulates many walks that are resumed")
@few
@given(
    count=st.integers(0, 30),
    size=st.integers(1, 8),
    lie=st.sampled_from([0, 0, -3, 2, 7, None]),
    prefetch=st.integers(0, 3),
    stops=st.lists(st.integers(0, 12), max_size=6),
)
def test_unchanged_list(count: int, size: int, lie: int | None, prefetch: int, stops: list[int]) -> None:
    """A walk that is killed after any rows, again and again, repeats and loses none.

    This holds even where the announced total is wrong.
    """
    rows = items(count)
    server = shelf(rows, size, total=None if lie is None else max(0, count + lie))
    truthful = lie in {0, None} or count + (lie or 0) > count

    async def walk_in_pieces() -> list[Item]:
        found: list[Item] = []
        cursor = None
        for stop in stops:
            walk = server.walk(prefetch=prefetch, cursor=cursor)
            found += await some(walk, stop)
            cursor = walk.cursor
        return found + await server.walk(prefetch=prefetch, cursor=cursor).collect()

    found = run_virtual(walk_in_pieces())
    assert found == rows if truthful else found == rows[: len(found)]


@virtual
async def test_costs_one_page() -> None:
    """Resuming asks for the page of the last row again, and for what comes after it.

    Behind a full page that is one page more.
    """
    server = shelf(items(100), 10)
    walk = server.walk(prefetch=0)
    await some(walk, 57)
    server.asked.clear()
    assert await server.walk(cursor=walk.cursor).collect() == items(100)[57:]
    assert server.asked == [6, 7, 8, 9, 10, 11]


@virtual
async def test_pages() -> None:
    """After a page, a cursor stands behind all of it."""
    server = shelf(items(30), 10)
    walk = server.walk()
    async for page in walk.by_page():
        if page[0].group == 10:
            break
    assert await server.walk(cursor=walk.cursor).collect() == items(30)[20:]


@virtual
async def test_before_and_behind() -> None:
    """Before its first row a walk's cursor is its beginning, or where it was resumed.

    Behind its last row no row is left.
    """
    server = shelf(items(25), 10)
    walk = server.walk()
    assert await server.walk(cursor=walk.cursor).collect() == items(25)
    await some(walk, 12)
    again = server.walk(cursor=walk.cursor)
    assert again.cursor == walk.cursor
    assert await again.collect() == items(25)[12:]
    assert await server.walk(cursor=again.cursor).collect() == []


@virtual
async def test_closed_walk_keeps_its_cursor() -> None:
    """Rows of a page that a closed walk did not yield come when it is resumed."""
    server = shelf(items(25), 10)
    walk = server.walk()
    async with walk:
        assert await anext(walk) == Item(0)
        before = walk.cursor
    assert walk.cursor == before
    assert await walk.resumed().collect() == items(25)[1:]
    assert await walk.resumed(server.walk().cursor).collect() == items(25)


@virtual
async def test_cancelled_walk() -> None:
    """A walk cancelled at any moment has its cursor behind the last row it yielded."""
    for moment in range(1, 60):
        server = shelf(items(25), 3)
        walk = server.walk(prefetch=moment % 3)
        found: list[Item] = []
        task = asyncio.create_task(_consume(walk, found))
        await asyncio.sleep(moment / 7)
        task.cancel()
        await settle()
        assert found + await walk.resumed().collect() == items(25)


async def _consume(walk: Paginator[Item], found: list[Item]) -> None:
    async for row in walk:
        found.append(row)
        await asyncio.sleep(0.1)


# -- a list that changed ---------------------------------------------------------------------------


CHANGES = ["added in front", "added behind", "removed in front", "removed behind", "emptied", "numbered", "swapped"]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("stop", [1, 10, 14, 20, 25])
def test_changed_list(change: str, stop: int) -> None:
    """When the list changed in between, a walk goes back far enough.

    What was there all the time is never lost.
    """
    rows = items(25)

    async def walk_twice() -> list[Item]:
        server = Shelf(lambda page: Leaf(rows[(page - 1) * 10 : page * 10], len(rows)))
        walk = server.walk()
        before = await some(walk, stop)
        apply(change, rows)
        return before + await walk.resumed().collect()

    found = {row.group for row in run_virtual(walk_twice())}
    assert {row.group for row in rows} <= found


def apply(change: str, rows: list[Item]) -> None:
    """Change a list."""
    if change == "added in front":
        rows.insert(0, Item(99))
    elif change == "added behind":
        rows.append(Item(99))
    elif change == "removed in front":
        del rows[0]
    elif change == "removed behind":
        del rows[24]
    elif change == "emptied":
        rows.clear()
    elif change == "numbered":
        rows[:] = [attrs.evolve(row, number="later") for row in rows]
    else:
        rows[0], rows[1] = rows[1], rows[0]


@virtual
async def test_doubt_is_kept() -> None:
    """A list that changed before the cursor is read again after the resumption.

    This holds even if it did not change since.
    """
    rows = items(30)
    lists = [rows, rows[1:]]  # row 10 slides onto the page that was read already
    calls: list[int] = []

    def serve(page: int) -> Leaf:
        calls.append(page)
        now = lists[len(calls) > 1]
        return Leaf(now[(page - 1) * 10 : page * 10], len(now))

    walk = Shelf(serve).walk(prefetch=0)
    before = await some(walk, 15)
    assert Item(10) not in before
    assert Item(10) in await walk.resumed().collect()


@virtual
async def test_repeats_are_remembered() -> None:
    """A row that came twice before the cursor is not a new row after it."""
    swapped = items(30)
    swapped[5], swapped[15] = swapped[15], swapped[5]
    calls: list[int] = []

    def serve(page: int) -> Leaf:
        calls.append(page)
        return Leaf((items(30) if len(calls) == 1 else swapped)[(page - 1) * 10 : page * 10], 30)

    walk = Shelf(serve).walk(prefetch=0)
    before = await some(walk, 15)
    assert Item(15) in before + await walk.resumed().collect()


@virtual
async def test_second_pass_leaves_the_cursor_alone() -> None:
    """While a second pass yields what the first one missed, the cursor stays.

    It stays at the end of the first pass.
    """
    rows = items(11)
    server = Shelf(lambda page: Leaf(rows[(page - 1) * 5 : page * 5], len(rows)))
    walk = server.walk(prefetch=0)
    cursors: list[str] = []
    async with walk:
        while len(cursors) < 14:
            row = await anext(walk)
            cursors.append(walk.cursor)
            if row.group == 0:
                rows[:0] = items(3, first=100)
    assert len(set(cursors[:11])) == 11
    assert set(cursors[11:]) == {cursors[10]}


@pytest.mark.parametrize("total", [21, 25])
@pytest.mark.parametrize("stop", [15, 20])
def test_a_row_that_stands_on_two_pages(total: int, stop: int) -> None:
    """P-24: a list that shows a row twice is resumed like any other.

    Both are rows, none comes again, and there is no error.
    """
    rows = [*items(10), *items(20)[9:]]

    async def walk_twice() -> list[Item]:
        walk = shelf(rows, 10, total=total).walk(prefetch=0)
        return await some(walk, stop) + await walk.resumed().collect()

    assert run_virtual(walk_twice()) == rows


@virtual
async def test_a_list_that_moved_is_read_anew() -> None:
    """P-01: a walk that found that its list moved is resumed at the beginning.

    Rows that it took for repeats are not lost.
    """
    rows = [Item(1), Item(2, "", 1), Item(2, "", 2), Item(3), Item(4)]
    server = Shelf(lambda page: Leaf(rows[(page - 1) * 2 : page * 2], len(rows)))
    walk = server.walk(prefetch=0)
    before = await some(walk, 2)
    assert before == rows[:2]
    moved = walk.resumed()
    async with moved:
        await anext(moved)
        rows.insert(0, Item(0))
        assert await anext(moved) == Item(3)
    assert await moved.resumed().collect() == rows


@virtual
async def test_a_row_with_the_same_key_came_in_front() -> None:
    """P-24: rows before a cursor are recognized by their contents too.

    A new row in front with the same key is not taken for one of them.
    """
    rows = [Item(1, "", 1), Item(1, "", 2), Item(2), Item(3)]
    server = Shelf(lambda page: Leaf(rows[(page - 1) * 2 : page * 2], len(rows)))
    walk = server.walk()
    before = await some(walk, 1)
    rows.insert(0, Item(1, "", 0))
    found = await walk.resumed().collect()
    assert {row.value for row in before + found if row.group == 1} == {0, 1, 2}
    assert len(set(found)) == len(found)


@virtual
async def test_cursors_behind_a_hole() -> None:
    """P-25: rows behind a page that is always empty have cursors of their own.

    A walk that is resumed there repeats no row.
    """
    pages = {1: items(3), 3: items(5)[3:]}
    server = Shelf(lambda page: Leaf(pages.get(page, []), 8))
    found, cursor = list[Item](), None
    for _ in range(6):
        walk = server.walk(prefetch=0, cursor=cursor)
        with suppress(PageDriftError):
            found += await some(walk, 1)
        cursor = walk.cursor
    assert found == items(5)
