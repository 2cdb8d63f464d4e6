"""The aiohttp transport against a server that breaks: which of the two errors, why, and nothing of the token in it."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING

import pytest
from faultserver import JSON, PATH, TOKEN, FaultServer, Peer, ask, head, inside, silence, unused_port
from support.leaks import assert_no_leak

from wxrevenue import RetryPolicy, RevenueClient
from wxrevenue._ports import HttpRequest, HttpResponse
from wxrevenue._secret import Secret
from wxrevenue.errors import DecodeError, NotSentError, ResponseLostError
from wxrevenue.transports._aiohttp import LARGEST_BODY, AiohttpTransport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable


@pytest.fixture
async def transport() -> AsyncGenerator[AiohttpTransport, None]:
    """Make a transport, close it, and see that it left no task and no connection."""
    before = asyncio.all_tasks()
    made = AiohttpTransport()
    yield made
    session = inside(made)._session
    assert session is None or not session.connector._acquired
    await made.aclose()
    assert not asyncio.all_tasks() - before - {asyncio.current_task()}


async def lost(transport: AiohttpTransport, server: FaultServer, *, timeout: float = 2.0) -> ResponseLostError:
    """Send one request; return the error it must end with, free of the token."""
    with pytest.raises(ResponseLostError) as caught:
        await transport.send(ask(server.url), timeout=timeout)
    assert_no_leak(caught.value, secrets=[TOKEN])
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)
    return caught.value


# -- before the request can have left --------------------------------------------------------------------------------


async def test_refused(transport: AiohttpTransport) -> None:
    """T-01: a closed port means that nothing was sent, and the error names the host but not the token."""
    with pytest.raises(NotSentError) as caught:
        await transport.send(ask(f"http://127.0.0.1:{unused_port()}"), timeout=2.0)
    assert (caught.value.reason, caught.value.retryable) == ("connect", True)
    assert "127.0.0.1" in str(caught.value)
    assert_no_leak(caught.value, secrets=[TOKEN])


async def test_unknown_host(transport: AiohttpTransport) -> None:
    """T-02: a name that does not resolve means that nothing was sent."""
    with pytest.raises(NotSentError) as caught:
        await transport.send(ask("http://no-such-host.invalid"), timeout=2.0)
    assert (caught.value.reason, caught.value.retryable) == ("dns", True)
    assert_no_leak(caught.value, secrets=[TOKEN])


@pytest.mark.parametrize("url", ["http://", "htp://127.0.0.1", "http://127.0.0.1:99999", "http://[bad"])
async def test_bad_url(transport: AiohttpTransport, url: str) -> None:
    """T-47: a URL that cannot be sent to is an error of ours too, and nothing was sent."""
    with pytest.raises(NotSentError) as caught:
        await transport.send(ask(url), timeout=2.0)
    assert_no_leak(caught.value, secrets=[TOKEN])


async def test_connecting_takes_too_long(transport: AiohttpTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    """T-03: a resolver that hangs is cut by the timeout, and nothing was sent."""

    async def hang(*_args: object, **_kwargs: object) -> object:
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", hang)
    with pytest.raises(NotSentError) as caught:
        await transport.send(ask("http://slow-dns.invalid"), timeout=0.02)
    assert caught.value.reason == "timeout"
    assert_no_leak(caught.value, secrets=[TOKEN])


# -- the connection breaks -------------------------------------------------------------------------------------------


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


async def close_in_headers(peer: Peer) -> None:
    """Close in the middle of the headers."""
    await peer.request()
    await peer.send(head(10, X_Echo=TOKEN)[:-8])
    await peer.close()


async def reset_in_headers(peer: Peer) -> None:
    """Break off in the middle of the headers."""
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Le")
    peer.reset()


async def reset_after_headers(peer: Peer) -> None:
    """Break off between the headers and the body."""
    await peer.request()
    await peer.send(head(10))
    peer.reset()


@pytest.mark.parametrize(
    "script",
    [close_at_once, reset_at_once, close_after_request, reset_after_request, close_in_headers, reset_in_headers],
)
async def test_connection_breaks(transport: AiohttpTransport, script: Callable[[Peer], Awaitable[None]]) -> None:
    """T-05 to T-11: once there was a connection bytes may have been sent, so the answer is lost; nobody sends twice."""
    async with FaultServer(script) as server:
        error = await lost(transport, server)
        assert (error.reason, error.retryable, error.ambiguous) == ("reset", True, True)
        assert server.connections == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_no_hidden_repeat(transport: AiohttpTransport, method: str) -> None:
    """T-09: no method is sent a second time behind the caller's back, not even one that HTTP calls idempotent."""
    async with FaultServer(close_after_request) as server:
        with pytest.raises(ResponseLostError):
            await transport.send(ask(server.url, method=method), timeout=2.0)
        assert len(server.requests) == 1
        assert server.connections == 1


