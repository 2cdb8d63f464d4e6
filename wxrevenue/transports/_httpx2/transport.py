"""The transport for programs that have httpx2 already.

It has the same defaults and the same errors as the default one. It uses httpx2's transport class,
not its client: the client would log whole URLs and keep cookies. What httpx2's exceptions say is
dropped: only their classes, and those of what caused them, decide what happened.
"""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Protocol, cast
from urllib.parse import urlsplit

from wxrevenue._base import extras
from wxrevenue._base.loading import loaded
from wxrevenue._base.secret import as_secret
from wxrevenue._version import USER_AGENT
from wxrevenue._wire.http import HttpResponse, StreamedResponse
from wxrevenue.errors import ClientStateError, ConfigurationError, ResponseLostError
from wxrevenue.transports._body import Body
from wxrevenue.transports._common import KEEP_ALIVE, STREAM_CHUNK, Failures, NetworkTransport, host_of
from wxrevenue.transports._httpx2.internals import TraceHook, has_surplus
from wxrevenue.transports._streams import Chunks, Steps

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from ssl import SSLContext

    import httpx2
    from httpx2 import AsyncHTTPTransport, Request, Response

    from wxrevenue._base.secret import Secret
    from wxrevenue._wire.http import HttpRequest
    from wxrevenue.transports._proxies import Proxy

    class _Stream(Protocol):
        """The stream of an answer, which httpx2 types as less than it is."""

        def __aiter__(self) -> AsyncGenerator[bytes]: ...


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _names(error: BaseException) -> Iterator[str]:
    """Yield the classes of an exception and of its causes.

    Each is under the name of the package it comes from.
    """
    for one in _chain(error):
        for base in type(one).__mro__:
            yield f"{base.__module__.partition('.')[0]}.{base.__qualname__}"


_FAILURES: Final = Failures(
    _names,
    reasons=(
        ("socket.gaierror", "dns"),
        ("ssl.SSLError", "tls"),
        ("httpx2.ProxyError", "proxy"),
        ("httpx2.ConnectError", "connect"),
        ("h11.RemoteProtocolError", "protocol"),
        ("httpx2.RemoteProtocolError", "reset"),
        ("httpx2.NetworkError", "reset"),
        ("builtins.OSError", "reset"),
        ("asyncio.CancelledError", "reset"),
    ),
    malformed=frozenset({"httpx2.InvalidURL", "httpx2.UnsupportedProtocol", "httpx2.LocalProtocolError", "builtins.ValueError"}),
)


