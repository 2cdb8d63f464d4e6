"""The httpx2 transport, beyond the conformance suite of all transports."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from support.faultserver import JSON, PATH, TOKEN, FaultServer, Peer, ask, head, inside
from support.leaks import assert_no_leak

from wxrevenue import HttpRequest, HttpxTransport, Secret
from wxrevenue.errors import ConfigurationError, NotSentError, ResponseLostError
from wxrevenue.transports._body import Inflater
from wxrevenue.transports._common import KEEP_ALIVE
from wxrevenue.transports._httpx2 import transport as _httpx2
from wxrevenue.transports._httpx2.internals import has_surplus

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from wxrevenue import HttpResponse

PASSWORD = "fake-proxy-password"


@pytest.fixture
async def transport() -> AsyncGenerator[HttpxTransport, None]:
    """Make a transport, and close it."""
    made = HttpxTransport()
    yield made
    await made.aclose()


def test_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without httpx2 the error says what to install, when the transport is made."""

    def nowhere(_name: str) -> None:
        return None

    monkeypatch.setattr(_httpx2, "find_spec", nowhere)
    with pytest.raises(ConfigurationError, match=r"HttpxTransport needs httpx2: pip install 'wxrevenue\[httpx2\]'"):
        HttpxTransport()


@pytest.mark.parametrize("limit", [0, -1, True, 1.5, "3", None])
def test_limit(limit: Any) -> None:
    """The limit of connections is an int above zero."""
    with pytest.raises(ConfigurationError, match=r"HttpxTransport\.limit"):
        HttpxTransport(limit=limit)


def test_unverified_tls() -> None:
    """A TLS context that accepts any certificate is refused.

    So is one for older TLS, and anything else.
    """
    careless = ssl.create_default_context()
    careless.check_hostname = False
    wrong: list[Any] = [careless, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), False]
    for context in wrong:
        with pytest.raises(ConfigurationError, match=r"HttpxTransport\.ssl"):
            HttpxTransport(ssl=context)


