"""The sandbox's two carriers: the transport in process, and HTTP on loopback."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import orjson
import pytest
from yarl import URL

from wxrevenue._base.secret import Secret
from wxrevenue._wire.http import HttpRequest
from wxrevenue.errors import NotSentError, ResponseLostError
from wxrevenue.ports import Transport
from wxrevenue.sandbox import Answer, Mishap, Sandbox, Trouble

PATH = "/wxa/getdefaultamsinfo?action=get_share_ratio&access_token="


class Sleeper:
    """Notes the seconds of a sleep, and does not sleep."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        """Note the seconds."""
        self.slept.append(seconds)


def request(sandbox: Sandbox) -> HttpRequest:
    """Return a valid request, with its token apart."""
    appid = sandbox.components[0]
    return HttpRequest(
        "POST", f"https://api.weixin.qq.com{PATH}", {}, orjson.dumps({"appid": appid}), Secret(sandbox.component_token(appid))
    )


async def post(base_url: str, sandbox: Sandbox) -> tuple[int, str, Any]:
    """Send a request over HTTP, on a new connection; return status, type and JSON."""
    sent = request(sandbox)
    url = URL(base_url + PATH + sandbox.component_token(sandbox.components[0]), encoded=True)
    async with aiohttp.ClientSession() as session, session.post(url, data=sent.body) as answer:
        return answer.status, answer.headers["Content-Type"], orjson.loads(await answer.read())


# -- in process ------------------------------------------------------------------------------------


async def test_transport() -> None:
    """The transport answers a request with its secret part joined.

    It accepts any host name.
    """
    sandbox = Sandbox()
    transport = sandbox.transport()
    assert isinstance(transport, Transport)
    response = await transport.send(request(sandbox), timeout=1)
    assert (response.status, orjson.loads(response.body)["share_ratio"]) == (200, 50)
    assert response.header("content-type") == "text/plain"
    await transport.aclose()
    await transport.aclose()


async def test_transport_drops() -> None:
    """A call whose connection breaks before it was not sent.

    One whose connection breaks after it lost its answer.
    """
    sandbox = Sandbox()
    sandbox.next(Mishap.DROP_BEFORE, Mishap.DROP_AFTER)
    transport = sandbox.transport()
    with pytest.raises(NotSentError) as before:
        await transport.send(request(sandbox), timeout=1)
    with pytest.raises(ResponseLostError) as after:
        await transport.send(request(sandbox), timeout=1)
    assert (before.value.reason, after.value.reason) == ("connect", "reset")


async def test_transport_latency() -> None:
    """Latency takes up to the timeout; then the answer is lost."""
    sleeper = Sleeper()
    sandbox = Sandbox(sleep=sleeper, trouble=Trouble(latency=5.0))
    transport = sandbox.transport()
    await transport.send(request(sandbox), timeout=9)
    with pytest.raises(ResponseLostError) as late:
        await transport.send(request(sandbox), timeout=2)
    assert sleeper.slept == [5.0, 2]
    assert late.value.reason == "timeout"


async def test_transport_leaks_no_token() -> None:
    """An exception of the transport has no token in its text.

    The locals of its frames hold none, either.
    """
    sandbox = Sandbox()
    sandbox.next(Mishap.DROP_AFTER)
    with pytest.raises(ResponseLostError) as lost:
        await sandbox.transport().send(request(sandbox), timeout=1)
    frames = [entry.frame.f_locals for entry in lost.traceback[1:]]
    assert "sandbox-component-" not in f"{lost.value!r}{frames!r}"


# -- HTTP ------------------------------------------------------------------------------------------


async def test_http() -> None:
    """Over HTTP the answer is the same as in process."""
    sandbox = Sandbox(seed=3)
    async with sandbox.serve() as base_url:
        assert base_url.startswith("http://127.0.0.1:")
        status, kind, said = await post(base_url, sandbox)
    assert (status, kind) == (200, "text/plain")
    assert said == {"ret": 0, "err_msg": "", "share_ratio": 50}


async def test_http_sees_the_target_as_sent() -> None:
    """Path and query reach the core byte for byte, with their percent-encoding."""
    sandbox = Sandbox()
    seen: list[str] = []
    core = sandbox._core  # pyright: ignore[reportPrivateUsage]
    handle = core.handle

    def spy(method: str, target: str, headers: Any, body: bytes) -> Answer:
        seen.append(target)
        return handle(method, target, headers, body)

    core.handle = spy  # type: ignore[method-assign]
    async with sandbox.serve() as base_url, aiohttp.ClientSession() as session:
        await session.post(URL(f"{base_url}/v3/a%2Fb?q=%E4%B8%AD&x=a+b", encoded=True))
    assert seen == ["/v3/a%2Fb?q=%E4%B8%AD&x=a+b"]


async def test_http_survives_bytes_that_are_no_utf8() -> None:
    """A request line that is no UTF-8 is answered like any other wrong request."""
    sandbox = Sandbox(trouble=Trouble(busy=0.0001))
    async with sandbox.serve() as base_url:
        reader, writer = await asyncio.open_connection("127.0.0.1", URL(base_url).port)
        writer.write(b"POST /v3/x?\xff HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        status = (await reader.readline()).split()[1]
        writer.close()
        await writer.wait_closed()
    assert status in {b"404", b"400"}


@pytest.mark.parametrize("mishap", [Mishap.DROP_BEFORE, Mishap.DROP_AFTER])
async def test_http_drops(mishap: Mishap) -> None:
    """A dropped connection ends without an answer, and the server goes on serving."""
    sandbox = Sandbox()
    sandbox.next(mishap)
    async with sandbox.serve() as base_url:
        with pytest.raises(aiohttp.ClientConnectionError):
            await post(base_url, sandbox)
        assert (await post(base_url, sandbox))[0] == 200
    assert sandbox.calls == {("get_share_ratio", mishap.value): 1, ("get_share_ratio", "ok"): 1}


async def test_http_latency() -> None:
    """The server waits before it answers."""
    sleeper = Sleeper()
    sandbox = Sandbox(sleep=sleeper, trouble=Trouble(latency=5.0))
    async with sandbox.serve() as base_url:
        await post(base_url, sandbox)
    assert sleeper.slept == [5.0]


async def test_http_refusal_of_pay() -> None:
    """A mark over HTTP without a signature is refused with 401."""
    sandbox = Sandbox()
    async with sandbox.serve() as base_url, aiohttp.ClientSession() as session:
        answer = await session.post(f"{base_url}/v3/global/profit-sharing/transactions/mark", data=b"{}")
        assert (answer.status, orjson.loads(await answer.read())["code"]) == (401, "SIGN_ERROR")


async def test_http_over_ipv6() -> None:
    """An IPv6 host stands in brackets in the base URL."""
    sandbox = Sandbox()
    try:
        async with sandbox.serve(host="::1") as base_url:
            assert base_url.startswith("http://[::1]:")
            assert (await post(base_url, sandbox))[0] == 200
    except OSError:
        pytest.skip("no IPv6 on this machine")


async def test_http_ends_with_its_block() -> None:
    """After the block no server listens on the port."""
    sandbox = Sandbox()
    async with sandbox.serve() as base_url:
        pass
    with pytest.raises(aiohttp.ClientConnectionError):
        await post(base_url, sandbox)
