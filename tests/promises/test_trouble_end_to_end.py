"""Clients against a sandbox in trouble, in process and over real HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.both_ways import EVER, ORDER, TODAY, always, funds, revenue
from support.leaks import assert_no_leak

from wxrevenue import (
    LocalRateLimiter,
)
from wxrevenue._engine.clock import MARGIN_S
from wxrevenue.errors import (
    DecodeError,
    NotSentError,
    OutcomeUnknownError,
    PermissionDeniedError,
    QuotaExceededError,
    ResponseLostError,
    ServerBusyError,
    SignatureError,
    TokenError,
    TooFastError,
)
from wxrevenue.sandbox import Answer, Mishap, Sandbox, Trouble


async def test_too_fast(over_http: bool) -> None:  # noqa: FBT001
    """One of sixteen callers gets 1737: the gate closes for all of them.

    Each has its answer in the end.
    """
    sandbox = Sandbox(today=TODAY)
    sandbox.next(1737, action="get_share_ratio")
    limiter = LocalRateLimiter(cooldown=0.06)
    async with revenue(sandbox, over_http, limiter=limiter) as client:
        ratios = await asyncio.gather(*(client.get_share_ratio(sandbox.components[0]) for _ in range(16)))
    assert [ratio.share_ratio for ratio in ratios] == [50] * 16
    assert sandbox.calls["get_share_ratio", "ok"] == 16
    assert sandbox.calls["get_share_ratio", "1737"] == 1


async def test_too_fast_for_the_deadline(over_http: bool) -> None:  # noqa: FBT001
    """A call whose deadline ends before the gate opens fails at once, with the wait."""
    sandbox = Sandbox(today=TODAY)
    sandbox.next(1737)
    async with revenue(sandbox, over_http, deadline=5.0) as client:
        with pytest.raises(TooFastError) as caught:
            await client.get_share_ratio(sandbox.components[0])
    assert caught.value.retry_after is not None
    assert 55 < caught.value.retry_after <= 60 + MARGIN_S
    assert sum(sandbox.calls.values()) == 1


async def test_spent_quota(over_http: bool) -> None:  # noqa: FBT001
    """A spent quota fails the call, and the next one without a request.

    This lasts until the scope is opened again.
    """
    sandbox = Sandbox(today=TODAY)
    sandbox.next(45009)
    limiter = LocalRateLimiter()
    appid = sandbox.components[0]
    async with revenue(sandbox, over_http, limiter=limiter) as client:
        for _ in range(2):
            with pytest.raises(QuotaExceededError):
                await client.get_share_ratio(appid)
        assert sum(sandbox.calls.values()) == 1
        await limiter.reopen(f"{appid}/-/get_share_ratio")
        assert (await client.get_share_ratio(appid)).share_ratio == 50


@pytest.mark.parametrize(
    "mishap", [Mishap.BUSY, Mishap.SYSTEM, Mishap.DROP_BEFORE, Mishap.DROP_AFTER, Mishap.HTML, Mishap.CUT, Mishap.EXPIRED]
)
async def test_passing_trouble(over_http: bool, mishap: Mishap) -> None:  # noqa: FBT001
    """Passing trouble is not noticed: the ratio is set and read back.

    A walk loses no row.
    """
    sandbox = Sandbox(today=TODAY)
    appid = sandbox.components[0]
    async with revenue(sandbox, over_http) as client:
        sandbox.next(*[mishap] * (1 if mishap is Mishap.EXPIRED else 2))
        await client.set_share_ratio(40)
        sandbox.next(mishap)
        assert (await client.get_share_ratio(appid)).share_ratio == 40
        sandbox.next(None, mishap, None, mishap)
        rows = await client.iter_agency_settlement(*EVER, page_size=50).collect()
    assert sum(row.settled_revenue for row in rows) == sandbox.totals(appid, *EVER).settled_revenue


@pytest.mark.parametrize(
    ("mishap", "read", "write"),
    [
        (Mishap.BUSY, ServerBusyError, ServerBusyError),
        (Mishap.SYSTEM, ServerBusyError, ServerBusyError),
        (Mishap.DROP_AFTER, ResponseLostError, OutcomeUnknownError),
        (Mishap.HTML, DecodeError, DecodeError),
        (Mishap.CUT, DecodeError, DecodeError),
    ],
)
async def test_lasting_trouble(over_http: bool, mishap: Mishap, read: type[Exception], write: type[Exception]) -> None:  # noqa: FBT001
    """Lasting trouble is an error after three attempts.

    A read raises it as it is; a write whose answers were lost has an unknown outcome.
    """
    sandbox = Sandbox(today=TODAY, trouble=always(mishap))
    appid = sandbox.components[0]
    async with revenue(sandbox, over_http) as client:
        with pytest.raises(read) as reading:
            await client.get_share_ratio(appid)
        with pytest.raises(write) as writing:
            await client.set_share_ratio(40)
    errors: list[Any] = [reading.value, writing.value]
    assert [error.attempts for error in errors] == [3, 3]
    assert errors[1].ambiguous
    assert_no_leak(*errors, secrets=[sandbox.component_token(appid)])


async def test_never_reached(over_http: bool) -> None:  # noqa: FBT001
    """A server breaks every connection before it acts.

    In process that is known; over HTTP the call may have acted.
    """
    sandbox = Sandbox(today=TODAY, trouble=Trouble(drop_before=1.0))
    async with revenue(sandbox, over_http) as client:
        with pytest.raises(OutcomeUnknownError if over_http else NotSentError):
            await client.set_share_ratio(40)
    assert sandbox.calls == {("set_share_ratio", "drop_before"): 3}


async def test_fixed_token_expires(over_http: bool) -> None:  # noqa: FBT001
    """A token that cannot be renewed is an error at its first refusal.

    It is not sent a second time.
    """
    sandbox = Sandbox(today=TODAY)
    appid = sandbox.components[0]
    old = sandbox.component_token(appid)
    async with revenue(sandbox, over_http) as client:
        fixed = client.with_options(tokens=old)
        await fixed.get_share_ratio(appid)
        sandbox.expire_token(appid)
        with pytest.raises(TokenError) as caught:
            await fixed.get_share_ratio(appid)
        assert (await client.get_share_ratio(appid)).share_ratio == 50
    assert caught.value.code == 42001
    assert sandbox.calls == {("get_share_ratio", "ok"): 2, ("get_share_ratio", "42001"): 1}
    assert_no_leak(caught.value, secrets=[old])


@pytest.mark.parametrize("mishap", [Mishap.BUSY, Mishap.DROP_BEFORE, Mishap.DROP_AFTER, Mishap.PROBE, 429, 503])
async def test_passing_trouble_with_marks(over_http: bool, mishap: Any) -> None:  # noqa: FBT001
    """A mark is recorded once in passing trouble."""
    sandbox = Sandbox(today=TODAY)
    sandbox.next(mishap, mishap)
    async with funds(sandbox, over_http) as client:
        await client.mark_transaction(ORDER)
    assert len(sandbox.marks) == 1
    assert sum(sandbox.calls.values()) == 3


@pytest.mark.parametrize(
    ("mishap", "kind", "attempts", "marks"),
    [
        (Mishap.UNSIGNED, SignatureError, 1, 1),
        (Mishap.MISSIGNED, SignatureError, 1, 1),
        (Mishap.PROBE, SignatureError, 3, 1),
        (Mishap.DROP_AFTER, OutcomeUnknownError, 3, 1),
        (Mishap.HTML, SignatureError, 1, 1),
        (Mishap.SYSTEM, ServerBusyError, 3, 0),
    ],
)
async def test_lasting_trouble_with_marks(over_http: bool, mishap: Mishap, kind: type[Exception], attempts: int, marks: int) -> None:  # noqa: FBT001
    """An unsigned answer is never success, although the mark was set.

    The error says that the mark may have been set.
    """
    sandbox = Sandbox(today=TODAY, trouble=always(mishap))
    async with funds(sandbox, over_http) as client:
        with pytest.raises(kind) as caught:
            await client.mark_transaction(ORDER)
    error: Any = caught.value
    assert (error.attempts, error.ambiguous, len(sandbox.marks)) == (attempts, True, marks)


async def test_clocks_apart(over_http: bool) -> None:  # noqa: FBT001
    """A server that refuses a request for the local clock's time says so once."""
    sandbox = Sandbox(today=TODAY, now=lambda: 1_000_000_000.0)
    async with funds(sandbox, over_http) as client:
        with pytest.raises(PermissionDeniedError) as caught:
            await client.mark_transaction(ORDER)
    assert (caught.value.code, caught.value.status, caught.value.attempts) == ("SIGN_ERROR", 401, 1)


async def test_gateway_page(over_http: bool) -> None:  # noqa: FBT001
    """T-40: a gateway's web page is an error by its status; none of its text shows."""
    sandbox = Sandbox(today=TODAY)
    page = Answer(502, {"Content-Type": "text/html"}, b"<html>fake-words-of-a-gateway</html>")
    sandbox.next(page, page, page)
    async with revenue(sandbox, over_http) as client:
        with pytest.raises(ServerBusyError) as caught:
            await client.get_share_ratio(sandbox.components[0])
    assert (caught.value.code, caught.value.status) == (None, 502)
    assert_no_leak(caught.value, secrets=["fake-words-of-a-gateway"])
