"""What type checkers must infer, and what they must refuse.

It is never run: mypy and pyright read it. A wrong call carries an ignore; when a checker stops
objecting to the call, the ignore becomes unused, and that is an error.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, assert_type

import attrs

from wxrevenue import (
    ADVERTISING_PERMISSION,
    AdPage,
    AdRow,
    AdSlot,
    Adunit,
    AdunitStatus,
    AmsRequest,
    ApiError,
    Authorization,
    BlockedAdvertiser,
    CreatedAdunit,
    DistributionOrder,
    DistributionReceiver,
    Endpoint,
    FundsDistributionClient,
    GetAgencySettlement,
    GetShareRatio,
    HalfMonth,
    MarkTransaction,
    NotSentError,
    Outcome,
    Paginator,
    PayRequest,
    PublisherState,
    RatioPlan,
    RatioResult,
    RatioStatus,
    RemainingAmount,
    RevenueClient,
    Safety,
    SetShareRatio,
    Settlement,
    SettlementDetail,
    SettlementPage,
    SettlementStatus,
    ShareRatio,
    SlotRevenue,
    Sweep,
    Tmpl,
    TokenKind,
    apply_ratios,
    beijing_date,
    half_months,
    last_final_half_month,
    open_publishers,
    plan_ratios,
    ratio_status,
    sweep,
    sweep_authorizer_settlements,
    sweep_half_months,
    sweep_settlements,
    yuan,
)

# -- requests of a user's own ----------------------------------------------------------------------


@attrs.frozen
class GetSettlement(AmsRequest[SettlementPage]):
    """An interface that the package does not ship."""

    endpoint: ClassVar[Endpoint] = Endpoint(
        path="/wxa/operationams", action="agency_get_settlement", token=TokenKind.AUTHORIZER, safety=Safety.SAFE
    )
    start_date: str = attrs.field(converter=beijing_date)


@attrs.define
class Balance:
    """A result that is no model of the package."""

    amount: int


@attrs.frozen
class GetBalance(PayRequest[Balance]):
    """A request to WeChat Pay that the package does not ship."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/v3/global/profit-sharing/refunds/refundable-balance", method="GET", safety=Safety.SAFE)


# -- a whole fleet ---------------------------------------------------------------------------------


async def fleets_infer_their_rows(client: RevenueClient, appids: list[str], wanted: dict[str, int]) -> None:
    """Infer rows, plan and results.

    A mapping may have the default's ``None`` or not.
    """
    found = [assert_type(status, RatioStatus) async for status in ratio_status(client, appids)]
    assert_type(plan_ratios(wanted, found), RatioPlan)
    assert_type(plan_ratios({"wx1": 40, None: Decimal(45)}, found), RatioPlan)
    async with aclosing(apply_ratios(client, plan_ratios(wanted, found))) as results:
        async for result in results:
            assert_type(result, RatioResult)
    async for row in open_publishers(client, appids):
        assert_type(row.state, PublisherState | None)
    assert_type(await client.publisher_state("wx1"), PublisherState)
    assert_type(await client.ensure_adunit(name="Rewarded", type=AdSlot.REWARD_VIDEO), Adunit)
    await client.ensure_adunit("Rewarded", type=AdSlot.REWARD_VIDEO)  # type: ignore[call-arg]
    plan_ratios({"wx1": 40.0}, found)  # type: ignore[dict-item]
    ratio_status(client, 5)  # type: ignore[arg-type]


# -- sending ---------------------------------------------------------------------------------------


async def send_infers_the_result(client: RevenueClient, funds: FundsDistributionClient) -> None:
    """Infer the result from the request's own type, without an overload."""
    assert_type(await client.send(GetShareRatio("wx1")), ShareRatio)
    assert_type(await client.send(GetShareRatio(appid="wx1")), ShareRatio)
    assert_type(await client.send(SetShareRatio(Decimal("40.5"))), None)
    assert_type(await client.send(GetAgencySettlement("2020-01-01", date(2020, 12, 31), page=2)), SettlementPage)
    assert_type(await client.send(GetSettlement(date(2020, 1, 1), authorizer_appid="wx1")), SettlementPage)
    assert_type(await funds.send(MarkTransaction("P20150806125346")), None)
    assert_type(await funds.send(GetBalance()), Balance)


