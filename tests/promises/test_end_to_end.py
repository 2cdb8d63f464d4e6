"""Clients against the sandbox, in process and over real HTTP: the four calls."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from support.both_ways import EVER, ORDER, PATIENT, TODAY, funds, revenue
from support.leaks import assert_no_leak

from wxrevenue import (
    GetShareRatio,
)
from wxrevenue.errors import (
    AccountNotOpenError,
    AgreementUnsignedError,
    InvalidParameterError,
    PermissionDeniedError,
    TokenError,
)
from wxrevenue.sandbox import Mark, Sandbox, Trouble

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
