"""The conformance suite of transports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue._wire.http import LARGEST_BODY, HttpResponse
from wxrevenue.errors import ResponseLostError
from wxrevenue.testing._transport_suite import answering as _answering
from wxrevenue.testing._transport_suite import breaking as _breaking
from wxrevenue.testing._transport_suite import connecting as _connecting
from wxrevenue.testing._transport_suite import living as _living
from wxrevenue.testing._transport_suite import surplus as _surplus
from wxrevenue.testing._transport_suite import surroundings as _surroundings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from wxrevenue._wire.http import HttpRequest
    from wxrevenue.ports import StreamingTransport
    from wxrevenue.testing._transport_suite.case import TransportCase
    from wxrevenue.testing._transport_suite.scene import Make


def transport_cases(*, without: Collection[str] = ()) -> list[TransportCase]:
    """Return what a transport must come through, case by case.

    Args:
        without: options that the transport does not have, of ``ssl``, ``proxy``, ``limit`` and
            ``trust_env``; cases that need one are left out.
    """
    chapters = (_connecting, _breaking, _answering, _surplus, _surroundings, _living)
    every = [case for chapter in chapters for case in chapter.CASES]
    return [case for case in every if case.needs.isdisjoint(without)]


def through_stream(make: Callable[..., StreamingTransport]) -> Make:
    """Return a maker of transports that only stream, for the same cases.

    They do all their sending with :meth:`StreamingTransport.stream`.
    """

    def made(**options: object) -> _Streamed:
        return _Streamed(make(**options))

    return made


class _Streamed:
    """Puts a streamed answer together again, up to the cap."""

    def __init__(self, inner: StreamingTransport) -> None:
        self._inner = inner

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        pieces: list[bytes] = []
        size = 0
        async with self._inner.stream(request, timeout=timeout) as answer:
            async for piece in answer.chunks:
                pieces.append(piece)
                size += len(piece)
                if size > LARGEST_BODY:
                    raise ResponseLostError("the answer is too large", reason="too_large")
            return HttpResponse(answer.status, answer.headers, b"".join(pieces))

    async def aclose(self) -> None:
        await self._inner.aclose()
