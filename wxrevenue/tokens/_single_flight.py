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
    """Work in a task of its own, which ends with none of those who wait for it.

    Each waits as long as it likes. The work returns what went wrong as a value. It is cancelled
    when its time is up, and can tell by :attr:`late`; but not any more after :meth:`commit`.

    Args:
        work: what is done, given this flight.
        clock: what counts the seconds.
        deadline: seconds that the work may take, unless it asks for others.
        context: the context that it runs in, which is nobody's who waits.
    """

    def __init__(
        self, work: Callable[[SingleFlight[T]], Coroutine[Any, Any, T]], *, clock: Clock, deadline: float, context: Context
    ) -> None:
        self.late = False
        """The work was cancelled because its time is up."""
        self.ended = False
        """The work was told to end, so that nobody waits for it any more."""
        self._committed = False
        self._clock = clock
        self._waiting: set[asyncio.Future[None]] = set()
        self._call_off = call_later(clock, deadline, self._time_is_up)
        self.task = asyncio.get_running_loop().create_task(work(self), context=context)
        self.task.add_done_callback(self._done)

    @property
    def outcome(self) -> T | None:
        """What the work returned; ``None`` while it goes on."""
        return self.task.result() if self.task.done() and not self.task.cancelled() else None

    def allow(self, seconds: float) -> None:
        """Let the work take so many seconds from now."""
        self._call_off()
        self._call_off = call_later(self._clock, seconds, self._time_is_up)

    def commit(self) -> None:
        """Let the work come to its own end: what it asks for now is had once."""
        self._committed = True

    async def wait(self, timeout: float) -> None:
        """Wait until the work is done or told to end, for ``timeout`` seconds at most.

        Whoever is cancelled here leaves alone.
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
        """Let nobody wait any longer, and cancel the work, once, unless it is committed."""
        if not self.ended:
            self.ended = True
            self._cancel()
            self._wake_all()

    def _done(self, _task: object) -> None:
        self._call_off()
        self._wake_all()

    def _time_is_up(self, _error: BaseException | None) -> None:
        if not self.ended and not self.late:
            self.late = not self._committed
            self._cancel()

    def _cancel(self) -> None:
        if not self._committed:
            self.task.cancel()

    def _wake_all(self) -> None:
        for woken in self._waiting:
            _wake(woken, None)


def _wake(woken: asyncio.Future[None], error: BaseException | None) -> None:
    if woken.done():
        return
    if error is None:
        woken.set_result(None)
    else:
        woken.set_exception(error)  # a user's own clock raised it
