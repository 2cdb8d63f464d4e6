"""One piece of work that many wait for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from wxrevenue._engine.clock import call_later

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context

    from wxrevenue.ports import Clock

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Work in a task of its own, so that it ends with none of those who wait for it; each waits as long as it likes.

    The work returns what went wrong as a value. It is cancelled when its time is up, and can tell by :attr:`late`.

    Args:
        work: what is done, given this flight.
        clock: what counts the seconds.
        deadline: seconds that the work may take.
        context: the context that it runs in, which is nobody's who waits.
    """

    def __init__(
        self, work: Callable[[SingleFlight[T]], Coroutine[Any, Any, T]], *, clock: Clock, deadline: float, context: Context
    ) -> None:
        self.late = False
        """The work was cancelled because its time is up."""
        self._ended = False
        self._clock = clock
        self._waiting: set[asyncio.Future[None]] = set()
        self._task = asyncio.get_running_loop().create_task(work(self), context=context)
        self._task.add_done_callback(self._done)
        self._call_off = call_later(clock, deadline, self._time_is_up)

    @property
    def outcome(self) -> T | None:
        """What the work returned; ``None`` while it goes on."""
        return self._task.result() if self._task.done() else None

    @property
    def cancelled(self) -> bool:
        """Whether the work was cancelled before it began, so that nothing of it ran."""
        return self._task.cancelled()

    async def wait(self, timeout: float) -> None:
        """Wait until the work is done, for ``timeout`` seconds at most. Whoever is cancelled here leaves alone."""
        if self._task.done():
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(woken)
        call_off = call_later(self._clock, timeout, lambda error: _wake(woken, error))
        try:
            await woken
        finally:
            call_off()
            self._waiting.discard(woken)

    async def cancel(self) -> None:
        """End the work, and wait for its end; it is cancelled once, however often this is called: it may have to put something away."""
        self._end()
        await asyncio.wait([self._task])

    def _done(self, _task: object) -> None:
        self._call_off()
        for woken in self._waiting:
            _wake(woken, None)

    def _time_is_up(self, _error: BaseException | None) -> None:
        self.late = not self._ended
        self._end()

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._task.cancel()


def _wake(woken: asyncio.Future[None], error: BaseException | None) -> None:
    if woken.done():
        return
    if error is None:
        woken.set_result(None)
    else:
        woken.set_exception(error)  # a user's own clock raised it
