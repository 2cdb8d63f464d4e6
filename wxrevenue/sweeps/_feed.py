"""The jobs of a sweep, pulled one at a time and only when a slot is free for one."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterable, Iterable
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

J = TypeVar("J")
NOTHING: Final[Any] = object()
"""There is no job, for now or for ever: see ``Feed.ended``."""


class Feed(Generic[J]):
    """Pulls jobs from any iterable.

    What the iterable raises ends the feed and is kept in ``error``, so that the jobs pulled before it are brought to their end.

    Args:
        jobs: an iterable, or an asynchronous one. An asynchronous iterator runs in the context of whoever made the feed.
        on_change: told when a job has arrived, or the last one.
    """

    def __init__(self, jobs: Iterable[J] | AsyncIterable[J], on_change: Callable[[], None]) -> None:
        self.ended = False
        self.error: Exception | None = None
        self._on_change = on_change
        self._context = contextvars.copy_context()
        self._next: Iterator[J] | None = iter(jobs) if isinstance(jobs, Iterable) else None
        self._anext: AsyncIterator[J] | None = aiter(jobs) if isinstance(jobs, AsyncIterable) else None
        self._pulling: asyncio.Task[J] | None = None

    def take(self) -> J:
        """Return the next job, or ``NOTHING``: the next one is awaited then, or there is none."""
        if self.ended:
            return cast("J", NOTHING)
        try:
            return self._arrived() if self._next is None else next(self._next)
        except (StopIteration, StopAsyncIteration):
            self.ended = True
        except Exception as error:  # noqa: BLE001  (a user's own iterable may raise anything)
            self.ended, self.error = True, error
        return cast("J", NOTHING)

    async def aclose(self) -> None:
        """Pull no more. An asynchronous generator is closed, because nobody can do that later without awaiting it."""
        self.ended = True
        if self._pulling is not None:
            self._pulling.cancel()
            await asyncio.wait((self._pulling,))
        aclose = getattr(self._anext, "aclose", None)
        if aclose is not None:
            await aclose()

    def _arrived(self) -> J:
        if self._pulling is not None and self._pulling.done():
            arrived, self._pulling = self._pulling, None
            return arrived.result()
        if self._pulling is None:
            self._pulling = asyncio.get_running_loop().create_task(self._pull(), context=self._context)
            self._pulling.add_done_callback(self._pulled)
        return cast("J", NOTHING)

    async def _pull(self) -> J:
        return await anext(cast("AsyncIterator[J]", self._anext))

    def _pulled(self, task: asyncio.Task[J]) -> None:
        if not task.cancelled():
            task.exception()  # read here, so that the loop does not report one that nobody asks for any more
        self._on_change()


def jobs_of(where: str, jobs: Any) -> Any:
    """Return something that jobs can be pulled from; a text, which is one job spelled in letters, is none.

    Raises:
        ConfigurationError: it is something else.
    """
    if isinstance(jobs, (str, bytes)) or not isinstance(jobs, (Iterable, AsyncIterable)):
        raise ConfigurationError(f"{where}: expected an iterable of jobs, or an asynchronous one, got {type(jobs).__name__}")
    return cast("Any", jobs)
