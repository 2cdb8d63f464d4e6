"""What is said to aiohttp of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ssl import SSLContext

    from aiohttp import ClientMiddlewareType, ClientTimeout
    from multidict import CIMultiDict

    from wxrevenue.transports._proxies import Proxy


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


def through(proxy: Proxy | None, url: str, headers: CIMultiDict[str], options: RequestOptions) -> tuple[CIMultiDict[str], RequestOptions]:
    """Return the headers and options of a request that goes through a proxy.

    Its credentials are no part of the proxy's URL, which aiohttp shows in warnings: they go with
    ``CONNECT``, or, where there is no tunnel, with the request itself.
    """
    if proxy is None:
        return headers, options
    own = None if proxy.authorization is None else {"Proxy-Authorization": proxy.authorization.reveal()}
    if own is None:
        return headers, {**options, "proxy": proxy.url}
    if url.lower().startswith("https:"):
        return headers, {**options, "proxy": proxy.url, "proxy_headers": own}
    headers = headers.copy()
    headers.update(own)
    return headers, {**options, "proxy": proxy.url}
