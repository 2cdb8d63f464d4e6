"""A transport without a network, for tests: yours and ours."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, TypeAlias

from wxrevenue._wire.http import HttpRequest, HttpResponse
from wxrevenue.errors import ConfigurationError, ResponseLostError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler: TypeAlias = Callable[[HttpRequest], HttpResponse | Awaitable[HttpResponse]]


class MemoryTransport:
    """Answers every request with what a function returns.

    Args:
        handler: a plain or async function from :class:`HttpRequest` to :class:`HttpResponse`. To
            play a fault, raise :class:`NotSentError` or :class:`ResponseLostError` in it.
    """

    def __init__(self, handler: Handler) -> None:
        if not callable(handler):
            raise ConfigurationError(f"MemoryTransport.handler: expected a function, got {type(handler).__name__}")
        self._handler = handler
        self.requests: list[HttpRequest] = []
        """Every request so far, oldest first."""

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Answer the request; an async handler gets ``timeout`` seconds."""
        self.requests.append(request)
        answer: object = self._handler(request)
        if isinstance(answer, HttpResponse):
            return answer
        return _checked(await _in_time(answer, timeout) if inspect.isawaitable(answer) else answer)

    async def aclose(self) -> None:
        """Do nothing: there is nothing to close."""


def _checked(answer: object) -> HttpResponse:
    if not isinstance(answer, HttpResponse):
        raise ConfigurationError(f"MemoryTransport.handler: expected it to return an HttpResponse, got {type(answer).__name__}")
    return answer


async def _in_time(answer: Awaitable[HttpResponse], timeout: float) -> HttpResponse:
    scope = asyncio.timeout(timeout)
    try:
        async with scope:
            return await answer
    except TimeoutError:
        if not scope.expired():
            raise
    raise ResponseLostError("no answer in time", reason="timeout")
