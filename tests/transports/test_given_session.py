"""A caller's session behaves as the transport's own.

Each answer belongs to its request, and what was sent is known.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from support.connections import until
from support.faultserver import JSON, TOKEN, FaultServer, Peer, ask, head, inside, silence
from support.leaks import assert_no_leak

from wxrevenue.errors import NotSentError, ResponseLostError
from wxrevenue.testing import tls_contexts

if TYPE_CHECKING:
    from wxrevenue._wire.http import HttpResponse

from typing import TYPE_CHECKING

from aiohttp import web
from support.faultserver import unused_port

from wxrevenue import AiohttpTransport
from wxrevenue.testing import TransportCase, transport_cases

if TYPE_CHECKING:
    from wxrevenue import HttpRequest, HttpResponse


ROWS = {"T-01", "T-05", "T-20", "T-30", "T-37", "T-51", "T-52", "T-53"}


class OnGivenSession:
    """A transport on a given session, which closes both; for the suite."""

    def __init__(self, *, limit: int = 100, **options: Any) -> None:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=limit))
        self._inner = AiohttpTransport(self._session, limit=limit, **options)

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Send by the transport within."""
        return await self._inner.send(request, timeout=timeout)

    async def aclose(self) -> None:
        """Close the transport and the session."""
        await self._inner.aclose()
        await self._session.close()


@pytest.mark.parametrize("case", [case for case in transport_cases() if ROWS & set(case.ids)], ids=str)
async def test_conforms(case: TransportCase) -> None:
    """A given session passes the cases of surplus bytes and cut streams.

    It also passes those of requests that were not sent.
    """
    await case.run(OnGivenSession)


async def late(peer: Peer) -> None:
    """Answer, and send a second answer when the first one has been read."""
    await peer.request()
    await peer.reply()
    await asyncio.sleep(0.005)
    await peer.send(head(4) + b"evil")


async def test_connections_from_before() -> None:
    """The transport does not use a connection from before it got the session."""
    async with FaultServer(late) as server, aiohttp.ClientSession() as session:
        async with session.get(server.url) as response:
            assert await response.read() == JSON
        assert (await AiohttpTransport(session).send(ask(server.url), timeout=2.0)).body == JSON
        assert server.connections == 2


async def test_own_requests_of_the_session() -> None:
    """Answers to the caller's own requests on the session are decompressed as before.

    Its web sockets work.
    """

    async def upgrade(request: web.Request) -> web.StreamResponse:
        if request.path == "/zipped":
            zipped = web.Response(body=JSON * 100)
            zipped.enable_compression(web.ContentCoding.gzip)
            return zipped
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(await socket.receive_str())
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/{any}", upgrade)
    app.router.add_post("/{any}", upgrade)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port := unused_port())
    await site.start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session, FaultServer() as server:
        await AiohttpTransport(session).send(ask(server.url), timeout=2.0)
        async with session.get("/zipped") as response:
            assert await response.read() == JSON * 100
        async with session.ws_connect("/socket") as socket:
            await socket.send_str("hello")
            assert await socket.receive_str() == "hello"
    await runner.cleanup()


async def test_closed_session() -> None:
    """A closed session sends nothing, and the error says so."""
    async with aiohttp.ClientSession() as session:
        pass
    with pytest.raises(NotSentError):
        await AiohttpTransport(session).send(ask("http://127.0.0.1:1"), timeout=2.0)


