"""Tasks that are neither collected while they run nor left behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine
    from contextvars import Context

T = TypeVar("T")
_running: Final[set[asyncio.Task[Any]]] = set()
"""The event loop holds its tasks weakly: one that waits for nothing but its own kind may be collected while it runs."""


def start(work: Coroutine[Any, Any, T], *, context: Context | None = None) -> asyncio.Task[T]:
    """Start a task on the running loop; it is held until it has ended."""
    task = asyncio.get_running_loop().create_task(work, context=context)
    _running.add(task)
    task.add_done_callback(_running.discard)
    return task


async def end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended, however often the caller is cancelled meanwhile.

    They are cancelled once each, so that what they put away at their end is put away.

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


def is_cancelled() -> bool:
    """Tell whether somebody cancelled the running task; a user's own code may raise ``CancelledError`` by itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
