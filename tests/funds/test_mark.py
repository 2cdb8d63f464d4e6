"""Marking a transaction for funds distribution.

Tested are what is refused before I/O, what is repeated, and what is unknown in the end.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import attrs
import pytest
from support.paykit import NOW, ORDER, client, error, private_pem, signed
from support.virtual import LeapingClock

from wxrevenue import GetShareRatio, HttpResponse, MarkTransaction, PayRequest, RetryPolicy
from wxrevenue._wire.request import Endpoint, Safety
from wxrevenue.errors import (
    ApiError,
    ClientStateError,
    ConfigurationError,
    DecodeError,
    InvalidParameterError,
    NotSentError,
    OutcomeUnknownError,
    PermissionDeniedError,
    ResponseLostError,
    ServerBusyError,
)

LOST = ResponseLostError("fake", reason="reset")
PROBE = "WECHATPAY/SIGNTEST/" + "A" * 336


@attrs.frozen
class Add(PayRequest[None]):
    """A user's own request that must not be made twice."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/v3/fake/add")


@attrs.frozen
class Look(PayRequest[dict[str, Any]]):
    """A user's own read."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/v3/fake/look", safety=Safety.SAFE)


# -- before I/O ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order",
    [
        {"out_trade_no": "12345"},
        {"out_trade_no": "x" * 33},
        {"out_trade_no": "with\nnewline"},
        {"out_trade_no": 123456},
        {"out_trade_no": "\ud800" * 6},
        {"out_trade_no": ORDER, "currency": "HKD"},
        {"out_trade_no": ORDER, "currency": None},
        {"out_trade_no": ORDER, "sub_mchid": ""},
        {"out_trade_no": ORDER, "sub_mchid": "x" * 33},
        {"out_trade_no": ORDER, "sub_mchid": 1},
    ],
    ids=str,
)
async def test_wrong_orders(order: dict[str, Any]) -> None:
    """An order that the server would refuse is refused before anything is sent.

    It is refused at the await and not before.
    """
    funds, transport = client()
    call = funds.mark_transaction(**order)
    with pytest.raises(ConfigurationError, match=r"mark_transaction\."):
        await call
    assert transport.requests == []


async def test_requests_of_the_other_service() -> None:
    """A request to the advertising interfaces cannot be sent to WeChat Pay."""
    funds, transport = client()
    wrong: Any = GetShareRatio(appid="wx1")
    with pytest.raises(ConfigurationError, match="expected a PayRequest, got GetShareRatio"):
        await funds.send(wrong)
    assert transport.requests == []


async def test_default_sub_merchant() -> None:
    """The client's sub-merchant is that of requests that name none.

    It is given only to requests that can have one.
    """
    funds, transport = client(signed(), signed(), signed(), sub_mchid="1900000002")
    await funds.mark_transaction(ORDER)
    await funds.mark_transaction(ORDER, sub_mchid="1900000003")
    await funds.send(Add())
    assert [request.body for request in transport.requests] == [
        b'{"out_trade_no":"%s","currency":"CNY","sub_mchid":"1900000002"}' % ORDER.encode(),
        b'{"out_trade_no":"%s","currency":"CNY","sub_mchid":"1900000003"}' % ORDER.encode(),
        b"{}",
    ]


# -- answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "INVALID_REQUEST", InvalidParameterError),
        (400, "PARAM_ERROR", InvalidParameterError),
        (401, "SIGN_ERROR", PermissionDeniedError),
        (403, "NO_AUTH", PermissionDeniedError),
        (404, "NOT_FOUND", ApiError),
        (302, "", ApiError),
    ],
)
async def test_refusals(status: int, code: str, kind: type[ApiError]) -> None:
    """A refusal is an error with the server's code, status, words and request id.

    It is made once and is not ambiguous.
    """
    funds, transport = client(error(status, code, Request_ID="fake-id"))
    with pytest.raises(kind) as caught:
        await funds.mark_transaction(ORDER)
    assert type(caught.value) is kind
    found = caught.value
    assert (found.code, found.status, found.message, found.request_id) == (code or None, status, "fake", "fake-id")
    assert (found.ambiguous, found.retryable, found.attempts, found.endpoint) == (False, False, 1, "mark")
    assert len(transport.requests) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"code":7,"message":[]}', b'{"detail":{"field":"x"}}'])
async def test_refusals_without_an_envelope(body: bytes) -> None:
    """A refusal with another body than an envelope keeps its status."""
    funds, _ = client(HttpResponse(404, {}, body))
    with pytest.raises(ApiError) as caught:
        await funds.mark_transaction(ORDER)
    assert (caught.value.code, caught.value.status, caught.value.message) == (None, 404, "")
    assert caught.value.detail == ({"field": "x"} if b"detail" in body else None)


async def test_long_words_are_cut() -> None:
    """The server's words enter the error on one line, and are cut."""
    funds, _ = client(HttpResponse(400, {}, b'{"code":"PARAM_ERROR","message":"a\\n b%s"}' % (b"x" * 9999)))
    with pytest.raises(InvalidParameterError) as caught:
        await funds.mark_transaction(ORDER)
    assert caught.value.message.startswith("a bxx")
    assert len(caught.value.message) == 500


