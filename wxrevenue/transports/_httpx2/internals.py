"""What httpx2 does not do by itself, and where we must look inside it: connections cut in their handshake, surplus bytes."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from httpx2 import Response

    from wxrevenue.transports._timer import DeadlineTimer


class TraceHook:
    """Follows one request through httpx2, which tells of every step."""

    def __init__(self, watch: DeadlineTimer) -> None:
        self._watch = watch
        self._half_open: Any = None
        """A connection before its TLS handshake, which httpx2 forgets about when it is interrupted there."""

    async def __call__(self, event: str, facts: dict[str, Any]) -> None:
        """Take notice of a step; a request that only opens a tunnel is not ours."""
        step = event.partition(".")[2]
        if step == "connect_tcp.complete":
            self._half_open = facts["return_value"]
        elif step == "send_request_headers.started" and facts["request"].method != b"CONNECT":
            self._half_open = None
            self._watch.connected()

    async def give_up(self, route: Any) -> None:
        """Close what nobody else will, and free the place that a cut tunnel would keep among the connections for ever."""
        if self._half_open is None:
            return
        await self._half_open.aclose()
        with suppress(AttributeError):  # no public way leads there
            pool = route._pool  # noqa: SLF001
            for connection in pool.connections:
                if _socket_of(connection) is self._half_open:
                    await connection.aclose()
            await pool._close_connections(pool._assign_requests_to_connections())  # noqa: SLF001


def _socket_of(connection: Any) -> Any:
    """Return what one of httpx2's connections, or the innermost of those within it, writes to."""
    while connection is not None and not hasattr(connection, "_network_stream"):
        connection = getattr(connection, "_connection", None)
    return getattr(connection, "_network_stream", None)


def has_surplus(response: Response) -> bool:
    """Tell whether bytes beyond the answer have arrived: httpx2 would take them for the answer to the next request.

    It has no public way to ask. Where the way taken here does not lead there, assume the worst: that costs a connection.
    """
    stream: Any = response.stream
    try:
        surplus, _closed = stream._httpcore_stream._stream._connection._h11_state.trailing_data  # noqa: SLF001
    except AttributeError:
        return True
    return bool(surplus)
