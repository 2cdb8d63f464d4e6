"""One timer for all exchanges in flight.

A timer per exchange would cost more than the rest of the SDK's work on it.
"""

from __future__ import annotations

import asyncio
from asyncio import current_task, get_running_loop
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Final

from wxrevenue.errors import ClientStateError

if TYPE_CHECKING:
    from wxrevenue._wire.http import HttpResponse
    from wxrevenue.transports._proxies import Proxy

CURRENT: Final[ContextVar[Exchange | None]] = ContextVar("wxrevenue.exchange", default=None)
"""The exchange that the running code belongs to, if any."""


def current_exchange() -> Exchange | None:
    """Return the exchange that the running code belongs to, if any."""
    return CURRENT.get()


class Exchange:
    """One request on its way, made by one task."""

    task: asyncio.Task[object]
    expires: float
    cancels: int
    """How often the task was being cancelled when it began."""
    token: Token[Exchange | None]
    connected = False
    """It has a connection: bytes may have been sent."""
    proxy: Proxy | None = None
    """The proxy that it goes through."""
    unasked = False
    """Whether the server spoke, or hung up, before the request was sent.

    So the request was not sent.
    """
    occupied = False
    """Whether it is a step of a stream.

    The stream's connection is counted for as long as the stream is open.
    """
    expired = False
    interrupted = False
    """It was cut by the end of its transport, not by its timeout."""
    answer: HttpResponse | None = None
    """What arrived, where it did in one piece."""
    in_use = 0
    """How many exchanges had a connection when its time was up."""

    def expire(self, company: int) -> None:
        """Interrupt the task, as :func:`asyncio.timeout` would."""
        if not self.expired:
            self.expired = True
            self.in_use = company
            self.task.cancel()

    def cancelled_from_outside(self, *, closed: bool) -> bool:
        """Return whether a cancellation that arrived was meant for the task.

        A cancellation by the timer is taken back.

        Args:
            closed: the transport was closed, so that its pool may have cancelled what it had in
                hand.
        """
        if self.expired:
            return self.task.uncancel() > self.cancels
        return not closed or self.task.cancelling() > self.cancels


class DeadlineTimer:
    """Interrupts exchanges whose time is up."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._fires = float("inf")
        """When the timer fires."""
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
        expires = loop.time() + timeout
        exchange = self._running[task] = Exchange()  # filled in here: an __init__ would be one more call
        exchange.task = task
        exchange.expires = expires
        exchange.cancels = task.cancelling()
        exchange.token = CURRENT.set(exchange)
        if expires < self._fires:
            self._fire_at(expires)
        return exchange

    def on_the_wire(self) -> int:
        """Return how many exchanges hold a connection."""
        return self.occupied + sum(exchange.connected and not exchange.occupied for exchange in self._running.values())

    def stop(self, exchange: Exchange) -> None:
        """Forget an exchange. The timer stays: the next exchange is likely to need it."""
        self._running.pop(exchange.task, None)
        try:  # noqa: SIM105  (on every exchange, and suppress() makes three calls)
            CURRENT.reset(exchange.token)
        except ValueError:
            pass  # a coroutine that nobody finished is closed wherever it is found
        exchange.answer = None
        del exchange.task, exchange.token  # connections keep the context, and with it the exchange, that they were made in
        if self._closed and not self._running:
            self._cancel_timer()

    def interrupt(self) -> None:
        """End every exchange now.

        This is for a library that would let some of them go on after it was closed.
        """
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
            self._timer, self._fires = None, float("inf")

    def _fire_at(self, when: float) -> None:
        self._cancel_timer()
        if self._loop is not None:
            self._timer, self._fires = self._loop.call_at(when, self._fire), when

    def _fire(self) -> None:
        self._timer, self._fires = None, float("inf")
        now = asyncio.get_running_loop().time()
        company = self.on_the_wire()
        for exchange in self._running.values():
            if exchange.expires <= now:
                exchange.expire(company)
        waiting = [exchange.expires for exchange in self._running.values() if exchange.expires > now]
        if waiting:
            self._fire_at(min(waiting))