async def test_result_of_a_read() -> None:
    """A read returns what the verified body holds."""
    funds, _ = client(signed(b'{"a":1}', 200))
    assert await funds.send(Look()) == {"a": 1}


async def test_body_that_is_no_json() -> None:
    """A signed body that is cut short is asked for again.

    In the end it is a ``DecodeError``.
    """
    funds, transport = client(*[signed(b'{"a":', 200)] * 3)
    with pytest.raises(DecodeError):
        await funds.send(Look())
    assert len(transport.requests) == 3


@pytest.mark.parametrize("body", [b"[]", b"null", b'"ok"', b"0"])
async def test_a_signed_answer_that_is_no_object(body: bytes) -> None:
    """D-19: a signed 200 without the fields of a mark is not success.

    The mark may have been set.
    """
    funds, transport = client(signed(body, 200))
    with pytest.raises(DecodeError) as caught:
        await funds.mark_transaction(ORDER)
    assert caught.value.ambiguous
    assert len(transport.requests) == 1


# -- repetition ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first",
    [LOST, NotSentError("fake", reason="connect"), error(500, "SYSTEM_ERROR"), error(503, "?"), error(408, "?"), signed(status=202)],
    ids=["lost", "not sent", "500", "503", "408", "202"],
)
async def test_repeated_with_the_same_body(first: Any) -> None:
    """S-20: a repeat has the same body and a fresh signature.

    Only errors that may pass are repeated.
    """
    funds, transport = client(first, signed())
    await funds.mark_transaction(ORDER)
    one, two = transport.requests
    assert one.body == two.body
    assert one.headers["Authorization"] != two.headers["Authorization"]


async def test_every_answer_lost() -> None:
    """S-20, R-25: when every answer is lost it is unknown whether the mark was set.

    The error says so.
    """
    funds, transport = client(LOST, NotSentError("fake", reason="connect"), ResponseLostError("last", reason="timeout"))
    with pytest.raises(OutcomeUnknownError) as caught:
        await funds.mark_transaction(ORDER)
    found = caught.value
    assert isinstance(found.last, ResponseLostError)
    assert (found.last.reason, found.ambiguous, found.attempts, found.endpoint) == ("timeout", True, 3, "mark")
    assert len(transport.requests) == 3


async def test_confirmed_meanwhile() -> None:
    """S-20: a repeat that comes too late says that the first attempt may have acted.

    The first answer was lost, so the mark may have been set by it.
    """
    late = HttpResponse(400, {}, b'{"code":"INVALID_REQUEST","message":"the transaction is already confirmed"}')
    for first in (LOST, error(500, "SYSTEM_ERROR"), signed(status=202), signed(b'{"a":', 200), signed(Signature=PROBE)):
        funds, transport = client(first, late)
        with pytest.raises(InvalidParameterError) as caught:
            await funds.mark_transaction(ORDER)
        assert (caught.value.ambiguous, caught.value.attempts, len(transport.requests)) == (True, 2, 2)
    funds, _ = client(NotSentError("fake", reason="connect"), late)
    with pytest.raises(InvalidParameterError) as caught:
        await funds.mark_transaction(ORDER)
    assert not caught.value.ambiguous


