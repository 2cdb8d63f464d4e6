"""Property tests: an unchanged list is walked exactly, whatever its pages."""

from __future__ import annotations

from typing import ClassVar

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.lists import Source
from support.virtual import run_virtual

from wxrevenue._wire.request import Endpoint
from wxrevenue.errors import PageDriftError
from wxrevenue.pagination._paginator import Paginator

pytestmark = pytest.mark.slow("simulates hundreds of walks against a model")


@attrs.frozen
class Row:
    """A row with a key and a content alone."""

    key: int
    value: int = 0
    supersedes: None = None

    def fingerprint(self) -> bytes:
        """Return the row's content."""
        return repr((self.key, self.value)).encode()


@attrs.frozen
class Query:
    """A request with a page and a size."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/fake/query")
    page_size: int
    page: int = 1


@attrs.frozen
class Leaf:
    """One answer of the server."""

    rows: list[Row]
    total: int | None


@attrs.frozen
class Server:
    """A server of a list, with or without a total.

    Page sizes are capped, and new rows may come in front between pages.
    """

    rows: list[Row]
    cap: int = 1000
    tells_total: bool = True
    arrivals: list[int] = attrs.field(factory=list[int])

    async def fetch(self, query: Query) -> Leaf:
        """Answer at once."""
        arrived = sum(self.arrivals[: query.page - 1])
        there = [Row(-1 - n) for n in reversed(range(arrived))] + self.rows
        size = min(query.page_size, self.cap)
        return Leaf(there[(query.page - 1) * size : query.page * size], len(there) if self.tells_total else None)


rows = st.lists(st.builds(Row, key=st.integers(0, 10**6), value=st.integers(0, 3)), max_size=60, unique_by=lambda row: row.key)
sizes = st.integers(1, 25)
few = settings(max_examples=150)


@few
@given(rows=rows, size=sizes, cap=sizes, tells_total=st.booleans(), prefetch=st.integers(0, 8))
def test_static_list(rows: list[Row], size: int, cap: int, tells_total: bool, prefetch: int) -> None:  # noqa: FBT001
    """An unchanged list is yielded exactly, in order, without a revision.

    This holds for every page size, cap and prefetch.
    """
    walk = Paginator[Row](Source(Query(size), Server(rows, cap, tells_total).fetch), prefetch=prefetch)
    assert run_virtual(walk.collect()) == rows
    assert walk.revisions == []


@few
@given(rows=rows, size=sizes, prefetch=st.integers(0, 4))
def test_page_bounds_do_not_matter(rows: list[Row], size: int, prefetch: int) -> None:
    """A walk by page yields the same rows as a walk by row, cut where the server cuts."""

    async def pages() -> list[list[Row]]:
        walk = Paginator[Row](Source(Query(size), Server(rows).fetch), prefetch=prefetch)
        return [page async for page in walk.by_page()]

    assert run_virtual(pages()) == [rows[start : start + size] for start in range(0, len(rows), size)]


@few
@given(rows=rows, size=sizes, arrivals=st.data(), prefetch=st.integers(0, 4))
def test_arrivals_in_front(rows: list[Row], size: int, arrivals: st.DataObject, prefetch: int) -> None:
    """No row comes twice, whatever arrives in front.

    A walk that ends without an error yielded the whole old list in order.
    """
    numbers = arrivals.draw(st.lists(st.integers(0, size), max_size=6))
    found: list[Row] = []

    async def walk() -> bool:
        try:
            async for row in Paginator[Row](Source(Query(size), Server(rows, arrivals=numbers).fetch), prefetch=prefetch):
                found.append(row)  # noqa: PERF401  (what came before an error counts)
        except PageDriftError:
            return False
        return True

    complete = run_virtual(walk())
    old = [row for row in found if row.key >= 0]
    assert old == (rows if complete else rows[: len(old)])
    assert len({row.key for row in found}) == len(found)
