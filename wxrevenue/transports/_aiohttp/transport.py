"""The default transport: aiohttp, set up so that one turn is one request and nothing of it shows in an error.

What aiohttp's exceptions say is dropped, for it may be the whole URL: only their class decides what happened.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from wxrevenue._base.loading import loaded
from wxrevenue._base.secret import as_secret
from wxrevenue._version import USER_AGENT
from wxrevenue._wire.http import LARGEST_BODY, HttpResponse, StreamedResponse
from wxrevenue.errors import ClientStateError, ResponseLostError, without_history
from wxrevenue.transports._body import Body
from wxrevenue.transports._common import KEEP_ALIVE, STREAM_CHUNK, Failures, NetworkTransport, host_of
from wxrevenue.transports._streams import Chunks, Steps
from wxrevenue.transports._timer import current_exchange

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping
    from ssl import SSLContext

    from aiohttp import ClientResponse, ClientSession, StreamReader
    from multidict import CIMultiDict

    from wxrevenue._base.secret import Secret
    from wxrevenue._wire.http import HttpRequest
    from wxrevenue.transports._proxies import Proxy
    from wxrevenue.transports._timer import Exchange


def _names(error: BaseException) -> Iterator[str]:
    return (base.__name__ for base in type(error).__mro__)


_FAILURES: Final = Failures(
    _names,
    reasons=(
        ("ClientConnectorDNSError", "dns"),
        ("ClientConnectorCertificateError", "tls"),
        ("ClientSSLError", "tls"),
        ("ServerFingerprintMismatch", "tls"),
        ("ClientProxyConnectionError", "proxy"),
        ("ClientHttpProxyError", "proxy"),
        ("TimeoutError", "timeout"),
        ("ClientConnectorError", "connect"),
        ("ServerDisconnectedError", "reset"),
        ("OSError", "reset"),
        ("CancelledError", "reset"),
    ),
    malformed=frozenset({"InvalidURL", "NonHttpUrlClientError"}),
)


class AiohttpTransport(NetworkTransport):
    """Sends requests with aiohttp; safe for many concurrent callers of one event loop.

    Connections are kept alive for 7 s, redirects are not followed, cookies not kept, answers above 16 MiB refused, TLS is 1.2
    or newer and always verified. aiohttp is imported, and the session made, by the first request.

    Args:
        session: a session of your own, which is then never closed here. Its cookies and proxies are yours to answer for. Its
            connections are watched as ours are, so that no answer belongs to another request.
        proxy: the URL of an HTTP proxy; may hold a password, percent-encoded.
        ssl: a TLS context, for a private authority for instance. It must verify certificates.
        limit: connections at most.
        trust_env: whether to take a proxy from the environment (``http_proxy``, ``https_proxy``, ``all_proxy``, ``no_proxy``,
            in either case), and nothing else. One that cannot be used is an error.
    """

    _failures = _FAILURES

    def __init__(
        self,
        session: ClientSession | None = None,
        *,
        proxy: str | Secret | None = None,
        ssl: SSLContext | None = None,
        limit: int = 100,
        trust_env: bool = False,
    ) -> None:
        proxy = None if proxy is None else as_secret(proxy)  # first of all: what follows may raise
        super().__init__(proxy=proxy, ssl=ssl, limit=limit, trust_env=trust_env)
        self._given = session
        self._session: ClientSession | None = None
        self._guarded = True
        self._options: dict[str, dict[str, Any]] = {}
        self._headers: tuple[Mapping[str, str], CIMultiDict[str]] | None = None

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Send the request once; see :class:`wxrevenue.ports.Transport`."""
        if self._closed:
            raise ClientStateError("the transport is closed")
        session = self._session or loaded(self._open, host_of(request.url))  # whose imports are no part of the first exchange's time
        exchange = self._watch.start(timeout)
        try:
            return await self._exchange(session, request)
        except (asyncio.CancelledError, Exception) as error:  # noqa: BLE001  (whatever aiohttp raises)
            failure = self._translated(error, exchange, request.url)
        finally:
            self._watch.stop(exchange)
        raise without_history(failure)

    @asynccontextmanager
    async def stream(self, request: HttpRequest, *, timeout: float) -> AsyncGenerator[StreamedResponse]:
        """Send the request once and hand out its answer piece by piece; see :class:`wxrevenue.ports.StreamingTransport`."""
        if self._closed:
            raise ClientStateError("the transport is closed")
        loaded(self._open, host_of(request.url))
        steps = Steps(self._watch, self._translated, request.url, timeout)
        answer = await steps.run(partial(self._begin, request))
        try:
            with steps.holding():
                yield StreamedResponse(answer.status, answer.headers, Chunks(steps, answer.body.read))
        finally:
            answer.close()
            await answer.body.aclose()

    async def aclose(self) -> None:
        """Close the connections, unless the session was given; may be called twice."""
        self._closed = True
        self._watch.close()
        if self._session is not None and self._given is None:
            await self._session.close()

    async def _begin(self, request: HttpRequest) -> _Streamed:
        return _Streamed(await self._sent(self._open(), request))

    async def _exchange(self, session: ClientSession, request: HttpRequest) -> HttpResponse:
        response = await self._sent(session, request)
        try:
            if "Content-Encoding" in response.headers:
                body = await _body(response).whole()
            else:
                body = await response.content.read(LARGEST_BODY + 1)
                if not _is_whole(response.content):
                    body = await _rest(response.content, body)
            return HttpResponse(response.status, response.headers, body)
        except BaseException:
            response.close()
            raise

    async def _sent(self, session: ClientSession, request: HttpRequest) -> ClientResponse:
        exchange = current_exchange()
        if exchange is not None and not self._guarded:
            exchange.connected = True  # nobody will say when it really is
        headers = self._multidict(request.headers)
        options = self._options.get(request.method) or self._per_request(request.method)
        if self._proxy is not None or self._trust_env:
            headers, options = _through(self._proxy_of(request.url), request.url, headers, options)
        return await session.request(request.method, _url(request), data=request.body or None, headers=headers, **options)

    def _open(self) -> ClientSession:
        """Make the session: on first use, because it wants a running loop and a tenth of a second of imports."""
        if self._session is not None:
            return self._session
        import aiohttp

        from wxrevenue.transports._aiohttp.internals import guard

        session = self._given or aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._limit, keepalive_timeout=KEEP_ALIVE, ssl=self._ssl or True),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            headers={"Accept-Encoding": "gzip, deflate", "User-Agent": USER_AGENT},
        )
        self._guarded = guard(session.connector)
        self._session = session
        return session

    def _per_request(self, method: str) -> dict[str, Any]:
        """Return what a request must say itself: to a given session that we keep the time, and not to be sent twice."""
        options: dict[str, Any] = {"allow_redirects": False, "raise_for_status": False, "auto_decompress": False}
        self._options[method] = options
        if method != "POST":
            options["middlewares"] = (_once,)
        if self._given is not None:
            import aiohttp

            options["timeout"] = aiohttp.ClientTimeout(total=None)
            if self._ssl is not None:
                options["ssl"] = self._ssl
        return options

    def _multidict(self, headers: Mapping[str, str]) -> CIMultiDict[str]:
        """Return the headers as aiohttp keeps them; the same mapping is converted once."""
        if self._headers is None or self._headers[0] is not headers:
            from multidict import CIMultiDict

            self._headers = headers, CIMultiDict(headers)
        return self._headers[1]

    def _translated(self, error: BaseException, exchange: Exchange, url: str) -> BaseException:
        return super()._translated(error.broken if isinstance(error, _BrokenError) else error, exchange, url)


