"""Lists that change while they are walked.

No row comes twice, and the walk reports what may be lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.lists import Item, Leaf, Shelf, items, script, shelf, teller
from support.virtual import run_virtual, virtual

from wxrevenue.errors import PageDriftError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.pagination._paginator import Paginator


@pytest.mark.parametrize("prefetch", [0, 1, 3])
def test_insertions_at_the_front(prefetch: int) -> None:
    """P-01: rows that slide back because new ones came in front are yielded once.

    None of the old ones is lost.
    """
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
    """P-06: a server that ignores the page number is found out when it first repeats.

    The proof is a page far beyond the end.
    """
    server = Shelf(lambda _page: Leaf(items(10), 40))
    seen: list[Item] = []
    with pytest.raises(PageDriftError, match="of 40") as caught:  # noqa: PT012  (what came before the error counts)
        async for row in server.walk(prefetch=0):
            seen.append(row)  # noqa: PERF401
    assert (seen, caught.value.got, server.asked) == (items(10), 10, [1, 2, 10_002])
    assert (caught.value.endpoint, caught.value.retryable) == ("walked", False)


@virtual
async def test_repeated_page_of_unknown_total() -> None:
    """P-06: without a total, too, a server that ignores the page number is found out."""
    with pytest.raises(PageDriftError, match="many"):
        await Shelf(lambda _page: Leaf(items(10), None)).walk().collect()


class Changing:
    """A list that changes once before each of some answers.

    The page number does not matter.
    """

    def __init__(self, rows: list[Item], changes: dict[int, Callable[[list[Item]], object]], *, size: int = 10) -> None:
        self.rows = rows
        self.told: list[dict[str, Any]] = []
        self.server = Shelf(self._serve)
        self._changes = changes
        self._size = size

    def _serve(self, page: int) -> Leaf:
        self._changes.get(len(self.server.asked), _leave)(self.rows)
        return Leaf(self.rows[(page - 1) * self._size : page * self._size], len(self.rows))

    def walk(self) -> Paginator[Item]:
        """Return a walk that fetches no page ahead."""
        return self.server.walk(prefetch=0, on_page=teller(self.told))


def _leave(rows: list[Item]) -> None:
    pass


@virtual
async def test_a_row_is_removed() -> None:
    """P-02: a total that fell says that rows slid onto a page already read.

    A second pass finds them, and the walk ends normally.
    """
    there = Changing(items(30), {2: lambda rows: rows.pop(0)})
    found = await there.walk().collect()
    assert sorted(row.group for row in found) == list(range(30))
    assert [row.group for row in found][-1] == 10
    assert there.server.asked == [1, 2, 3, 1, 2, 3]
    assert not any(fact["drift"] for fact in there.told)
    assert [fact["again"] for fact in there.told] == [False] * 3 + [True] * 3


@virtual
async def test_rows_are_removed_in_both_passes() -> None:
    """P-02: a list that loses rows in the second pass too ends the walk in an error.

    All rows that it could find come first.
    """
    there = Changing(items(30), {2: lambda rows: rows.pop(0), 5: lambda rows: rows.pop(0)})
    walk, found = there.walk(), list[Item]()
    with pytest.raises(PageDriftError, match="both times; it announces 28 rows now") as caught:  # noqa: PT012  (what came counts)
        async for row in walk:
            found.append(row)
    assert [row.group for row in found] == [*range(10), *range(11, 30), 10]
    assert (caught.value.got, caught.value.cursor, caught.value.endpoint) == (30, walk.cursor, "walked")
    assert there.told[-1]["drift"]
    assert len(there.server.asked) == 6


@virtual
async def test_last_rows_come_before_the_error() -> None:
    """Rows on the very last page of a second pass come before the error."""

    def replace(rows: list[Item]) -> None:
        del rows[0], rows[3]
        rows.append(Item(77))

    there = Changing(items(20), {2: lambda rows: rows.pop(0), 4: replace})
    found: list[int] = []
    with pytest.raises(PageDriftError):  # noqa: PT012  (what came before the error counts)
        async for row in there.walk():
            found.append(row.group)  # noqa: PERF401
    assert found[-1] == 77


@virtual
async def test_list_only_grows() -> None:
    """P-03: a list that grows in both passes loses no row.

    The walk ends, and says that the newest rows may be missing.
    """

    def grow(rows: list[Item]) -> None:
        rows.insert(0, Item(1000 + len(rows)))

    there = Changing(items(25), dict.fromkeys(range(1, 20), grow))
    found = [row.group for row in await there.walk().collect()]
    assert set(range(25)) <= set(found)
    assert len(set(found)) == len(found)
    assert there.told[-1]["drift"]


@virtual
async def test_rows_change_places() -> None:
    """P-07: a row that comes again says that another one was missed.

    The second pass finds it.
    """

    def swap(rows: list[Item]) -> None:
        rows[5], rows[15] = rows[15], rows[5]

    there = Changing(items(30), {2: swap})
    found = [row.group for row in await there.walk().collect()]
    assert sorted(found) == list(range(30))
    assert found[-1] == 15


@virtual
async def test_pages_ahead_of_a_second_pass() -> None:
    """A page fetched ahead in the first pass is not used in the second.

    It is as old as the first.
    """
    rows = items(30)
    answers: list[int] = []

    def serve(page: int) -> Leaf:
        answers.append(page)
        now_there = rows if len(answers) < 8 else rows[:5]
        return Leaf(now_there[(page - 1) * 10 : page * 10], 60 if len(answers) < 8 else 5)

    server = Shelf(serve)
    walk = server.walk(prefetch=3)
    assert await walk.collect() == rows
    assert server.asked.count(1) == 2


@virtual
async def test_revisions_are_told() -> None:
    """P-08: a row whose content changed since it was yielded is a revision.

    The second pass counts it, and ``revisions`` keeps it.
    """

    def move(rows: list[Item]) -> None:
        rows.insert(0, Item(50))
        rows[10] = Item(9, value=5)

    there = Changing(items(12), {2: move})
    walk = there.walk()
    await walk.collect()
    assert walk.revisions == [Item(9, value=5)]
    assert [fact["revised"] for fact in there.told] == [0, 0, 0, 0, 1]


@virtual
async def test_page_events() -> None:
    """Every answer has an event: its number, its rows, the new ones, and the total.

    A page that is checked is marked as asked again.
    """
    told: list[dict[str, Any]] = []
    rows = items(5)
    server = script(Leaf(rows[:3], 6), Leaf(rows[2:], 6), Leaf([], 6))
    await server.walk(on_page=teller(told)).collect()
    facts = {"revised": 0, "total": 6, "drift": False}
    assert told == [
        {"page": 1, "rows": 3, "fresh": 3, "again": False, **facts},
        {"page": 2, "rows": 3, "fresh": 0, "again": False, **facts},
        {"page": 1, "rows": 3, "fresh": 0, "again": True, **facts},
        {"page": 2, "rows": 3, "fresh": 3, "again": False, **facts},
        {"page": 3, "rows": 0, "fresh": 0, "again": False, **facts},
    ]


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("prefetch", [0, 1, 3])
def test_rows_of_a_half_month_on_two_pages(size: int, prefetch: int) -> None:
    """P-24: rows with equal keys on two sides of a page's edge are rows.

    So are rows with an empty and a filled number. No drift is reported.
    """
    told: list[dict[str, Any]] = []
    rows = [Item(1), Item(2, "", 1), Item(2, "", 2), Item(2, "b"), Item(3), Item(4, "c"), Item(4, ""), Item(5, ""), Item(5, "")]
    assert run_virtual(shelf(rows, size).walk(prefetch=prefetch, on_page=teller(told)).collect()) == rows
    assert not any(fact["drift"] for fact in told)


@virtual
async def test_same_row_on_every_page() -> None:
    """P-24: pages of one row each that are all the same are rows like any others.

    The page far beyond the end is empty.
    """
    rows = [Item(1, "")] * 4
    server = shelf(rows, 1)
    assert await server.walk(prefetch=0).collect() == rows
    assert max(page for page in server.asked if page < 10_000) == 5


@virtual
async def test_rows_dated_anew() -> None:
    """P-07: a row with a new date moves to the front while the total stays the same.

    The row that slid over the page's edge comes once.
    """
    there = Changing(items(30), {2: lambda rows: rows.insert(0, rows.pop(25))})
    found = [row.group for row in await there.walk().collect()]
    assert sorted(found) == list(range(30))


@virtual
async def test_rows_with_equal_keys_change_with_the_list() -> None:
    """P-24: rows with equal keys that come and go with a change are indistinguishable.

    The walk says so.
    """

    def change(rows: list[Item]) -> None:
        del rows[0]

    there = Changing([Item(0), Item(1), Item(2, "", 1), Item(2, "", 2), Item(3)], {2: change}, size=2)
    with pytest.raises(PageDriftError, match="who is who"):
        await there.walk().collect()
