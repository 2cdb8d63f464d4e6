"""Promises that outside programs rely on, each checked through public names alone."""

from __future__ import annotations

import asyncio
import os
import ssl
from typing import Any, ClassVar

import attrs
import pytest
from support.fakes import Add, Put, Read, answer, ratio, refusal
from support.leaks import assert_no_leak
from support.paying import ONCE, SIGNED, Trusting, pay, script
from support.virtual import LeapingClock, now, virtual

from wxrevenue import (
    AiohttpTransport,
    AmsRequest,
    ApiError,
    CallEvent,
    ClientStateError,
    ConfigurationError,
    Endpoint,
    GetShareRatio,
    HttpResponse,
    MemoryTransport,
    NotSentError,
    OutcomeUnknownError,
    ResponseLostError,
    RevenueClient,
    ServerBusyError,
    TokenKind,
    TooFastError,
    yuan,
)
from wxrevenue.sandbox import Sandbox


@virtual
async def test_a_lost_answer_is_not_the_deadline() -> None:
    """A transport's time-out with most of the deadline left is a lost answer.

    The call is retried.
    """
    client = RevenueClient("fake-token", transport=script(ResponseLostError(reason="timeout"), ratio()), deadline=5.0)
    assert (await client.get_share_ratio("wx1")).share_ratio == 40


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
async def test_a_child_forked_while_the_loop_runs() -> None:
    """In a child that has no running loop the client still says what is wrong."""
    client = RevenueClient("fake-token", transport=MemoryTransport(lambda _: ratio()))
    await client.get_share_ratio("wx1")
    child = os.fork()
    if not child:  # pragma: no cover  (another process)
        call = client.get_share_ratio("wx1")
        try:
            call.send(None)
        except ClientStateError:
            os._exit(0)
        except BaseException:  # noqa: BLE001
            os._exit(1)
        os._exit(2)
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


@virtual
async def test_doubt_survives_a_repeat_within_the_turn() -> None:
    """A 500 that carries 1737 may have acted: the write ends in OutcomeUnknownError.

    An UNSAFE one is not sent again.
    """
    client = RevenueClient(
        "fake-token", transport=script(answer({"errcode": 1737}, 500), NotSentError(reason="connect")), retry=ONCE, deadline=100.0
    )
    with pytest.raises(OutcomeUnknownError):
        await client.send(Put())
    transport = script(answer({"errcode": 1737}, 500), answer())
    with pytest.raises(OutcomeUnknownError) as caught:
        await RevenueClient("fake-token", transport=transport, deadline=100.0).send(Add())
    assert isinstance(caught.value.last, TooFastError)
    assert len(transport.requests) == 1


class Empty(MemoryTransport):
    """A transport that is false as long as it sent no request."""

    def __len__(self) -> int:
        return len(self.requests)


async def test_a_given_part_is_used_though_it_is_false() -> None:
    """A given part is used even if it is false: only ``None`` stands for the default."""
    transport = Empty(lambda _: ratio())
    await RevenueClient("fake-token", transport=transport).get_share_ratio("wx1")
    assert len(transport) == 1


@attrs.frozen
class Elsewhere(AmsRequest[None]):
    """A user's request that lives on one of two paths of its own."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/wxa/a", action="z", alternate="/wxa/b", alternate_on={1736})


async def test_a_pinned_settlement_path_pins_nothing_else() -> None:
    """``settlement_path`` leaves other endpoints with two paths alone."""
    transport = script(refusal(1736), answer(), answer())
    client = RevenueClient("fake-token", transport=transport, settlement_path="/wxa/getdefaultamsinfo")
    await client.send(Elsewhere())
    await client.send(Elsewhere())
    assert [request.url.split("?")[0].rsplit("/", 1)[1] for request in transport.requests] == ["a", "b", "b"]


async def test_a_refusal_proves_a_path_too() -> None:
    """A business answer on the other path is remembered as the path that works."""
    transport = script(refusal(1736), refusal(1735), answer())
    client = RevenueClient("fake-token", transport=transport)
    with pytest.raises(Exception, match="1735"):
        await client.send(Elsewhere())
    await client.send(Elsewhere())
    assert [request.url.split("?")[0].rsplit("/", 1)[1] for request in transport.requests] == ["a", "b", "b"]


async def test_a_successful_call_tells_its_request_id() -> None:
    """The CallEvent of a success has WeChat Pay's Request-ID."""
    told: list[Any] = []
    await pay(
        lambda _: HttpResponse(204, SIGNED, b""), verifier=Trusting(), clock=LeapingClock(1000.0), on_event=told.append
    ).mark_transaction("P20150806")
    assert [event.request_id for event in told if isinstance(event, CallEvent)] == ["R-1"]


