"""What is said to aiohttp of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ssl import SSLContext

    from aiohttp import ClientMiddlewareType, ClientTimeout


class RequestOptions(TypedDict, total=False):
    """What a request may say to aiohttp besides its headers."""

    allow_redirects: bool
    raise_for_status: bool
    auto_decompress: bool
    middlewares: Sequence[ClientMiddlewareType]
    timeout: ClientTimeout
    ssl: SSLContext
    proxy: str
    proxy_headers: dict[str, str]