class HttpxTransport(NetworkTransport):
    """Sends requests with httpx2; safe for many callers of one event loop at once.

    Needs ``pip install "wxrevenue[httpx2]"``. Connections are kept alive for 7 s, redirects are not
    followed, cookies not kept, answers above 16 MiB refused, TLS is 1.2 or newer and always
    verified. httpx2's connections are made by the first request.

    Args:
        proxy: the URL of an HTTP proxy; may hold a password, percent-encoded.
        ssl: a TLS context, for a private authority for instance. It must verify certificates.
        limit: connections at most.
        trust_env: whether to take a proxy from the environment (``http_proxy``, ``https_proxy``,
            ``all_proxy``, ``no_proxy``, in either case), and nothing else. One that cannot be used
            is an error.
    """

    _failures = _FAILURES

    def __init__(
        self,
        *,
        proxy: str | Secret | None = None,
        ssl: SSLContext | None = None,
        limit: int = 100,
        trust_env: bool = False,
    ) -> None:
        proxy = None if proxy is None else as_secret(proxy)  # first of all: what follows may raise
        super().__init__(proxy=proxy, ssl=ssl, limit=limit, trust_env=trust_env)
        _check_installed()
        self._tls: SSLContext | None = None
        self._routes: dict[Proxy | None, AsyncHTTPTransport] = {}

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Send the request once; see :class:`wxrevenue.ports.Transport`."""
        return await self._steps(request, timeout).run(partial(self._exchange, request))

    @asynccontextmanager
    async def stream(self, request: HttpRequest, *, timeout: float) -> AsyncGenerator[StreamedResponse]:
        """Send the request once and hand out its answer piece by piece.

        See :class:`wxrevenue.ports.StreamingTransport`.
        """
        steps = self._steps(request, timeout)
        answer = await steps.run(partial(self._begin, request))
        try:
            with steps.holding():
                yield StreamedResponse(answer.status, answer.headers, Chunks(steps, answer.body.read))
        finally:
            await answer.aclose()

    async def aclose(self) -> None:
        """Close the connections; may be called twice."""
        self._closed = True
        self._watch.interrupt()
        self._watch.close()
        for inner in self._routes.values():
            await inner.aclose()

    def _steps(self, request: HttpRequest, timeout: float) -> Steps:
        if self._closed:
            raise ClientStateError("the transport is closed")
        if self._tls is None:
            self._tls = loaded(self._load, host_of(request.url))  # which is no part of the first exchange's time
        return Steps(self._watch, self._translated, request.url, timeout)

    def _load(self) -> SSLContext:
        """Load httpx2; return the TLS context of all connections."""
        from ssl import create_default_context

        for name in ("httpcore2", "httpx2", "anyio"):  # of their own accord they load each other later
            import_module(name)
        from wxrevenue.transports._httpx2.internals import silence_logs

        silence_logs()
        return self._ssl or create_default_context()

    async def _exchange(self, request: HttpRequest) -> HttpResponse:
        answer = await self._begin(request)
        try:
            return HttpResponse(answer.status, answer.headers, await answer.body.whole())
        finally:
            await answer.aclose()

    async def _begin(self, request: HttpRequest) -> _Answer:
        route = self._route(request.url)
        trail = TraceHook(route)
        try:
            response = await route.handle_async_request(_outgoing(request, trail))
        except BaseException:
            await trail.give_up()
            raise
        try:
            return _Answer(response, request.method)
        except BaseException:
            await response.aclose()
            raise

    def _route(self, url: str) -> AsyncHTTPTransport:
        """Return the connections that lead to the URL's server.

        With proxies of the environment there may be several sets.
        """
        proxy = self._proxy_of(url)
        found = self._routes.get(proxy)
        if found is None:
            found = self._routes[proxy] = self._open(proxy)
        return found

    def _open(self, proxy: Proxy | None) -> AsyncHTTPTransport:
        import httpx2

        return httpx2.AsyncHTTPTransport(
            verify=self._tls or True,
            trust_env=False,
            limits=httpx2.Limits(max_connections=self._limit, max_keepalive_connections=self._limit, keepalive_expiry=KEEP_ALIVE),
            proxy=None if proxy is None else self._outgoing_proxy(proxy),
        )

    def _outgoing_proxy(self, proxy: Proxy) -> httpx2.Proxy:
        import httpx2

        headers = None if proxy.authorization is None else {"Proxy-Authorization": proxy.authorization.reveal()}
        return httpx2.Proxy(proxy.url, headers=headers, ssl_context=self._tls if proxy.url.startswith("https:") else None)


class _Answer:
    """Holds httpx2's response."""

    def __init__(self, response: Response, method: str) -> None:
        self._response = response
        self.status = response.status_code
        self.headers = response.headers
        if "content-length" in response.headers and "transfer-encoding" in response.headers:
            raise ResponseLostError("the answer announces two lengths", reason="protocol")
        encoding = None if method == "HEAD" else response.headers.get("content-encoding")
        self.body = Body(_raw(cast("_Stream", response.stream)), response.status_code, encoding, STREAM_CHUNK)

    async def aclose(self) -> None:
        """Give up what has not been read.

        Also give up the connection if more came than was announced.
        """
        await self.body.aclose()
        if has_surplus(self._response):
            await self._response.extensions["network_stream"].aclose()
        await self._response.aclose()


async def _raw(stream: _Stream) -> AsyncGenerator[bytes]:
    async with aclosing(aiter(stream)) as arriving:
        async for data in arriving:
            yield data


def _outgoing(request: HttpRequest, trail: TraceHook) -> Request:
    """Return httpx2's form of a request, its target the very bytes of our URL."""
    from httpx2 import Headers, Request

    parts = urlsplit(request.url)
    origin = f"{parts.scheme}://{parts.netloc}"
    headers = Headers({"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "User-Agent": USER_AGENT})
    headers.update(request.headers)
    extensions = {"target": _target(request, len(origin)), "trace": trail}
    return Request(request.method, f"{origin}/", headers=headers, content=request.body or None, extensions=extensions)


def _target(request: HttpRequest, start: int) -> bytes:
    target = request.wire_url()[start:].partition("#")[0].encode()
    return target if target.startswith(b"/") else b"/" + target


def _check_installed() -> None:
    """Say early, and in words that help, that the extra is missing."""
    try:
        installed = find_spec("httpx2") is not None
    except ValueError:  # somebody keeps it from being imported
        installed = False
    if not installed:
        raise ConfigurationError(extras.missing("HttpxTransport", "httpx2", "httpx2"))