async def test_accepted_to_the_end() -> None:
    """When every attempt is answered with 202, the error is a busy server.

    The mark may have been set.
    """
    funds, transport = client(*[signed(status=202, at=str(NOW), nonce=f"n{n}") for n in range(3)])
    with pytest.raises(ServerBusyError) as caught:
        await funds.mark_transaction(ORDER)
    assert (caught.value.status, caught.value.ambiguous, len(transport.requests)) == (202, True, 3)


async def test_once_lost_stays_unknown() -> None:
    """After one lost answer a refusal keeps its class, but the mark may be set.

    A broken connection makes the outcome unknown.
    """
    funds, _ = client(LOST, error(400, "INVALID_REQUEST"))
    with pytest.raises(InvalidParameterError) as caught:
        await funds.mark_transaction(ORDER)
    assert caught.value.ambiguous
    funds, _ = client(LOST, NotSentError("fake", reason="tls"))
    with pytest.raises(OutcomeUnknownError):
        await funds.mark_transaction(ORDER)


async def test_never_sent() -> None:
    """When nothing was ever sent, nothing is unknown."""
    funds, _ = client(*[NotSentError("fake", reason="connect")] * 3)
    with pytest.raises(NotSentError) as caught:
        await funds.mark_transaction(ORDER)
    assert not caught.value.ambiguous


async def test_unsafe_request_is_not_repeated() -> None:
    """A request that must not be made twice is repeated only where nothing was sent."""
    funds, transport = client(NotSentError("fake", reason="connect"), LOST)
    with pytest.raises(OutcomeUnknownError):
        await funds.send(Add())
    assert len(transport.requests) == 2


@pytest.mark.parametrize("code", ["RATE_LIMITED", "RATELIMIT_EXCEEDED", "FREQUENCY_LIMITED", "SOMETHING_NEW"])
async def test_throttled(code: str) -> None:
    """T-43: 429 is waited out with the longer back-off, whatever its code.

    It closes no gate for other calls.
    """
    clock = LeapingClock(NOW)
    funds, transport = client(error(429, code), error(429, code), signed(), signed(), clock=clock)
    await funds.mark_transaction(ORDER)
    assert clock.slept == [1.0, 2.0]
    await funds.mark_transaction(ORDER)
    assert (len(transport.requests), clock.slept) == (4, [1.0, 2.0])


async def test_retry_after() -> None:
    """T-43: the server's own wait is kept, up to what the policy allows."""
    clock = LeapingClock(NOW)
    funds, _ = client(error(429, "RATE_LIMITED", Retry_After="7"), signed(at=str(NOW + 7)), clock=clock)
    await funds.mark_transaction(ORDER)
    assert clock.slept == [7.0]
    funds, _ = client(error(429, "RATE_LIMITED", Retry_After="121"))
    with pytest.raises(ServerBusyError) as caught:
        await funds.mark_transaction(ORDER)
    assert (caught.value.retry_after, caught.value.attempts) == (121, 1)


# -- the client ------------------------------------------------------------------------------------


async def test_clone() -> None:
    """A clone sends on the same transport by other options.

    Closing it closes nothing, and closing the first closes both.
    """
    funds, transport = client(LOST, signed())
    once = funds.with_options(retry=RetryPolicy(max_attempts=1))
    with pytest.raises(OutcomeUnknownError):
        await once.mark_transaction(ORDER)
    await once.aclose()
    await funds.mark_transaction(ORDER)
    assert len(transport.requests) == 2
    await funds.aclose()
    for closed in (funds, once):
        with pytest.raises(ClientStateError):
            await closed.mark_transaction(ORDER)
    wrong: dict[str, Any] = {"mchid": "1"}
    with pytest.raises(ConfigurationError, match="mchid"):
        funds.with_options(**wrong)


async def test_many_at_once() -> None:
    """One client serves many callers, each with its own order, nonce and signature."""
    funds, transport = client(*[signed()] * 40)
    async with funds:
        await asyncio.gather(*(funds.send(MarkTransaction(f"order-{n:04}")) for n in range(40)))
    assert len({request.body for request in transport.requests}) == 40
    assert len({request.headers["Authorization"] for request in transport.requests}) == 40
    assert private_pem().splitlines()[1] not in repr(funds)