# -- the answer breaks -----------------------------------------------------------------------------------------------


def saying(*pieces: bytes, close: bool = True) -> Callable[[Peer], Awaitable[None]]:
    """Return a script that answers a request with these bytes and closes."""

    async def script(peer: Peer) -> None:
        await peer.request()
        for piece in pieces:
            await peer.send(piece)
        if close:
            await peer.close()

    return script


CHUNKED = head(None, Transfer_Encoding="chunked")
ZIPPED = gzip.compress(JSON * 100)


@pytest.mark.parametrize(
    "script",
    [
        saying(head(100), JSON),
        reset_after_headers,
        saying(CHUNKED, b"1a\r\n", JSON, b"\r\n"),
        saying(CHUNKED, b"ff\r\n", JSON),
        saying(CHUNKED, b"1a"),
        saying(head(len(ZIPPED) + 10, Content_Encoding="gzip"), ZIPPED[:-10]),
        saying(head(len(JSON), Content_Encoding="gzip"), JSON),
        saying(CHUNKED, b"xyz\r\n", JSON),
        saying(head(5, Transfer_Encoding="chunked"), b"0\r\n\r\n"),
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", b"123456"),
        saying(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
        saying(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80\x00\x04\x00\x01\x00\x00\x00\x05\x00\xff\xff\xff"),
        saying(b"these bytes are no HTTP\r\n\r\n"),
        saying(head(0, X_Long="x" * 20_000)),
    ],
    ids=[
        "short body",
        "reset before the body",
        "chunks without an end",
        "chunk cut short",
        "chunk size cut short",
        "gzip cut short",
        "no gzip",
        "bad chunk size",
        "length and chunks",
        "two lengths",
        "HTTP/2 preface",
        "HTTP/2 frames",
        "garbage",
        "endless header",
    ],
)
async def test_broken_answer(transport: AiohttpTransport, script: Callable[[Peer], Awaitable[None]]) -> None:
    """T-12 to T-18, T-21, T-26: half an answer, or none that is HTTP, is never a response; it is lost, and asked for once."""
    async with FaultServer(script) as server:
        error = await lost(transport, server)
        assert error.reason in {"protocol", "reset"}
        assert error.retryable
        assert server.connections == 1


async def test_thousands_of_headers(transport: AiohttpTransport) -> None:
    """T-27: an answer with more headers than can be held is lost."""
    many = "".join(f"X-{n}: {n}\r\n" for n in range(20_000)).encode()
    async with FaultServer(saying(b"HTTP/1.1 200 OK\r\n", many, b"Content-Length: 0\r\n\r\n")) as server:
        assert (await lost(transport, server)).reason == "protocol"


@pytest.mark.parametrize(
    "script",
    [saying(head(None), JSON[:9]), saying(head(len(ZIPPED) - 40, Content_Encoding="gzip"), ZIPPED[:-40]), saying(head(0))],
    ids=["no length, closed early", "gzip cut short, length right", "empty"],
)
async def test_half_an_answer_that_looks_whole(script: Callable[[Peer], Awaitable[None]]) -> None:
    """T-19, T-20, T-32: what no transport can tell from a whole answer never becomes a result: it is read again, then an error."""
    async with FaultServer(script) as server, RevenueClient(TOKEN, base_url=server.url, retry=RetryPolicy(base=0.001)) as client:
        with pytest.raises(DecodeError) as caught:
            await client.get_share_ratio("wx1")
    assert (caught.value.retryable, caught.value.attempts, len(server.requests)) == (True, 3, 3)
    assert_no_leak(caught.value, secrets=[TOKEN])


@pytest.mark.parametrize("script", [close_in_headers, saying(CHUNKED, b"xyz\r\n", JSON), saying(head(0, X_Long="x" * 20_000))])
async def test_client_shows_nothing(script: Callable[[Peer], Awaitable[None]]) -> None:
    """U1: what a client raises after the worst that aiohttp has to say holds no token, and its request was repeated."""
    async with FaultServer(script) as server, RevenueClient(TOKEN, base_url=server.url, retry=RetryPolicy(base=0.001)) as client:
        with pytest.raises(ResponseLostError) as caught:
            await client.get_share_ratio("wx1")
        assert_no_leak(caught.value, client, secrets=[TOKEN])
        assert server.connections == len(server.requests) == 3


# -- too much ---------------------------------------------------------------------------------------------------------


def too_large(error: ResponseLostError) -> bool:
    """Tell whether the error says that the answer was too large, and that asking again is no use."""
    return (error.reason, error.retryable) == ("too_large", False)


async def test_gzip_bomb(transport: AiohttpTransport) -> None:
    """T-28: an answer that unpacks to more than the cap is given up, and its connection closed."""
    bomb = gzip.compress(bytes(2 * LARGEST_BODY), compresslevel=1)
    async with FaultServer(saying(head(len(bomb), Content_Encoding="gzip"), bomb, close=False)) as server:
        assert too_large(await lost(transport, server, timeout=10))


async def test_one_byte_too_many(transport: AiohttpTransport) -> None:
    """A body of exactly the cap is an answer; one byte more is too large."""
    for size in (LARGEST_BODY, LARGEST_BODY + 1):
        async with FaultServer(saying(head(size), bytes(size))) as server:
            if size > LARGEST_BODY:
                assert too_large(await lost(transport, server, timeout=10))
            else:
                assert len((await transport.send(ask(server.url), timeout=10)).body) == size


async def test_endless_body(transport: AiohttpTransport) -> None:
    """T-29: a body without end or length is given up at the cap."""

    async def pour(peer: Peer) -> None:
        await peer.request()
        await peer.send(head(None))
        while True:
            await peer.send(bytes(1 << 20))

    async with FaultServer(pour) as server:
        assert too_large(await lost(transport, server, timeout=10))


# -- too late ---------------------------------------------------------------------------------------------------------


def dripping(first: bytes, rest: bytes) -> Callable[[Peer], Awaitable[None]]:
    """Return a script that sends a byte at a time, for ever."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(first)
        while True:
            await peer.send(rest)
            await asyncio.sleep(0.005)

    return script


@pytest.mark.parametrize(
    "script",
    [silence, dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"), dripping(head(1 << 20), b"x"), dripping(CHUNKED, b"1\r\nx\r\n")],
    ids=["silence", "headers drip", "body drips", "chunks drip"],
)
async def test_too_slow(transport: AiohttpTransport, script: Callable[[Peer], Awaitable[None]]) -> None:
    """T-23 to T-25: the timeout counts from the start to the last byte; what was sent may have arrived."""
    async with FaultServer(script) as server:
        error = await lost(transport, server, timeout=0.05)
        assert (error.reason, error.retryable) == ("timeout", True)
        assert server.requests[0].target == PATH + TOKEN


async def test_plain_http_on_a_tls_port(transport: AiohttpTransport) -> None:
    """T-39: speaking TLS to a server that does not answer is bounded by the timeout, and nothing was sent."""

    async def listen(peer: Peer) -> None:
        await asyncio.sleep(60)

    async with FaultServer(listen) as server:
        with pytest.raises(NotSentError) as caught:
            await transport.send(ask(server.url.replace("http:", "https:")), timeout=0.05)
    assert caught.value.reason == "timeout"


# -- what is no fault -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "status", "body"),
    [
        (saying(head(None, status="204 No Content")), 204, b""),
        (saying(head(0)), 200, b""),
        (saying(head(len(JSON), Content_Type="text/plain"), JSON), 200, JSON),
        (saying(head(len(JSON), Content_Type="application/json; encoding=utf-8"), JSON), 200, JSON),
        (saying(head(None), JSON), 200, JSON),
        (saying(CHUNKED, b"d\r\n" + JSON[:13] + b"\r\n", b"d\r\n" + JSON[13:] + b"\r\n0\r\n\r\n"), 200, JSON),
        (saying(head(len(ZIPPED), Content_Encoding="gzip"), ZIPPED), 200, JSON * 100),
        (saying(b"HTTP/1.1 100 Continue\r\n\r\n" * 3, head(len(JSON)), JSON), 200, JSON),
        (saying(head(len(JSON), status="502 Bad Gateway", Content_Type="text/html"), JSON), 502, JSON),
        (saying(head(len(JSON)), JSON[:9], JSON[9:]), 200, JSON),
    ],
    ids=["204", "empty 200", "text/plain", "odd charset", "no length", "chunks", "gzip", "100 thrice", "502", "two pieces"],
)
async def test_answers(transport: AiohttpTransport, script: Callable[[Peer], Awaitable[None]], status: int, body: bytes) -> None:
    """T-31, T-32, T-40, T-42: whatever its status and type, a whole answer is returned, decoded, as bytes."""
    async with FaultServer(script) as server:
        response = await transport.send(ask(server.url), timeout=2.0)
    assert isinstance(response, HttpResponse)
    assert (response.status, response.body) == (status, body)


async def test_request_bytes(transport: AiohttpTransport) -> None:
    """The target, the headers and the body arrive byte for byte, and only compressions that are understood are accepted."""
    odd = "fake%2Btoken+with/signs%3D%3d~é".replace("é", "%C3%A9")
    async with FaultServer(saying(head(2), b"{}")) as server:
        request = HttpRequest("POST", server.url + "/a//b/../c?x=%20y+z&t=", {"X-Own": "1"}, b"{ }\n", Secret(odd))
        await transport.send(request, timeout=2.0)
    got = server.requests[0]
    assert (got.method, got.target, got.body) == ("POST", "/a//b/../c?x=%20y+z&t=" + odd, b"{ }\n")
    assert (got.headers["x-own"], got.headers["accept-encoding"]) == ("1", "gzip, deflate")
    assert got.headers["user-agent"].startswith("wxrevenue/")
    assert "cookie" not in got.headers


async def test_request_without_secret_or_body(transport: AiohttpTransport) -> None:
    """A request may have neither a token nor a body."""
    async with FaultServer(saying(head(2), b"{}")) as server:
        await transport.send(HttpRequest("GET", server.url + "/v3/x", {}, b""), timeout=2.0)
    assert (server.requests[0].method, server.requests[0].target, server.requests[0].body) == ("GET", "/v3/x", b"")


async def test_redirects_are_not_followed(transport: AiohttpTransport) -> None:
    """T-33 to T-35: a redirect is an answer like any other; the other host hears nothing."""
    async with FaultServer() as other:
        there = head(0, status="307 Temporary Redirect", Location=f"{other.url}/steal")
        async with FaultServer(saying(there)) as server:
            response = await transport.send(ask(server.url), timeout=2.0)
        assert response.status == 307
        assert (other.connections, len(server.requests)) == (0, 1)


async def test_cookies_are_not_kept(transport: AiohttpTransport) -> None:
    """T-46: what a server sets as a cookie never comes back to it."""

    async def sweeten(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.reply(Set_Cookie="session=abc; Path=/")

    async with FaultServer(sweeten) as server:
        for _ in range(2):
            await transport.send(ask(server.url), timeout=2.0)
    assert [got.headers.get("cookie") for got in server.requests] == [None, None]


async def test_connections_are_kept(transport: AiohttpTransport) -> None:
    """Requests one after the other share a connection."""
    async with FaultServer() as server:
        for _ in range(5):
            await transport.send(ask(server.url), timeout=2.0)
        assert (len(server.requests), server.connections) == (5, 1)


async def test_surplus_bytes_spoil_the_connection(transport: AiohttpTransport) -> None:
    """T-30: bytes after an answer are never taken for the next one."""

    async def surplus(peer: Peer) -> None:
        await peer.request()
        await peer.send(head(len(JSON)) + JSON + head(4) + b"evil")

    async with FaultServer(surplus) as server:
        bodies = [(await transport.send(ask(server.url), timeout=2.0)).body for _ in range(2)]
    assert bodies == [JSON, JSON]
    assert server.connections == 2


async def test_idle_connection_closed_by_server(transport: AiohttpTransport) -> None:
    """T-36: a connection that the server closed while it was idle is not used again."""

    async def once(peer: Peer) -> None:
        await peer.request()
        await peer.reply()
        await peer.close()

    async with FaultServer(once) as server:
        for _ in range(3):
            assert (await transport.send(ask(server.url), timeout=2.0)).body == JSON
            await asyncio.sleep(0.01)
        assert server.connections == 3
