"""Headers that come again are sent by a session of their own.

The server sees no difference.
"""

from __future__ import annotations

import asyncio
import gc
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from support.faultserver import PATH, FaultServer, inside, works

from wxrevenue._wire.http import HttpRequest
from wxrevenue.transports._aiohttp.transport import AiohttpTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OFTEN: Mapping[str, str] = MappingProxyType({"Content-Type": "application/json", "Accept": "application/json", "X-Own": "1"})


async def sent(server: FaultServer, transport: AiohttpTransport, headers: Mapping[str, str], method: str = "POST") -> Mapping[str, str]:
    """Send a request and return the headers that arrived."""
    await transport.send(HttpRequest(method, server.url + PATH, headers, b"{}" if method == "POST" else b""), timeout=2.0)
    return server.requests[-1].headers


async def test_the_same_headers_again() -> None:
    """Every request with the same headers looks alike, on one connection.

    It does not matter whether they are the first or come again.
    """
    async with FaultServer(works) as server:
        transport = AiohttpTransport()
        found = [await sent(server, transport, OFTEN) for _ in range(4)]
        assert inside(transport)._usual is not None
        assert found[0] == found[1] == found[2] == found[3]
        assert (found[3]["x-own"], found[3]["content-type"], found[3]["accept"]) == ("1", "application/json", "application/json")
        assert server.connections == 1
        await transport.aclose()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_other_headers_in_between(method: str) -> None:
    """A request with other headers has those alone, and no frequent ones."""
    async with FaultServer(works) as server:
        transport = AiohttpTransport()
        for _ in range(3):
            await sent(server, transport, OFTEN)
        other = await sent(server, transport, {"X-Other": "2"}, method)
        assert "x-own" not in other
        assert other["accept"] == "*/*"
        assert other.get("content-type") != "application/json"
        assert other["x-other"] == "2"
        assert (await sent(server, transport, OFTEN))["x-own"] == "1"
        await transport.aclose()


@pytest.mark.parametrize("view", [dict, MappingProxyType])
async def test_headers_that_change(view: Callable[[dict[str, str]], Mapping[str, str]]) -> None:
    """Headers are sent as they are now.

    The same dict, or the same view of a dict, may have come before.
    """
    async with FaultServer(works) as server:
        transport = AiohttpTransport()
        headers = {"X-Own": "0"}
        given = headers if view is dict else view(headers)
        for number in map(str, range(4)):
            headers["X-Own"] = number
            assert (await sent(server, transport, given))["x-own"] == number
        await transport.aclose()


async def test_two_that_come_often() -> None:
    """Where several headers come often by turns, each request has its own.

    No session is dropped unclosed.
    """
    others: Mapping[str, str] = MappingProxyType({"X-Other": "2"})
    told: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    async with FaultServer(works) as server:
        transport = AiohttpTransport()
        for headers in (OFTEN, OFTEN, OFTEN, others, others, others, OFTEN, OFTEN, OFTEN):
            found = await sent(server, transport, headers)
            assert ("x-own" in found, "x-other" in found) == (headers is OFTEN, headers is others)
        gc.collect()
        await transport.aclose()
    assert not told
