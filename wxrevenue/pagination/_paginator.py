"""Walking pages: rows in the server's order, each once, a bounded number of pages ahead, resumable after any row.

:mod:`wxrevenue.pagination._list_reader` says when a walk trusts what it saw, and when it reads the list a second time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Protocol, TypeVar, cast

import attrs

from wxrevenue._base import checks as _checks
from wxrevenue.errors import ClientStateError, ConfigurationError, PageDriftError, WxRevenueError
from wxrevenue.pagination._cursor import CursorOwner, Position
from wxrevenue.pagination._list_reader import ListReader
from wxrevenue.pagination._page import IndexedPage, Page, Row, indexed
from wxrevenue.pagination._prefetch import PageKey, Prefetcher
from wxrevenue.pagination._row_index import RowIndex

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
    from types import AsyncGeneratorType
    from typing import Self

    from wxrevenue._wire.request import Endpoint

LARGEST_PREFETCH: Final = 8
LARGEST_CONCURRENCY: Final = 16
_ELSEWHERE: Final = "the paginator belongs to another event loop: make one per loop"


class Pageable(Protocol):
    """A frozen request that has a page number."""

    endpoint: ClassVar[Endpoint]

    @property
    def page(self) -> int:
        """From 1."""
        ...


R = TypeVar("R", bound=Row)
T = TypeVar("T")


def _one_list(request: Any, _span: int, /) -> Sequence[Any]:
    return [request]


def _no() -> bool:
    return False


def _nobody(**_facts: Any) -> None:
    pass


@attrs.frozen(kw_only=True)
class Host:
    """What a walk needs of the client that it walks for.

    Args:
        account: whom its cursors belong to; empty where the account has no lasting name.
        span: half-months to a window of a new walk; 0: the range is one list.
        windows: splits a request into windows of a span.
        held_up: tells whether a page being fetched waits for anything but its answer.
        tell: told the facts of every page.
    """

    account: str = ""
    span: int = 0
    windows: Callable[[Any, int], Sequence[Any]] = _one_list
    held_up: Callable[[], bool] = _no
    tell: Callable[..., None] = _nobody


class Paginator(Generic[R]):
    """One walk over all pages of a query: ``async for row in paginator``.

    Rows come in the server's order, each once, with up to ``prefetch`` pages fetched ahead while you work on a row. The walk
    ends when as many rows as announced were seen, or at an empty page; it never loops for ever. A list that changed meanwhile
    is read a second time, once. Leave early inside ``async with`` (or ``contextlib.aclosing``), so that the page fetched ahead
    is cancelled at once.

    Store :attr:`cursor` after a row, or after a page, to go on there later (``cursor=…``); every error of this package that
    ends the walk carries it. A walk that goes on loses no row, and repeats none while the list is unchanged; where the list
    has changed, rows may come again: an upsert by ``row.key``, deleting ``row.supersedes``, takes them in.

    Raises:
        ClientStateError: it is walked a second time, by two tasks at once, on another event loop, or on after an error or a
            cancellation ended it early (a timeout around one row is a cancellation).
        ConfigurationError: an argument is not allowed, or the cursor belongs elsewhere; raised at once.
        PageDriftError: the list kept changing, so that rows may be missing, or the server ignores the page number.
    """

    def __init__(  # noqa: PLR0913  (options, all by keyword)
        self,
        request: Pageable,
        fetch: Callable[[Any], Coroutine[Any, Any, Page[R]]],
        *,
        prefetch: int = 1,
        concurrency: int = 1,
        cursor: str | None = None,
        host: Host | None = None,
    ) -> None:
        self.revisions: list[R] = []
        """Rows that came again with another content; what was yielded first stays as it was."""
        self._prefetch = _checks.number("prefetch", prefetch, range(LARGEST_PREFETCH + 1))
        self._concurrency = _checks.number("concurrency", concurrency, range(1, LARGEST_CONCURRENCY + 1))
        self._host = Host() if host is None else host
        self._request, self._fetch = request, fetch
        self._binding = CursorOwner.of(self._host.account, request)
        start = Position(span=self._host.span) if cursor is None else self._binding.read(cursor)
        self._windows = self._host.windows(request, start.span)
        if start.window >= len(self._windows):
            raise ConfigurationError("cursor: the query has no such window")
        self._seen = RowIndex()
        self._page_size: int | None = getattr(request, "page_size", None)
        self._list: ListReader[R] = ListReader(request.page, start, self._seen, self._host.tell, self._page_size)
        self._window, self._span = start.window, start.span
        self._ahead = Prefetcher(_by_page_key(fetch, self._windows), self._host.held_up)
        self._rows: list[R] = []
        self._closed_at: Position | None = None
        self._yielded = 0
        self._walk: AsyncGeneratorType[list[R], None] | None = None
        self._loop = _running_loop()

    @property
    def cursor(self) -> str:
        """Where the walk stands, just behind the row or page handed out last: a short text without secrets, safe to store.

        It belongs to the account and the query, ``page_size`` included. (An account is told by its ``component_appid``.)
        """
        return self._binding.write(self._place)

    @property
    def exhausted(self) -> bool:
        """Whether the last page was handed out; its rows may still be under way."""
        return self._list.done and self._list.failure is None and self._window + 1 == len(self._windows)

    def resumed(self, cursor: str | None = None) -> Paginator[R]:
        """Return another walk of the same query that goes on at a cursor; without one, where this walk stands."""
        options = {"prefetch": self._prefetch, "concurrency": self._concurrency, "host": self._host}
        return Paginator(self._request, self._fetch, cursor=self.cursor if cursor is None else cursor, **cast("Any", options))

    def __aiter__(self) -> Self:
        self._start()
        return self

    async def __anext__(self) -> R:
        while not self._rows:
            self._rows = await anext(self._reader())
            self._rows.reverse()
        return self._rows.pop()

    def by_page(self) -> AsyncGenerator[list[R], None]:
        """Walk page by page: yield the new rows of each."""
        return self._start()

    async def collect(self) -> list[R]:
        """Return all rows. Holds them in memory: prefer ``async for`` for long ranges.

        Where it fails, or is cancelled, no row was handed out: the cursor is back where it was before.
        """
        beginning = self._place
        try:
            async with self:
                return [row async for row in self]
        except BaseException as error:
            self._closed_at = beginning
            if isinstance(error, WxRevenueError):
                error.cursor = self.cursor
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if exc_info[0] is not GeneratorExit:  # thrown away with its loop: there is nothing left to await with
            await self.aclose()

    async def aclose(self) -> None:
        """End the walk and whatever was fetched ahead; may be called twice. The cursor stays where it was."""
        walk = self._walk or self._start()
        if walk.ag_running:
            raise self._refused("another task walks this paginator: end that task instead")
        await walk.aclose()
        self._closed_at = self._place
        self._rows.clear()

    # ------------------------------------------------------------------ the walk

    @property
    def _place(self) -> Position:
        return self._closed_at or self._list.place(len(self._rows))

    def _reader(self) -> AsyncGenerator[list[R], None]:
        """Return the walk, if the running task may go on with it: one left by a loop that is gone would seem to be over."""
        walk = self._walk or self._start()
        if not self._is_at_home():
            raise self._refused(_ELSEWHERE)
        if walk.ag_running:
            raise self._refused("two tasks walk one paginator")
        if walk.ag_frame is None and self._closed_at is None and not self.exhausted:  # it would seem to have come to its end
            raise self._refused("the walk ended before the last page: resumed() goes on where it stands")
        return walk

    def _start(self) -> AsyncGeneratorType[list[R], None]:
        if self._walk is not None:
            raise self._refused("a paginator is one walk: make another one, or call resumed(), to walk again")
        self._walk = cast("AsyncGeneratorType[list[R], None]", self._pages())
        return self._walk

    async def _pages(self) -> AsyncGenerator[list[R], None]:
        try:
            if self._has_more():
                self._fetch_ahead()
            while self._has_more():
                if self._list.turned:
                    await self._ahead.drop(self._window)
                fresh = self._taken(await self._ahead.get((self._window, self._list.number)))
                self._fetch_ahead()
                if fresh:
                    yield fresh  # without an await since the page was taken: a cancellation must not come between
                del fresh  # a page is not kept while the next one is awaited
                self._list.all_taken()
        except WxRevenueError as error:
            self._stamp(error)
            raise
        finally:
            await self._drop_ahead()

    def _has_more(self) -> bool:
        """Turn to the next window if this one is over; tell whether there is another page."""
        if not self._is_at_home():
            raise ClientStateError(_ELSEWHERE)
        if self._list.failure is not None:
            raise self._list.failure
        if self._list.done and self._window + 1 < len(self._windows):
            self._window += 1
            self._list = ListReader[R](self._request.page, Position(self._window, self._span), self._seen, self._host.tell, self._page_size)
            self._fetch_ahead()
        return not self._list.done

    def _taken(self, page: IndexedPage[R]) -> list[R]:
        found = self._list.take(page)
        self.revisions += found.revised
        self._yielded += len(found.fresh)
        return found.fresh

    def _fetch_ahead(self) -> None:
        """Start on the pages that are surely needed next, and on the first pages of the next windows."""
        number = self._list.number
        for ahead in range(min(self._prefetch, self._list.pages_missing)):
            self._ahead.start((self._window, number + ahead))
        for window in range(self._window + 1, min(self._window + self._concurrency, len(self._windows))):
            self._ahead.start((window, self._request.page))

    async def _drop_ahead(self) -> None:
        if self._is_at_home():
            await self._ahead.drop()
        else:
            self._ahead.forget()

    def _is_at_home(self) -> bool:
        """Tell whether the running loop is the one on which the paginator was made or first used."""
        self._loop = self._loop or _running_loop()
        return self._loop is _running_loop()

    def _stamp(self, error: WxRevenueError) -> None:
        error.cursor = self.cursor
        error.endpoint = error.endpoint or self._request.endpoint.name
        if isinstance(error, PageDriftError):
            error.got = self._yielded

    def _refused(self, message: str) -> ClientStateError:
        error = ClientStateError(message)
        self._stamp(error)
        return error


def _by_page_key(
    fetch: Callable[[Any], Coroutine[Any, Any, Page[R]]], windows: Sequence[Any]
) -> Callable[[PageKey], Coroutine[Any, Any, IndexedPage[R]]]:
    """Return what fetches a page by its numbers; it knows no paginator, which must go when nobody walks it any more."""

    async def fetch_leaf(leaf: PageKey) -> IndexedPage[R]:
        window, number = leaf
        return indexed(await fetch(attrs.evolve(windows[window], page=number)))

    return fetch_leaf


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