async def services_do_not_mix(client: RevenueClient, funds: FundsDistributionClient) -> None:
    """Refuse the other service's requests, and objects that are no request."""
    await client.send(MarkTransaction("P20150806125346"))  # type: ignore[arg-type]
    await client.send(GetBalance())  # type: ignore[arg-type]
    await funds.send(GetShareRatio("wx1"))  # type: ignore[arg-type]
    await client.send("get_share_ratio")  # type: ignore[arg-type]
    await client.send(GetShareRatio)  # type: ignore[arg-type]


# -- shortcuts -------------------------------------------------------------------------------------


async def shortcuts_infer_the_result(client: RevenueClient, funds: FundsDistributionClient) -> None:
    """Infer a shortcut's parameters, defaults and result from its request.

    Each interface is one line.
    """
    assert_type(await client.get_share_ratio("wx1"), ShareRatio)
    assert_type(await client.get_share_ratio(appid="wx1"), ShareRatio)
    assert_type(await client.set_share_ratio(40), None)
    assert_type(await client.set_share_ratio(Decimal("40.5")), None)
    assert_type(await client.get_agency_settlement("2020-03-01", "2020-03-16"), SettlementPage)
    assert_type(await client.get_agency_settlement(date(2020, 3, 1), "2020-03-16", page=1, page_size=20), SettlementPage)
    assert_type(await funds.mark_transaction("P20150806125346"), None)
    assert_type(await funds.query_remaining_amount("42"), RemainingAmount)
    assert_type(await funds.wait_until_finished("D-1", transaction_id="42"), DistributionOrder)
    share = DistributionReceiver("MERCHANT_ID", "19", 1, "share")
    order = await funds.request_distribution(transaction_id="42", out_order_no="D-1", unfreeze_unsplit=False, receivers=[share])
    assert_type(order, DistributionOrder)
    assert_type(funds.iter_settlement_details("SETTLED", "2026-01-01", "2026-01-02"), Paginator[SettlementDetail])
    assert_type(await funds.mark_transaction(out_trade_no="P20150806125346", currency="CNY", sub_mchid="1"), None)


async def shortcuts_refuse_wrong_arguments(client: RevenueClient, funds: FundsDistributionClient) -> None:
    """Refuse what the request's constructor would refuse."""
    await client.get_share_ratio()  # type: ignore[call-arg]
    await client.get_share_ratio(5)  # type: ignore[arg-type]
    await client.get_share_ratio("wx1", "wx2")  # type: ignore[call-arg]
    await client.get_share_ratio(app_id="wx1")  # type: ignore[call-arg]
    await client.set_share_ratio("40")  # type: ignore[arg-type]
    await client.set_share_ratio(40.5)  # type: ignore[arg-type]
    await client.get_agency_settlement("2020-03-01")  # type: ignore[call-arg]
    await client.get_agency_settlement(20200301, "2020-03-16")  # type: ignore[arg-type]
    await client.get_agency_settlement("2020-03-01", "2020-03-16", page="1")  # type: ignore[arg-type]
    await client.get_agency_settlement("2020-03-01", "2020-03-16", pages=1)  # type: ignore[call-arg]
    await funds.mark_transaction(5)  # type: ignore[arg-type]
    await funds.mark_transaction("P20150806125346", sub_mchid=5)  # type: ignore[arg-type]


def requests_refuse_wrong_arguments() -> None:
    """Refuse the same in the requests themselves, which are frozen."""
    GetShareRatio()  # type: ignore[call-arg]
    GetShareRatio(5)  # type: ignore[arg-type]
    SetShareRatio(40.5)  # type: ignore[arg-type]
    GetAgencySettlement(5, "2020-03-16")  # type: ignore[arg-type]
    GetSettlement("2020-01-01", "wx1")  # type: ignore[call-arg]
    GetShareRatio("wx1").appid = "wx2"  # type: ignore[misc]
    assert_type(GetAgencySettlement(date(2020, 1, 1), "2020-12-31").start_date, str)


