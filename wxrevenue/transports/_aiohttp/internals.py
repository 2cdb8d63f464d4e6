"""Where we must look inside aiohttp: which bytes of a connection answer which request, and when a request may have been sent."""

from __future__ import annotations

import re
import select
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aiohttp import BaseConnector
from aiohttp.client_proto import ResponseHandler

from wxrevenue.transports._timer import current_exchange

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

_FIRST_FINAL: Final = 200
_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)[ \t]*\r\n", re.IGNORECASE)
_PROBE_REASON: Final = "wxrevenue-probe"
_PROBE: Final = f"HTTP/1.1 299 {_PROBE_REASON}\r\nContent-Length: 0\r\n\r\n".encode()
_OF_A_TUNNEL: Final = frozenset({"read_until_eof", "timeout_ceil_threshold"})
"""The parameters of the answer to a ``CONNECT``; that of a request of ours has more."""


def guard(connector: BaseConnector | None) -> bool:
    """Make all further connections of a connector drop answers that nobody asked for; return whether that is possible.

    Connections that it has already are not used again.
    """
    inner: Any = connector
    if connector is None:
        return True  # the session is closed, and sends nothing
    if type(connector).connect is not BaseConnector.connect or not hasattr(inner, "_factory"):
        return False
    if getattr(inner._factory, "func", None) is not AnswerHandler:  # noqa: SLF001  (no public way leads there)
        inner._factory = partial(AnswerHandler, inner._loop)  # noqa: SLF001
        for idle in inner._conns.values():  # noqa: SLF001
            for protocol, _since in idle:
                protocol.close()
        for protocol in inner._acquired:  # noqa: SLF001
            getattr(protocol, "force_close", bool)()
    return True


class AnswerHandler(ResponseHandler):
    """One connection: takes one answer for each request, and closes at the first byte that nobody asked for.

    aiohttp's pool asks a connection only whether it :meth:`is_connected`, not whether it should be closed.
    """

    def __init__(self, loop: AbstractEventLoop) -> None:
        super().__init__(loop)
        self._asked = False
        """A request is on its way, or its answer."""
        self._fresh = True
        self._unasked = False
        """Bytes came that no request asked for."""
        self._held_back = False
        """Reading was paused by the bytes that came last: more may wait inside a TLS layer."""
        self._message: Any = None
        """The headers of the answer, once they are complete."""
        self._before = b""
        """The last bytes of headers that are not complete."""
        self._left: int | None = None
        """How many bytes of the answer's body are still to come; ``None`` if it does not say."""
        self._at_once: int | None = None
        """How many bytes of the body came with the headers, and were all of it by a first look at these."""

    def is_connected(self) -> bool:
        """Return whether the connection can take another request."""
        return super().is_connected() and (self._asked or not (self.should_close or self._is_readable()))

    def set_response_params(self, **params: Any) -> None:
        """Get ready for an answer: the next thing aiohttp does is to write the request."""
        if not params.keys() <= _OF_A_TUNNEL:
            self._begin()
        self._asked, self._fresh, self._message, self._before = True, False, None, b""
        self._left = self._at_once = None
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Take bytes that arrived; where there are none, go on with those that were held back.

        Headers and body are handed on apart from each other, so that nothing beyond an answer is ever parsed with it.
        """
        self._held_back = False
        while self._takes(data):
            end = self._end_of_part(data)
            in_body = self._message is not None
            super().data_received(data[:end])
            if self._exception is not None or self.transport is None:
                return
            self._take_stock(data[:end], in_body=in_body)
            data = data[end:]
            if not data:
                return

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take the headers of an answer, or of an interim one."""
        if data[0].code >= _FIRST_FINAL and self._message is None:
            self._message = message = data[0]
            length = message.headers.get("Content-Length")
            self._left = None if length is None or message.chunked else int(length)
        super().feed_data(data, size)

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """Note that the connection broke; whoever reads a body is told too, which aiohttp forgets where the body makes no sense."""
        super().set_exception(exc, *([] if exc_cause is None else [exc_cause]))
        if self._payload is not None and not self._payload.is_eof() and self._payload.exception() is None:
            self._payload.set_exception(exc)

    def pause_reading(self) -> None:
        """Stop reading for a while."""
        self._held_back = True
        super().pause_reading()

    def _begin(self) -> None:
        exchange = current_exchange()
        if self._unasked or (self._fresh and not self._in_tls() and self._is_readable()):
            self._drop()  # aiohttp cannot write any more
            if exchange is not None:
                exchange.unasked = True
        elif exchange is not None:
            exchange.connected = True

    def _takes(self, data: bytes) -> bool:
        """Return whether bytes are part of an answer; else give the connection up."""
        if self.upgraded or (self._asked and not (data and self._left == 0)):
            return True
        if data and self._asked:
            self.force_close()  # the answer has arrived, but is not read yet
        elif data:
            self._drop()
        return False

    def _end_of_part(self, data: bytes) -> int:
        """Return how many of the bytes go on with the headers, or with the body."""
        if self._message is not None:
            return len(data) if self._left is None else min(self._left, len(data))
        known = self._before + data
        end = known.find(_END)
        self._before = known[1 - len(_END) :] if end < 0 else b""
        if end < 0:
            return len(data)
        rest = len(known) - end - len(_END)
        found = _LENGTH.search(known, 0, end + len(_END)) if rest else None
        if found is not None and int(found[1]) == rest:
            self._at_once = rest  # a whole answer, as most are: parsed in one go, which is cheaper
            return len(data)
        return len(data) - rest

    def _take_stock(self, part: bytes, *, in_body: bool) -> None:
        """Count what came; once the answer is complete, see whether the connection can be used again."""
        if in_body and self._left is not None:
            self._left -= len(part)
        if self._message is None or self.upgraded or self._payload is None or not self._payload.is_eof():
            return
        self._asked = False
        counted = not self._before and not self._message.chunked and self._at_once in (None, self._left)
        # else the parser may have seen more than the answer
        if (self._held_back and self._in_tls()) or not (counted or self._ends_here(part)):
            self.force_close()

    def _ends_here(self, part: bytes) -> bool:
        """Return whether the parser expects a new answer: only then it takes one of ours."""
        parser: Any = self._parser
        try:
            messages, _upgraded, _tail = parser.feed_data(_PROBE)
        except Exception:  # noqa: BLE001  (whatever a parser raises)
            return False
        return [message.reason for message, _payload in messages] == [_PROBE_REASON] and not part.endswith(_END + b"\r\n")

    def _drop(self) -> None:
        self._unasked = True
        self.force_close()
        self.close()

    def _in_tls(self) -> bool:
        return self.transport is not None and self.transport.get_extra_info("sslcontext") is not None

    def _is_readable(self) -> bool:
        """Return whether there are bytes that the event loop has not read yet, or the end of the connection."""
        found: Any = None if self.transport is None else self.transport.get_extra_info("socket")
        if found is None or found.fileno() < 0:
            return True
        if not hasattr(select, "poll"):  # Windows
            return bool(select.select([found.fileno()], [], [], 0)[0])
        poll = select.poll()
        poll.register(found.fileno(), select.POLLIN)
        return bool(poll.poll(0))
