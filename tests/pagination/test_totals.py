"""Announced totals against the rows that come: wrong, missing and met too early.

No row is lost without an error.
"""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from support.lists import Item, Leaf, Query, Shelf, items, shelf, teller
from support.virtual import run_virtual, virtual

from wxrevenue.errors import PageDriftError


@attrs.frozen
class SizedQuery(Query):
    """A request that names its page size."""

    page_size: int = 4


@virtual
async def test_fewer_rows_than_announced() -> None:
    """P-21: a list that has fewer rows than announced in both passes ends normally.

    The last event says that the total disagrees.
    """
    told: list[dict[str, Any]] = []
    walk = shelf(items(15), 10, total=18).walk(on_page=teller(told))
    assert await walk.collect() == items(15)
    assert [fact["drift"] for fact in told] == [False] * 5 + [True]


@virtual
async def test_totals_that_flip() -> None:
    """P-03: a total that changes for no reason brings a second pass.

    If the same rows come again, they are the whole list.
    """
    rows, totals = items(20), iter([20, 19, 21, 20, 19, 21])
    server = Shelf(lambda page: Leaf(rows[(page - 1) * 10 : page * 10], next(totals)))
    told: list[dict[str, Any]] = []
    assert await server.walk(prefetch=0, on_page=teller(told)).collect() == rows
    assert told[-1]["drift"]


@pytest.mark.parametrize("total", [None, 10**12])
def test_totals_that_say_nothing(total: int | None) -> None:
    """P-04: without a total, or with an absurd one, the walk ends at the empty page.

    Few pages are fetched ahead.
    """
    server = shelf(items(20), 10, total=total)
    assert run_virtual(server.walk(prefetch=3).collect()) == items(20)
    assert len(server.asked) <= 2 * (3 + 3)


@virtual
async def test_total_below_what_came() -> None:
    """A total below the rows already seen is not used.

    The walk goes on to the empty page, in both passes, and reports the total.
    """
    told: list[dict[str, Any]] = []
    server = shelf(items(35), 10, total=12)
    assert await server.walk(prefetch=0, on_page=teller(told)).collect() == items(35)
    assert server.asked == [1, 2, 3, 4, 5] * 2
    assert told[-1]["drift"]


@virtual
async def test_short_page_hides_a_row() -> None:
    """P-05: a page in the middle that is shorter than the others is read again.

    The row that it hid is found.
    """
    rows = items(30)
    hidden = [Leaf(rows[10:19], 30)]

    def serve(page: int) -> Leaf:
        return hidden.pop() if page == 2 and hidden else Leaf(rows[(page - 1) * 10 : page * 10], 30)

    found = await Shelf(serve).walk(prefetch=0).collect()
    assert [row.group for row in found] == [*range(19), *range(20, 30), 19]


@virtual
async def test_empty_page_amid() -> None:
    """P-05, P-20: an empty page while rows are announced brings a second pass.

    That pass finds them.
    """
    rows = items(30)
    empty = [Leaf([], 30)]
    server = Shelf(lambda page: empty.pop() if page == 2 and empty else Leaf(rows[(page - 1) * 10 : page * 10], 30))
    assert await server.walk(prefetch=0).collect() == rows
    assert server.asked == [1, 2, 1, 2, 3, 4]


@pytest.mark.parametrize("prefetch", [0, 3])
def test_total_left_out_by_some_answers(prefetch: int) -> None:
    """P-04, P-24: an answer without a total does not say that the list moved.

    Equal rows on two pages are rows.
    """
    rows = [Item(1, ""), Item(1, ""), Item(2), Item(2), Item(3)]
    asked: list[int] = []

    def serve(page: int) -> Leaf:
        asked.append(page)
        return Leaf(rows[page - 1 : page], len(rows) if len(asked) % 2 else None)

    assert run_virtual(Shelf(serve).walk(prefetch=prefetch).collect()) == rows


@virtual
async def test_last_page_for_ever() -> None:
    """P-06: a server may serve its last page for every page beyond it.

    If all announced rows came, it has no more.
    """
    rows = items(20)
    server = Shelf(lambda page: Leaf(rows[10:] if page > 1 else rows[:10], 20))
    assert await server.walk().collect() == rows


@pytest.mark.parametrize("prefetch", [0, 3])
def test_hole_in_the_middle(prefetch: int) -> None:
    """P-25: the walk goes past a page that is always empty to the rows behind it.

    It says how many are missing.
    """
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
    """P-05: a page that is always short may hide the announced rows that are missing.

    The walk says so.
    """
    rows = items(9)
    with pytest.raises(PageDriftError, match="8 of 9 rows came"):
        await Shelf(lambda page: Leaf(rows[3:5] if page == 2 else rows[(page - 1) * 3 : page * 3], 9)).walk().collect()


@virtual
async def test_gap_of_many_pages() -> None:
    """P-25: pages that the total implies are asked for, past a gap of many.

    The walk does not go past a hundred empty pages in a row.
    """
    pages = {1: items(2), 60: items(4)[2:]}
    with pytest.raises(PageDriftError, match="4 of 120 rows came"):
        await Shelf(lambda page: Leaf(pages.get(page, []), 120)).walk().collect()
    server = shelf(items(2), 2, total=10**8)
    assert await server.walk(prefetch=0).collect() == items(2)
    assert len(server.asked) == 2 + 102


@pytest.mark.parametrize("total", [4, 8])
def test_total_met_too_early(total: int) -> None:
    """P-26: behind a full last page that meets the total one page more is asked for.

    Its rows come, and the total is reported as wrong.
    """
    told: list[dict[str, Any]] = []
    server = shelf(items(9), 4, total=total)
    walk = server.walk(query=SizedQuery(), prefetch=0, on_page=teller(told))
    assert run_virtual(walk.collect()) == items(9)
    assert told[-1]["drift"]