async def methods_for_mini_programs(client: RevenueClient) -> None:
    """Keep types through a clone for one Mini Program.

    Values are taken where the wire has strings, and members where it has names.
    """
    one = client.authorizer("wx1")
    assert_type(one, RevenueClient)
    assert_type(await one.get_settlement("2024-01-01", date(2024, 1, 31)), SettlementPage)
    assert_type(await client.get_settlement("2024-01-01", "2024-01-31", authorizer_appid="wx1"), SettlementPage)
    assert_type(await client.set_custom_share_ratio("wx1", share_ratio=40), None)
    assert_type(await one.set_cover_adpos_scene([1000, 1001]), None)
    assert_type(await one.set_black_list(1, list=[BlockedAdvertiser(1, "gh_1"), {"type": 2, "id": "414478124"}]), None)
    assert_type(await one.set_ams_category_black_list(["CHESS"]), None)
    assert_type(await one.agency_create_adunit("n", type=AdSlot.BANNER), CreatedAdunit)
    assert_type(await one.agency_update_adunit("n", ad_unit_id="u", status=AdunitStatus.OFF), None)
    assert_type((await one.get_adpos_general("2024-01-01", "2024-01-31")).list, list[AdRow])
    assert_type(await client.get_agency_ads_stat("2024-01-01", "2024-01-31", token="component"), AdPage)
    assert_type(await client.query_auth("code"), Authorization)
    assert_type((await client.query_auth("code")).grants(ADVERTISING_PERMISSION), bool)
    assert_type(one.iter_adpos_general(days=3), Paginator[AdRow])
    assert_type(one.iter_settlement("2024-01-01", "2024-01-31"), Paginator[Settlement])
    assert_type(one.iter_adunit_list(), Paginator[Adunit])
    assert_type(one.iter_agency_tmpl_id_list(AdSlot.TEMPLATE, is_return_tmpl_bind_list=True), Paginator[Tmpl])
    await client.set_custom_share_ratio("wx1", 40)  # type: ignore[call-arg]
    await client.get_share_ratio("wx1", authorizer_appid="wx1")  # type: ignore[call-arg]
    await client.get_agency_settlement("2024-01-01", "2024-01-31", authorizer_appid="wx1")  # type: ignore[call-arg]
    await client.query_auth("code", authorizer_appid=None)  # type: ignore[call-arg]
    SetShareRatio(40, authorizer_appid="wx1")  # type: ignore[call-arg]
    await one.set_black_list(1, list="[]")  # type: ignore[arg-type]
    await one.get_adpos_general("2024-01-01")  # type: ignore[call-arg]
    client.authorizer(5)  # type: ignore[arg-type]


def ad_data_know_their_fields(row: AdRow) -> None:
    """Know that money and counts are ``int`` and rates ``Decimal``.

    All may be missing.
    """
    assert_type(row.publisher_income, int | None)
    assert_type(row.click_count, int | None)
    assert_type(row.ecpm, Decimal | None)
    assert_type(row.date, date | None)


# -- walking ---------------------------------------------------------------------------------------


async def walks_give_rows(client: RevenueClient) -> None:
    """Know the type of a walk's rows, by row and by page."""
    async for row in client.iter_agency_settlement("2020-01-01", date(2020, 12, 31), page_size=20):
        assert_type(row, Settlement)
    walk = client.iter_agency_settlement(date(2020, 1, 1), "2020-12-31", prefetch=0)
    assert_type(walk, Paginator[Settlement])
    assert_type(walk.by_page(), AsyncGenerator[list[Settlement], None])
    assert_type(await walk.collect(), list[Settlement])
    assert_type(walk.revisions, list[Settlement])
    assert_type(walk.cursor, str)
    assert_type(walk.resumed(), Paginator[Settlement])
    assert_type(half_months("2020-01-01", date(2020, 1, 31)), list[HalfMonth])
    assert_type(last_final_half_month().shifted(-1).start, date)
    client.iter_agency_settlement("2020-01-01", "2020-12-31", concurrency=4, cursor=walk.cursor, verify_totals=True)
    client.iter_agency_settlement("2020-01-01", "2020-12-31", cursor=7)  # type: ignore[arg-type]
    async with walk as entered:
        assert_type(entered, Paginator[Settlement])
    client.iter_agency_settlement("2020-01-01")  # type: ignore[call-arg]
    client.iter_agency_settlement(20200101, "2020-12-31")  # type: ignore[arg-type]


