"""Tasks that are neither collected while they run nor left behind."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine
    from contextvars import Context

T = TypeVar("T")
_running: Final[set[asyncio.Task[object]]] = set()
"""The tasks that run here, so that they are not collected.

The event loop holds its tasks weakly. A task that waits only for another such task may be collected
while it runs.
"""


def start(work: Coroutine[object, None, T], *, context: Context | None = None) -> asyncio.Task[T]:
    """Start a task on the running loop; it is held until it has ended."""
    task = asyncio.get_running_loop().create_task(work, context=context)
    _running.add(task)
    task.add_done_callback(_running.discard)
    return task


async def end(tasks: Collection[asyncio.Task[object]]) -> None:
    """Cancel tasks and wait until they have ended.

    The wait goes on however often the caller is cancelled meanwhile. They are cancelled once each,
    so that what they put away at their end is put away.

    Raises:
        CancelledError: the caller was cancelled; raised when all have ended.
    """
    cancelled: asyncio.CancelledError | None = None
    for task in tasks:
        task.cancel()
    while pending := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(pending)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


async def whole(work: Coroutine[object, None, T]) -> T:
    """Await work that comes to its own end.

    A caller that is cancelled here leaves when the work is done.
    """
    task = start(work)
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        await asyncio.wait([task])
        _ = task.cancelled() or task.exception()  # read, so that the loop does not report it
        raise
    return task.result()


async def made_in_a_thread(make: Callable[[], T], close: Callable[[T], object]) -> T:
    """Return what a function makes in a thread.

    What comes too late for a caller that has left is closed.
    """
    making = _Making(make, close)
    try:
        return await asyncio.get_running_loop().run_in_executor(None, making.run)
    except BaseException:
        making.abandon()
        raise


class _Making(Generic[T]):
    """Something that a thread makes while its caller may leave."""

    def __init__(self, make: Callable[[], T], close: Callable[[T], object]) -> None:
        self._make, self._close = make, close
        self._lock = threading.Lock()
        self._made: list[T] = []
        self._is_abandoned = False

    def run(self) -> T:
        """Make it."""
        made = self._make()
        with self._lock:
            self._made.append(made)
        self._close_if_abandoned()
        return made

    def abandon(self) -> None:
        """Close it, now or when it is made."""
        with self._lock:
            self._is_abandoned = True
        self._close_if_abandoned()

    def _close_if_abandoned(self) -> None:
        with self._lock:
            made, self._made = (self._made, []) if self._is_abandoned else ([], self._made)
        for one in made:
            self._close(one)


def is_cancelled() -> bool:
    """Return whether the running task was cancelled.

    A user's own code may raise ``CancelledError`` by itself.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
