"""Scripts for :class:`FaultServer`.

Each is one way in which a server, or the network before it, breaks.
"""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING, Final

from wxrevenue.testing._server import JSON, head

if TYPE_CHECKING:
    from wxrevenue.testing._server import Peer, Script

CHUNKED: Final = head(None, Transfer_Encoding="chunked")
ZIPPED: Final = gzip.compress(JSON * 100)
TLS_1_1_ONLY: Final = b"\x15\x03\x02\x00\x02\x02\x46"
"""A fatal alert, ``protocol_version``.

A server that knows nothing newer says so.
"""


async def silence(peer: Peer) -> None:
    """Read requests and never answer."""
    while True:
        await peer.request()


async def deaf(_peer: Peer) -> None:
    """Accept, then neither read nor say anything."""
    await asyncio.Event().wait()


async def close_at_once(peer: Peer) -> None:
    """Accept, and close."""
    await peer.close()


async def reset_at_once(peer: Peer) -> None:
    """Accept, and break off."""
    peer.reset()


async def close_after_request(peer: Peer) -> None:
    """Close instead of answering."""
    await peer.request()
    await peer.close()


async def reset_after_request(peer: Peer) -> None:
    """Break off instead of answering."""
    await peer.request()
    peer.reset()


async def close_after_answer(peer: Peer) -> None:
    """Answer once, then close without having said so."""
    await peer.request()
    await peer.reply()
    await peer.close()


async def close_on_reuse(peer: Peer) -> None:
    """Answer once; close when a second request comes in on the same connection."""
    await peer.request()
    await peer.reply()
    await peer.request()
    await peer.close()


async def pour(peer: Peer) -> None:
    """Send a body without length and without end."""
    await peer.request()
    await peer.send(head(None))
    while True:
        await peer.send(bytes(1 << 20))


async def sweeten(peer: Peer) -> None:
    """Set a cookie with every answer."""
    while True:
        await peer.request()
        await peer.reply(Set_Cookie="session=abc; Path=/; Domain=127.0.0.1")


async def echo(peer: Peer) -> None:
    """Answer as an error page does that shows the request's own address."""
    while True:
        got = await peer.request()
        page = f"<html><h1>No</h1>{got.target}</html>".encode()
        await peer.reply(page, status="503 Service Unavailable", Content_Type="text/html")


async def echo_in_header(peer: Peer) -> None:
    """Redirect to another host, with the request's own address."""
    while True:
        got = await peer.request()
        await peer.send(head(0, status="307 Temporary Redirect", Location=f"https://gateway.example{got.target}"))


def saying(*pieces: bytes, then: str = "close") -> Script:
    """Return a script that answers a request with these bytes.

    Then it does ``close``, ``reset`` or ``stay``.
    """

    async def script(peer: Peer) -> None:
        await peer.request()
        for piece in pieces:
            await peer.send(piece)
        await _end(peer, then)

    return script


def blurting(data: bytes) -> Script:
    """Return a script that says something before it is asked, and closes."""

    async def script(peer: Peer) -> None:
        await peer.send(data)
        await peer.close()

    return script


def dripping(first: bytes, rest: bytes) -> Script:
    """Return a script that sends a little at a time, for ever."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(first)
        while True:
            await peer.send(rest)
            await asyncio.sleep(0.005)

    return script


def always(data: bytes) -> Script:
    """Return a script that answers every request with the same bytes."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(data)

    return script


async def _end(peer: Peer, then: str) -> None:
    if then == "close":
        await peer.close()
    elif then == "reset":
        await asyncio.sleep(0.005)  # let the client read what was sent: a reset throws away what it has not
        peer.reset()