async def test_an_echoed_token_is_no_request_id() -> None:
    """A server that sends the token back as Request-ID does not get it into an event."""
    told: list[Any] = []
    transport = MemoryTransport(lambda _: HttpResponse(200, {"Request-ID": "fake-token-echoed"}, b'{"share_ratio":40}'))
    await RevenueClient("fake-token-echoed", transport=transport, on_event=told.append).get_share_ratio("wx1")
    assert_no_leak(*told, secrets=["fake-token-echoed"])


@virtual
async def test_a_client_may_be_closed_within_its_own_call() -> None:
    """A token function that closes its client ends its call.

    It does not wait for itself.
    """

    async def tokens() -> str:
        await client.aclose()
        return "fake-token"

    client = RevenueClient(tokens, transport=MemoryTransport(lambda _: ratio()))
    with pytest.raises(ClientStateError):
        await client.get_share_ratio("wx1")
    assert now() == 0


@pytest.mark.parametrize("fen", [1.5, True, "150"])
def test_yuan_takes_fen_as_int(fen: Any) -> None:
    """``yuan`` takes an int alone; any other type is refused."""
    with pytest.raises(ConfigurationError):
        yuan(fen)


def test_a_context_without_a_floor_is_refused() -> None:
    """A TLS context that permits TLS 1.0 is refused.

    So is one that states no minimum version.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.raises(ConfigurationError, match="TLSv1_2"):
        AiohttpTransport(ssl=context)


def test_endpoints_are_values() -> None:
    """Two endpoints of the same fields are equal."""
    assert GetShareRatio.endpoint == attrs.evolve(GetShareRatio.endpoint)
    assert hash(GetShareRatio.endpoint) == hash(attrs.evolve(GetShareRatio.endpoint))


@attrs.frozen
class OfSomebody(AmsRequest[None]):
    """A request whose author wrote a hook."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/wxa/o", action="o", token=TokenKind.AUTHORIZER)

    def __attrs_post_init__(self) -> None:
        pass


async def test_an_authorizer_must_be_named() -> None:
    """An authorizer's endpoint without its appid is refused before any I/O.

    This holds whatever the class does at construction.
    """
    transport = MemoryTransport(lambda _: answer())
    with pytest.raises(ConfigurationError, match="authorizer_appid"):
        await RevenueClient("fake-token", transport=transport).send(OfSomebody())
    assert not transport.requests


async def test_the_envelope_decides_where_there_is_one() -> None:
    """An unknown code is a plain refusal, on HTTP 503 too.

    Without an envelope the status decides.
    """
    with pytest.raises(Exception, match="99999") as caught:
        await RevenueClient("fake-token", transport=script(answer({"errcode": 99999}, 503))).send(Read())
    assert not isinstance(caught.value, ServerBusyError)
    with pytest.raises(ServerBusyError):
        await RevenueClient("fake-token", transport=script(answer(b"", 503)), retry=ONCE).send(Read())


@pytest.mark.parametrize("code", ["", "NO\nAUTH", "X" * 65, 7, None])
async def test_a_code_that_is_none_is_left_out(code: Any) -> None:
    """A code from WeChat Pay reaches an error's text only if it can be a code."""
    client = pay(lambda _: answer({"code": code, "message": "m"}, 403), verifier=Trusting())
    with pytest.raises(ApiError) as caught:
        await client.mark_transaction("P20150806")
    assert caught.value.code is None
    assert "\n" not in str(caught.value)


def test_the_sandbox_stands_beside_the_client() -> None:
    """The sandbox can be imported from the package's top."""
    import wxrevenue

    assert wxrevenue.Sandbox is Sandbox
