"""Cursors that errors carry, and cursors that are refused."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cursors import few
from support.lists import Item, Leaf, Query, Shelf, items, script, shelf
from support.virtual import run_virtual, settle, virtual

from wxrevenue.errors import ClientStateError, ConfigurationError, PageDriftError, ServerBusyError
from wxrevenue.pagination._cursor import CursorOwner, Position

MINE = CursorOwner.of("wx-mine", Query())
SOME = MINE.write(Position(0, 0, 3, 7, 40, 20, 100, before=0x0123456789ABCDEF, mark=0xFEDCBA9876543210))


# -- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefetch", [0, 2])
def test_errors_carry_a_cursor(prefetch: int) -> None:
    """P-12: the error that ends a walk has a cursor; resuming there gives the rest."""

    async def fail() -> None:
        rows = items(30)
        server = script(Leaf(rows[:10], 30), ServerBusyError("no"), ServerBusyError("no"))
        found: list[Item] = []
        with pytest.raises(ServerBusyError) as caught:  # noqa: PT012  (what came before the error counts)
            async for row in server.walk(prefetch=prefetch):
                found.append(row)  # noqa: PERF401
        assert caught.value.cursor is not None
        assert found + await shelf(rows, 10).walk(cursor=caught.value.cursor).collect() == rows

    run_virtual(fail())


@virtual
async def test_collect_fails_as_a_whole() -> None:
    """Where ``collect`` fails, its error's cursor is where it began.

    No row was returned.
    """
    walk = script(Leaf(items(10), 20), ServerBusyError("no")).walk()
    beginning = walk.cursor
    with pytest.raises(ServerBusyError) as caught:
        await walk.collect()
    assert caught.value.cursor == beginning


@virtual
async def test_collect_is_cancelled_as_a_whole() -> None:
    """Where ``collect`` is cancelled, the walk is resumed at its beginning, too.

    The caller has lost the rows.
    """
    walk = shelf(items(30), 10).walk()
    task = asyncio.create_task(walk.collect())
    await asyncio.sleep(2.5)
    task.cancel()
    await settle()
    assert await walk.resumed().collect() == items(30)


@virtual
async def test_closing_what_another_task_walks() -> None:
    """A walk cannot be closed while another task waits for its row."""
    walk = shelf(items(30), 10).walk()
    task = asyncio.create_task(walk.collect())
    await settle()
    with pytest.raises(ClientStateError, match="another task"):
        await walk.aclose()
    assert await task == items(30)


@virtual
async def test_every_error_of_a_walk() -> None:
    """Drift, and the misuse of a walk, have a cursor too."""
    walk = Shelf(lambda _page: Leaf(items(10), 40)).walk()
    with pytest.raises(PageDriftError) as drift:
        _ = [row async for row in walk]
    assert drift.value.cursor == walk.cursor
    with pytest.raises(ClientStateError) as misuse:
        walk.by_page()
    assert misuse.value.cursor == walk.cursor


# -- what is refused -------------------------------------------------------------------------------

numbers = st.integers(0, 10**12)
digests = st.integers(0, 2**64 - 1)
places = st.builds(Position, *[numbers] * 6, st.none() | numbers, st.booleans(), digests, digests)


@few
@given(place=places)
def test_there_and_back(place: Position) -> None:
    """Every position survives being written and read.

    The string is short, and safe in a file, a URL or a shell.
    """
    text = MINE.write(place)
    assert MINE.read(text) == place
    assert text.replace(".", "").isalnum()
    assert len(text) < 200


def test_is_short() -> None:
    """A usual cursor has about a hundred characters."""
    assert len(SOME) < 110


@few
@given(place=st.integers(0, len(SOME) - 1), letter=st.characters(codec="utf-8"))
def test_changed_cursor(place: int, letter: str) -> None:
    """A cursor with any changed character is refused."""
    text = SOME[:place] + letter + SOME[place + 1 :]
    if text != SOME:
        with pytest.raises(ConfigurationError, match=r"^cursor: "):
            MINE.read(text)


@pytest.mark.parametrize(
    ("cursor", "says"),
    [
        (7, "expected a str, got int"),
        (b"wxr2", "expected a str, got bytes"),
        ("", "not what a walk handed out"),
        ("wxr2.", "not what a walk handed out"),
        (SOME[:-1], "not what a walk handed out"),
        (SOME + "0", "not what a walk handed out"),
        (SOME.upper(), "not what a walk handed out"),
        (SOME.replace("wxr2", "wxr1"), "made by a version"),
        (CursorOwner.of("wx-other", Query()).write(Position()), "another account"),
        (CursorOwner.of("", Query()).write(Position()), "another account"),
        (CursorOwner.of("wx-mine", attrs.make_class("Other", [], bases=(Query,), frozen=True)()).write(Position()), "another query"),
        (MINE.write(Position(window=1)), "no such window"),
    ],
)
def test_refused(cursor: Any, says: str) -> None:
    """A string that is no cursor of this walk is refused when the walk is made.

    So is a cursor of another version, account, query or split.
    """
    with pytest.raises(ConfigurationError, match=says):
        shelf([], 10).walk(cursor=cursor, account="wx-mine")
