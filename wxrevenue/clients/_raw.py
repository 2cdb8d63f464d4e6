"""A call whose HTTP answer is handed out with its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import attrs

from wxrevenue._wire.answer import Answer, scrubbed

if TYPE_CHECKING:
    from wxrevenue._engine.call import Call
    from wxrevenue._engine.engine import Engine
    from wxrevenue._wire.http import HttpRequest, HttpResponse
    from wxrevenue._wire.request import Request
    from wxrevenue.ports import Transport

T = TypeVar("T")


class _Keeping:
    """A transport that keeps the last answer of one call."""

    last: HttpResponse

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Send; keep what comes."""
        self.last = await self._inner.send(request, timeout=timeout)
        return self.last

    async def aclose(self) -> None:
        """Do nothing: the client closes its transport."""


async def send_raw(engine: Engine, request: Request[T]) -> Answer[T]:
    """Return a request's result with status and headers of the answer it came in."""
    transport = _Keeping(engine.transport)
    calls: list[Call[T]] = []
    value = await attrs.evolve(engine, transport=transport).send(request, watch=calls.append)
    return Answer(value, transport.last.status, scrubbed(transport.last, *calls[0].bound.live()))
