"""Cases in which the connection or the answer breaks.

It may also come too late, or be too much.
"""

from __future__ import annotations

import asyncio
import gzip
import zlib
from typing import TYPE_CHECKING, Final

from wxrevenue._wire.http import LARGEST_BODY
from wxrevenue.errors import DecodeError, ResponseLostError
from wxrevenue.testing._server import JSON, head
from wxrevenue.testing._suite import Suite
from wxrevenue.testing._transport_suite.case import TransportCase, each_with_and_without_tls
from wxrevenue.testing._transport_suite.faults import (
    CHUNKED,
    ZIPPED,
    close_after_request,
    close_at_once,
    dripping,
    pour,
    reset_after_request,
    reset_at_once,
    saying,
    silence,
)
from wxrevenue.testing._transport_suite.scene import PATH, TOKEN, ask, check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxrevenue.testing._server import Peer, Script
    from wxrevenue.testing._transport_suite.scene import Scene

CASES: Final = Suite(TransportCase)

_BREAKS: Final[Mapping[str, Script]] = {
    "T-07: closes instead of answering": close_after_request,
    "T-08: resets instead of answering": reset_after_request,
    "T-10: resets in the status line": saying(b"HTTP/1.1 20", then="reset"),
    "T-10: resets in the headers": saying(b"HTTP/1.1 200 OK\r\nContent-Le", then="reset"),
    "T-11: closes in the headers": saying(head(10, X_Echo=TOKEN)[:-8]),
}


_AT_ONCE: Final[Mapping[str, Script]] = {"T-05: closes at once": close_at_once, "T-06: resets at once": reset_at_once}


async def _breaks_at_once(scene: Scene, script: Script) -> None:
    server = await scene.serve(script)
    error = await scene.fails(server.url)
    check(error.reason in {"reset", "connect"}, f"expected reset or connect as the reason, got {error.reason!r}")
    check(error.retryable, "a broken connection is worth another attempt, where the call allows one")
    check(server.connections == 1, "a request must not be sent a second time behind the caller's back")


CASES.each("a transport that sees it in time sent nothing; one that does not lost the answer", _AT_ONCE, _breaks_at_once)


async def _breaks(scene: Scene, script: Script) -> None:
    server = await scene.serve(script)
    error = await scene.lost(server.url, reasons="reset")
    check(error.retryable, "a broken connection is worth another attempt, where the call allows one")
    check(server.connections == 1, "a request must not be sent a second time behind the caller's back")


CASES.each("once there was a connection bytes may have been sent, so the answer is lost", _BREAKS, _breaks)

_FRAMES = b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80\x00\x04\x00\x01\x00\x00\x00\x05\x00\xff\xff\xff"
_MANY_HEADERS = "".join(f"X-{n}: {n}\r\n" for n in range(20_000)).encode()


def _later(*pieces: bytes) -> Script:
    """Return a script that lets the client take in each piece before the next."""

    async def script(peer: Peer) -> None:
        await peer.request()
        for piece in pieces:
            await peer.send(piece)
            await asyncio.sleep(0.005)

    return script


