"""Lists that change while they are walked: nothing comes twice, and what may be lost is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest
from support.lists import Item, Leaf, Query, Shelf, items, script, shelf, teller
from support.virtual import run_virtual, virtual

from wxrevenue.errors import PageDriftError
from wxrevenue.pagination._paginator import Host, Paginator

if TYPE_CHECKING:
    from collections.abc import Callable


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
    """P-06: a server that ignores the page number is found out at its first repetition, by a page far beyond the end."""
    server = Shelf(lambda _page: Leaf(items(10), 40))
    seen: list[Item] = []
    with pytest.raises(PageDriftError, match="of 40") as caught:  # noqa: PT012  (what came before the error counts)
        async for row in server.walk(prefetch=0):
            seen.append(row)  # noqa: PERF401
    assert (seen, caught.value.got, server.asked) == (items(10), 10, [1, 2, 10_002])
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


@attrs.frozen
class SizedQuery(Query):
    """A request that names its page size."""

    page_size: int = 4


class Changing:
    """A list that one change befalls before each of some answers; the page number decides nothing."""

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
        """Return a walk that fetches nothing ahead."""
        return self.server.walk(prefetch=0, host=Host(tell=teller(self.told)))


def _leave(rows: list[Item]) -> None:
    pass


@virtual
async def test_a_row_is_removed() -> None:
    """P-02: a total that fell says that rows slid onto a page already read; a second pass finds them, and all is well."""
    there = Changing(items(30), {2: lambda rows: rows.pop(0)})
    found = await there.walk().collect()
    assert sorted(row.group for row in found) == list(range(30))
    assert [row.group for row in found][-1] == 10
    assert there.server.asked == [1, 2, 3, 1, 2, 3]
    assert not any(fact["drift"] for fact in there.told)
    assert [fact["again"] for fact in there.told] == [False] * 3 + [True] * 3


@virtual
async def test_rows_are_removed_in_both_passes() -> None:
    """P-02: a list from which rows go in the second pass too ends the walk in an error, after all rows it could have."""
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
    """What the very last page of a second pass brings is yielded before the error is raised."""

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
    """P-03: a list that grows in both passes loses nothing: the walk ends, and says that the newest rows may be missing."""

    def grow(rows: list[Item]) -> None:
        rows.insert(0, Item(1000 + len(rows)))

    there = Changing(items(25), dict.fromkeys(range(1, 20), grow))
    found = [row.group for row in await there.walk().collect()]
    assert set(range(25)) <= set(found)
    assert len(set(found)) == len(found)
    assert there.told[-1]["drift"]


@virtual
async def test_totals_that_flip() -> None:
    """P-03: a total that changes for no reason brings a second pass; the same rows again are what there is."""
    rows, totals = items(20), iter([20, 19, 21, 20, 19, 21])
    server = Shelf(lambda page: Leaf(rows[(page - 1) * 10 : page * 10], next(totals)))
    told: list[dict[str, Any]] = []
    assert await server.walk(prefetch=0, host=Host(tell=teller(told))).collect() == rows
    assert told[-1]["drift"]


@pytest.mark.parametrize("total", [None, 10**12])
def test_totals_that_say_nothing(total: int | None) -> None:
    """P-04: without a total, or with an absurd one, the walk ends at the empty page; pages ahead stay few."""
    server = shelf(items(20), 10, total=total)
    assert run_virtual(server.walk(prefetch=3).collect()) == items(20)
    assert len(server.asked) <= 2 * (3 + 3)


@virtual
async def test_total_below_what_came() -> None:
    """A total below the rows already seen is no total: the walk goes on to the empty page, twice, and says so."""
    told: list[dict[str, Any]] = []
    server = shelf(items(35), 10, total=12)
    assert await server.walk(prefetch=0, host=Host(tell=teller(told))).collect() == items(35)
    assert server.asked == [1, 2, 3, 4, 5] * 2
    assert told[-1]["drift"]


@virtual
async def test_short_page_hides_a_row() -> None:
    """P-05: a page in the middle that is shorter than the others is read again, and what it hid is found."""
    rows = items(30)
    hidden = [Leaf(rows[10:19], 30)]

    def serve(page: int) -> Leaf:
        return hidden.pop() if page == 2 and hidden else Leaf(rows[(page - 1) * 10 : page * 10], 30)

    found = await Shelf(serve).walk(prefetch=0).collect()
    assert [row.group for row in found] == [*range(19), *range(20, 30), 19]


@virtual
async def test_empty_page_amid() -> None:
    """P-05, P-20: an empty page while rows are announced brings a second pass, which finds them."""
    rows = items(30)
    empty = [Leaf([], 30)]
    server = Shelf(lambda page: empty.pop() if page == 2 and empty else Leaf(rows[(page - 1) * 10 : page * 10], 30))
    assert await server.walk(prefetch=0).collect() == rows
    assert server.asked == [1, 2, 1, 2, 3, 4]


@virtual
async def test_rows_change_places() -> None:
    """P-07: a row that comes again says that another one was missed: the second pass finds it."""

    def swap(rows: list[Item]) -> None:
        rows[5], rows[15] = rows[15], rows[5]

    there = Changing(items(30), {2: swap})
    found = [row.group for row in await there.walk().collect()]
    assert sorted(found) == list(range(30))
    assert found[-1] == 15


@virtual
async def test_pages_ahead_of_a_second_pass() -> None:
    """What was fetched ahead in the first pass is not taken for the second: it is as old as the first."""
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
    """P-08: a row whose content changed since it was yielded is counted in the second pass and kept in ``revisions``."""

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
    """Every answer is told of: its number, its rows, those that are new, and the total; a page that is checked is told as asked again."""
    told: list[dict[str, Any]] = []
    rows = items(5)
    server = script(Leaf(rows[:3], 6), Leaf(rows[2:], 6), Leaf([], 6))
    await server.walk(host=Host(tell=teller(told))).collect()
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
    """P-24: rows with equal keys, or with an empty and a filled number, on two sides of a page's edge are rows, and no drift is told."""
    told: list[dict[str, Any]] = []
    rows = [Item(1), Item(2, "", 1), Item(2, "", 2), Item(2, "b"), Item(3), Item(4, "c"), Item(4, ""), Item(5, ""), Item(5, "")]
    assert run_virtual(shelf(rows, size).walk(prefetch=prefetch, host=Host(tell=teller(told))).collect()) == rows
    assert not any(fact["drift"] for fact in told)


