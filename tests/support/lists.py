"""Servers of lists, for walks over pages."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from wxrevenue._wire.request import Endpoint
from wxrevenue.pagination._paginator import Paginator
from wxrevenue.pagination._source import PageSizes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence


@attrs.frozen(weakref_slot=True)
class Item:
    """A row: ``group`` and ``number`` make its key, ``value`` its content.

    By ``ident`` a test recognizes it after every change.
    """

    group: int
    number: str = "n"
    value: int = 0
    ident: int = 0

    @property
    def key(self) -> tuple[int, str]:
        """Return the row's key."""
        return (self.group, self.number)

    @property
    def supersedes(self) -> Hashable | None:
        """Return the key of the row from before it got its number."""
        return (self.group, "") if self.number else None

    def fingerprint(self) -> bytes:
        """Return the row's content."""
        return repr((self.group, self.number, self.value)).encode()


@attrs.frozen
class Query:
    """A request with a page number."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/fake/walked")
    page: int = 1


@attrs.define(weakref_slot=True)
class Leaf:
    """One answer of the server."""

    rows: list[Item]
    total: int | None


class Source:
    """A paged interface made of a request, and a function that fetches its pages.

    Args:
        query: the request for the first page.
        fetch: returns a page.
        account: whom cursors belong to.
        on_page: told the facts of every page.
        caps: the page sizes at which the server was seen to cap.
    """

    span = 0

    def __init__(
        self,
        query: Any,
        fetch: Callable[[Any], Coroutine[Any, Any, Any]],
        *,
        account: str = "",
        on_page: Callable[..., None] | None = None,
        caps: set[int] | None = None,
    ) -> None:
        self.query, self.account = query, account
        self.made: list[int] = []
        """The pages for which a request was made."""
        self._fetch, self._on_page = fetch, on_page
        self.sizes = PageSizes(getattr(query, "page_size", None), set() if caps is None else caps)

    def windows(self, span: int) -> list[Any]:
        """Return one query: it is one list."""
        assert span == 0
        return [self.query]

    def request_for(self, number: int, window: Any, size: int) -> Any:
        """Return the request for a page."""
        assert size >= 0
        self.made.append(number)
        return attrs.evolve(window, page=number)

    async def fetch(self, request: Any) -> Any:
        """Return a page."""
        return await self._fetch(request)

    def on_page(self, **facts: Any) -> None:
        """Pass the facts to the listener."""
        if self._on_page is not None:
            self._on_page(**facts)

    def is_waiting(self) -> bool:
        """Return whether a page waits for its turn: never."""
        return False


class Shelf:
    """A server that serves what ``pages`` returns.

    It knows how many requests are and were under way.
    """

    def __init__(self, serve: Callable[[int], Leaf | Awaitable[Leaf]], *, takes: float = 1.0) -> None:
        self._serve = serve
        self._takes = takes
        self.asked: list[int] = []
        self.under_way = 0
        self.cancelled: list[int] = []
        self.leaves: list[weakref.ref[Leaf]] = []

    async def fetch(self, query: Query) -> Leaf:
        """Return the page after a while."""
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

    def walk(self, *, query: Any = None, account: str = "", on_page: Any = None, **options: Any) -> Paginator[Item]:
        """Return a walk."""
        return Paginator[Item](Source(query or Query(), self.fetch, account=account, on_page=on_page), **options)


def items(count: int, first: int = 0) -> list[Item]:
    """Return so many different rows."""
    return [Item(n) for n in range(first, first + count)]


def shelf(rows: Sequence[Item], size: int, *, total: int | None = -1, **options: Any) -> Shelf:
    """Return a server of a list that does not change.

    ``total=-1`` announces the true total.
    """
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
    """Return an ``on_page`` that keeps its facts."""

    def tell(**facts: Any) -> None:
        told.append(facts)

    return tell
