"""Every transport of ours comes through the conformance suite, with whole answers and with streamed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wxrevenue import AiohttpTransport, HttpxTransport
from wxrevenue.testing import TransportCase, through_stream, transport_cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue import Transport

TRANSPORTS: dict[str, Callable[..., Transport]] = {
    "aiohttp": AiohttpTransport,
    "aiohttp-stream": through_stream(AiohttpTransport),
    "httpx2": HttpxTransport,
    "httpx2-stream": through_stream(HttpxTransport),
}


@pytest.mark.parametrize("case", transport_cases(), ids=str)
@pytest.mark.parametrize("make", TRANSPORTS.values(), ids=TRANSPORTS)
async def test_conforms(make: Callable[..., Transport], case: TransportCase) -> None:
    """A transport does what the case says."""
    await case.run(make)
