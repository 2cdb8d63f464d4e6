"""Clients against the sandbox, in process and over real HTTP.

The four calls, and their results in trouble.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from support.leaks import assert_no_leak

from wxrevenue import (
    FundsDistributionClient,
    GetShareRatio,
    LocalRateLimiter,
    RetryPolicy,
    RevenueClient,
    StaticVerifier,
)
from wxrevenue._engine.clock import MARGIN_S
from wxrevenue.errors import (
    AccountNotOpenError,
    AgreementUnsignedError,
    DecodeError,
    InvalidParameterError,
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
from wxrevenue.sandbox import Answer, Mark, Mishap, Sandbox, Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

TODAY = dt.date(2025, 6, 20)
EVER = ("2019-01-01", "2025-12-31")
QUICK = RetryPolicy(base=0.001, throttle_base=0.001)
PATIENT = RetryPolicy(base=0.001, throttle_base=0.001, max_attempts=8)
ORDER = "fake-order-0001"


def always(mishap: Mishap) -> Trouble:
    """Return the trouble in which this fault happens to every call."""
    rates: dict[str, Any] = {mishap.value: 1.0}
    return Trouble(**rates)


@pytest.fixture(params=["in process", "over HTTP"])
def over_http(request: pytest.FixtureRequest) -> bool:
    """Run a test in process and over HTTP."""
    return bool(request.param == "over HTTP")


@asynccontextmanager
async def wire(sandbox: Sandbox, over_http: bool) -> AsyncGenerator[dict[str, Any], None]:  # noqa: FBT001
    """Return the settings by which a client reaches the sandbox."""
    if not over_http:
        yield {"transport": sandbox.transport(), "retry": QUICK}
        return
    async with sandbox.serve() as base_url:
        yield {"base_url": base_url, "retry": QUICK}


@asynccontextmanager
async def revenue(sandbox: Sandbox, over_http: bool, number: int = 0, **options: Any) -> AsyncGenerator[RevenueClient, None]:  # noqa: FBT001
    """Return a client of one of the sandbox's providers."""
    appid = sandbox.components[number]
    async with wire(sandbox, over_http) as settings, RevenueClient(sandbox.tokens(appid), appid, **settings, **options) as client:
        yield client


@asynccontextmanager
async def funds(sandbox: Sandbox, over_http: bool, *, serial: int = 1, **options: Any) -> AsyncGenerator[FundsDistributionClient, None]:  # noqa: FBT001
    """Return a client of the sandbox's merchant.

    It knows the public key of WeChat Pay (1) or its certificate (0).
    """
    merchant = sandbox.merchant
    known = StaticVerifier(dict([list(merchant.platform_keys.items())[serial]]))
    async with wire(sandbox, over_http) as settings:
        both = {**settings, **options}
        async with FundsDistributionClient(merchant.mchid, merchant.serial_no, merchant.private_key, verifier=known, **both) as client:
            yield client


# -- nothing goes wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 2])
async def test_share_ratio(over_http: bool, number: int) -> None:  # noqa: FBT001
    """A ratio that was set is the default at once, in all envelopes.

    It is in force for a Mini Program when its merchant agreed.
    """
    sandbox = Sandbox(today=TODAY)
    appid = sandbox.components[number]
    program = sandbox.programs(appid)[0]
    async with revenue(sandbox, over_http, number) as client:
        await client.set_share_ratio(Decimal("37.5"))
        assert (await client.get_share_ratio(appid)).share_ratio == Decimal("37.5")
        assert (await client.get_share_ratio(program)).share_ratio == 50
        sandbox.confirm_ratio(appid)
        ratio = await client.send(GetShareRatio(appid=program))
    assert (ratio.share_ratio, ratio.merchant_ratio) == (Decimal("37.5"), Decimal("62.5"))


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize(("size", "cap", "prefetch"), [(20, None, 1), (7, None, 0), (50, 13, 4)])
async def test_reconciled_to_the_fen(over_http: bool, number: int, size: int, cap: int | None, prefetch: int) -> None:  # noqa: FBT001
    """A streamed range has the rows of the books and the same sum in fen.

    This holds for all pages.
    """
    sandbox = Sandbox(today=TODAY, trouble=Trouble(page_cap=cap))
    async with revenue(sandbox, over_http, number) as client:
        rows = await client.iter_agency_settlement(*EVER, page_size=size, prefetch=prefetch).collect()
    books = sandbox.totals(sandbox.components[number], *EVER)
    assert (len(rows), sum(row.settled_revenue for row in rows)) == (books.rows, books.settled_revenue)
    assert all(sum(slot.slot_settled_revenue for slot in row.slot_revenue) == row.settled_revenue for row in rows)
    days = [row.date for row in rows if row.date is not None]
    assert len(days) == len({row.key[:2] for row in rows}) == len(rows)
    assert days == sorted(days, reverse=True)


async def test_reconciled_with_several_rows_to_a_half_month(over_http: bool) -> None:  # noqa: FBT001
    """Half-months with three rows each are reconciled too.

    Rows of a half-month that have no number yet share an answer.
    """
    sandbox = Sandbox(today=TODAY)
    async with revenue(sandbox, over_http, 2) as client:
        rows = await client.iter_agency_settlement(*EVER, page_size=20).collect()
    books = sandbox.totals(sandbox.components[2], *EVER)
    assert (len(rows), sum(row.settled_revenue for row in rows)) == (books.rows, books.settled_revenue)