@virtual
async def test_same_row_on_every_page() -> None:
    """P-24: pages of one row each that are the same in all are rows like any others, while a page far beyond the end is empty."""
    rows = [Item(1, "")] * 4
    server = shelf(rows, 1)
    assert await server.walk(prefetch=0).collect() == rows
    assert max(page for page in server.asked if page < 10_000) == 5


@pytest.mark.parametrize("prefetch", [0, 3])
def test_total_left_out_by_some_answers(prefetch: int) -> None:
    """P-04, P-24: an answer that leaves the total out does not say that the list moved: equal rows on two pages are rows."""
    rows = [Item(1, ""), Item(1, ""), Item(2), Item(2), Item(3)]
    asked: list[int] = []

    def serve(page: int) -> Leaf:
        asked.append(page)
        return Leaf(rows[page - 1 : page], len(rows) if len(asked) % 2 else None)

    assert run_virtual(Shelf(serve).walk(prefetch=prefetch).collect()) == rows


@virtual
async def test_last_page_for_ever() -> None:
    """P-06: a server that serves its last page for every page beyond it has no more rows, if all announced came."""
    rows = items(20)
    server = Shelf(lambda page: Leaf(rows[10:] if page > 1 else rows[:10], 20))
    assert await server.walk().collect() == rows


@pytest.mark.parametrize("prefetch", [0, 3])
def test_hole_in_the_middle(prefetch: int) -> None:
    """P-25: a page that is empty every time is gone past; the rows behind it come, and the walk says how many are missing."""
    rows = items(9)
    server = Shelf(lambda page: Leaf([] if page == 2 else rows[(page - 1) * 3 : page * 3], 9))
    found: list[Item] = []

    async def walk() -> None:
        async for row in server.walk(prefetch=prefetch):
            found.append(row)  # noqa: PERF401  (what came before the error counts)

    with pytest.raises(PageDriftError, match="6 of 9 rows came"):
        run_virtual(walk())
    assert found == rows[:3] + rows[6:]


@virtual
async def test_short_page_in_the_middle() -> None:
    """P-05: a page that is short every time has room for the rows that are announced and do not come: the walk says so."""
    rows = items(9)
    with pytest.raises(PageDriftError, match="8 of 9 rows came"):
        await Shelf(lambda page: Leaf(rows[3:5] if page == 2 else rows[(page - 1) * 3 : page * 3], 9)).walk().collect()


@virtual
async def test_gap_of_many_pages() -> None:
    """P-25: pages that the total implies are asked for, past a gap of many, but not past a hundred in a row."""
    pages = {1: items(2), 60: items(4)[2:]}
    with pytest.raises(PageDriftError, match="4 of 120 rows came"):
        await Shelf(lambda page: Leaf(pages.get(page, []), 120)).walk().collect()
    server = shelf(items(2), 2, total=10**8)
    assert await server.walk(prefetch=0).collect() == items(2)
    assert len(server.asked) == 2 + 102


@pytest.mark.parametrize("total", [4, 8])
def test_total_met_too_early(total: int) -> None:
    """P-26: behind a full last page that meets the total one page more is asked for: its rows come, and the total is told to lie."""
    told: list[dict[str, Any]] = []
    server = shelf(items(9), 4, total=total)
    walk = Paginator(SizedQuery(), server.fetch, prefetch=0, host=Host(tell=teller(told)))
    assert run_virtual(walk.collect()) == items(9)
    assert told[-1]["drift"]


@virtual
async def test_rows_dated_anew() -> None:
    """P-07: a row that is dated anew moves to the front while no total changes: what slid over the page's edge comes once."""
    there = Changing(items(30), {2: lambda rows: rows.insert(0, rows.pop(25))})
    found = [row.group for row in await there.walk().collect()]
    assert sorted(found) == list(range(30))


@virtual
async def test_rows_with_equal_keys_change_with_the_list() -> None:
    """P-24: where rows with equal keys came and went with a list that changed, who is who cannot be told: the walk says so."""

    def change(rows: list[Item]) -> None:
        del rows[0]

    there = Changing([Item(0), Item(1), Item(2, "", 1), Item(2, "", 2), Item(3)], {2: change}, size=2)
    with pytest.raises(PageDriftError, match="who is who"):
        await there.walk().collect()
