"""Walking pages: rows in the server's order, one page fetched ahead, every key once."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar, cast

import attrs

from wxrevenue.errors import ClientStateError, ConfigurationError, PageDriftError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Hashable, Sequence
    from typing import Self

    from wxrevenue._request import Endpoint

LARGEST_PREFETCH = 8


class Row(Protocol):
    """What a row must tell of itself to be walked."""

    @property
    def key(self) -> Hashable:
        """What tells it from other rows."""
        ...

    @property
    def supersedes(self) -> Hashable | None:
        """The key it had before, if its key changes once in its life."""
        ...

    def fingerprint(self) -> int:
        """Return a number that changes when the row's content changes."""
        ...


R = TypeVar("R", bound=Row)
R_co = TypeVar("R_co", bound=Row, covariant=True)


class Page(Protocol[R_co]):
    """What an answer must tell of itself to be a page."""

    @property
    def rows(self) -> Sequence[R_co]:
        """The rows, in the server's order."""
        ...

    @property
    def total(self) -> int | None:
        """How many rows the server announces for the whole query."""
        ...


class Pageable(Protocol):
    """A frozen request that has a page number."""

    endpoint: ClassVar[Endpoint]

    @property
    def page(self) -> int:
        """From 1."""
        ...


@attrs.define
class _Seen:
    """Every row so far, with its content's fingerprint.

    Rows that differ only in having got their number are a group. While no answer has shown two rows of a group, it is one row,
    known by the group; from then on its rows are known by their keys, and equal ones within an answer by their ordinal.
    """

    lone: dict[Hashable, tuple[Hashable, int]] = attrs.field(factory=dict["Hashable", "tuple[Hashable, int]"])
    many: dict[Hashable, int] = attrs.field(factory=dict["Hashable", int])
    crowds: set[Hashable] = attrs.field(factory=set["Hashable"])

    def sort(self, rows: Sequence[R]) -> tuple[list[R], list[R]]:
        """Return the rows that are new and those that came before with another content."""
        for group, size in Counter(map(_group, rows)).items():
            if size > 1:
                self._crowd(group)
        fresh: list[R] = []
        revised: list[R] = []
        ordinals: Counter[Hashable] = Counter()
        for row in rows:
            ordinals[row.key] += 1
            former = self._replace(row, ordinals[row.key])
            if former is None:
                fresh.append(row)
            elif former != row.fingerprint():
                revised.append(row)
        return fresh, revised

    def _replace(self, row: Row, ordinal: int) -> int | None:
        """Keep the row's fingerprint; return the one it had before."""
        group = _group(row)
        key, _ = self.lone.get(group, (row.key, 0))
        if key not in {row.key, group} and row.key != group:
            self._crowd(group)  # two numbers: two rows, though no answer showed both
        if group in self.crowds:
            identity = (row.key, ordinal)
            former = self.many.get(identity)
            self.many[identity] = row.fingerprint()
            return former
        _, former = self.lone.get(group, (None, None))
        self.lone[group] = (row.key, row.fingerprint())
        return former

    def _crowd(self, group: Hashable) -> None:
        """Know the group's rows by their keys from now on."""
        self.crowds.add(group)
        if group in self.lone:
            key, fingerprint = self.lone.pop(group)
            self.many[key, 1] = fingerprint


def _group(row: Row) -> Hashable:
    return row.key if row.supersedes is None else row.supersedes