async def test_range_without_settlements(over_http: bool) -> None:  # noqa: FBT001
    """A range before the books began has no rows: a missing list is an empty list."""
    async with revenue(Sandbox(today=TODAY), over_http) as client:
        page = await client.get_agency_settlement("2001-01-01", "2001-12-31")
        assert (page.settlement_list, page.total_num) == ([], 0)
        assert await client.iter_agency_settlement("2001-01-01", "2001-12-31").collect() == []


@pytest.mark.parametrize("path", ["/wxa/operationams", "/wxa/getdefaultamsinfo"])
async def test_settlements_on_either_path(over_http: bool, path: Any) -> None:  # noqa: FBT001
    """The path of the settlements is found by one more request at most.

    The client and its clones remember it.
    """
    sandbox = Sandbox(today=TODAY, settlement_path=path)
    async with revenue(sandbox, over_http) as client:
        for one in (client, client, client.with_options(deadline=5.0)):
            assert (await one.get_agency_settlement(*EVER)).total_num == 144
    wrong = sandbox.calls["get_agency_settled_revenue", "1736"]
    assert wrong == (path != "/wxa/operationams")
    assert sandbox.calls["get_agency_settled_revenue", "ok"] == 3


@pytest.mark.parametrize("serial", [0, 1])
async def test_mark(over_http: bool, serial: int) -> None:  # noqa: FBT001
    """Marks reach the merchant's books, with signatures checked both ways.

    This holds under a certificate's serial and under a public key's.
    """
    sandbox = Sandbox(today=TODAY)
    sub = sandbox.merchant.sub_mchids[0]
    async with funds(sandbox, over_http, serial=serial) as client:
        await client.mark_transaction(ORDER)
        await client.mark_transaction(ORDER, sub_mchid=sub)
        await client.mark_transaction(ORDER)
    assert sandbox.marks == tuple(Mark(out_trade_no=ORDER, sub_mchid=one, currency="CNY") for one in (None, sub))


# -- the server says no ----------------------------------------------------------------------------


async def test_refusals(over_http: bool) -> None:  # noqa: FBT001
    """Each refusal has its class, and none shows the token."""
    sandbox = Sandbox(today=TODAY)
    appid = sandbox.components[0]
    closed = sandbox.component_without_account
    caught: list[BaseException] = []
    async with revenue(sandbox, over_http) as client:
        for kind, one, asked in [
            (AgreementUnsignedError, client, sandbox.unsigned_program(appid)),
            (InvalidParameterError, client, "wx-of-somebody-else"),
            (AccountNotOpenError, client.with_options(tokens=sandbox.tokens(closed), component_appid=closed), closed),
            (PermissionDeniedError, client.with_options(tokens=sandbox.authorizer_token("wx1")), appid),
            (TokenError, client.with_options(tokens="fake-token-of-nobody"), appid),
        ]:
            with pytest.raises(kind) as error:
                await one.get_share_ratio(asked)
            caught.append(error.value)
    assert_no_leak(*caught, secrets=["fake-token-of-nobody", sandbox.component_token(appid), sandbox.authorizer_token("wx1")])


async def test_refused_marks(over_http: bool) -> None:  # noqa: FBT001
    """A mark that is too late, or for a foreign sub-merchant, is refused.

    Each is sent once.
    """
    sandbox = Sandbox(today=TODAY)
    sandbox.confirm_transaction(ORDER)
    async with funds(sandbox, over_http) as client:
        with pytest.raises(InvalidParameterError):
            await client.mark_transaction(ORDER)
        with pytest.raises(PermissionDeniedError) as caught:
            await client.mark_transaction("fake-order-0002", sub_mchid="1999999999")
        assert caught.value.request_id
    assert sandbox.marks == ()
    assert sum(sandbox.calls.values()) == 2


# -- trouble ---------------------------------------------------------------------------------------


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


# -- many at once ----------------------------------------------------------------------------------


async def test_many_providers_on_one_client(over_http: bool) -> None:  # noqa: FBT001
    """Clones for several providers, side by side, in passing trouble.

    Each gets its own books and no rows of another provider.
    """
    sandbox = Sandbox(today=TODAY, components=9, years=1, trouble=Trouble(busy=0.05, drop_after=0.05, expired=0.05))
    async with revenue(sandbox, over_http) as client:

        async def total(appid: str) -> tuple[int, int]:
            one = client.with_options(tokens=sandbox.tokens(appid), component_appid=appid, retry=PATIENT)
            rows = await one.iter_agency_settlement(*EVER, page_size=24).collect()
            return len(rows), sum(row.settled_revenue for row in rows)

        mine = [appid for n, appid in enumerate(sandbox.components) if n % 3 != 2]
        found = dict(zip(mine, await asyncio.gather(*map(total, mine)), strict=True))
    books = {appid: sandbox.totals(appid, *EVER) for appid in mine}
    assert found == {appid: (one.rows, one.settled_revenue) for appid, one in books.items()}


async def test_walk_left_early(over_http: bool) -> None:  # noqa: FBT001
    """A walk that is left early gives its connections back.

    The client goes on, and closes without waiting.
    """
    sandbox = Sandbox(today=TODAY)
    async with revenue(sandbox, over_http) as client:
        async with client.iter_agency_settlement(*EVER, page_size=5, prefetch=4) as walk:
            async for row in walk:
                assert row.month == "202506"
                break
        assert (await client.get_share_ratio(sandbox.components[0])).share_ratio == 50
    assert sandbox.calls["get_agency_settled_revenue", "ok"] <= 5