def models_know_their_fields(page: SettlementPage, row: Settlement, ratio: ShareRatio) -> None:
    """Know that money is ``int`` and percent ``Decimal``.

    What may be missing is optional.
    """
    assert_type(page.settlement_list, list[Settlement])
    assert_type(page.total_num, int | None)
    assert_type(page.revenue_all, int | None)
    assert_type(page.extra, dict[str, Any])
    assert_type(row.settled_revenue, int)
    assert_type(row.date, date | None)
    assert_type(row.sett_status, SettlementStatus | None)
    assert_type(row.slot_revenue, list[SlotRevenue])
    assert_type(row.period, tuple[date, date])
    assert_type(row.key, tuple[str, int, str])
    assert_type(row.supersedes, tuple[str, int, str] | None)
    assert_type(row.is_settled, bool)
    assert_type(ratio.share_ratio, Decimal)
    assert_type(ratio.merchant_ratio, Decimal)
    assert_type(yuan(row.settled_revenue), Decimal)
    assert_type(beijing_date(date(2020, 1, 1)), str)
    yuan(0.5)  # type: ignore[arg-type]
    row.settled_revenu  # type: ignore[attr-defined]  # noqa: B018


# -- making clients --------------------------------------------------------------------------------


# -- plugs -----------------------------------------------------------------------------------------


async def sweeps_keep_jobs_and_values_apart(client: RevenueClient, appids: list[str], days: AsyncGenerator[date]) -> None:
    """Know the type of a job and of its result.

    The result is a value, or a page where the call gives a walk.
    """
    assert_type(sweep(client.get_share_ratio, appids), Sweep[str, ShareRatio])
    async for outcome in sweep(client.get_share_ratio, appids, concurrency=4):
        assert_type(outcome, Outcome[str, ShareRatio])
        assert_type(outcome.value, ShareRatio | None)
        assert_type(outcome.result(), ShareRatio)
        assert_type(outcome.job, str)
        assert_type(outcome.cursor, str | None)

    def walk(day: date) -> Paginator[Settlement]:
        return client.iter_agency_settlement(day, day)

    async def walk_later(day: date) -> Paginator[Settlement]:
        return walk(day)

    assert_type(sweep(walk, days), Sweep[date, list[Settlement]])
    assert_type(sweep(walk_later, days), Sweep[date, list[Settlement]])
    assert_type(sweep_settlements(lambda _: client, appids, "2024-01-01", "2024-12-31"), Sweep[str, list[Settlement]])
    assert_type(sweep_authorizer_settlements(client, ["wx"], "2024-01-01", "2024-12-31"), Sweep[str, list[Settlement]])
    assert_type(sweep_half_months(client, "2024-01-01", "2024-12-31", ordered=True), Sweep[HalfMonth, list[Settlement]])
    sweep(client.get_share_ratio, [1, 2])  # type: ignore[arg-type]
    sweep(walk, days, concurency=3)  # type: ignore[call-overload]
    sweep_settlements(lambda _: client, appids, "2024-01-01", "2024-12-31", order=True)  # type: ignore[call-arg]


def errors_have_typed_facts(error: ApiError) -> None:
    """Read facts without a cast; know that a reason is one of the documented ones."""
    assert_type(error.code, int | str | None)
    assert_type(error.status, int)
    assert_type(error.retry_after, float | None)
    assert_type(error.retryable, bool)
    assert_type(error.attempts, int | None)
    assert_type(error.meaning, str | None)
    NotSentError("x", reason="dns")
    NotSentError("x", reason="weather")  # type: ignore[arg-type]
    NotSentError("x")  # type: ignore[call-arg]