class Paginator(Generic[R]):
    """One walk over all pages of a query: ``async for row in paginator``.

    Rows come in the server's order, each once, with up to ``prefetch`` pages fetched ahead while you work on a row. The walk
    ends when as many rows as announced were seen, or at an empty page; it never loops for ever. Leave it early inside
    ``async with`` (or ``contextlib.aclosing``) so that the page fetched ahead is cancelled at once.

    Raises:
        ClientStateError: it is walked a second time.
        PageDriftError: a page brought no row that is new, although more were announced.
    """

    def __init__(
        self,
        request: Pageable,
        fetch: Callable[[Any], Coroutine[Any, Any, Page[R]]],
        *,
        prefetch: int = 1,
        on_page: Callable[..., None] | None = None,
    ) -> None:
        if type(prefetch) is not int or not 0 <= prefetch <= LARGEST_PREFETCH:
            raise ConfigurationError(f"prefetch: expected an int, 0 to {LARGEST_PREFETCH}")
        self.revisions: list[R] = []
        """Rows that came again with another content; what was yielded first stays as it was."""
        self._request = request
        self._fetch = fetch
        self._on_page = on_page
        self._prefetch = prefetch
        self._ahead: deque[asyncio.Task[Page[R]]] = deque()
        self._seen = _Seen()
        self._rows: list[R] = []
        self._walk: AsyncGenerator[list[R], None] | None = None

    def __aiter__(self) -> Self:
        self._start()
        return self

    async def __anext__(self) -> R:
        while not self._rows:
            self._rows = await anext(self._walk or self._start())
            self._rows.reverse()
        return self._rows.pop()

    def by_page(self) -> AsyncGenerator[list[R], None]:
        """Walk page by page: yield the new rows of each."""
        return self._start()

    async def collect(self) -> list[R]:
        """Return all rows. Holds them in memory: prefer ``async for`` for long ranges."""
        async with self:
            return [row async for row in self]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if exc_info[0] is not GeneratorExit:  # thrown away with its loop: there is nothing left to await with
            await self.aclose()

    async def aclose(self) -> None:
        """End the walk and whatever was fetched ahead; may be called twice."""
        await (self._walk or self._start()).aclose()
        self._rows.clear()

    # ------------------------------------------------------------------ the walk

    def _start(self) -> AsyncGenerator[list[R], None]:
        if self._walk is not None:
            raise ClientStateError("a paginator is one walk: make another one to walk again")
        self._walk = self._pages()
        return self._walk

    async def _pages(self) -> AsyncGenerator[list[R], None]:
        number, got, more = self._request.page, 0, True
        try:
            while more:
                page = await self._next(number)
                total, size = page.total, len(page.rows)
                fresh = self._sort(page.rows)
                got += len(fresh)
                more = size > 0 and (total is None or got < total)
                if more and not fresh:
                    raise self._drift(f"page {number} only repeats earlier rows, of {'many' if total is None else total}", got)
                del page
                if more:
                    self._fetch_ahead(number, size, 0 if total is None else total - got)
                self._tell(page=number, rows=size, fresh=len(fresh), total=total, drift=not more and total not in {None, got})
                number += 1
                if fresh:
                    yield fresh
                del fresh  # a page is not kept while the next one is awaited
        finally:
            await self._drop_ahead()

    def _drift(self, message: str, got: int) -> PageDriftError:
        error = PageDriftError(message, got=got)
        error.endpoint = self._request.endpoint.name
        return error

    def _sort(self, rows: Sequence[R]) -> list[R]:
        fresh, revised = self._seen.sort(rows)
        self.revisions += revised
        return fresh

    async def _next(self, number: int) -> Page[R]:
        if self._ahead:
            return await self._ahead.popleft()
        return await self._fetch(attrs.evolve(cast("Any", self._request), page=number))

    def _fetch_ahead(self, number: int, size: int, missing: int) -> None:
        """Start on the pages after ``number``: the next one, and as many more as the missing rows surely fill."""
        wanted = min(self._prefetch, max(1, -(-missing // size)))
        for ahead in range(len(self._ahead) + 1, wanted + 1):
            request = attrs.evolve(cast("Any", self._request), page=number + ahead)
            self._ahead.append(asyncio.create_task(self._fetch(request)))

    async def _drop_ahead(self) -> None:
        ahead = tuple(self._ahead)
        self._ahead.clear()
        for task in ahead:
            task.cancel()
        if ahead:
            await asyncio.gather(*ahead, return_exceptions=True)

    def _tell(self, **facts: Any) -> None:
        if self._on_page is not None:
            self._on_page(**facts)
