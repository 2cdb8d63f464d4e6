"""Walking pages: every row once, in order, a bounded number of pages ahead, and nothing left over whatever ends the walk."""

from __future__ import annotations

import asyncio
import gc
import weakref
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import pytest
from support.virtual import now, run_virtual, settle, virtual

from wxrevenue._pages import LARGEST_PREFETCH, Host, Paginator
from wxrevenue._request import Endpoint
from wxrevenue.errors import ClientStateError, ConfigurationError, PageDriftError, ServerBusyError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Sequence


@attrs.frozen(weakref_slot=True)
class Item:
    """A row: ``group`` and ``number`` make its key, ``value`` its content."""

    group: int
    number: str = "n"
    value: int = 0

    @property
    def key(self) -> tuple[int, str]:
        """Tell it from others."""
        return (self.group, self.number)

    @property
    def supersedes(self) -> Hashable | None:
        """Return the key from before it got its number."""
        return (self.group, "") if self.number else None

    def fingerprint(self) -> int:
        """Return its content."""
        return hash((self.number, self.value))


@attrs.frozen
class Query:
    """A request with a page number."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/fake/walked")
    page: int = 1


@attrs.define(weakref_slot=True)
class Leaf:
    """One answer."""

    rows: list[Item]
    total: int | None


class Shelf:
    """A server that serves what ``pages`` returns, and knows how many requests are and were under way."""

    def __init__(self, serve: Callable[[int], Leaf | Awaitable[Leaf]], *, takes: float = 1.0) -> None:
        self._serve = serve
        self._takes = takes
        self.asked: list[int] = []
        self.under_way = 0
        self.cancelled: list[int] = []
        self.leaves: list[weakref.ref[Leaf]] = []

    async def fetch(self, query: Query) -> Leaf:
        """Answer after a while."""
        self.asked.append(query.page)
        self.under_way += 1
        try:
            await asyncio.sleep(self._takes)
            leaf = self._serve(query.page)
            assert isinstance(leaf, Leaf)
        except asyncio.CancelledError:
            self.cancelled.append(query.page)
            raise
        finally:
            self.under_way -= 1
        self.leaves.append(weakref.ref(leaf))
        return leaf

    def walk(self, **options: Any) -> Paginator[Item]:
        """Return a walk from page 1."""
        return Paginator(Query(), self.fetch, **options)


def items(count: int) -> list[Item]:
    """Return that many different rows."""
    return [Item(n) for n in range(count)]


def shelf(rows: Sequence[Item], size: int, *, total: int | None = -1, **options: Any) -> Shelf:
    """Return a server of a list that does not change; ``total=-1`` announces the truth."""
    announced = len(rows) if total == -1 else total
    return Shelf(lambda page: Leaf(list(rows[(page - 1) * size : page * size]), announced), **options)


def script(*answers: Leaf | Exception) -> Shelf:
    """Return a server that gives these answers to page 1, page 2 and so on."""

    def serve(page: int) -> Leaf:
        found = answers[page - 1]
        if isinstance(found, Exception):
            raise found
        return found

    return Shelf(serve)


def teller(told: list[dict[str, Any]]) -> Callable[..., None]:
    """Return an ``on_page`` that keeps what it is told."""

    def tell(**facts: Any) -> None:
        told.append(facts)

    return tell


# -- the rows ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefetch", [0, 1, 3, LARGEST_PREFETCH])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 95])
def test_every_row_once(count: int, prefetch: int) -> None:
    """Rows come in the server's order, each once, however many pages are fetched ahead; no page is asked for in vain."""
    server = shelf(items(count), 10)
    assert run_virtual(server.walk(prefetch=prefetch).collect()) == items(count)
    assert server.asked == list(range(1, max(1, -(-count // 10)) + 1))


@virtual
async def test_by_page() -> None:
    """Walking by page yields the new rows of each page."""
    walk = shelf(items(25), 10).walk()
    assert [[row.group for row in rows] for rows in [rows async for rows in walk.by_page()]] == [
        list(range(10)),
        list(range(10, 20)),
        list(range(20, 25)),
    ]


@virtual
async def test_starts_at_the_requests_page() -> None:
    """A request for a later page starts the walk there."""
    server = Shelf(lambda page: Leaf(items(30)[(page - 1) * 10 : page * 10], None))
    walk = Paginator(Query(page=3), server.fetch, prefetch=0)
    assert [row.group async for row in walk] == list(range(20, 30))
    assert server.asked == [3, 4]


@pytest.mark.parametrize("prefetch", [0, 2])
def test_unknown_total(prefetch: int) -> None:
    """Without a total the walk ends at the first empty page."""
    server = shelf(items(30), 10, total=None)
    assert run_virtual(server.walk(prefetch=prefetch).collect()) == items(30)
    assert server.asked[:4] == [1, 2, 3, 4]


@virtual
async def test_server_caps_the_page_size() -> None:
    """A server that serves fewer rows to a page than asked for loses none: rows are counted, not pages."""
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
    """The newest total counts: when it says that all rows were seen, the pass is over; having fallen, it brings another."""
    rows = items(6)
    server = script(Leaf(rows[:3], 9), Leaf(rows[3:], 6))
    assert await server.walk(prefetch=0).collect() == rows
    assert server.asked == [1, 2, 1, 2]


# -- drift -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefetch", [0, 1, 3])
def test_insertions_at_the_front(prefetch: int) -> None:
    """P-01: rows that slide back because new ones came in front are yielded once, and none of the old ones is lost."""
    rows = items(40)
    fresh = [Item(-1 - n) for n in range(7)]

    def serve(page: int) -> Leaf:
        now_there = fresh[7 - min(7, (page - 1) * 2) :] + rows
        return Leaf(now_there[(page - 1) * 10 : page * 10], len(now_there))

    found = run_virtual(Shelf(serve).walk(prefetch=prefetch).collect())
    assert [row for row in found if row.group >= 0] == rows
    assert len(set(found)) == len(found)


@virtual
async def test_repeated_page() -> None:
    """P-06: a server that ignores the page number is found out at its first repetition."""
    server = Shelf(lambda _page: Leaf(items(10), 40))
    seen: list[Item] = []
    with pytest.raises(PageDriftError, match="of 40") as caught:  # noqa: PT012  (what came before the error counts)
        async for row in server.walk(prefetch=0):
            seen.append(row)  # noqa: PERF401
    assert (seen, caught.value.got, server.asked) == (items(10), 10, [1, 2])
    assert (caught.value.endpoint, caught.value.retryable) == ("walked", False)


@virtual
async def test_repeated_page_of_unknown_total() -> None:
    """P-06: the same without a total."""
    with pytest.raises(PageDriftError, match="many"):
        await Shelf(lambda _page: Leaf(items(10), None)).walk().collect()


@virtual
async def test_fewer_rows_than_announced() -> None:
    """P-21: a list that twice has fewer rows than announced is what it is; the last event says that the total disagrees."""
    told: list[dict[str, Any]] = []
    walk = shelf(items(15), 10, total=18).walk(host=Host(tell=teller(told)))
    assert await walk.collect() == items(15)
    assert [fact["drift"] for fact in told] == [False] * 5 + [True]


@virtual
async def test_page_events() -> None:
    """Every page is told of once: its number, its rows, those that are new, and the total."""
    told: list[dict[str, Any]] = []
    rows = items(5)
    server = script(Leaf(rows[:3], 5), Leaf(rows[2:], 5))
    await server.walk(host=Host(tell=teller(told))).collect()
    assert told == [
        {"page": 1, "rows": 3, "fresh": 3, "revised": 0, "total": 5, "again": False, "drift": False},
        {"page": 2, "rows": 3, "fresh": 2, "revised": 0, "total": 5, "again": False, "drift": False},
    ]


# -- which row is which ------------------------------------------------------------------------------------------------


async def walked(*pages: list[Item]) -> tuple[list[Item], list[Item]]:
    """Return the rows and the revisions of a walk over these pages and an empty one."""
    walk = script(*(Leaf(rows, None) for rows in (*pages, []))).walk(prefetch=0)
    return await walk.collect(), walk.revisions


@virtual
async def test_equal_keys_in_one_answer() -> None:
    """Two rows of one answer are two rows, whether or not they are equal."""
    twins = [Item(1, "a"), Item(1, "a"), Item(1, "a", 5)]
    assert await walked(twins) == (twins, [])


@virtual
async def test_equal_keys_in_two_answers() -> None:
    """Across answers equal keys are one row, and an unchanged one is no revision."""
    assert await walked([Item(1), Item(2)], [Item(2), Item(3)]) == (items(4)[1:], [])


@virtual
async def test_revision() -> None:
    """P-08: a row that comes again with another content is a revision; what was yielded first stays as it was."""
    assert await walked([Item(1), Item(2)], [Item(2, value=7), Item(3)]) == (items(4)[1:], [Item(2, value=7)])


@virtual
async def test_twins_come_again() -> None:
    """Equal keys are told apart by their order in the answer, also when they come again."""
    twins = [Item(1, value=1), Item(1, value=2)]
    assert await walked(twins, [*twins, Item(2)]) == ([*twins, Item(2)], [])
    assert await walked(twins, [twins[0], Item(1, value=9), Item(2)]) == ([*twins, Item(2)], [Item(1, value=9)])


@virtual
async def test_a_row_gets_its_number() -> None:
    """A row that gets its number between two answers is one row: the numbered sighting is a revision."""
    rows, revisions = await walked([Item(1), Item(2, "")], [Item(2, "no"), Item(3)])
    assert (rows, revisions) == ([Item(1), Item(2, ""), Item(3)], [Item(2, "no")])


@virtual
async def test_numbered_and_numberless_in_one_answer() -> None:
    """A numbered and a numberless row of one answer are two rows."""
    both = [Item(1, ""), Item(1, "a")]
    assert await walked(both) == (both, [])


@virtual
async def test_group_that_showed_two_rows() -> None:
    """A group that once showed two rows in one answer has several: a further number in another answer is a row of its own."""
    pages = [[Item(1, "a"), Item(1, "")], [Item(1, "b"), Item(2)]]
    assert await walked(*pages) == (pages[0] + pages[1], [])


# -- ahead -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefetch", [0, 1, 3])
def test_bounded_prefetch(prefetch: int) -> None:
    """P-14: while the consumer holds a row at most so many pages are fetched ahead, and without any the walk waits its turn."""

    async def slow() -> None:
        server = shelf(items(200), 10)
        async with server.walk(prefetch=prefetch) as walk:
            async for row in walk:
                if row.group % 10 == 0:
                    await asyncio.sleep(60)
                    assert len(server.asked) == min(20, row.group // 10 + 1 + prefetch)
                assert server.under_way == 0 or row.group % 10 == 0 or prefetch

    run_virtual(slow())


@virtual
async def test_prefetch_saves_time() -> None:
    """A page fetched while the consumer works costs it no time."""
    async for row in shelf(items(100), 10).walk(prefetch=1):
        if row.group % 10 == 0:
            await asyncio.sleep(1.0)
    assert now() == 11.0


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
    """What is no number of pages is refused when the walk is made."""
    with pytest.raises(ConfigurationError, match="prefetch"):
        shelf([], 10).walk(prefetch=wrong)


@virtual
async def test_no_page_is_kept() -> None:
    """A page is gone as soon as its last row is: neither it nor its rows stay while the next one is awaited."""
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
    """Walking by page keeps no page either, once its consumer has let go of it."""
    rows: list[weakref.ref[Item]] = []
    alive: list[int] = []

    def serve(page: int) -> Leaf:
        alive.append(sum(row() is not None for row in rows))
        return Leaf([Item(page * 10 + n) for n in range(10)], 40)

    async for found in Shelf(serve).walk(prefetch=0).by_page():
        rows += map(weakref.ref, found)
        del found
    assert alive == [0, 0, 0, 0]


# -- the end, early ----------------------------------------------------------------------------------------------------


async def stop_at(server: Shelf, walk: Paginator[Item], *, how: str) -> None:
    """Walk five rows and stop."""
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
    """P-13: who leaves early leaves nothing behind: the pages fetched ahead are cancelled before the block is left."""

    async def leave() -> Shelf:
        server = shelf(items(100), 10)
        await stop_at(server, server.walk(prefetch=prefetch), how=how)
        return server

    server = run_virtual(leave())
    assert len(server.cancelled) <= prefetch
    assert len(server.asked) <= 1 + prefetch


@virtual
async def test_break_without_a_block() -> None:
    """A bare ``break`` is cleaned up by the loop as soon as the walk is forgotten."""
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
    """P-15: a consumer cancelled while it waits for a page takes the pages ahead with it."""
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
    """A closed walk yields nothing more; closing it twice, or before it began, is allowed."""
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
    """P-16: a paginator is one walk, however it is begun a second time."""
    server = shelf(items(3), 10)
    walk = server.walk()
    assert await walk.collect() == items(3)
    for again in (walk.__aiter__, walk.by_page):
        with pytest.raises(ClientStateError, match="one walk"):
            again()
    with pytest.raises(ClientStateError):
        await walk.collect()
    assert server.asked == [1]


# -- failures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefetch", [0, 1, 4])
def test_failure_comes_after_the_rows_before_it(prefetch: int) -> None:
    """P-12: when a page cannot be had, all rows before it were yielded, and pages beyond it are given up in silence."""

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
    """A first page that cannot be had is the walk's error, and ends it."""
    walk = script(ServerBusyError("no")).walk()
    with pytest.raises(ServerBusyError):
        await walk.collect()
    with pytest.raises(StopAsyncIteration):
        await anext(walk)
