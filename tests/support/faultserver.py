"""The fault server under its short name.

It also has the request that the transports' tests send to it.
"""

from __future__ import annotations

from typing import Any

from wxrevenue._base.secret import Secret
from wxrevenue._wire.http import HttpRequest
from wxrevenue.testing import JSON, FaultServer, Peer, head, unused_port

__all__ = ["JSON", "PATH", "TOKEN", "FaultServer", "Peer", "ask", "head", "inside", "silence", "unused_port", "works"]

TOKEN = "fake-token-of-nobody"
PATH = "/wxa/getdefaultamsinfo?action=get_share_ratio&access_token="


async def silence(peer: Peer) -> None:
    """Read requests and never answer."""
    while True:
        await peer.request()


async def works(peer: Peer) -> None:
    """Answer every request."""
    while True:
        await peer.request()
        await peer.reply(b'{"share_ratio":40}')


def inside(thing: object) -> Any:
    """Return an object untyped, for the few tests that read its private parts."""
    return thing


def ask(url: str, *, method: str = "POST", body: bytes = b'{"appid":"wx1"}') -> HttpRequest:
    """Return a request whose token is apart from its URL, as the client makes them."""
    return HttpRequest(method, url + PATH, {"Content-Type": "application/json"}, body, Secret(TOKEN))