async def test_session_that_refuses_the_request() -> None:
    """A request that the session refuses before it has a connection was not sent.

    One that it loses afterwards may have been.
    """

    async def refusing(_request: aiohttp.ClientRequest, _handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        raise ValueError("not this one")

    async def losing(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        (await handler(request)).close()
        raise ValueError("lost")

    async with FaultServer() as server:
        for middleware, kind in ((refusing, NotSentError), (losing, ResponseLostError)):
            async with aiohttp.ClientSession(middlewares=(middleware,)) as session:
                with pytest.raises(kind):
                    await AiohttpTransport(session).send(ask(server.url), timeout=2.0)
        assert len(server.requests) == 1


async def test_connector_of_another_make() -> None:
    """Where the connector makes its connections in its own way, bytes may have gone.

    So the error does not say that the request was not sent.
    """

    class OfAnotherMake(aiohttp.TCPConnector):
        async def connect(self, *args: Any, **kwargs: Any) -> Any:
            return await super().connect(*args, **kwargs)

    async with FaultServer() as server, aiohttp.ClientSession(connector=OfAnotherMake()) as session:
        transport = AiohttpTransport(session)
        assert (await transport.send(ask(server.url), timeout=2.0)).body == JSON
        with pytest.raises(ResponseLostError):
            await transport.send(ask(f"http://127.0.0.1:{unused_port()}"), timeout=2.0)
        assert not inside(transport)._guarded


async def test_given_session() -> None:
    """A given session is used and never closed.

    It is told neither to follow redirects nor to raise for statuses.
    """
    there = head(0, status="302 Found", Location="/other")

    async def redirect(peer: Peer) -> None:
        await peer.request()
        await peer.send(there)

    async with FaultServer(redirect) as server, aiohttp.ClientSession(headers={"X-Mine": "1"}, raise_for_status=True) as session:
        transport = AiohttpTransport(session)
        response = await transport.send(ask(server.url), timeout=2.0)
        await transport.aclose()
        assert (response.status, server.requests[0].headers["x-mine"]) == (302, "1")
        assert not session.closed


async def test_given_session_that_raises_for_statuses() -> None:
    """A session that raises for statuses does not do so here.

    Its errors would hold the URL.
    """

    async def broken(peer: Peer) -> None:
        await peer.request()
        await peer.send(head(0, status="503 Service Unavailable"))

    async with FaultServer(broken) as server, aiohttp.ClientSession(raise_for_status=True) as session:
        assert (await AiohttpTransport(session).send(ask(server.url), timeout=2.0)).status == 503


async def test_given_session_has_no_timeout_of_its_own() -> None:
    """The transport's timeout counts, not the session's.

    It is unknown whether bytes were sent, so they may have been.
    """
    async with FaultServer(silence) as server, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.001)) as session:
        transport = AiohttpTransport(session)
        with pytest.raises(ResponseLostError) as caught:
            await transport.send(ask(server.url), timeout=0.05)
        assert caught.value.reason == "timeout"
        assert len(server.requests) == 1
        assert_no_leak(caught.value, secrets=[TOKEN])
        await transport.aclose()


async def test_given_session_closed_transport_still_times_out() -> None:
    """A closed transport's timeout still counts for an exchange of a given session."""
    async with FaultServer(silence) as server, aiohttp.ClientSession() as session:
        transport = AiohttpTransport(session)
        task = asyncio.create_task(transport.send(ask(server.url), timeout=0.1))
        await until(lambda: server.requests)
        await transport.aclose()
        _done, waiting = await asyncio.wait([task], timeout=0.2)
        task.cancel()
        ended = await asyncio.gather(task, return_exceptions=True)
    assert not waiting
    assert isinstance(ended[0], ResponseLostError)


async def test_given_session_refused_connection() -> None:
    """With a given session, too, a refused connection means that nothing was sent."""
    async with aiohttp.ClientSession() as session:
        transport = AiohttpTransport(session)
        with pytest.raises(NotSentError) as caught:
            await transport.send(ask("http://127.0.0.1:1"), timeout=2.0)
        assert caught.value.reason == "connect"


async def test_given_session_and_private_authority() -> None:
    """A given session gets the user's own authority with every request."""
    there, here = tls_contexts()
    async with FaultServer(ssl=there) as server, aiohttp.ClientSession() as session:
        assert (await AiohttpTransport(session, ssl=here).send(ask(server.url), timeout=2.0)).body == JSON
        with pytest.raises(NotSentError) as caught:
            await AiohttpTransport(session).send(ask(server.url), timeout=2.0)
        assert caught.value.reason == "tls"
