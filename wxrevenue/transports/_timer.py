"""One timer for all exchanges in flight: a timer per exchange would cost more than the rest of the SDK's work on it."""

from __future__ import annotations

import asyncio
from asyncio import current_task, get_running_loop
from contextlib import suppress
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING

from wxrevenue.errors import ClientStateError

if TYPE_CHECKING:
    from wxrevenue.transports._proxies import Proxy

_CURRENT: ContextVar[Exchange | None] = ContextVar("wxrevenue.exchange", default=None)


def current_exchange() -> Exchange | None:
    """Return the exchange that the running code belongs to, if any."""
    return _CURRENT.get()


class Exchange:
    """One request on its way, made by one task."""

    __slots__ = ("_cancels", "connected", "expired", "expires", "in_use", "interrupted", "occupied", "proxy", "task", "token", "unasked")

    def __init__(self, task: asyncio.Task[object], expires: float) -> None:
        self.task = task
        self.expires = expires
        self.connected = False
        """It has a connection: bytes may have been sent."""
        self.proxy: Proxy | None = None
        """The proxy that it goes through."""
        self.unasked = False
        """The server spoke, or hung up, before the request was sent, which it therefore was not."""
        self.occupied = False
        """It is a step of a stream, whose connection is counted for as long as the stream is open."""
        self.expired = False
        self.interrupted = False
        """It was cut by the end of its transport, not by its timeout."""
        self.in_use = 0
        """How many exchanges had a connection when its time was up."""
        self.token: Token[Exchange | None]
        self._cancels = task.cancelling()

    def expire(self, company: int) -> None:
        """Interrupt the task, as :func:`asyncio.timeout` would."""
        if not self.expired:
            self.expired = True
            self.in_use = company
            self.task.cancel()

    def cancelled_from_outside(self, *, closed: bool) -> bool:
        """Tell whether a cancellation that arrived was meant for the task; one of ours is taken back.

        Args:
            closed: the transport was closed, so that its pool may have cancelled what it had in hand.
        """
        if self.expired:
            return self.task.uncancel() > self._cancels
        return not closed or self.task.cancelling() > self._cancels


class DeadlineTimer:
    """Interrupts exchanges whose time is up."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._running: dict[object, Exchange] = {}
        self._closed = False
        self.occupied = 0
        """Connections of open streams: the caller keeps them between steps too."""

    def start(self, timeout: float) -> Exchange:
        """DeadlineTimer the running task's exchange from now on, for ``timeout`` seconds."""
        loop = get_running_loop()
        task = current_task(loop)
        assert task is not None  # noqa: S101  (a coroutine that awaits I/O runs in a task)
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise ClientStateError("the transport was first used on another event loop: make one per loop")
        exchange = self._running[task] = Exchange(task, loop.time() + timeout)
        exchange.token = _CURRENT.set(exchange)
        if self._timer is None or exchange.expires < self._timer.when():
            self._fire_at(exchange.expires)
        return exchange

    def on_the_wire(self) -> int:
        """Return how many exchanges hold a connection."""
        return self.occupied + sum(exchange.connected and not exchange.occupied for exchange in self._running.values())

    def stop(self, exchange: Exchange) -> None:
        """Forget an exchange. The timer stays: the next exchange is likely to need it."""
        self._running.pop(exchange.task, None)
        with suppress(ValueError):  # a coroutine that nobody finished is closed wherever it is found
            _CURRENT.reset(exchange.token)
        del exchange.task, exchange.token  # connections keep the context, and with it the exchange, that they were made in
        if self._closed and not self._running:
            self._cancel_timer()

    def interrupt(self) -> None:
        """End every exchange now, for a library that would let some of them go on after it was closed."""
        for exchange in self._running.values():
            exchange.interrupted = exchange.interrupted or not exchange.expired
            exchange.expire(0)

    def close(self) -> None:
        """Stop the timer as soon as nothing is in flight any more."""
        self._closed = True
        if not self._running:
            self._cancel_timer()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire_at(self, when: float) -> None:
        self._cancel_timer()
        if self._loop is not None:
            self._timer = self._loop.call_at(when, self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        company = self.on_the_wire()
        for exchange in self._running.values():
            if exchange.expires <= now:
                exchange.expire(company)
        waiting = [exchange.expires for exchange in self._running.values() if exchange.expires > now]
        if waiting:
            self._fire_at(min(waiting))
