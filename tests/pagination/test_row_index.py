"""Which row is which, in an unchanged list and in one that changed.

The cases are keys, rows that get their numbers, and revisions.
"""

from __future__ import annotations

import tracemalloc

from support.lists import Item, Leaf, Shelf, shelf
from support.virtual import virtual

from wxrevenue import Settlement, SettlementPage
from wxrevenue.pagination._page import indexed


async def still(*pages: list[Item]) -> tuple[list[Item], list[Item]]:
    """Return the rows and the revisions of a walk over an unchanged list.

    The list announces no total.
    """
    walk = Shelf(lambda page: Leaf(pages[page - 1] if page <= len(pages) else [], None)).walk(prefetch=0)
    return await walk.collect(), walk.revisions


async def changed(before: list[Item], after: list[Item]) -> tuple[list[Item], list[Item]]:
    """Return the rows and the revisions of a walk over a list that changes.

    The change comes when its first two rows were served.
    """
    server = Shelf(lambda page: _page(before if len(server.asked) == 1 else after, page))
    walk = server.walk(prefetch=0)
    return await walk.collect(), walk.revisions


def _page(rows: list[Item], page: int) -> Leaf:
    return Leaf(rows[(page - 1) * 2 : page * 2], len(rows))


@virtual
async def test_equal_keys_in_one_answer() -> None:
    """Two rows of one answer are two rows, whether or not they are equal."""
    twins = [Item(1, "a"), Item(1, "a"), Item(1, "a", 5)]
    assert await still(twins) == (twins, [])


@virtual
async def test_equal_keys_in_two_answers() -> None:
    """P-24: two rows in two answers of an unchanged list are two, whatever their keys."""
    assert await still([Item(1), Item(2)], [Item(2), Item(3)]) == ([Item(1), Item(2), Item(2), Item(3)], [])
    assert await still([Item(1), Item(2, "")], [Item(2, "no"), Item(3)]) == ([Item(1), Item(2, ""), Item(2, "no"), Item(3)], [])
    assert await still([Item(1), Item(2, "no")], [Item(2, ""), Item(3)]) == ([Item(1), Item(2, "no"), Item(2, ""), Item(3)], [])


@virtual
async def test_equal_keys_in_a_list_that_changed() -> None:
    """P-01: in answers of a list that changed, rows with equal keys are one row.

    If the row is unchanged, it is no revision.
    """
    rows = [Item(1), Item(2), Item(3)]
    assert await changed(rows, [Item(0), *rows]) == ([*rows, Item(0)], [])


@virtual
async def test_revision() -> None:
    """P-08: a row that comes again with another content is a revision.

    The row that was yielded first stays as it was.
    """
    rows, revisions = await changed([Item(1), Item(2), Item(3)], [Item(0), Item(1), Item(2, value=7), Item(3)])
    assert (rows, revisions) == ([Item(1), Item(2), Item(3), Item(0)], [Item(2, value=7)])


@virtual
async def test_a_row_gets_its_number() -> None:
    """A row that gets its number while the list changes is one row.

    The row with the number is a revision.
    """
    rows, revisions = await changed([Item(1), Item(2, ""), Item(3)], [Item(0), Item(1), Item(2, "no"), Item(3)])
    assert (rows, revisions) == ([Item(1), Item(2, ""), Item(3), Item(0)], [Item(2, "no")])


@virtual
async def test_a_row_beside_one_that_it_may_be() -> None:
    """P-01, P-24: a numbered row does not replace an unnumbered one still there.

    It came into sight as the list changed, and is no revision.
    """
    before = [Item(1), Item(2, ""), Item(2, "no"), Item(3)]
    rows, revisions = await changed(before, [Item(0), *before])
    assert (sorted(rows, key=before.__contains__), revisions) == ([Item(0), *before], [])


@virtual
async def test_rows_with_equal_keys_in_a_list_that_changed() -> None:
    """P-24: rows with equal keys are told apart by their order.

    This holds also when the list changes in front of them.
    """
    before = [Item(1), Item(2, "", 1), Item(2, "", 2), Item(2, "", 3), Item(3)]
    rows, revisions = await changed(before, [Item(0), *before])
    assert (sorted(rows, key=lambda row: (row.group, row.value)), revisions) == ([Item(0), *before], [])


@virtual
async def test_numbered_and_numberless_in_one_answer() -> None:
    """A numbered and a numberless row of one answer are two rows."""
    both = [Item(1, ""), Item(1, "a")]
    assert await still(both) == (both, [])


@virtual
async def test_several_numbers_cost_no_second_look() -> None:
    """Rows of one half-month with numbers of their own are surely several.

    No page is asked for twice because of them.
    """
    rows = [Item(1, "a"), Item(1, "b"), Item(1, "c"), Item(2, "d"), Item(2, "e")]
    server = shelf(rows, 2)
    assert await server.walk(prefetch=0).collect() == rows
    assert server.asked == [1, 2, 3]


def test_what_a_page_ahead_takes_beside_its_rows() -> None:
    """A page fetched ahead takes less than 400 bytes a row beside the rows.

    What an encoder hands out may be ten times as much: a buffer that it did not cut to size.
    """
    page = SettlementPage(settlement_list=[Settlement("202001", 1, number, sett_no=f"number {number}") for number in range(200)])
    indexed(page)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        found = indexed(page)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert len(found.contents) == 200
    assert taken / 200 < 400
