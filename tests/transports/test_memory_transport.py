"""The transport without a network."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.leaks import assert_no_leak
from support.virtual import now, virtual

from wxrevenue import HttpRequest, HttpResponse, MemoryTransport, Secret
from wxrevenue.errors import ConfigurationError, NotSentError, ResponseLostError
from wxrevenue.ports import Transport

TOKEN = "fake-token-in-memory"
REQUEST = HttpRequest("POST", "https://x.invalid/?t=", {}, b"{}", Secret(TOKEN))
ANSWER = HttpResponse(200, {"Content-Type": "text/plain"}, b"{}")


async def test_plain_function() -> None:
    """A plain function's answer is returned; every request is kept in order."""
    transport = MemoryTransport(lambda request: HttpResponse(200, {}, request.body))
    other = HttpRequest("GET", "https://y.invalid/", {}, b"2")
    answers = [await transport.send(request, timeout=1.0) for request in (REQUEST, other)]
    assert [answer.body for answer in answers] == [b"{}", b"2"]
    assert transport.requests == [REQUEST, other]
    assert isinstance(transport, Transport)
    await transport.aclose()
    await transport.aclose()


async def test_async_function() -> None:
    """An async function's answer is awaited."""

    async def handler(request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(0)
        return ANSWER

    assert await MemoryTransport(handler).send(REQUEST, timeout=1.0) is ANSWER


@virtual
async def test_async_function_in_time() -> None:
    """An async function that takes longer than the timeout is cut at that exact time.

    Its answer is lost.
    """
    ended: list[str] = []

    async def handler(request: HttpRequest) -> HttpResponse:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cut")
        return ANSWER

    with pytest.raises(ResponseLostError) as caught:
        await MemoryTransport(handler).send(REQUEST, timeout=2.5)
    assert (now(), ended, caught.value.reason) == (2.5, ["cut"], "timeout")
    assert_no_leak(caught.value, secrets=[TOKEN])


@pytest.mark.parametrize(
    "error", [NotSentError("no", reason="connect"), ResponseLostError("no", reason="reset"), TimeoutError("own"), ValueError()]
)
async def test_faults(error: Exception) -> None:
    """The exception of a function, plain or async, reaches the caller unchanged.

    A ``TimeoutError`` of its own does, too.
    """

    def plain(request: HttpRequest) -> HttpResponse:
        raise error

    async def later(request: HttpRequest) -> HttpResponse:
        raise error

    for transport in (MemoryTransport(plain), MemoryTransport(later)):
        with pytest.raises(type(error)) as caught:
            await transport.send(REQUEST, timeout=1.0)
        assert caught.value is error
        assert len(transport.requests) == 1


async def test_wrong_handlers() -> None:
    """A handler that is no function, or returns no answer, is the user's mistake.

    The error names it as such.
    """
    wrong: Any = ANSWER
    with pytest.raises(ConfigurationError, match="expected a function, got HttpResponse"):
        MemoryTransport(wrong)

    def no_answer(request: HttpRequest) -> Any:
        return b"{}"

    with pytest.raises(ConfigurationError, match="got bytes") as caught:
        await MemoryTransport(no_answer).send(REQUEST, timeout=1.0)
    assert_no_leak(caught.value, secrets=[TOKEN])


@pytest.mark.parametrize("name", ["Content-Type", "content-type", "CONTENT-TYPE"])
def test_header_in_any_case(name: str) -> None:
    """An answer's headers are found in any case, also in a plain dict."""
    assert ANSWER.header(name) == "text/plain"
    assert ANSWER.header("X-Other") is None