class _Streamed:
    """Holds aiohttp's response, whose ``repr`` is the whole URL, for frames that an error of the caller's may pass through."""

    def __init__(self, response: ClientResponse) -> None:
        try:
            self.body = _body(response)
        except BaseException:
            response.close()
            raise
        self.status = response.status
        self.headers = response.headers
        self.close = response.close


class _BrokenError(Exception):
    """Stands for the exception it is made from, under a name that makes aiohttp give up."""

    def __init__(self, broken: BaseException) -> None:
        self.broken = broken


async def _once(request: Any, handler: Any) -> Any:
    """Keep aiohttp from sending a GET, PUT or DELETE again by itself on a broken connection."""
    try:
        return await handler(request)
    except Exception as error:  # noqa: BLE001
        broken = error
    raise _BrokenError(broken)


def _through(proxy: Proxy | None, url: str, headers: CIMultiDict[str], options: dict[str, Any]) -> tuple[CIMultiDict[str], dict[str, Any]]:
    """Return the headers and options of a request that goes through a proxy.

    Its credentials are no part of the proxy's URL, which aiohttp shows in warnings: they go with ``CONNECT``, or, where there is
    no tunnel, with the request itself.
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


def _url(request: HttpRequest) -> Any:
    """Return the URL parsed but not normalised; for a token it is built once and kept with the token."""
    kept = {} if request.secret is None else request.secret.derived
    found = kept.get(request.url)
    if found is None:
        from yarl import URL

        found = kept[request.url] = URL(request.wire_url(), encoded=True)
    return found


def _body(response: ClientResponse) -> Body:
    encoding = None if response.method == "HEAD" else ", ".join(response.headers.getall("Content-Encoding", ()))
    return Body(_raw(response.content), response.status, encoding, STREAM_CHUNK)


async def _raw(content: StreamReader) -> AsyncGenerator[bytes]:
    while not _is_whole(content):
        yield await content.read(STREAM_CHUNK)


def _is_whole(content: StreamReader) -> bool:
    return content.at_eof() and content.exception() is None


async def _rest(content: StreamReader, body: bytes) -> bytes:
    """Read on, up to the cap."""
    chunks, size = [body], len(body)
    while size <= LARGEST_BODY and not _is_whole(content):
        chunk = await content.read(LARGEST_BODY + 1 - size)
        chunks.append(chunk)
        size += len(chunk)
    if size > LARGEST_BODY:
        raise ResponseLostError(f"the answer is larger than {LARGEST_BODY} bytes", reason="too_large")
    return b"".join(chunks)
