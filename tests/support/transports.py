"""The package's transports, each with whole answers and with streamed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue import AiohttpTransport, HttpxTransport
from wxrevenue.testing import through_stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue import Transport

TRANSPORTS: dict[str, Callable[..., Transport]] = {
    "aiohttp": AiohttpTransport,
    "aiohttp-stream": through_stream(AiohttpTransport),
    "httpx2": HttpxTransport,
    "httpx2-stream": through_stream(HttpxTransport),
}
