"""The default transport: aiohttp, set up so that one turn is one request and nothing of it shows in an error.

What aiohttp's exceptions say is dropped, for it may be the whole URL: only their class decides what happened.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from wxrevenue._ports import HttpResponse
from wxrevenue._secret import Secret
from wxrevenue._version import USER_AGENT
from wxrevenue.errors import ClientStateError, ConfigurationError, NotSentError, ResponseLostError, WxRevenueError, without_history
from wxrevenue.transports._watch import Exchange, Watch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from ssl import SSLContext

    from aiohttp import ClientSession, StreamReader
    from multidict import CIMultiDict

    from wxrevenue._ports import HttpRequest
    from wxrevenue.errors import Reason

KEEP_ALIVE: Final = 7.0
"""Seconds; WeChat's servers close idle connections at 8, and a request sent just then would be lost."""
LARGEST_BODY: Final = 16 * 1024 * 1024
"""Bytes, decoded. More than this is a bomb or a mistake."""
_NOT_SENT: Final = ("ClientConnectorError", "ConnectionTimeoutError", "InvalidURL", "NonHttpUrlClientError", "ClientHttpProxyError")
_REASONS: Sequence[tuple[str, Reason]] = (
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
)
"""The first row whose class is among an exception's bases says what broke; ``protocol`` where none is."""


