"""What httpx2 does not do by itself, and where one must look inside it.

Connections cut in their handshake, surplus bytes.
"""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import logging
from contextlib import suppress
from operator import attrgetter
from ssl import SSLError, SSLWantReadError
from typing import TYPE_CHECKING, Any, Final, TypedDict

from wxrevenue.transports._timer import current_exchange

if TYPE_CHECKING:
    from ssl import SSLObject

    from httpcore2 import AsyncNetworkStream, Request
    from httpx2 import AsyncHTTPTransport, Response

    class _Facts(TypedDict):
        """What httpx2 tells of a step: each at one of the steps that are looked at here."""

        return_value: AsyncNetworkStream
        request: Request


_CONNECTION: Final = attrgetter("_httpcore_stream._stream._connection")
"""Where a connection is in the stream of an answer."""


def silence_logs() -> None:
    """Keep what httpx2 does for this package out of its own logs.

    They show every header, and a server may repeat a token in one.
    """
    for name in logging.root.manager.loggerDict:
        if name.partition(".")[0] == "httpcore2":
            logging.getLogger(name).addFilter(_is_not_ours)


def _is_not_ours(_record: logging.LogRecord) -> bool:
    return current_exchange() is None


class TraceHook:
    """Follows one request through httpx2, which tells of every step.

    Args:
        route: the transport of httpx2 that the request goes through.
    """

    def __init__(self, route: AsyncHTTPTransport) -> None:
        self._route = route
        self._half_open: AsyncNetworkStream | None = None
        """A connection before its TLS handshake.

        httpx2 forgets it when it is interrupted there.
        """
        self._in_tls = False

    async def __call__(self, event: str, facts: _Facts) -> None:
        """Take notice of a step; a request that only opens a tunnel is not ours."""
        step = event.partition(".")[2]
        if step == "connect_tcp.complete":
            self._half_open = facts["return_value"]
        elif step == "start_tls.complete":
            self._in_tls = True
        elif step == "send_request_headers.started" and facts["request"].method != b"CONNECT":
            self._begin()

    def _begin(self) -> None:
        """Look a last time whether the server is silent before the request is written.

        Writing it happens next.
        """
        exchange = current_exchange()
        fresh, self._half_open = self._half_open, None
        if fresh is not None and not self._in_tls and fresh.get_extra_info("is_readable"):
            if exchange is not None:
                exchange.unasked = True
            raise ConnectionAbortedError
        if fresh is None and self._reused_is_readable():
            from httpcore2 import ConnectionNotAvailable  # loaded by then

            raise ConnectionNotAvailable  # upon which the pool gives the request another one
        if exchange is not None:
            exchange.connected = True

    def _reused_is_readable(self) -> bool:
        with suppress(AttributeError):  # no public way leads there; httpx2 itself looked when it chose the connection
            for waiting in self._route._pool._requests:  # noqa: SLF001
                if waiting.request.extensions.get("trace") is self:  # pyright: ignore[reportUnknownMemberType]
                    socket = _socket_of(waiting.connection)
                    return socket is not None and bool(socket.get_extra_info("is_readable"))
        return False

    async def give_up(self) -> None:
        """Close what httpx2 leaves open.

        Free the place that a cut tunnel would keep among the connections for ever.
        """
        if self._half_open is None:
            return
        await self._half_open.aclose()
        with suppress(AttributeError):  # no public way leads there
            pool = self._route._pool  # noqa: SLF001
            for connection in pool.connections:
                if _socket_of(connection) is self._half_open:
                    await connection.aclose()
            await pool._close_connections(pool._assign_requests_to_connections())  # noqa: SLF001


def _socket_of(connection: object) -> AsyncNetworkStream | None:
    """Return what one of httpx2's connections writes to.

    Or the innermost of the connections within it.
    """
    while connection is not None and not hasattr(connection, "_network_stream"):
        connection = getattr(connection, "_connection", None)
    return getattr(connection, "_network_stream", None)


def has_surplus(response: Response) -> bool:
    """Return whether bytes beyond the answer have arrived.

    httpx2 would take them for the answer to the next request. It has no public way to ask. Where
    the way taken here does not lead there, assume the worst: that costs a connection.
    """
    try:
        connection = _CONNECTION(response.stream)
        surplus, _closed = connection._h11_state.trailing_data  # noqa: SLF001
        return bool(surplus) or _holds_bytes(connection._network_stream._stream)  # noqa: SLF001
    except AttributeError:
        return True


def _holds_bytes(stream: Any) -> bool:
    """Return whether a stream of anyio's, or one within it, has unread bytes.

    Its socket no longer shows them.
    """
    from anyio.streams.tls import TLSAttribute  # loaded by then

    while hasattr(stream, "transport_stream"):
        if _has_record(stream.extra(TLSAttribute.ssl_object)):  # noqa: S610  (no database)
            return True
        stream = stream.transport_stream
    return bool(stream._protocol.read_queue)  # noqa: SLF001


def _has_record(tls: SSLObject) -> bool:
    try:
        tls.read(1)
    except SSLWantReadError:
        return False
    except SSLError:
        return True
    return True
