"""Settlements in walks: what tells them is read of a page at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from support.lists import Query, Source
from support.virtual import virtual

from wxrevenue import Settlement, SettlementPage
from wxrevenue.pagination._paginator import Paginator

if TYPE_CHECKING:
    from collections.abc import Callable


def walk(list_at: Callable[[int], list[Settlement]], size: int, *, extra: int | None = 0) -> Paginator[Settlement]:
    """Return a walk over a list, given how it stands at each request.

    The server announces ``extra`` rows too many; ``None``: it announces nothing.
    """
    asked: list[int] = []

    async def fetch(query: Query) -> SettlementPage:
        asked.append(query.page)
        rows = list_at(len(asked))
        here = rows[(query.page - 1) * size : query.page * size]
        return SettlementPage(settlement_list=[attrs.evolve(row) for row in here], total_num=None if extra is None else len(rows) + extra)

    return Paginator(Source(Query(), fetch), prefetch=0)


@virtual
async def test_an_unchanged_list() -> None:
    """P-24: settlements with equal keys, and without a number, come each, in order.

    So they do where the announced total is wrong, and the list is read a second time; and whole or
    resumed behind any row, though a text has a line break.
    """
    numbers = ["a", None, "b", "", "c", None, "a", "d"]
    rows = [Settlement("202001", 1 + at // 4, at // 2, zone="a\nb", sett_no=number) for at, number in enumerate(numbers)]
    for size in range(1, len(rows) + 1):
        for extra in (None, 0, 3):
            one = walk(lambda _: rows, size, extra=extra)
            found: list[Settlement] = []
            cursors: list[str] = []
            async for row in one:
                found.append(row)
                cursors.append(one.cursor)
            assert (found, one.revisions) == (rows, [])
            for taken, cursor in enumerate(cursors, 1):
                assert await one.resumed(cursor).collect() == rows[taken:]


@virtual
async def test_revisions() -> None:
    """P-08: of a page read again, each row that changed is a revision, and no other."""
    before = [Settlement("202001", 1, at, sett_no=f"no {at}", mail_send_cnt=0) for at in range(6)]
    before += [Settlement(f"2020{month:02}", 1, month) for month in range(2, 8)]
    after = [attrs.evolve(row, settled_revenue=-1) if at in {1, 7} else row for at, row in enumerate(before)]
    after[6] = attrs.evolve(after[6], sett_no="new")
    newest = Settlement("202012", 1, 1, sett_no="newest")
    one = walk(lambda asked: before if asked < 3 else [newest, *after], 4)
    assert sorted(await one.collect(), key=before.__contains__) == [newest, *before]
    assert one.revisions == [after[at] for at in (1, 6, 7)]


@virtual
async def test_the_smallest_changes_of_an_amount() -> None:
    """P-08: a correction from -1 to -2 fen, which have one hash, is a revision."""
    before = [Settlement("202001", 1, -1, sett_no="a"), Settlement("202002", 1, 0, sett_no="b")]
    after = [attrs.evolve(before[0], settled_revenue=-2), before[1], Settlement("202003", 1, 0, sett_no="c")]
    one = walk(lambda asked: before if asked < 2 else after, 1)
    assert await one.collect() == [before[0], before[1], after[2]]
    assert one.revisions == [after[0]]
