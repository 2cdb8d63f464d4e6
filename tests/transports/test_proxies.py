"""Proxies: which URLs are refused, and what is sent to a proxy.

Its password shows nowhere.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

import pytest
from support.faultserver import JSON, TOKEN, FaultServer, Peer, ask, head
from support.leaks import assert_no_leak

from wxrevenue.errors import ConfigurationError, NotSentError
from wxrevenue.testing import tls_contexts

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


import os
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from support.faultserver import unused_port

from wxrevenue import AiohttpTransport, HttpxTransport, Secret
from wxrevenue.transports._proxies import check_proxy

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator


PASSWORD = "fake-proxy-password"
BOTH = pytest.mark.parametrize("kind", [AiohttpTransport, HttpxTransport], ids=["aiohttp", "httpx2"])
Kind = type[AiohttpTransport] | type[HttpxTransport]

WRONG = [
    f"http://user:57#{PASSWORD}@127.0.0.1:1",
    f"http://user:57/{PASSWORD}@127.0.0.1:1",
    f"http://user:57?{PASSWORD}@127.0.0.1:1",
    f"http://user:57@{PASSWORD}@127.0.0.1:1",
    f"http://user:50%off{PASSWORD}@127.0.0.1:1",
    f"http://user:{PASSWORD} @127.0.0.1:1",
    f"http://user:{PASSWORD}\u00e9@127.0.0.1:1",
    f"http://user:[{PASSWORD}@127.0.0.1:1",
    f"http://user:{PASSWORD}@127.0.0.1:port",
    f"http://user:{PASSWORD}@127.0.0.1:70000",
    f"http://user:{PASSWORD}@127.0.0.1:0",
    f"http://user:{PASSWORD}@127.0.0.1:1/path",
    f"http://user:{PASSWORD}@127.0.0.1:1/?query",
    f"http://user:{PASSWORD}@127.0.0.1:1#fragment",
    f"http://user:{PASSWORD}@",
    f"socks5://user:{PASSWORD}@127.0.0.1:1",
    f"socks://user:{PASSWORD}@127.0.0.1:1",
    f"htp://user:{PASSWORD}@127.0.0.1:1",
    f"user:{PASSWORD}@127.0.0.1:1",
    f"//user:{PASSWORD}@127.0.0.1:1",
    "127.0.0.1:1",
    "",
]


@BOTH
@pytest.mark.parametrize("url", WRONG)
def test_refused(kind: Kind, url: str) -> None:
    """L-17: a string that cannot be an HTTP proxy's URL is refused at once.

    It is refused when the transport is made, and no piece of it is shown.
    """
    for given in (url, Secret(url)):
        with pytest.raises(ConfigurationError, match="percent-encode the password") as caught:
            kind(proxy=given)
        assert kind.__name__ in str(caught.value)
        assert_no_leak(caught.value, secrets=[PASSWORD])


@BOTH
@pytest.mark.parametrize("given", [b"http://127.0.0.1:1", 1, {"http": "http://127.0.0.1:1"}])
def test_refused_types(kind: Kind, given: Any) -> None:
    """A proxy is a ``str``, in a Secret or not."""
    with pytest.raises(ConfigurationError, match=r"\.proxy: expected a str or a Secret, got"):
        kind(proxy=given)


@BOTH
def test_password_beside_another_mistake(kind: Kind) -> None:
    """L-17: a mistake in another argument does not show the proxy."""
    with pytest.raises(ConfigurationError) as caught:
        kind(proxy=f"http://user:{PASSWORD}@127.0.0.1:1", limit=0)
    assert_no_leak(caught.value, secrets=[PASSWORD])


@pytest.mark.parametrize(
    ("url", "shown", "authorization"),
    [
        ("http://127.0.0.1:1", "http://127.0.0.1:1", None),
        (" HTTP://Proxy.Example:3128/\n", "http://proxy.example:3128", None),
        ("https://proxy_1.example", "https://proxy_1.example", None),
        ("http://[::1]:8080", "http://[::1]:8080", None),
        ("http://user@proxy:1", "http://proxy:1", "Basic dXNlcjo="),
        ("http://user:@proxy:1", "http://proxy:1", "Basic dXNlcjo="),
        ("http://@proxy:1", "http://proxy:1", None),
        ("http://u:p%40%2f%23%3F:x@proxy:1", "http://proxy:1", "Basic dTpwQC8jPzp4"),
        ("http://%C3%A9:!$&'()*+,;=~@proxy:1", "http://proxy:1", "Basic w6k6ISQmJygpKissOz1+"),
    ],
)
def test_parts(url: str, shown: str, authorization: str | None) -> None:
    """The credentials are separate from what may be shown.

    They are byte for byte what was percent-encoded.
    """
    found = check_proxy("T", Secret(url))
    assert found is not None
    assert (found.url, found.authorization and found.authorization.reveal()) == (shown, authorization)


@BOTH
async def test_credentials_without_a_tunnel(kind: Kind) -> None:
    """A plain request brings the credentials along; one without a proxy does not."""
    async with FaultServer() as proxy, FaultServer() as server:
        transport = kind(proxy=f"http://user:p%40ss@127.0.0.1:{proxy.port}")
        await transport.send(ask(server.url), timeout=2.0)
        await transport.aclose()
        assert (len(proxy.requests), len(server.requests)) == (1, 0)
        assert proxy.requests[0].headers["proxy-authorization"] == "Basic dXNlcjpwQHNz"


@asynccontextmanager
async def tunnels(heads: list[bytes], context: ssl.SSLContext | None) -> AsyncGenerator[int]:
    """Run a proxy that opens tunnels; yield its port, and note its requests."""

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        there = await asyncio.open_connection("127.0.0.1", int(heads[-1].split(b" ")[1].rpartition(b":")[2]))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pipe(reader, there[1]), pipe(there[0], writer), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


@BOTH
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_tunnel(kind: Kind, scheme: str) -> None:
    """Through a proxy, with TLS or without, goes a tunnel.

    The proxy gets no token, and the server no proxy password.
    """
    there, here = tls_contexts()
    heads: list[bytes] = []
    async with FaultServer(ssl=there) as server, tunnels(heads, there if scheme == "https" else None) as port:
        transport = kind(proxy=f"{scheme}://user:p%40ss@127.0.0.1:{port}", ssl=here)
        for _ in range(2):
            assert (await transport.send(ask(server.url), timeout=5.0)).body == JSON
        await transport.aclose()
        assert len(heads) == 1
        assert heads[0].startswith(b"CONNECT 127.0.0.1:%d HTTP/1.1" % server.port)
        assert b"Proxy-Authorization: Basic dXNlcjpwQHNz" in heads[0]
        assert TOKEN.encode() not in heads[0]
        assert all("proxy-authorization" not in got.headers for got in server.requests)


@BOTH
async def test_proxy_that_is_not_trusted(kind: Kind) -> None:
    """A proxy without a trusted certificate gets neither its password nor the request."""
    async with FaultServer(ssl=tls_contexts()[0]) as proxy:
        transport = kind(proxy=f"https://user:{PASSWORD}@127.0.0.1:{proxy.port}")
        with pytest.raises(NotSentError) as caught:
            await transport.send(ask("http://api.invalid"), timeout=5.0)
        await transport.aclose()
        assert (caught.value.reason, caught.value.retryable, proxy.requests) == ("tls", False, [])


@BOTH
async def test_no_proxy_there(kind: Kind) -> None:
    """T-45: an unreachable proxy, or one of an unknown name, is named as the cause."""
    for host in (f"127.0.0.1:{unused_port()}", "no-such-host.invalid:1"):
        transport = kind(proxy=f"http://user:{PASSWORD}@{host}")
        with pytest.raises(NotSentError, match="through the proxy of proxy=") as caught:
            await transport.send(ask("https://api.invalid"), timeout=5.0)
        await transport.aclose()
        assert caught.value.reason == "proxy"
        assert_no_leak(caught.value, transport, vars(transport), secrets=[TOKEN, PASSWORD])


UNFINISHED = """
import asyncio, gc, logging, os, sys
import wxrevenue
from wxrevenue.testing import FaultServer

