"""Pages that are fetched before they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from wxrevenue._base.tasks import end, start
from wxrevenue.pagination._page import Row, indexed

if TYPE_CHECKING:
    import asyncio

    from wxrevenue.pagination._page import IndexedPage
    from wxrevenue.pagination._source import PageSource

R = TypeVar("R", bound=Row)
Q = TypeVar("Q")
PageKey: TypeAlias = tuple[int, int]
"""A window's number and a page's."""


class Prefetcher(Generic[R, Q]):
    """Fetches pages ahead of their reader, each once; the reader bounds their number.

    Nothing more is started while a page under way waits: behind the gate of "operating too fast",
    for a token, for a back-off. What waits already is what is needed next; more of it would only
    lengthen the queue.
    """

    def __init__(self, source: PageSource[R, Q]) -> None:
        self._source = source
        self._tasks: dict[PageKey, asyncio.Task[IndexedPage[R]]] = {}

    def wants(self, key: PageKey) -> bool:
        """Return whether to begin to fetch a page: it is not under way, and nothing waits."""
        return key not in self._tasks and not self._source.is_waiting()

    def start(self, key: PageKey, request: Q) -> None:
        """Begin to fetch a page that is wanted."""
        self._tasks[key] = start(self.fetched(request))
        self._tasks[key].add_done_callback(_read)

    def take(self, key: PageKey) -> asyncio.Task[IndexedPage[R]] | None:
        """Return a page that is under way, or ``None``."""
        return self._tasks.pop(key, None)

    async def fetched(self, request: Q) -> IndexedPage[R]:
        """Return a page."""
        return indexed(await self._source.fetch(request))

    async def drop(self, window: int | None = None) -> None:
        """Give up the pages of a window, or all."""
        dropped = [key for key in self._tasks if window in {None, key[0]}]
        await end([self._tasks.pop(key) for key in dropped])

    def forget(self) -> None:
        """Let go of pages that belong to an event loop that is gone."""
        self._tasks.clear()


def _read(task: asyncio.Task[object]) -> None:
    if not task.cancelled():
        task.exception()  # so that the loop does not report what failed ahead of a reader that left
