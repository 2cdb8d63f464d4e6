"""The sandbox in process: a transport for a client's ``transport=``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue._wire.http import HttpResponse
from wxrevenue.errors import NotSentError, ResponseLostError
from wxrevenue.sandbox._call import Drop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wxrevenue._wire.http import HttpRequest
    from wxrevenue.sandbox._call import Answer
    from wxrevenue.sandbox._core import Core


class SandboxTransport:
    """Carries requests straight into the sandbox, whatever host they name."""

    def __init__(self, core: Core, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._core, self._sleep = core, sleep

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Return the sandbox's answer; its latency may use up ``timeout`` seconds.

        Raises:
            NotSentError: the connection was to break before the call was carried out.
            ResponseLostError: it was to break afterwards, or the latency is longer than
                ``timeout``.
        """
        answer = self._handle(request)
        await self._sleep(min(answer.latency, timeout))
        if answer.drop is Drop.BEFORE:
            raise NotSentError("the sandbox refused the connection", reason="connect")
        if answer.drop is Drop.AFTER:
            raise ResponseLostError("the sandbox dropped the connection", reason="reset")
        if answer.latency > timeout:
            raise ResponseLostError("the sandbox took too long", reason="timeout")
        return HttpResponse(answer.status, answer.headers, answer.body)

    def _handle(self, request: HttpRequest) -> Answer:
        return self._core.handle(request.method, _target(request), request.headers, request.body)

    async def aclose(self) -> None:
        """Do nothing: there are no connections."""


def _target(request: HttpRequest) -> str:
    # The text is cut, not parsed: a signature covers path and query exactly as they were sent.
    return "/" + request.wire_url().partition("://")[2].partition("/")[2]
