"""Where this package must look inside aiohttp.

Which bytes of a connection answer which request, and when a request may have been sent.
"""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import re
import select
from typing import TYPE_CHECKING, Final

from aiohttp.client_proto import ResponseHandler
from aiohttp.hdrs import CONTENT_ENCODING
from aiohttp.helpers import DEFAULT_CHUNK_SIZE

from wxrevenue._wire.http import LARGEST_BODY, HttpResponse
from wxrevenue.transports._timer import CURRENT

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, BaseTransport
    from collections.abc import Callable

    from _typeshed import HasFileno
    from aiohttp.helpers import BaseTimerContext
    from aiohttp.http_parser import RawResponseMessage

    from wxrevenue.transports._timer import Exchange

_FIRST_FINAL: Final = 200
_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)[ \t]*\r\n", re.IGNORECASE)
_PROBE_REASON: Final = "wxrevenue-probe"
_parse = ResponseHandler.data_received
_get_ready = ResponseHandler.set_response_params
"""On every call, where ``super()`` would cost more than what these two add."""
_PROBE: Final = f"HTTP/1.1 299 {_PROBE_REASON}\r\nContent-Length: 0\r\n\r\n".encode()


class AnswerHandler(ResponseHandler):
    """One connection: takes one answer for each request.

    It closes at the first byte that was not asked for. aiohttp's pool asks a connection whether it
    should be closed when it takes it back, which is as soon as the body is complete: what was read
    along with the last of it is not known by then. Later it asks only whether the connection
    :meth:`is_connected`.
    """

    __slots__ = (
        "_asked", "_at_once", "_before", "_exchange", "_fresh", "_held_back", "_left", "_message", "_silent", "_unasked", "_unread",
    )  # fmt: skip

    def __init__(self, loop: AbstractEventLoop) -> None:
        super().__init__(loop)
        self._asked = False
        """A request is on its way, or its answer."""
        self._exchange: Exchange | None = None
        """Whose answer comes next."""
        self._silent = False
        """Nothing of the answer came yet."""
        self._fresh = True
        self._unasked = False
        """Bytes came that no request asked for."""
        self._held_back = False
        """Whether reading was paused by the bytes that came last.

        More may wait inside a TLS layer.
        """
        self._message: RawResponseMessage | None = None
        """The headers of the answer, once they are complete."""
        self._before = b""
        """The last bytes of headers that are not complete."""
        self._left: int | None = None
        """How many bytes of the answer's body are still to come.

        ``None`` if it does not say.
        """
        self._at_once: int | None = None
        """How many bytes of the body came with the headers.

        By a first look at these they were all of it.
        """

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin."""
        super().connection_made(transport)
        self._unread = _unread(transport.get_extra_info("socket"))
        """Returns whether the loop has something to read.

        That is bytes, or the end of the connection.
        """

    def is_connected(self) -> bool:
        """Return whether the connection can take another request."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return False
        return self._asked or not (self.should_close or self._unread(0))

    def set_response_params(  # noqa: PLR0913  (as aiohttp has it: to pass a dict on would cost 2 % of a call)
        self,
        *,
        timer: BaseTimerContext | None = None,
        skip_payload: bool = False,
        read_until_eof: bool = False,
        auto_decompress: bool = True,
        read_timeout: float | None = None,
        read_bufsize: int = DEFAULT_CHUNK_SIZE,
        timeout_ceil_threshold: float = 5,
        max_line_size: int = 8190,
        max_field_size: int = 8190,
        max_headers: int = 128,
    ) -> None:
        """Get ready for an answer: the next thing aiohttp does is to write the request."""
        self.begin(timer)
        _get_ready(
            self,
            timer=timer,
            skip_payload=skip_payload,
            read_until_eof=read_until_eof,
            auto_decompress=auto_decompress,
            read_timeout=read_timeout,
            read_bufsize=read_bufsize,
            timeout_ceil_threshold=timeout_ceil_threshold,
            max_line_size=max_line_size,
            max_field_size=max_field_size,
            max_headers=max_headers,
        )

    def data_received(self, data: bytes) -> None:
        """Take bytes that arrived.

        Where there are none, go on with those that were held back. A whole answer, and nothing
        besides, is parsed in one go, as most come; the parser then has to read the same length.
        """
        self._held_back = False
        if not (data or self._asked):
            return
        length = len(data) - data.find(_END) - len(_END)
        whole = self._silent and data.find(b"\r\nContent-Length: %d\r\n" % length, 0, len(data) - length) > 0
        self._silent = False
        if not whole:
            self._take_in_parts(data)
            return
        _parse(self, data)
        if len(self._buffer) == 1 and not self._held_back:
            message, payload = self._buffer[0][0]
            if payload.total_bytes == length and payload.is_eof():
                self._asked = message.code < _FIRST_FINAL
                self._hand_over(message, data[len(data) - length :])
                return
        self._at_once = length
        self._take_stock(data, in_body=False)

    def begin(self, timer: object) -> None:
        """Note that a request is about to be written."""
        self._exchange = exchange = CURRENT.get()
        if timer is not None:  # the answer to a CONNECT, which is no request of ours, has none
            if (self._fresh or self._unasked) and self._spoke_first():
                self._drop()  # aiohttp cannot write any more
                if exchange is not None:
                    exchange.unasked = True
            elif exchange is not None:
                exchange.connected = True
        self._asked = self._silent = True
        self._fresh, self._message, self._before = False, None, b""
        self._left = self._at_once = None

    def _hand_over(self, message: RawResponseMessage, body: bytes) -> None:
        """Give the exchange its answer.

        To read it from aiohttp's stream costs 2 % of a call.
        """
        exchange, self._exchange = self._exchange, None  # the connection may outlive it
        if exchange is not None and not self._asked and len(body) <= LARGEST_BODY and CONTENT_ENCODING not in message.headers:
            exchange.answer = HttpResponse(message.code, message.headers, body)

    def _take_in_parts(self, data: bytes) -> None:
        """Hand headers and body on apart from each other.

        So nothing beyond an answer is ever parsed with it.
        """
        while self._takes(data):
            end = self._end_of_part(data)
            in_body = self._message is not None
            super().data_received(data[:end])
            self._take_stock(data[:end], in_body=in_body)
            data = data[end:]
            if not data or self._exception is not None or self.transport is None:
                return

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """Note that the connection broke.

        The reader of a body is told too, which aiohttp forgets where the body makes no sense.
        """
        super().set_exception(exc, *([] if exc_cause is None else [exc_cause]))
        if self._payload is not None and not self._payload.is_eof() and self._payload.exception() is None:
            self._payload.set_exception(exc)

    def pause_reading(self) -> None:
        """Stop reading for a while."""
        self._held_back = True
        super().pause_reading()

    def _spoke_first(self) -> bool:
        """Return whether the server spoke, or hung up, before anything was asked."""
        return self._unasked or (not self._in_tls() and (self.transport is None or bool(self._unread(0))))

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
        """Count what came.

        Once the answer is complete, see whether the connection can be used again.
        """
        if self._exception is not None or self.transport is None:
            return
        self._note_headers()
        if in_body and self._left is not None:
            self._left -= len(part)
        if self._message is None or self.upgraded or self._payload is None or not self._payload.is_eof():
            return
        self._asked, self._exchange = False, None
        counted = not self._before and not self._message.chunked and self._at_once in (None, self._left)
        # else the parser may have seen more than the answer
        if (self._held_back and self._in_tls()) or not (counted or self._ends_here(part)):
            self.force_close()

    def _note_headers(self) -> None:
        """Keep the headers of the answer, not those of an interim one.

        They have not been read yet.
        """
        message = next((message for (message, _), _ in self._buffer if message.code >= _FIRST_FINAL), None)
        if self._message is None and message is not None:
            self._message = message
            length = message.headers.get("Content-Length")
            self._left = None if length is None or message.chunked else int(length)

    def _ends_here(self, part: bytes) -> bool:
        """Return whether the parser expects a new answer: only then it takes the probe."""
        parser = self._parser
        if parser is None:
            return False
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


def _unread(socket: HasFileno | None) -> Callable[[float], object]:
    """Return what tells whether a socket has something to read.

    Called with 0 it tells at once.
    """
    if socket is None:
        return lambda _timeout: True  # nobody can say that it has not
    if not hasattr(select, "poll"):  # Windows
        return lambda timeout: select.select([socket.fileno()], [], [], timeout)[0]
    poll = select.poll()
    poll.register(socket.fileno(), select.POLLIN)
    return poll.poll
