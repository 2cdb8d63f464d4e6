"""One piece of work that many wait for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

from wxrevenue._engine.clock import call_later

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from contextvars import Context

    from wxrevenue.ports import Clock

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Work in a task of its own, which does not end with any of its waiters.

    Each waits as long as it likes. The work returns what went wrong as a value.

    Args:
        work: what is done.
        clock: what counts the seconds of the waiters.
        context: the context that it runs in, which is not a waiter's.
    """

    def __init__(self, work: Coroutine[object, None, T], *, clock: Clock, context: Context) -> None:
        self.ended = False
        """Whether the work was told to end, so that its waiters were let go."""
        self._clock = clock
        self._waiting: set[asyncio.Future[None]] = set()
        self.task = asyncio.get_running_loop().create_task(work, context=context)
        self.task.add_done_callback(self._wake_all)

    @property
    def outcome(self) -> T | None:
        """What the work returned; ``None`` while it goes on."""
        return self.task.result() if self.task.done() and not self.task.cancelled() else None

    async def wait(self, timeout: float) -> None:
        """Wait until the work is done or told to end, for ``timeout`` seconds at most.

        A waiter that is cancelled here leaves alone.
        """
        if self.task.done() or self.ended:
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(woken)
        call_off = call_later(self._clock, timeout, lambda error: _wake(woken, error))
        try:
            await woken
        finally:
            call_off()
            self._waiting.discard(woken)

    def end(self) -> None:
        """End all waits, and cancel the work, once."""
        if not self.ended:
            self.ended = True
            self.task.cancel()
            self._wake_all()

    def _wake_all(self, _task: object = None) -> None:
        for woken in self._waiting:
            _wake(woken, None)


def _wake(woken: asyncio.Future[None], error: BaseException | None) -> None:
    if woken.done():
        return
    if error is None:
        woken.set_result(None)
    else:
        woken.set_exception(error)  # a user's own clock raised it
