"""Clients and transports that were not closed.

There is one warning, from the package, and no connection is left open.
"""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from support.faultserver import FaultServer, Peer, ask
from support.leaks import assert_no_leak

from wxrevenue import AiohttpTransport, RevenueClient

if TYPE_CHECKING:
    from collections.abc import Callable

WARNED = "a RevenueClient was never closed: use it as 'async with', or await its aclose()"


def warnings_of(let_go: Callable[[], object]) -> list[str]:
    """Drop an object; return the warnings."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        let_go()
        gc.collect()
    assert all(one.category is ResourceWarning for one in told)
    return [str(one.message) for one in told]


@pytest.mark.parametrize("calls", [1, 3])
async def test_one_warning_with_the_clients_name(calls: int) -> None:
    """A client that made calls and was dropped is one ``ResourceWarning``.

    It says what to write; the connection closes.
    """
    hung_up: asyncio.Queue[bool] = asyncio.Queue()

    async def reply_and_wait(peer: Peer) -> None:
        for _ in range(calls):
            await peer.request()
            await peer.reply()
        while not await peer.hung_up():
            pass  # which waits for half a second at most
        hung_up.put_nowait(item=True)

    async with FaultServer(reply_and_wait) as server:
        held: dict[str, Any] = {"client": RevenueClient("fake-token", base_url=server.url)}
        for _ in range(calls):
            await held["client"].get_share_ratio("wx1")
        told = warnings_of(held.clear)
        assert await asyncio.wait_for(hung_up.get(), 10)
    assert told == [WARNED]
    assert_no_leak(*told, secrets=["fake-token"])


async def test_a_clone_keeps_it_open() -> None:
    """While a clone lives, there is no warning.

    It uses the connections of the client that it was made of.
    """
    async with FaultServer() as server:
        held: dict[str, Any] = {"client": RevenueClient("fake-token", base_url=server.url)}
        held["clone"] = held["client"].with_options(deadline=5.0)
        await held["client"].get_share_ratio("wx1")
        assert warnings_of(lambda: held.pop("client")) == []
        await held["clone"].get_share_ratio("wx1")
        assert warnings_of(held.clear) == [WARNED]


async def test_nothing_to_warn_of() -> None:
    """A client that was closed, or made no call, gives no warning.

    A client that was given its transport gives none, either.
    """
    async with FaultServer() as server:
        transport = AiohttpTransport()
        held: dict[str, Any] = {
            "closed": RevenueClient("fake-token", base_url=server.url),
            "unused": RevenueClient("fake-token", base_url=server.url),
            "given": RevenueClient("fake-token", base_url=server.url, transport=transport),
        }
        await held["closed"].get_share_ratio("wx1")
        await held["given"].get_share_ratio("wx1")
        await held["closed"].aclose()
        assert warnings_of(held.clear) == []
        await transport.aclose()


async def test_a_transport_of_ones_own() -> None:
    """The warning of a transport that was not closed has its own name.

    A session that was given to it stays open.
    """
    async with FaultServer() as server, aiohttp.ClientSession() as session:
        held: dict[str, Any] = {"own": AiohttpTransport(), "given": AiohttpTransport(session)}
        await asyncio.gather(*(one.send(ask(server.url), timeout=5.0) for one in held.values()))
        assert warnings_of(held.clear) == ["an AiohttpTransport was never closed: use it as 'async with', or await its aclose()"]
        assert not session.closed


def test_after_its_loop() -> None:
    """A client that outlives its loop gives the same one warning.

    There is no loop left to close anything on.
    """

    async def main() -> dict[str, Any]:
        async with FaultServer() as server:
            client = RevenueClient("fake-token", base_url=server.url)
            await client.get_share_ratio("wx1")
        return {"client": client}

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # asyncio's own, of the socket
        held = asyncio.run(main())
    assert WARNED in warnings_of(held.clear)
