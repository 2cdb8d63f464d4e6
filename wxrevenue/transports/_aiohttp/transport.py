"""The default transport: aiohttp.

It is set up so that one turn is one request and nothing of it shows in an error. What aiohttp's
exceptions say is dropped, for it may be the whole URL: only their class decides what happened.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from wxrevenue._base.loading import loaded
from wxrevenue._base.secret import as_secret
from wxrevenue._version import USER_AGENT
from wxrevenue._wire.http import HttpResponse, StreamedResponse
from wxrevenue.errors import ClientStateError, without_history
from wxrevenue.transports._aiohttp.options import through
from wxrevenue.transports._aiohttp.reading import body_of, read
from wxrevenue.transports._common import KEEP_ALIVE, Failures, NetworkTransport, host_of
from wxrevenue.transports._streams import Chunks, Steps
from wxrevenue.transports._timer import current_exchange

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Iterator, Mapping
    from ssl import SSLContext

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientSession
    from multidict import CIMultiDict
    from yarl import URL

    from wxrevenue._base.secret import Secret
    from wxrevenue._wire.http import HttpRequest
    from wxrevenue.transports._aiohttp.options import RequestOptions
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

    Connections are kept alive for 7 s, redirects are not followed, cookies not kept, answers above
    16 MiB refused, TLS is 1.2 or newer and always verified. aiohttp is imported, and the session
    made, by the first request.

    Args:
        session: a session of your own, which is then never closed here. Its cookies and proxies are
            yours to answer for. Its connections are watched as ours are, so that no answer belongs
            to another request.
        proxy: the URL of an HTTP proxy; may hold a password, percent-encoded.
        ssl: a TLS context, for a private authority for instance. It must verify certificates.
        limit: connections at most.
        trust_env: whether to take a proxy from the environment (``http_proxy``, ``https_proxy``,
            ``all_proxy``, ``no_proxy``, in either case), and nothing else. One that cannot be used
            is an error.
    """

    _failures = _FAILURES
    owner = "an AiohttpTransport"
    """What is said to have been left open: a client that made it sets its own name."""

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
        self._given, self._guarded = session, True
        self._session: ClientSession | None = None
        self._options: dict[str, RequestOptions] = {}
        self._seen: Mapping[str, str] | None = None
        """The headers of the request before."""
        self._usual: tuple[Mapping[str, str], Mapping[str, str], ClientSession] | None = None
        """Headers that came several times, what they said, and a session that sends them."""

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Send the request once; see :class:`wxrevenue.ports.Transport`."""
        if self._closed:
            raise ClientStateError("the transport is closed")
        session = self._session or loaded(self._open, host_of(request.url))  # whose imports are no part of the first exchange's time
        exchange = self._watch.start(timeout)
        response: ClientResponse | None = None
        try:
            response = await self._sent(session, request, exchange)
            answer = exchange.answer
            if answer is not None and answer.headers is response.headers:  # nothing stands between aiohttp and us
                return answer
            return await read(response)
        except (asyncio.CancelledError, Exception) as error:  # noqa: BLE001  (whatever aiohttp raises)
            failure = self._translated(error, exchange, request.url)
        finally:
            self._watch.stop(exchange)
            response = None  # whose ``repr`` is the whole URL
        raise without_history(failure)

    @asynccontextmanager
    async def stream(self, request: HttpRequest, *, timeout: float) -> AsyncGenerator[StreamedResponse]:
        """Send the request once and hand out its answer piece by piece.

        See :class:`wxrevenue.ports.StreamingTransport`.
        """
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

    def __del__(self) -> None:
        session: ClientSession | None = vars(self).get("_session")  # one that is half made has none
        if session is not None and not session.closed and self._given is None:
            usual = self._usual
            self._let_go(self.owner, session, *(() if usual is None else (usual[2],)))

    async def aclose(self) -> None:
        """Close the connections, unless the session was given; may be called twice."""
        self._closed = True
        self._watch.close()
        if self._session is not None and self._given is None:
            await self._session.close()
            self._watch.interrupt()  # aiohttp forgets whoever waits for the rest of a body

    async def _begin(self, request: HttpRequest) -> _Streamed:
        return _Streamed(await self._sent(self._open(), request, current_exchange()))

    def _sent(self, session: ClientSession, request: HttpRequest, exchange: Exchange | None) -> Awaitable[ClientResponse]:
        if exchange is not None and not self._guarded:
            exchange.connected = True  # nobody will say when it really is
        secret, usual = request.secret, self._usual
        url = None if secret is None else secret.derived.get(request.url)
        if url is None:  # its truth would be a look into its parts
            url = _url(request)
        body = self._content(request.body) if request.body else None
        if usual is not None and usual[0] is request.headers and usual[1] == usual[0] and request.method == "POST":
            return usual[2].request("POST", url, data=body, allow_redirects=False)
        options = self._options.get(request.method) or self._per_request(request.method)
        headers = self._multidict(session, request.headers)
        if self._proxy is not None or self._trust_env:
            headers, options = through(self._proxy_of(request.url), request.url, headers, options)
        return session.request(request.method, url, data=body, headers=headers, **options)

    def _open(self) -> ClientSession:
        """Make the session.

        On first use, because it needs a running loop and a tenth of a second of imports.
        """
        if self._session is not None:
            return self._session
        import aiohttp

        from wxrevenue.transports._aiohttp.pool import guard, let_go
        from wxrevenue.transports._aiohttp.sending import Content

        session = self._given or aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._limit, keepalive_timeout=KEEP_ALIVE, ssl=self._ssl or True),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            headers={"Accept-Encoding": "gzip, deflate", "User-Agent": USER_AGENT},
            auto_decompress=False,
        )
        self._guarded, self._let_go, self._content = guard(session.connector), let_go, Content
        self._session = session
        return session

    def _per_request(self, method: str) -> RequestOptions:
        """Return what a request must say itself.

        To a given session: that this package keeps the time, and that it is not sent twice.
        """
        options: RequestOptions = {"allow_redirects": False}
        self._options[method] = options
        if method != "POST":
            options["middlewares"] = (_once,)
        if self._given is not None:
            import aiohttp

            options |= {"raise_for_status": False, "auto_decompress": False, "timeout": aiohttp.ClientTimeout(total=None)}
            if self._ssl is not None:
                options["ssl"] = self._ssl
        return options

    def _multidict(self, session: ClientSession, headers: Mapping[str, str]) -> CIMultiDict[str]:
        """Return the headers as aiohttp keeps them.

        The first ones that come again in a view that cannot be written to become the default
        headers of a session on the same connections: aiohttp merges what is given with each request
        one by one. That session stays, for one that is dropped warns.
        """
        from multidict import CIMultiDict

        constant = self._usual is None and self._seen is headers and isinstance(headers, MappingProxyType)
        if constant and self._given is None and self._proxy is None and not self._trust_env:
            from aiohttp import ClientSession

            merged = {**session.headers, **headers}
            twin = ClientSession(
                connector=session.connector,
                headers=merged,
                cookie_jar=session.cookie_jar,
                timeout=session.timeout,
                auto_decompress=False,
                connector_owner=False,
            )
            self._usual = headers, dict(headers), twin
        self._seen = headers
        return CIMultiDict(headers)

    def _translated(self, error: BaseException, exchange: Exchange, url: str) -> BaseException:
        return super()._translated(error.broken if isinstance(error, _BrokenError) else error, exchange, url)


class _Streamed:
    """Holds aiohttp's response, whose ``repr`` is the whole URL.

    It is for frames that an error of the caller's may pass through.
    """

    def __init__(self, response: ClientResponse) -> None:
        try:
            self.body = body_of(response)
        except BaseException:
            response.close()
            raise
        self.status = response.status
        self.headers = response.headers
        self.close = response.close


class _BrokenError(Exception):
    """Stands for the exception it is made from.

    Its name makes aiohttp give up.
    """

    def __init__(self, broken: BaseException) -> None:
        self.broken = broken


async def _once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Keep aiohttp from repeating a GET, PUT or DELETE on a broken connection."""
    try:
        return await handler(request)
    except Exception as error:  # noqa: BLE001
        broken = error
    raise _BrokenError(broken)


def _url(request: HttpRequest) -> URL:
    """Return the URL parsed but not normalised.

    For a token it is built once and kept with the token.
    """
    from yarl import URL

    url = URL(request.wire_url(), encoded=True)
    if request.secret is not None:
        request.secret.derived[request.url] = url
    return url
