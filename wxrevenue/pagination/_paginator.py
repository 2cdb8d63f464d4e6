"""Walking pages.

Rows in the server's order, each once, a bounded number of pages ahead, resumable after any row.
:mod:`wxrevenue.pagination._list_reader` says when a walk trusts what it saw, and when it reads the
list a second time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from wxrevenue._base import checks as _checks
from wxrevenue._base.asynchronous import AsynchronousRows
from wxrevenue._base.printable import Printable
from wxrevenue.errors import ClientStateError, ConfigurationError, PageDriftError, WxRevenueError
from wxrevenue.pagination._cursor import CursorOwner, Position
from wxrevenue.pagination._list_reader import ListReader
from wxrevenue.pagination._page import Row
from wxrevenue.pagination._prefetch import Prefetcher
from wxrevenue.pagination._row_index import RowIndex

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from types import AsyncGeneratorType
    from typing import Self

    from wxrevenue._wire.totals import Totals
    from wxrevenue.pagination._page import IndexedPage
    from wxrevenue.pagination._prefetch import PageKey
    from wxrevenue.pagination._source import PageSource

LARGEST_PREFETCH: Final = 8
LARGEST_CONCURRENCY: Final = 16
_ELSEWHERE: Final = "the paginator belongs to another event loop: make one per loop"


R = TypeVar("R", bound=Row)


class Paginator(AsynchronousRows, Printable, Generic[R]):
    """One walk over all pages of a query: ``async for row in paginator``.

    Rows come in the server's order, each once, with up to ``prefetch`` pages fetched ahead while
    you work on a row. The walk ends when as many rows as announced were seen, or at an empty page;
    it never loops for ever. A list that changed meanwhile is read a second time, once. Leave early
    inside ``async with`` (or ``contextlib.aclosing``), so that the page fetched ahead is cancelled
    at once.

    Store :attr:`cursor` after a row, or after a page, to go on there later (``cursor=…``); every
    error of this package that ends the walk carries it. A walk that goes on loses no row, and
    repeats none while the list is unchanged; where the list has changed, rows may come again: an
    upsert by ``row.key``, deleting ``row.supersedes``, takes them in.

    Raises:
        ClientStateError: it is walked a second time, by two tasks at once, on another event loop,
            or on after an error or a cancellation ended it early (a timeout around one row is a
            cancellation).
        ConfigurationError: an argument is not allowed, or the cursor belongs elsewhere; raised at
            once.
        PageDriftError: the list kept changing, so that rows may be missing, or the server ignores
            the page number.
    """

    _instead_of_await = "write 'async for row in …', or 'await ….collect()' for a list"

    def __init__(self, source: PageSource[R, Any], *, prefetch: int = 1, concurrency: int = 1, cursor: str | None = None) -> None:
        self.revisions: list[R] = []
        """Rows that came again with another content.

        What was yielded first stays as it was.
        """
        self._prefetch = _checks.number("prefetch", prefetch, range(LARGEST_PREFETCH + 1))
        self._concurrency = _checks.number("concurrency", concurrency, range(1, LARGEST_CONCURRENCY + 1))
        self._source, self._query = source, source.windows(0)[0]
        self._owner = CursorOwner.of(source.account, self._query)
        start = Position(span=source.span) if cursor is None else self._owner.read(cursor)
        self._windows = source.windows(start.span)
        if start.window >= len(self._windows):
            raise ConfigurationError("cursor: the query has no such window")
        self._index = RowIndex()
        self._list: ListReader[R] = ListReader(start, self._index, source.sizes, source.on_page)
        self._window, self._span = start.window, start.span
        self._ahead = Prefetcher(source)
        self._rows: list[R] = []
        self._closed_at: Position | None = None
        self._yielded = 0
        self._walk: AsyncGeneratorType[list[R], None] | None = None
        self._loop = _running_loop()

    @property
    def cursor(self) -> str:
        """Where the walk stands, just behind the row or page handed out last.

        It is a short str without secrets, safe to store. It belongs to the account and the query,
        ``page_size`` included. (An account is told by its ``component_appid``.)
        """
        return self._owner.write(self._place)

    @property
    def exhausted(self) -> bool:
        """Whether the last page was handed out; its rows may still be under way."""
        return self._list.done and self._list.failure is None and self._window + 1 == len(self._windows)

    @property
    def totals(self) -> Totals | None:
        """The header of the last page that was read, where the interface has one."""
        return getattr(self._source, "totals", None)  # most have none

    def resumed(self, cursor: str | None = None) -> Paginator[R]:
        """Return another walk of the same query that goes on at a cursor.

        Without one, it goes on where this walk stands.
        """
        where = self.cursor if cursor is None else cursor
        return Paginator(self._source, prefetch=self._prefetch, concurrency=self._concurrency, cursor=where)

    def __repr__(self) -> str:
        account = f" of {self._source.account}" if self._source.account else ""
        return f"<Paginator over {self._query.endpoint.name}{account}, {self._yielded} rows so far>"

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

        Where it fails, or is cancelled, no row was handed out: the cursor is back where it was
        before.
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
        """End the walk and whatever was fetched ahead; may be called twice.

        The cursor stays where it was.
        """
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
        """Return the walk, if the running task may go on with it.

        One left by a loop that is gone would seem to be over.
        """
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
                fresh = self._taken(await self._page((self._window, self._list.number)))
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
        """Turn to the next window if this one is over; return whether a page is left."""
        if not self._is_at_home():
            raise ClientStateError(_ELSEWHERE)
        if self._list.failure is not None:
            raise self._list.failure
        if self._list.done and self._window + 1 < len(self._windows):
            self._window += 1
            self._list = ListReader[R](Position(self._window, self._span), self._index, self._source.sizes, self._source.on_page)
            self._fetch_ahead()
        return not self._list.done

    def _taken(self, page: IndexedPage[R]) -> list[R]:
        found = self._list.take(page)
        self.revisions += found.revised
        self._yielded += len(found.fresh)
        return found.fresh

    def _fetch_ahead(self) -> None:
        """Start on the pages that are surely needed next.

        Also on the first pages of the next windows.
        """
        number = self._list.number
        for ahead in range(number, number + min(self._prefetch, self._list.pages_missing)):
            self._start_on((self._window, ahead))
        for window in range(self._window + 1, min(self._window + self._concurrency, len(self._windows))):
            self._start_on((window, 1))

    def _start_on(self, key: PageKey) -> None:
        if self._ahead.wants(key):
            self._ahead.start(key, self._request_for(key))

    async def _page(self, key: PageKey) -> IndexedPage[R]:
        """Return a page; its request is made only if it was not fetched ahead."""
        ahead = self._ahead.take(key)
        return await (self._ahead.fetched(self._request_for(key)) if ahead is None else ahead)

    def _request_for(self, key: PageKey) -> object:
        window, number = key
        return self._source.request_for(number, self._windows[window], self._list.now.size if window == self._window else 0)

    async def _drop_ahead(self) -> None:
        if self._is_at_home():
            await self._ahead.drop()
        else:
            self._ahead.forget()

    def _is_at_home(self) -> bool:
        """Return whether the running loop is the paginator's.

        That is the loop on which it was made or first used.
        """
        self._loop = self._loop or _running_loop()
        return self._loop is _running_loop()

    def _stamp(self, error: WxRevenueError) -> None:
        error.cursor = self.cursor
        error.endpoint = error.endpoint or self._query.endpoint.name
        if isinstance(error, PageDriftError):
            error.got = self._yielded

    def _refused(self, message: str) -> ClientStateError:
        error = ClientStateError(message)
        self._stamp(error)
        return error


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
