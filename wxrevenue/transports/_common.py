"""What the transports over a network have in common.

Their settings, their limits, and what their failures mean.
"""

from __future__ import annotations

import asyncio
from errno import ECONNREFUSED
from ssl import CERT_REQUIRED, SSLContext, TLSVersion
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import urlsplit

import attrs

from wxrevenue._base.loading import SHORTAGES, described, os_error_number
from wxrevenue.errors import ConfigurationError, NotSentError, ResponseLostError, WxRevenueError
from wxrevenue.transports._proxies import check_proxy, proxy_of_environment
from wxrevenue.transports._timer import DeadlineTimer, current_exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from wxrevenue._base.secret import Secret
    from wxrevenue.errors import Reason
    from wxrevenue.transports._proxies import Proxy
    from wxrevenue.transports._timer import Exchange

KEEP_ALIVE: Final = 7.0
"""Seconds for which an idle connection is kept.

WeChat's servers close idle connections at 8, and a request sent just then would be lost.
"""
STREAM_CHUNK: Final = 64 * 1024
"""Bytes of a streamed body handed out at a time, at most."""


@attrs.frozen
class Failures:
    """What the exceptions of one HTTP library mean.

    Args:
        names: yields the names of an exception's classes, as the two tables spell them.
        reasons: the first row whose name is among an exception's says what broke; ``protocol``
            where none is.
        malformed: a request that raises one of these raises it again if tried again.
    """

    names: Callable[[BaseException], Iterable[str]]
    reasons: Sequence[tuple[str, Reason]]
    malformed: frozenset[str]

    def reason(self, names: set[str]) -> Reason:
        """Return what broke."""
        for name, reason in self.reasons:
            if name in names:
                return reason
        return "protocol"


class NetworkTransport:
    """The settings and the state of a transport over a network.

    Args:
        proxy: the URL of an HTTP proxy; may hold a password, percent-encoded.
        ssl: a TLS context that verifies certificates.
        limit: connections at most.
        trust_env: whether to take a proxy from the environment.

    Raises:
        ConfigurationError: a setting is not allowed.
    """

    _failures: ClassVar[Failures]

    def __init__(self, *, proxy: str | Secret | None, ssl: SSLContext | None, limit: int, trust_env: bool) -> None:
        owner = type(self).__name__
        check_limit(owner, limit)
        check_tls(owner, ssl)
        self._proxy = check_proxy(owner, proxy)
        self._ssl = ssl
        self._limit = limit
        self._trust_env = trust_env
        self._watch = DeadlineTimer()
        self._closed = False

    def _translated(self, error: BaseException, exchange: Exchange, url: str) -> BaseException:
        """Return this package's error for what ended the exchange.

        A cancellation from outside stays what it is.
        """
        from_outside = exchange.cancelled_from_outside(closed=self._closed)
        if isinstance(error, WxRevenueError) or (isinstance(error, asyncio.CancelledError) and from_outside):
            return error
        not_sent = not exchange.connected
        kind = NotSentError if not_sent else ResponseLostError
        where = place_of(url) if exchange.proxy is None else f"{place_of(url)} through the proxy of {exchange.proxy.source}"
        if exchange.unasked:
            return kind(f"the server spoke, or hung up, before it was asked, {where}", reason="reset")
        if exchange.expired and not exchange.interrupted:
            full = not_sent and exchange.in_use >= self._limit
            return kind(f"no {'free connection' if full else 'answer'} in time, {where}", reason="pool" if full else "timeout")
        names, number = set(self._failures.names(error)), os_error_number(error)
        if number == ECONNREFUSED and not_sent and exchange.proxy is None:
            return kind(f"{described(error)}, {where}: is it running?", reason="connect")
        reason = "connect" if number in SHORTAGES else self._failures.reason(names)
        if exchange.proxy is not None and not_sent and reason != "tls":
            reason = "proxy"  # it failed before it let anything through
        return kind(f"{described(error)}, {where}", reason=reason, retryable=names.isdisjoint(self._failures.malformed))

    def _proxy_of(self, url: str) -> Proxy | None:
        """Return the proxy that a request to this URL goes through.

        Note it for what may be told of the exchange.
        """
        proxy = proxy_of_environment(url) if self._proxy is None and self._trust_env else self._proxy
        exchange = current_exchange()
        if exchange is not None:
            exchange.proxy = proxy
        return proxy


def place_of(url: str) -> str:
    """Return the host, port and path of a URL, for a message.

    The query may hold anything.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return "no host"
    return parts.netloc.rpartition("@")[2] + parts.path


def host_of(url: str) -> str:
    """Return the host and port of a URL, for a message."""
    try:
        return urlsplit(url).netloc
    except ValueError:
        return "no host"


def check_limit(owner: str, limit: object) -> None:
    """Refuse anything but a number of connections."""
    if type(limit) is not int or limit < 1:
        raise ConfigurationError(f"{owner}.limit: expected an int, 1 or more")


def check_tls(owner: str, context: SSLContext | None) -> None:
    """Refuse a TLS context that is not safe.

    It speaks less than TLS 1.2 or does not verify the server.
    """
    if context is None:
        return
    if not isinstance(context, SSLContext):
        raise ConfigurationError(f"{owner}.ssl: expected an ssl.SSLContext, got {type(context).__name__}")
    if context.minimum_version < TLSVersion.TLSv1_2:
        raise ConfigurationError(f"{owner}.ssl: expected a context whose minimum_version is TLSv1_2 or newer")
    if context.verify_mode != CERT_REQUIRED or not context.check_hostname:
        raise ConfigurationError(f"{owner}.ssl: expected a context that verifies certificates and their host names")
