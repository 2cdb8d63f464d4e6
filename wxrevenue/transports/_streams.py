"""Streamed answers.

Every step of one exchange runs within the time that is left. It fails in errors of this package.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, TypeVar

from wxrevenue.errors import without_history

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from wxrevenue.transports._timer import DeadlineTimer, Exchange

    Translate = Callable[[BaseException, Exchange, str], BaseException]

T = TypeVar("T")


class Steps:
    """The steps of one exchange, watched one by one.

    Between them the caller's own code runs, which is never interrupted.

    Args:
        watch: the transport's watch.
        translate: makes an error of this package of what ended a step.
        url: the printable URL.
        timeout: seconds for all steps and what the caller does between them.
    """

    def __init__(self, watch: DeadlineTimer, translate: Translate, url: str, timeout: float) -> None:
        self._watch = watch
        self._translate = translate
        self._url = url
        self._until = asyncio.get_running_loop().time() + timeout
        self._connected = False
        self._occupied = False

    @contextmanager
    def holding(self) -> Generator[None]:
        """Count the connection as taken, also while the caller's own code runs."""
        self._occupied = True
        self._watch.occupied += 1
        try:
            yield
        finally:
            self._watch.occupied -= 1

    async def run(self, step: Callable[[], Awaitable[T]]) -> T:
        """Run a step.

        Raise an error of this package, or a cancellation from outside, without any history.
        """
        exchange = self._watch.start(self._until - asyncio.get_running_loop().time())
        exchange.connected, exchange.occupied = self._connected, self._occupied
        try:
            return await step()
        except (asyncio.CancelledError, Exception) as error:  # noqa: BLE001  (whatever the HTTP library raises)
            failure = self._translate(error, exchange, self._url)
        finally:
            self._connected = exchange.connected
            self._watch.stop(exchange)
        raise without_history(failure)


class Chunks:
    """The body of a streamed answer, piece by piece.

    Args:
        steps: the exchange it belongs to.
        read: returns the next piece, or nothing at the end.
    """

    def __init__(self, steps: Steps, read: Callable[[], Awaitable[bytes]]) -> None:
        self._steps = steps
        self._read = read

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._steps.run(self._read)
        if not chunk:
            raise StopAsyncIteration
        return chunk
