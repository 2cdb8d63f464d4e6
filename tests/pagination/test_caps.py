"""Servers that put fewer rows on a page than asked for.

Once such a cap was seen, a page of that size does not prove that the list is over.
"""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import pytest
from support.fakes import ams_client
from support.ledger import RANGE, Ledger, numbers, settlement
from support.lists import Item, Leaf, Shelf, Source, items, teller
from support.virtual import virtual

from wxrevenue import HttpRequest, HttpResponse, PageDriftError
from wxrevenue._wire.request import Endpoint
from wxrevenue.pagination._paginator import Paginator

SHORT = ("2024-11-16", "2024-12-31")
"""Three half-months."""


@attrs.frozen
class Query:
    """A request with a page and a size."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/fake/walked")
    page: int = 1
    page_size: int = 4


def capped(count: int, cap: int, total: int) -> Shelf:
    """Return a server with at most ``cap`` rows on a page, which announces ``total``."""
    return Shelf(lambda page: Leaf(items(count)[(page - 1) * cap : page * cap], total))


async def rows(server: Shelf, caps: set[int], **options: Any) -> list[Item]:
    """Return the rows of a walk that starts with these caps."""
    walk = Paginator[Item](Source(Query(), server.fetch, caps=caps, **options), prefetch=0)
    return await walk.collect()


@virtual
async def test_a_cap_seen_in_an_earlier_walk() -> None:
    """P-28: once a cap was seen, a full page that meets the total ends no walk.

    Three rows, a cap of two, a total of two: the third row is found, and the total is reported as
    wrong.
    """
    caps, told = set[int](), list[dict[str, Any]]()
    assert await rows(capped(5, 2, 5), caps) == items(5)
    assert caps == {2}
    server = capped(3, 2, 2)
    assert await rows(server, caps, on_page=teller(told)) == items(3)
    assert told[-1]["drift"]
    assert server.asked[:2] == [1, 2]


@pytest.mark.parametrize(("count", "asked"), [(2, [1, 2]), (1, [1]), (3, [1])])
@virtual
async def test_only_a_page_of_just_that_size(count: int, asked: list[int]) -> None:
    """A page of exactly as many rows as the cap costs one request more.

    Any other short page ends the walk, without a second pass.
    """
    server = capped(count, 4, count)
    assert await rows(server, {2}) == items(count)
    assert server.asked == asked


@pytest.mark.parametrize("total", [4, None])
@virtual
async def test_what_teaches_no_cap(total: int | None) -> None:
    """A page of the size asked for teaches no cap.

    Nor does a short page that no row follows, whatever the total says.
    """
    caps = set[int]()
    await rows(capped(9, 4, 9), caps)
    await rows(Shelf(lambda page: Leaf(items(3) if page == 1 else [], total)), caps)
    assert caps == set()


@virtual
async def test_a_page_with_a_gap_is_no_cap() -> None:
    """A first page that is shorter than a later one was not capped.

    It lacks rows.
    """
    pages, caps = {1: items(2), 2: items(5)[2:]}, set[int]()
    await rows(Shelf(lambda page: Leaf(pages.get(page, []), 5)), caps)
    assert caps == set()


@virtual
async def test_a_server_that_ignores_the_page_number() -> None:
    """The same page again and again shows no cap."""
    caps = set[int]()
    assert await rows(Shelf(lambda _page: Leaf(items(2), 2)), caps) == items(2)
    with pytest.raises(PageDriftError, match="only repeats"):
        await rows(Shelf(lambda _page: Leaf(items(2), 9)), caps)
    assert caps == set()


@attrs.define
class Low(Ledger):
    """Announces two rows where three half-months are asked for from this day on."""

    day: str = SHORT[0]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request for a page."""
        found = Ledger.__call__(self, request)
        low = found.body.replace(b'"total_num":3', b'"total_num":2')
        return HttpResponse(200, {}, low) if self.asked[-1]["start_date"] == self.day else found


def ledger(day: str = SHORT[0]) -> Low:
    """Return a server of 120 rows, two to a page at most."""
    return Low([settlement(number) for number in range(120)], cap=2, day=day)


@virtual
async def test_clones_share_what_was_seen() -> None:
    """P-28: a client and its clones share the caps of an interface.

    So do its clients of other accounts. A new client knows no cap.
    """
    server = ledger()
    client, _ = ams_client(handler=server)
    assert len(await client.iter_agency_settlement(*SHORT).collect()) == 2
    assert len(await client.with_options(deadline=1.0).iter_agency_settlement(*RANGE).collect()) == 120
    other = client.with_options(tokens="fake-other", component_appid="wx-other")
    assert numbers(await other.iter_agency_settlement(*SHORT).collect()) == ["no0", "no1", "no2"]
    assert len(await ams_client(handler=server)[0].iter_agency_settlement(*SHORT).collect()) == 2


@virtual
async def test_a_cap_seen_in_an_earlier_window() -> None:
    """P-28: a cap seen in the newest window of a walk holds for the later windows."""
    server = ledger("2024-10-01")
    client, _ = ams_client(handler=server)
    found = await client.iter_agency_settlement("2024-10-01", "2024-12-31", 4, concurrency=2).collect()
    assert numbers(found) == [f"no{number}" for number in range(6)]
