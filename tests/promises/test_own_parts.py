"""What a user hands in: types, verifiers, signers and handlers of their own."""

from __future__ import annotations

import asyncio
import enum
from typing import Any, ClassVar

import attrs
import pytest
from support.fakes import answer, ratio
from support.leaks import assert_no_leak
from support.paying import SIGNED, Broken, Trusting, pay, script
from support.virtual import LeapingClock

from wxrevenue import (
    AmsRequest,
    ConfigurationError,
    DecodeError,
    Endpoint,
    HttpRequest,
    HttpResponse,
    MemoryTransport,
    RevenueClient,
    TokenUnavailableError,
)


@attrs.define
class Checked:
    """A result whose class checks more than its fields' types."""

    amount: int = attrs.field(validator=attrs.validators.ge(10))


class Closed(enum.IntEnum):
    """An enum that refuses unknown numbers."""

    ONE = 1


@attrs.frozen
class GetChecked(AmsRequest[Checked]):
    """A user's request with a checked result."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/wxa/x", action="x")


@attrs.frozen
class GetClosed(AmsRequest[dict[str, list[Closed]]]):
    """A user's request with a closed enum."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/wxa/y", action="y")


@pytest.mark.parametrize(
    ("request_", "body"), [(GetChecked(), b'{"amount":4}'), (GetClosed(), b'{"a":[1,777777777]}')], ids=["validator", "enum"]
)
async def test_a_users_result_type_ends_in_our_error(request_: AmsRequest[Any], body: bytes) -> None:
    """An error in a user's result type becomes a DecodeError without the value.

    It may come from a validator or a closed enum.
    """
    with pytest.raises(DecodeError) as caught:
        await RevenueClient("fake-token", transport=script(answer(body))).send(request_)
    assert_no_leak(caught.value, secrets=["777777777"])


async def test_a_broken_verifier_shows_no_body() -> None:
    """An exception of a user's verifier passes only frames without a body in clear."""
    client = pay(lambda _: HttpResponse(200, SIGNED, b'"fake-secret-body"'), verifier=Broken(), clock=LeapingClock(1000.0))
    with pytest.raises(LookupError) as caught:
        await client.mark_transaction("P20150806125346")
    assert_no_leak(caught.value, secrets=["fake-secret-body"])


class Plain:
    """A signer whose method is no coroutine function.

    In some cases it returns no awaitable at all.
    """

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def sign(self, message: bytes) -> Any:
        """Return the given signature."""
        del message
        return self.answer


async def test_a_signer_may_return_any_awaitable_of_bytes() -> None:
    """A signature that cannot be awaited, or is no bytes, is a ConfigurationError."""
    done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    done.set_result(b"signed")

    def handler(_: HttpRequest) -> HttpResponse:
        return HttpResponse(204, SIGNED, b"")

    await pay(handler, verifier=Trusting(), clock=LeapingClock(1000.0), signer=Plain(done)).mark_transaction("P20150806")
    with pytest.raises(ConfigurationError):
        await pay(handler, verifier=Trusting(), signer=Plain(b"signed")).mark_transaction("P20150806")
    text: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    text.set_result("signed")
    with pytest.raises(ConfigurationError):
        await pay(handler, verifier=Trusting(), signer=Plain(text)).mark_transaction("P20150806")


async def test_an_async_handler_must_answer() -> None:
    """A MemoryTransport's async handler must return an HttpResponse.

    The error is the same as for a plain handler.
    """

    async def nothing(_: HttpRequest) -> Any:
        return None

    def none(_: HttpRequest) -> Any:
        return None

    for handler in (nothing, none):
        with pytest.raises(ConfigurationError, match="HttpResponse"):
            await RevenueClient("fake-token", transport=MemoryTransport(handler)).get_share_ratio("wx1")


async def test_a_users_own_error_comes_unchanged() -> None:
    """An error of this package from a user's token function keeps its cause.

    It is not retried.
    """
    asked: list[int] = []
    cause = LookupError("vault")

    async def tokens() -> str:
        asked.append(1)
        error = TokenUnavailableError("x")
        error.retryable = True
        raise error from cause

    with pytest.raises(TokenUnavailableError) as caught:
        await RevenueClient(tokens, transport=MemoryTransport(lambda _: ratio())).get_share_ratio("wx1")
    assert caught.value.__cause__ is cause
    assert asked == [1]
