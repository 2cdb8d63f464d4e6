"""A transport in front of another, which gives every exchange its whole timeout."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from wxrevenue.errors import ResponseLostError

if TYPE_CHECKING:
    from wxrevenue._wire.http import HttpRequest, HttpResponse
    from wxrevenue.ports import Transport

_MARGIN: Final = 1.0
"""Seconds after which a transport that does not keep its timeout is given up."""


class WholeExchanges:
    """Lets an exchange outlive the deadline of its call: its answer comes only once.

    To cut it off would throw a refresh token away. Closes nothing.

    Args:
        transport: the transport behind.
        timeout: seconds for every exchange.
    """

    def __init__(self, transport: Transport, timeout: float) -> None:
        self._transport = transport
        self._timeout = timeout

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:  # noqa: ARG002
        """Send the request; ``timeout`` does not count."""
        scope = asyncio.timeout(self._timeout + _MARGIN)
        try:
            async with scope:
                return await self._transport.send(request, timeout=self._timeout)
        except TimeoutError:
            if not scope.expired():
                raise
        raise ResponseLostError("no answer in time", reason="timeout")

    async def aclose(self) -> None:
        """Do nothing: the transport behind belongs to its maker."""