class AiohttpTransport:
    """Sends requests with aiohttp; safe for many concurrent callers of one event loop.

    Connections are kept alive for 7 s, redirects are not followed, cookies not kept, answers above 16 MiB refused, TLS is 1.2
    or newer and always verified. aiohttp is imported, and the session made, by the first request.

    Args:
        session: a session of your own, which is then never closed here. Its cookies and proxies are yours to answer for, and a
            time-out of it counts as "may have been sent".
        proxy: the URL of an HTTP proxy; may hold a password.
        ssl: a TLS context, for a private authority for instance. It must verify certificates.
        limit: connections at most.
        trust_env: whether to take a proxy from the environment.
    """

    def __init__(
        self,
        session: ClientSession | None = None,
        *,
        proxy: str | Secret | None = None,
        ssl: SSLContext | None = None,
        limit: int = 100,
        trust_env: bool = False,
    ) -> None:
        proxy = Secret(proxy) if isinstance(proxy, str) else proxy
        if type(limit) is not int or limit < 1:
            raise ConfigurationError("AiohttpTransport.limit: expected an int, 1 or more")
        _check_tls(ssl)
        self._given = session
        self._session = session
        self._proxy = proxy
        self._ssl = ssl
        self._limit = limit
        self._trust_env = trust_env
        self._watch = Watch()
        self._closed = False
        self._options: dict[str, dict[str, Any]] = {}
        self._headers: tuple[Mapping[str, str], CIMultiDict[str]] | None = None

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Send the request once; see :class:`wxrevenue._ports.Transport`."""
        if self._closed:
            raise ClientStateError("the transport is closed")
        exchange = self._watch.start(timeout)
        try:
            return await self._exchange(self._session or self._open(), request)
        except (asyncio.CancelledError, Exception) as error:  # noqa: BLE001  (whatever aiohttp raises)
            failure = self._translated(without_history(error), exchange, request.url)
        finally:
            self._watch.stop(exchange)
        raise without_history(failure)

    async def aclose(self) -> None:
        """Close the connections, unless the session was given; may be called twice."""
        self._closed = True
        self._watch.close()
        if self._session is not None and self._given is None:
            await self._session.close()

    async def _exchange(self, session: ClientSession, request: HttpRequest) -> HttpResponse:
        response = await session.request(
            request.method,
            _url(request),
            data=request.body or None,
            headers=self._multidict(request.headers),
            **(self._options.get(request.method) or self._per_request(request.method)),
        )
        try:
            body = await response.content.read(LARGEST_BODY + 1)
            if not _is_whole(response.content):
                body = await _rest(response.content, body)
            return HttpResponse(response.status, response.headers, body)
        except BaseException:
            response.close()
            raise

    def _open(self) -> ClientSession:
        """Make the session: on first use, because it wants a running loop and a tenth of a second of imports."""
        import aiohttp  # noqa: PLC0415

        watch = self._watch

        class Connector(aiohttp.TCPConnector):
            """Tells the watch when an exchange got its connection: from then on bytes may have been sent."""

            async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:
                connection = await super().connect(req, traces, timeout)
                watch.connected()
                return connection

        self._session = aiohttp.ClientSession(
            connector=Connector(limit=self._limit, keepalive_timeout=KEEP_ALIVE, ssl=self._ssl or True),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            headers={"Accept-Encoding": "gzip, deflate", "User-Agent": USER_AGENT},
            trust_env=self._trust_env,
        )
        return self._session

    def _per_request(self, method: str) -> dict[str, Any]:
        """Return what a request must say itself: the proxy, to a given session that we keep the time, and not to be sent twice."""
        options: dict[str, Any] = {"allow_redirects": False, "raise_for_status": False}
        if self._proxy is None:
            self._options[method] = options
        else:
            options["proxy"] = self._proxy.reveal()  # may hold a password, so it is not kept
        if method != "POST":
            options["middlewares"] = (_once,)
        if self._given is not None:
            import aiohttp  # noqa: PLC0415

            options["timeout"] = aiohttp.ClientTimeout(total=None)
            if self._ssl is not None:
                options["ssl"] = self._ssl
        return options

    def _multidict(self, headers: Mapping[str, str]) -> CIMultiDict[str]:
        """Return the headers as aiohttp keeps them; the same mapping is converted once."""
        if self._headers is None or self._headers[0] is not headers:
            from multidict import CIMultiDict  # noqa: PLC0415

            self._headers = headers, CIMultiDict(headers)
        return self._headers[1]

    def _translated(self, error: BaseException, exchange: Exchange, url: str) -> BaseException:
        """Return our error for whatever ended the exchange; a cancellation from outside stays what it is."""
        from_outside = exchange.cancelled_from_outside()
        if isinstance(error, WxRevenueError) or (isinstance(error, asyncio.CancelledError) and from_outside):
            return error
        broken = error.broken if isinstance(error, _BrokenError) else error
        bases = {base.__name__ for base in type(broken).__mro__}
        not_sent = not exchange.connected if self._given is None else not bases.isdisjoint(_NOT_SENT)
        kind = NotSentError if not_sent else ResponseLostError
        if exchange.expired:
            full = not_sent and exchange.company >= self._limit
            return kind(f"no {'free connection' if full else 'answer'} in time, {_host(url)}", reason="pool" if full else "timeout")
        hopeless = not bases.isdisjoint({"InvalidURL", "NonHttpUrlClientError"})
        return kind(f"{type(broken).__name__}, {_host(url)}", reason=_reason(bases), retryable=not hopeless)


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


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return "no host"


def _reason(bases: set[str]) -> Reason:
    for name, reason in _REASONS:
        if name in bases:
            return reason
    return "protocol"


def _check_tls(context: SSLContext | None) -> None:
    if context is None:
        return
    import ssl  # noqa: PLC0415

    if not isinstance(context, ssl.SSLContext):
        raise ConfigurationError(f"AiohttpTransport.ssl: expected an ssl.SSLContext, got {type(context).__name__}")
    if context.minimum_version < ssl.TLSVersion.TLSv1_2:
        raise ConfigurationError("AiohttpTransport.ssl: expected a context whose minimum_version is TLSv1_2 or newer")
    if context.verify_mode != ssl.CERT_REQUIRED or not context.check_hostname:
        raise ConfigurationError("AiohttpTransport.ssl: expected a context that verifies certificates and their host names")


def _url(request: HttpRequest) -> Any:
    """Return the URL parsed but not normalised; for a token it is built once and kept with the token."""
    kept = {} if request.secret is None else request.secret.derived
    found = kept.get(request.url)
    if found is None:
        from yarl import URL  # noqa: PLC0415

        found = kept[request.url] = URL(request.wire_url(), encoded=True)
    return found


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