logging.basicConfig(level=logging.DEBUG)

async def silence(peer):
    while True:
        await peer.request()

async def begun():
    server = FaultServer(silence)
    await server.__aenter__()
    transport = wxrevenue.KIND(proxy=f"http://user:{os.environ['PASSWORD']}@127.0.0.1:{server.port}")
    client = wxrevenue.RevenueClient(os.environ["TOKEN"], base_url="http://api.invalid", transport=transport)
    task = asyncio.get_running_loop().create_task(client.get_share_ratio("wx1"))
    while not server.requests:
        await asyncio.sleep(0.001)
    return task, client, transport, server

loop = asyncio.new_event_loop()
kept = loop.run_until_complete(begun())
loop.close()
del kept
gc.collect()
"""


@BOTH
@pytest.mark.parametrize("option", ["-Wdefault", "-Xdev"])
def test_the_loop_ends_under_a_call(kind: Kind, option: str) -> None:
    """L-06: a message about an unfinished call shows no token and no proxy password."""
    command = [sys.executable, option, "-c", UNFINISHED.replace("KIND", kind.__name__)]
    secrets = {"PASSWORD": PASSWORD, "TOKEN": TOKEN}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env={**os.environ, **secrets})  # noqa: S603
    assert "ResourceWarning" in ended.stderr
    assert_no_leak(ended.stdout, ended.stderr, secrets=secrets.values())


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "502 Bad Gateway"])
async def test_proxy_refuses(status: str) -> None:
    """T-45: a proxy that refuses the tunnel means that nothing was sent.

    Its password shows nowhere.
    """

    async def refuse(peer: Peer) -> None:
        await peer.request()
        await peer.send(head(0, status=status))

    async with FaultServer(refuse) as proxy:
        transport = AiohttpTransport(proxy=f"http://user:{PASSWORD}@127.0.0.1:{proxy.port}")
        with pytest.raises(NotSentError) as caught:
            await transport.send(ask("https://api.invalid"), timeout=2.0)
        await transport.aclose()
    assert caught.value.reason == "proxy"
    assert proxy.requests[0].method == "CONNECT"
    assert TOKEN not in proxy.requests[0].target
    assert_no_leak(caught.value, transport, vars(transport), secrets=[TOKEN, PASSWORD])


async def test_proxy_is_gone() -> None:
    """T-45: a proxy that cannot be reached means that nothing was sent."""
    transport = AiohttpTransport(proxy=Secret(f"http://user:{PASSWORD}@127.0.0.1:1"))
    with pytest.raises(NotSentError) as caught:
        await transport.send(ask("https://api.invalid"), timeout=2.0)
    await transport.aclose()
    assert caught.value.reason == "proxy"
    assert_no_leak(caught.value, secrets=[TOKEN, PASSWORD])


async def test_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment is used only when asked for."""
    async with FaultServer() as proxy, FaultServer() as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        for trust_env, used in ((False, 0), (True, 1)):
            transport = AiohttpTransport(trust_env=trust_env)
            await transport.send(ask(server.url), timeout=2.0)
            await transport.aclose()
            assert len(proxy.requests) == used
