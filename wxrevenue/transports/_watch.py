"""One timer for all exchanges in flight: a timer per exchange would cost more than the rest of the SDK's work on it."""

from __future__ import annotations

import asyncio

from wxrevenue.errors import ClientStateError


class Exchange:
    """One request on its way, made by one task."""

    __slots__ = ("_cancels", "_expired", "connected", "expires", "task")

    def __init__(self, task: asyncio.Task[object], expires: float) -> None:
        self.task = task
        self.expires = expires
        self.connected = False
        """It has a connection: bytes may have been sent."""
        self._cancels = task.cancelling()
        self._expired = False

    def expire(self) -> None:
        """Interrupt the task, as :func:`asyncio.timeout` would."""
        if not self._expired:
            self._expired = True
            self.task.cancel()

    def timed_out(self) -> bool:
        """Tell whether the cancellation that just arrived is the watch's alone; if so, take it back."""
        return self._expired and self.task.uncancel() <= self._cancels


class Watch:
    """Interrupts exchanges whose time is up."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._running: dict[object, Exchange] = {}

    def start(self, timeout: float) -> Exchange:
        """Watch the running task's exchange from now on, for ``timeout`` seconds."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (a coroutine that awaits I/O runs in a task)
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        elif loop is not task.get_loop():
            raise ClientStateError("the transport was first used on another event loop: make one per loop")
        exchange = self._running[task] = Exchange(task, loop.time() + timeout)
        if self._timer is None or exchange.expires < self._timer.when():
            self._ring_at(exchange.expires)
        return exchange

    def connected(self) -> None:
        """Take notice that the running task's exchange got its connection."""
        exchange = self._running.get(asyncio.current_task())
        if exchange is not None:
            exchange.connected = True

    def on_the_wire(self) -> int:
        """Return how many exchanges hold a connection."""
        return sum(exchange.connected for exchange in self._running.values())

    def stop(self, exchange: Exchange) -> None:
        """Forget an exchange. The timer stays: the next exchange is likely to need it."""
        self._running.pop(exchange.task, None)

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring_at(self, when: float) -> None:
        self.close()
        if self._loop is not None:
            self._timer = self._loop.call_at(when, self._ring)

    def _ring(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        for exchange in self._running.values():
            if exchange.expires <= now:
                exchange.expire()
        waiting = [exchange.expires for exchange in self._running.values() if exchange.expires > now]
        if waiting:
            self._ring_at(min(waiting))
