"""Servers of lists, for walks over pages."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from wxrevenue._wire.request import Endpoint
from wxrevenue.pagination._paginator import Paginator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Sequence


@attrs.frozen(weakref_slot=True)
class Item:
    """A row: ``group`` and ``number`` make its key, ``value`` its content; by ``ident`` a test knows it whatever becomes of it."""

    group: int
    number: str = "n"
    value: int = 0
    ident: int = 0

    @property
    def key(self) -> tuple[int, str]:
        """Tell it from others."""
        return (self.group, self.number)

    @property
    def supersedes(self) -> Hashable | None:
        """Return the key from before it got its number."""
        return (self.group, "") if self.number else None

    def fingerprint(self) -> bytes:
        """Return its content."""
        return repr((self.group, self.number, self.value)).encode()


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


def items(count: int, first: int = 0) -> list[Item]:
    """Return that many different rows."""
    return [Item(n) for n in range(first, first + count)]


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
