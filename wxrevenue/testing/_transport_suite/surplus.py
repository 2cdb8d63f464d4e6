"""Cases in which a server sends more than it was asked for.

No answer belongs to another call.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from wxrevenue.testing._server import head
from wxrevenue.testing._suite import Suite
from wxrevenue.testing._transport_suite.case import TransportCase, each_with_and_without_tls
from wxrevenue.testing._transport_suite.scene import ask, check

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from wxrevenue.testing._server import FaultServer, Peer, Script
    from wxrevenue.testing._transport_suite.scene import Scene

CASES: Final = Suite(TransportCase)

_EVIL: Final = head(4) + b"evil"
_NO_CONTENT: Final = head(None, status="204 No Content")
_TIMED_OUT: Final = head(0, status="408 Request Timeout", Connection="close")
_INTERIM: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


async def _own_answers(scene: Scene, server: FaultServer, calls: int) -> None:
    """Make calls one after the other, each of which must get back its own body."""
    for n in range(calls):
        own = b"call %d" % n
        response = await scene.send(ask(server.url, body=own))
        check((response.status, response.body.rstrip()) == (200, own), f"call {n} was answered with {response.body[:20]!r}")


def _with_the_answer(surplus: bytes) -> Script:
    async def script(peer: Peer) -> None:
        while True:
            own = (await peer.request()).body
            await peer.send(head(len(own)) + own + surplus)

    return script


def _in_chunks(surplus: bytes, *, headers_first: bool = False) -> Script:
    async def script(peer: Peer) -> None:
        while True:
            own = (await peer.request()).body
            headers, body = head(None, Transfer_Encoding="chunked"), b"%x\r\n%b\r\n0\r\n\r\n" % (len(own), own)
            if headers_first:
                await peer.send(headers)
                await asyncio.sleep(0.005)  # the client reads them
            await peer.send((b"" if headers_first else headers) + body + surplus)

    return script


def _up_to(size: int, surplus: bytes) -> Script:
    """Return a script whose answers are of that many bytes in all.

    They end where a read is likely to end.
    """

    async def script(peer: Peer) -> None:
        while True:
            own = (await peer.request()).body
            length = size - len(head(size))
            await peer.send(head(length) + own.ljust(length) + surplus)

    return script


_TOGETHER: Final[Mapping[str, Script]] = {
    "T-30: another answer": _with_the_answer(_EVIL),
    "T-30: part of another answer": _with_the_answer(_EVIL[:20]),
    "T-30: one byte": _with_the_answer(b"H"),
    "T-30: no HTTP": _with_the_answer(b"these bytes are no HTTP\r\n\r\n"),
    "T-30: an empty line": _with_the_answer(b"\r\n"),
    "T-30: an interim answer": _with_the_answer(_INTERIM),
    "T-30: another answer after chunks": _in_chunks(_EVIL),
    "T-30: part of another answer after chunks": _in_chunks(_EVIL[:20]),
    "T-30: another answer after chunks that came after the headers": _in_chunks(_EVIL, headers_first=True),
    "T-30: an interim answer after chunks that came after the headers": _in_chunks(_INTERIM, headers_first=True),
    "T-52: the same answer twice": _with_the_answer(head(6) + b"call 0"),
    "T-52: an empty answer besides": _with_the_answer(_NO_CONTENT),
    **{f"T-30: another answer at {size} bytes": _up_to(size, _EVIL) for size in (1 << 14, 1 << 16, 1 << 18)},
    "T-30: one byte at 65536 bytes": _up_to(1 << 16, b"H"),
}


async def _surplus_with_the_answer(scene: Scene, script: Script) -> None:
    server = await scene.serve(script)
    await _own_answers(scene, server, 3)
    check(server.connections == 3, "a connection with bytes that nobody asked for must not be used again")


each_with_and_without_tls(CASES, "bytes after an answer are never taken for the next one", _TOGETHER, _surplus_with_the_answer)


_LATE: Final[Mapping[str, tuple[bytes, ...]]] = {
    "T-51: another answer": (_EVIL, b""),
    "T-51: no content": (_NO_CONTENT, b""),
    "T-51: the idle time is over": (_TIMED_OUT, b""),
    "T-51: an empty line": (b"\r\n", _EVIL),
    "T-51: one byte, the rest later": (_EVIL[:1], _EVIL[1:]),
    "T-51: headers, the rest later": (_EVIL[:-4], _EVIL[-4:]),
}
"""What comes while the connection is idle, and what after the next request.

The second comes only if that request comes in on the same connection.
"""
_READ_MEANWHILE: Final = {f"{name}, read meanwhile": (*late, b"read") for name, late in _LATE.items()}


async def _surplus_while_idle(scene: Scene, late: tuple[bytes, ...]) -> None:
    idle, sent = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.reply((await peer.request()).body)
        if server.connections == 1:
            await idle.wait()
            await peer.send(late[0])
            sent.set()
            await peer.request()
            await peer.send(late[1])
        while True:
            await peer.reply((await peer.request()).body)

    server = await scene.serve(script)
    await _own_answers(scene, server, 1)
    idle.set()
    await sent.wait()
    if late[2:]:
        await asyncio.sleep(0.005)  # the event loop reads it
    await _own_answers(scene, server, 2)
    check(server.connections > 1, "a connection with bytes that nobody asked for must not be used again")


each_with_and_without_tls(
    CASES, "bytes that come on an idle connection are never taken for an answer", {**_LATE, **_READ_MEANWHILE}, _surplus_while_idle
)


@contextmanager
def _connected_once(sent: asyncio.Event) -> Generator[None]:
    """Make the running loop's connections wait until something was sent on them.

    The other end sends it.
    """
    loop: Any = asyncio.get_running_loop()
    connect = loop.sock_connect

    async def patient(*args: object) -> None:
        await connect(*args)
        await sent.wait()

    loop.sock_connect = patient
    try:
        yield
    finally:
        del loop.sock_connect


@CASES()
async def speaks_first(scene: Scene) -> None:
    """T-53: what a server sends before it is asked answers nothing.

    The request is not sent.
    """
    await scene.warm_up()
    sent = asyncio.Event()

    async def early(peer: Peer) -> None:
        await peer.send(_EVIL)
        sent.set()
        await peer.request()

    server = await scene.serve(early)
    with _connected_once(sent):
        error = await scene.not_sent(server.url, reasons="protocol reset connect")
    check(error.retryable, "another connection may be silent")
    check(not server.requests, "nothing must be sent to a server that speaks first")
