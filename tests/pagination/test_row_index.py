"""Which row is which: keys, groups of rows that get their numbers, and revisions."""

from __future__ import annotations

from support.lists import Item, Leaf, items, script
from support.virtual import virtual


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
async def test_row_of_a_known_group_comes_again() -> None:
    """A row of a group that showed two rows in one answer is known when it comes again alone, among rows that are all new."""
    pages = [[Item(1, "a"), Item(1, "")], [Item(1, "a"), Item(2)]]
    assert await walked(*pages) == ([*pages[0], Item(2)], [])


@virtual
async def test_group_that_showed_two_rows() -> None:
    """A group that once showed two rows in one answer has several: a further number in another answer is a row of its own."""
    pages = [[Item(1, "a"), Item(1, "")], [Item(1, "b"), Item(2)]]
    assert await walked(*pages) == (pages[0] + pages[1], [])
