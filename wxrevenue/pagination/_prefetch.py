"""Pages that are fetched before they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from wxrevenue._base.tasks import end, start

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

T = TypeVar("T")
PageKey: TypeAlias = tuple[int, int]
"""A window's number and a page's."""


class Prefetcher(Generic[T]):
    """Fetches pages ahead of their reader, each once. Whoever starts them bounds their number.

    Nothing more is started while ``held_up`` says that a page being fetched waits: behind the gate of "operating too fast",
    for a token, for a back-off. What waits already is what is needed next; more of it would only lengthen the queue.
    """

    def __init__(self, fetch: Callable[[PageKey], Coroutine[Any, Any, T]], held_up: Callable[[], bool]) -> None:
        self._fetch = fetch
        self._is_waiting = held_up
        self._tasks: dict[PageKey, asyncio.Task[T]] = {}

    def start(self, leaf: PageKey) -> None:
        """Begin to fetch a page, if it is not under way."""
        if leaf not in self._tasks and not self._is_waiting():
            self._tasks[leaf] = start(self._fetch(leaf))
            self._tasks[leaf].add_done_callback(_read)

    async def get(self, leaf: PageKey) -> T:
        """Return a page."""
        task = self._tasks.pop(leaf, None)
        return await (self._fetch(leaf) if task is None else task)

    async def drop(self, window: int | None = None) -> None:
        """Give up the pages of a window, or all."""
        dropped = [leaf for leaf in self._tasks if window in {None, leaf[0]}]
        await end([self._tasks.pop(leaf) for leaf in dropped])

    def forget(self) -> None:
        """Let go of pages that belong to an event loop that is gone."""
        self._tasks.clear()


def _read(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()  # so that the loop does not report what failed ahead of a reader who left