_HALVES: Final[Mapping[str, Script]] = {
    "T-12: body shorter than announced": saying(head(100), JSON),
    "T-13: resets before the body": saying(head(10), then="reset"),
    "T-13: resets in the body": saying(head(100) + JSON, then="reset"),
    "T-14: chunks without an end": saying(CHUNKED, b"1a\r\n", JSON, b"\r\n"),
    "T-14: chunk cut short": saying(CHUNKED, b"ff\r\n", JSON),
    "T-14: chunk size cut short": saying(CHUNKED, b"1a"),
    "T-15: bad chunk size, later": _later(CHUNKED, b"xyz\r\n", JSON),
    "T-15: bad chunk size": saying(CHUNKED, b"xyz\r\n", JSON),
    "T-16: length and chunks": saying(head(5, Transfer_Encoding="chunked"), b"0\r\n\r\n"),
    "T-17: two lengths": saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", b"123456"),
    "T-18: garbage": saying(b"these bytes are no HTTP\r\n\r\n"),
    "T-18: HTTP/2 preface": saying(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
    "T-18: HTTP/2 frames": saying(_FRAMES),
    "T-21: no gzip": saying(head(len(JSON), Content_Encoding="gzip"), JSON),
    "T-22: zstd nobody asked for": saying(head(len(JSON), Content_Encoding="zstd"), JSON),
    "T-22: brotli nobody asked for": saying(head(len(JSON), Content_Encoding="br"), JSON),
    "T-26: endless header": saying(head(0, X_Long="x" * 200_000)),
    "T-27: 20 000 headers": saying(b"HTTP/1.1 200 OK\r\n", _MANY_HEADERS, b"Content-Length: 0\r\n\r\n"),
    "gzip and its length cut short": saying(head(len(ZIPPED) + 10, Content_Encoding="gzip"), ZIPPED[:-10]),
}


async def _half(scene: Scene, script: Script) -> None:
    server = await scene.serve(script)
    error = await scene.lost(server.url, reasons="protocol reset")
    check(error.retryable, "half an answer is worth another attempt, where the call allows one")
    check(server.connections == 1, "a request must not be sent a second time behind the caller's back")


CASES.each("half an answer, or none that is HTTP, is never a response", _HALVES, _half)


@CASES()
async def no_hidden_repeat(scene: Scene) -> None:
    """T-09: no method is sent a second time behind the caller's back.

    Not even one that HTTP calls idempotent is.
    """
    for method in ("GET", "HEAD", "PUT", "DELETE", "POST"):
        server = await scene.serve(close_after_request)
        await scene.lost(ask(server.url, method=method), reasons="reset")
        check((len(server.requests), server.connections) == (1, 1), f"{method} was sent {len(server.requests)} times")


_DEFLATED = zlib.compress(JSON * 100)
_TWO_MEMBERS = ZIPPED + gzip.compress(JSON * 50)


def _compressed(body: bytes, encoding: str = "gzip", *, framing: str = "length") -> Script:
    """Return a script whose answer's framing is right, whatever the body is."""
    if framing == "chunks":
        return saying(head(None, Transfer_Encoding="chunked", Content_Encoding=encoding), b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    return saying(head(len(body) if framing == "length" else None, Content_Encoding=encoding), body)


_CUT: Final[Mapping[str, Script]] = {
    "T-20: gzip, before it begins": _compressed(b""),
    "T-20: gzip, in its header": _compressed(ZIPPED[:5]),
    "T-20: gzip, in the middle": _compressed(ZIPPED[:-40]),
    "T-20: gzip, before its trailer": _compressed(ZIPPED[:-8]),
    "T-20: gzip, in its trailer": _compressed(ZIPPED[:-1]),
    "T-20: gzip in chunks, in the middle": _compressed(ZIPPED[:-40], framing="chunks"),
    "T-20: gzip in chunks, before its trailer": _compressed(ZIPPED[:-8], framing="chunks"),
    "T-20: gzip without a length, before its trailer": _compressed(ZIPPED[:-8], framing="none"),
    "T-20: gzip, in the header of its second member": _compressed(_TWO_MEMBERS[: len(ZIPPED) + 3]),
    "T-20: gzip, in its second member": _compressed(_TWO_MEMBERS[:-20]),
    "T-20: gzip, before its second trailer": _compressed(_TWO_MEMBERS[:-8]),
    "T-20: deflate, in the middle": _compressed(_DEFLATED[:-20], "deflate"),
    "T-20: deflate, before its checksum": _compressed(_DEFLATED[:-4], "deflate"),
    "T-20: deflate without its header, in the middle": _compressed(_DEFLATED[2:-20], "deflate"),
}


async def _cut(scene: Scene, script: Script) -> None:
    server = await scene.serve(script)
    error = await scene.lost(server.url, reasons="protocol reset")
    check(error.retryable, "half an answer is worth another attempt, where the call allows one")
    check(server.connections == 1, "a request must not be sent a second time behind the caller's back")


each_with_and_without_tls(CASES, "compressed data that stops short is never a response, right though its length is", _CUT, _cut)


_LOOK_WHOLE: Final[Mapping[str, Script]] = {
    "T-19: no length, closed early": saying(head(None), JSON[:9]),
    "T-32: empty": saying(head(0)),
    "T-32: no content": saying(head(None, status="204 No Content")),
    "T-41: a page instead of an answer": saying(head(26, Content_Type="text/html"), b"<html>please log in</html>"),
}


async def _looks_whole(scene: Scene, script: Script) -> None:
    error, requests = await scene.call(script)
    check(isinstance(error, (DecodeError, ResponseLostError)), f"expected a DecodeError or a ResponseLostError, got {error!r}")
    check(error is not None and error.retryable and requests == error.attempts, "a read is repeated")
    check(requests > 1, "a read is repeated")


CASES.each(
    "what looks like a whole answer but is none never becomes a result, only an error, after more attempts", _LOOK_WHOLE, _looks_whole
)


# -- too late --------------------------------------------------------------------------------------

_SLOW: Final[Mapping[str, Script]] = {
    "T-23: silence": silence,
    "T-24: headers drip": dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
    "T-25: body drips": dripping(head(1 << 20), b"x"),
    "T-25: chunks drip": dripping(CHUNKED, b"1\r\nx\r\n"),
}


async def _slow(scene: Scene, script: Script) -> None:
    await scene.warm_up()
    server = await scene.serve(script)
    error = await scene.lost(server.url, reasons="timeout", timeout=0.2)
    check(error.retryable, "a slow server may be faster the next time")
    check([got.target for got in server.requests] == [PATH + TOKEN], "the request must have been sent, once")


CASES.each("the timeout counts from the start to the last byte; what was sent may have arrived", _SLOW, _slow)


# -- too much --------------------------------------------------------------------------------------


@CASES()
async def gzip_bomb(scene: Scene) -> None:
    """T-28: an answer that unpacks to more than 16 MiB is given up.

    Asking again does not help: the error is not retryable.
    """
    bomb = gzip.compress(bytes(2 * LARGEST_BODY), compresslevel=1)
    server = await scene.serve(saying(head(len(bomb), Content_Encoding="gzip"), bomb, then="stay"))
    error = await scene.lost(server.url, reasons="too_large", timeout=10)
    check(not error.retryable, "a bomb stays a bomb")


@CASES()
async def endless_body(scene: Scene) -> None:
    """T-29: a body without length or end is given up at 16 MiB."""
    server = await scene.serve(pour)
    error = await scene.lost(server.url, reasons="too_large", timeout=10)
    check(not error.retryable, "it would not end the next time either")


@CASES()
async def the_largest_body(scene: Scene) -> None:
    """A body of exactly 16 MiB is an answer; one byte more is too large."""
    fits = await scene.serve(saying(head(LARGEST_BODY), bytes(LARGEST_BODY)))
    check(len((await scene.send(fits.url, timeout=10)).body) == LARGEST_BODY, "all of it must arrive")
    large = await scene.serve(saying(head(LARGEST_BODY + 1), bytes(LARGEST_BODY + 1)))
    await scene.lost(large.url, reasons="too_large", timeout=10)
