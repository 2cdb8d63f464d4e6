"""Streamed answers: piece by piece, within the time there is.

They may be given up early, and show nothing in any error.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from support.faultserver import JSON, TOKEN, FaultServer, Peer, ask, head, silence
from support.leaks import assert_no_leak

from wxrevenue import AiohttpTransport, HttpxTransport, MemoryTransport, StreamedResponse, StreamingTransport
from wxrevenue._wire.http import LARGEST_BODY
from wxrevenue.errors import ClientStateError, NotSentError, ResponseLostError
from wxrevenue.transports._common import STREAM_CHUNK

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable


@pytest.fixture(params=[AiohttpTransport, HttpxTransport], ids=["aiohttp", "httpx2"])
async def transport(request: pytest.FixtureRequest) -> AsyncGenerator[StreamingTransport, None]:
    """Make each transport; check that closing it leaves no task."""
    before = asyncio.all_tasks()
    make: Callable[[], StreamingTransport] = request.param
    made = make()
    yield made
    await made.aclose()
    assert not asyncio.all_tasks() - before - {asyncio.current_task()}


async def test_pieces(transport: StreamingTransport) -> None:
    """A body larger than the cap of whole answers comes through in bounded pieces.

    Status and headers come first.
    """

    async def large(peer: Peer) -> None:
        await peer.request()
        await peer.send(head(LARGEST_BODY + 5, X_Own="1"))
        await peer.send(bytes(LARGEST_BODY + 5))

    async with FaultServer(large) as server, transport.stream(ask(server.url), timeout=10.0) as answer:
        assert (answer.status, answer.header("x-own"), answer.header("nothing")) == (200, "1", None)
        sizes = [len(piece) async for piece in answer.chunks]
        assert sum(sizes) == LARGEST_BODY + 5
        assert max(sizes) <= STREAM_CHUNK


async def test_connection_is_kept(transport: StreamingTransport) -> None:
    """A stream read to its end leaves its connection for the next request."""
    async with FaultServer() as server:
        for _ in range(3):
            async with transport.stream(ask(server.url), timeout=2.0) as answer:
                assert b"".join([piece async for piece in answer.chunks]) == JSON
        assert (len(server.requests), server.connections) == (3, 1)


async def test_left_early(transport: StreamingTransport) -> None:
    """Leaving a stream before its end gives its connection up.

    Other requests go on meanwhile and afterwards.
    """

    async def endless(peer: Peer) -> None:
        await peer.request()
        await peer.send(head(None))
        while True:
            await peer.send(bytes(1 << 16))

    async with FaultServer(endless) as server, FaultServer() as other:
        async with transport.stream(ask(server.url), timeout=5.0) as answer:
            assert await anext(answer.chunks)
            assert (await transport.send(ask(other.url), timeout=2.0)).body == JSON
            assert await anext(answer.chunks)
        assert await server.still_open() == 0
        assert (await transport.send(ask(other.url), timeout=2.0)).body == JSON


async def test_time_is_up_between_pieces(transport: StreamingTransport) -> None:
    """The caller's own code is never interrupted.

    The next piece that is not there in time is what fails.
    """

    async def one_piece(peer: Peer) -> None:
        await peer.request()
        await peer.send(head(10) + b"12345")
        await asyncio.Event().wait()

    async with FaultServer(one_piece) as server, FaultServer() as warm:
        await transport.send(ask(warm.url), timeout=5.0)
        with pytest.raises(ResponseLostError) as caught:  # noqa: PT012  (the last statement is what raises)
            async with transport.stream(ask(server.url), timeout=0.12) as answer:
                assert await anext(answer.chunks) == b"12345"
                await asyncio.sleep(0.15)
                await anext(answer.chunks)
        assert caught.value.reason == "timeout"
        assert_no_leak(caught.value, secrets=[TOKEN])
        assert await server.still_open() == 0


async def test_callers_error(transport: StreamingTransport) -> None:
    """An error of the caller's passes through as it is.

    Its frames show nothing of the request.
    """
    async with FaultServer() as server:
        with pytest.raises(KeyError) as caught:  # noqa: PT012  (likewise)
            async with transport.stream(ask(server.url), timeout=2.0) as answer:
                assert repr(answer).startswith("<StreamedResponse 200")
                raise KeyError("mine")
        assert_no_leak(caught.value, secrets=[TOKEN])
        await transport.aclose()
        assert await server.still_open() == 0


async def test_cancelled(transport: StreamingTransport) -> None:
    """A caller cancelled while it waits for a piece gets its ``CancelledError``.

    It leaves no connection.
    """

    async def reader() -> None:
        async with transport.stream(ask(server.url), timeout=5.0) as answer:
            async for _ in answer.chunks:
                pass

    async with FaultServer(silence) as server:
        task = asyncio.create_task(reader())
        while not server.requests:  # noqa: ASYNC110  (there is no event to wait for)
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert_no_leak(caught.value, secrets=[TOKEN])
        assert await server.still_open() == 0


async def test_closed(transport: StreamingTransport) -> None:
    """A closed transport refuses a stream."""
    await transport.aclose()
    with pytest.raises(ClientStateError):
        async with transport.stream(ask("http://127.0.0.1:1"), timeout=1.0):
            pass


def test_who_streams() -> None:
    """The package's network transports stream; the one in memory does not."""
    assert isinstance(AiohttpTransport(), StreamingTransport)
    assert isinstance(HttpxTransport(), StreamingTransport)
    assert not isinstance(MemoryTransport(lambda _: StreamedResponse), StreamingTransport)  # type: ignore[arg-type,return-value]


async def test_a_step_that_was_broken_off_is_no_end(transport: StreamingTransport) -> None:
    """A reader that gives up on a piece and reads on gets the rest or an error.

    It never gets the end of a body that is not whole.
    """
    given_up = asyncio.Event()

    async def halting(peer: Peer) -> None:
        await peer.request()
        await peer.send(head(10) + b"12345")
        await given_up.wait()
        await peer.close()

    read: list[bytes] = []
    async with FaultServer(halting) as server, transport.stream(ask(server.url), timeout=5.0) as answer:
        read.append(await anext(answer.chunks))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await anext(answer.chunks)
        given_up.set()
        with pytest.raises(ResponseLostError):
            read.extend([piece async for piece in answer.chunks])
    assert b"".join(read) == b"12345"


async def test_a_cancellation_asked_for_beforehand(transport: StreamingTransport) -> None:
    """A task that cancelled itself is cancelled at its next exchange.

    This is no failure of the network.
    """
    async with FaultServer() as server:

        async def self_cancelled() -> None:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await transport.send(ask(server.url), timeout=5.0)

        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(self_cancelled())


@pytest.mark.parametrize("kind", [AiohttpTransport, HttpxTransport], ids=["aiohttp", "httpx2"])
async def test_open_streams_fill_the_pool(kind: type[AiohttpTransport | HttpxTransport]) -> None:
    """A caller that waits for a connection that an open stream holds gets an error.

    It is about the pool, not the server.
    """

    async def endless(peer: Peer) -> None:
        await peer.request()
        await peer.send(head(10) + b"12345")
        await asyncio.sleep(60)

    limited = kind(limit=1)
    async with FaultServer(endless) as server, limited.stream(ask(server.url), timeout=5.0) as answer:
        await anext(answer.chunks)
        with pytest.raises(NotSentError) as caught:
            await limited.send(ask(server.url), timeout=0.1)
    assert caught.value.reason == "pool"
    await limited.aclose()
