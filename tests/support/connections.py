"""Connections of the aiohttp transport, and waiting for them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from support.faultserver import inside

if TYPE_CHECKING:
    from wxrevenue.transports._aiohttp.transport import AiohttpTransport


def held(transport: AiohttpTransport) -> int:
    """Return how many connections are in use."""
    session = inside(transport)._session
    return len(session.connector._acquired) if session else 0


async def until(condition: Any) -> None:
    """Wait until a condition holds."""
    while not condition():  # noqa: ASYNC110  (there is no event to wait for)
        await asyncio.sleep(0.001)
