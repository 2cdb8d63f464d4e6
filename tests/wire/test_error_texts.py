"""What a call's error says of the settings it ran under.

It also says whose answer could not be read.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.fakes import ams_client, answer, ratio, refusal
from support.virtual import virtual

from wxrevenue import (
    AiohttpTransport,
    ApiError,
    DeadlineExceededError,
    DecodeError,
    HttpResponse,
    MemoryTransport,
    NotSentError,
    OutcomeUnknownError,
    ResponseLostError,
    RetryPolicy,
    RevenueClient,
    TooFastError,
    sweep,
)

PAGE = b"\n<!DOCTYPE html><html><body>Please log in</body></html>"


async def silence(_: object) -> HttpResponse:
    """Answer too late for every caller."""
    await asyncio.sleep(9_999)
    return ratio()


def silent_server(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Listen, and never answer."""


def silent(**settings: Any) -> RevenueClient:
    """Return a client whose server never answers."""
    return RevenueClient("fake-token", transport=MemoryTransport(silence), **settings)


@virtual
async def test_attempts_and_seconds() -> None:
    """An error that came after several attempts says how many they were.

    It says how long they took, too.
    """
    client, _ = ams_client(*[refusal(-202)] * 3, retry=RetryPolicy(jitter=lambda: 1.0, throttle_base=0.3))
    with pytest.raises(ApiError) as caught:
        await client.get_share_ratio("wx1")
    assert str(caught.value).startswith("get_share_ratio: 3 attempts in 0.9 s: code -202; ")
    assert caught.value.duration == pytest.approx(0.9)


@virtual
async def test_the_deadline_by_name() -> None:
    """A call whose time is up names the setting and its seconds."""
    with pytest.raises(DeadlineExceededError) as caught:
        await silent(deadline=2.5).get_share_ratio("wx1")
    assert str(caught.value).startswith("get_share_ratio: 1 attempt in 2.5 s, deadline=2.5 s: the deadline passed")
    assert caught.value.limit == "deadline=2.5 s"


@virtual
async def test_the_page_deadline_by_name() -> None:
    """A page of a walk, and a call in a sweep, name ``page_deadline``."""
    client = silent(page_deadline=7.0)
    with pytest.raises(DeadlineExceededError) as caught:
        await client.iter_agency_settlement("2024-01-01", "2024-01-31").collect()
    assert caught.value.limit == "page_deadline=7 s"
    async for outcome in sweep(client.get_share_ratio, ["wx1"]):
        assert getattr(outcome.error, "limit", None) == "page_deadline=7 s"


@virtual
async def test_the_timeout_by_name() -> None:
    """An exchange without an answer in time says the ``timeout``.

    It does so inside of an unknown outcome, too.
    """
    with pytest.raises(ResponseLostError) as caught:
        await silent(timeout=1.5).get_share_ratio("wx1")
    assert caught.value.limit == "timeout=1.5 s"
    assert "give a longer timeout=" in str(caught.value)
    with pytest.raises(OutcomeUnknownError) as unknown:
        await silent(timeout=1.5).set_share_ratio(40)
    assert getattr(unknown.value.last, "limit", None) == "timeout=1.5 s"
    assert str(unknown.value).endswith("what to do: Read back what the call changes before you repeat it.")


@virtual
async def test_too_fast_for_the_deadline() -> None:
    """1737 under a deadline that ends sooner names the wait and the deadline.

    It says that a longer deadline would do.
    """
    client, _ = ams_client(refusal(1737), deadline=5.0)
    with pytest.raises(TooFastError, match=r"deadline=5 s: code 1737; .* retry after 60 s; what to do: .*deadline= is longer"):
        await client.get_share_ratio("wx1")


@pytest.mark.parametrize("status", [200, 302, 404])
@virtual
async def test_a_web_page_is_told_for_what_it_is(status: int) -> None:
    """A proxy's or a login page's HTML is named with host and path.

    Query and token are absent. The error says what may stand between.
    """
    client, _ = ams_client(*[answer(PAGE, status)] * 3, base_url="https://gateway.example:8443/wx")
    with pytest.raises((DecodeError, ApiError)) as caught:
        await client.get_share_ratio("wx1")
    text = str(caught.value)
    assert "looks like a web page, not WeChat: is a proxy or a login page between?" in text
    assert "gateway.example:8443/wx/wxa/getdefaultamsinfo" in text
    assert "Check base_url" in text
    assert "access_token" not in text
    assert "Please log in" not in text


async def test_a_refused_connection_asks_whether_it_is_running() -> None:
    """A port on which nothing listens is named with the path.

    The remedy is to start the server.
    """
    probe = await asyncio.start_server(silent_server, "127.0.0.1", 0)
    port = probe.sockets[0].getsockname()[1]
    probe.close()
    await probe.wait_closed()
    async with RevenueClient("fake-token", base_url=f"http://127.0.0.1:{port}", retry=RetryPolicy(max_attempts=1)) as client:
        with pytest.raises(
            NotSentError, match=rf"127\.0\.0\.1:{port}/wxa/getdefaultamsinfo: is it running\? \(connect\); what to do: Check"
        ):
            await client.get_share_ratio("wx1")


async def test_no_transport_shows_a_query() -> None:
    """The place in a transport's message ends before the query.

    A token stands in the query.
    """
    transport = AiohttpTransport()
    client = RevenueClient("fake-token", base_url="http://no-such-host.invalid", transport=transport, retry=RetryPolicy(max_attempts=1))
    with pytest.raises(NotSentError) as caught:
        await client.get_share_ratio("wx1")
    await transport.aclose()
    assert "no-such-host.invalid/wxa/getdefaultamsinfo (dns)" in str(caught.value)
    assert "access_token" not in str(caught.value)