async def test_defaults(transport: HttpxTransport) -> None:
    """Nothing is made before the first request.

    Then connections are kept for less long than WeChat's servers do, with TLS 1.2.
    """
    assert inside(transport)._routes == {}
    async with FaultServer() as server:
        await transport.send(ask(server.url), timeout=2.0)
    pool = inside(transport)._routes[None]._pool
    assert pool._keepalive_expiry == KEEP_ALIVE == 7.0
    assert pool._ssl_context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert (pool._ssl_context.verify_mode, pool._ssl_context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (pool._http2, pool._retries) == (False, 0)


async def test_own_headers(transport: HttpxTransport) -> None:
    """A header of the request's own replaces the default one, in any spelling."""
    async with FaultServer() as server:
        await transport.send(HttpRequest("GET", server.url, {"USER-AGENT": "mine"}, b""), timeout=2.0)
        await transport.send(HttpRequest("GET", server.url, {}, b""), timeout=2.0)
    first, second = (got.headers["user-agent"] for got in server.requests)
    assert first == "mine"
    assert second.startswith("wxrevenue/")


async def test_malformed_request(transport: HttpxTransport) -> None:
    """A request that HTTP cannot express is an error of the package.

    A second try would not help.
    """
    async with FaultServer() as server:
        with pytest.raises((NotSentError, ResponseLostError)) as caught:
            await transport.send(HttpRequest("GET", server.url, {"X-Bad": "a\r\nb"}, b"", Secret(f"?t={TOKEN}")), timeout=2.0)
    assert (caught.value.retryable, server.requests) == (False, [])
    assert_no_leak(caught.value, secrets=[TOKEN])


# -- proxies ---------------------------------------------------------------------------------------


async def test_plain_proxy() -> None:
    """A plain request goes through a proxy with its whole address.

    The proxy's answer is the answer.
    """
    async with FaultServer() as proxy:
        transport = HttpxTransport(proxy=f"http://user:{PASSWORD}@127.0.0.1:{proxy.port}")
        assert (await transport.send(ask("http://api.invalid"), timeout=2.0)).body == JSON
        await transport.aclose()
    assert proxy.requests[0].target == f"http://api.invalid{PATH}{TOKEN}"
    assert_no_leak(transport, vars(transport), secrets=[PASSWORD])


async def test_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment is used only when asked for.

    It is not used for hosts that it is not for.
    """
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with FaultServer() as proxy, FaultServer() as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        for trust_env, spared, used in ((False, "", 0), (True, "", 1), (True, "127.0.0.1", 1)):
            monkeypatch.setenv("no_proxy", spared)
            transport = HttpxTransport(trust_env=trust_env)
            await transport.send(ask(server.url), timeout=2.0)
            await transport.aclose()
            assert len(proxy.requests) == used


async def test_tunnel_without_handshake() -> None:
    """A tunnel whose other end never speaks TLS is cut by the timeout.

    Nothing was sent.
    """

    async def tunnel(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.Event().wait()

    async with FaultServer(tunnel) as proxy:
        transport = HttpxTransport(proxy=proxy.url, limit=1)
        ended = await asyncio.gather(
            *(transport.send(ask("https://api.invalid"), timeout=timeout) for timeout in (0.05, 0.15)), return_exceptions=True
        )
        assert [(type(error), getattr(error, "reason", "")) for error in ended] == [(NotSentError, "timeout")] * 2
        await transport.aclose()
        assert await proxy.still_open() == 0
        assert proxy.connections == 2


# -- the answer ------------------------------------------------------------------------------------


async def test_internals_moved(transport: HttpxTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where httpx2 no longer reports surplus bytes, connections are not reused."""

    class Elsewhere:
        stream = object()

    def assumed(_response: object) -> bool:
        return True

    assert has_surplus(inside(Elsewhere()))
    monkeypatch.setattr(_httpx2, "has_surplus", assumed)
    async with FaultServer() as server:
        for _ in range(2):
            assert (await transport.send(ask(server.url), timeout=2.0)).body == JSON
        assert server.connections == 2


def inflated(encoding: str | None, *data: bytes, piece: int = 7) -> bytes:
    """Return the decoded pieces of a body."""
    inflater = Inflater(encoding, piece)
    found = [decoded for one in data for decoded in inflater.feed(one)]
    assert all(0 < len(decoded) <= piece for decoded in found)
    inflater.end()
    return b"".join(found)


def test_inflate() -> None:
    """Compressed data come back in bounded pieces, wherever the network cut them.

    Members of gzip come one after the other.
    """
    text = JSON * 20
    zipped, deflated = gzip.compress(text), zlib.compress(text)
    assert inflated(None, text) == inflated("identity", text) == text
    assert inflated("gzip", zipped) == inflated("X-GZIP", *(zipped[n : n + 1] for n in range(len(zipped)))) == text
    assert inflated("gzip", zipped + zipped) == inflated("gzip", zipped, zipped) == text * 2
    assert inflated("deflate", deflated) == inflated("deflate", deflated[2:-4]) == text
    assert inflated("gzip", zipped + bytes(3), bytes(2)) == text
    assert inflated(None) == b""


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "nonsense"])
def test_inflate_refuses(encoding: str) -> None:
    """A compression that was not asked for is refused."""
    with pytest.raises(ResponseLostError) as caught:
        Inflater(encoding, 100)
    assert caught.value.reason == "protocol"


def test_inflate_notices_the_end() -> None:
    """Compressed data that end too early, or are empty, are no body."""
    for data in (gzip.compress(JSON)[:-1], b""):
        with pytest.raises(ResponseLostError, match="short"):
            inflated("gzip", data)


async def test_two_compressed_answers_at_once(transport: HttpxTransport) -> None:
    """Callers at the same time get their own compressed answers."""

    async def own(peer: Peer) -> None:
        got = await peer.request()
        body = gzip.compress(got.body * 50)
        await peer.send(head(len(body), Content_Encoding="gzip") + body)

    async def one(n: int) -> HttpResponse:
        return await transport.send(ask(server.url, body=b"%d." % n), timeout=5.0)

    async with FaultServer(own) as server:
        answers = await asyncio.gather(*map(one, range(20)))
    assert [answer.body for answer in answers] == [b"%d." % n * 50 for n in range(20)]
