"""A test's own figures in the sandbox come back as they were put.

Every interface that shows them has them, and no other figures.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import attrs
import pytest
from support.provider import TODAY, Provider, SandboxTokens
from support.virtual import virtual

from wxrevenue import AdRow, ConfigurationError, RevenueClient, Sandbox, Settlement, SettlementStatus, SlotRevenue

RANGE = ("2026-01-01", "2026-03-20")
ROW: dict[str, Any] = {
    "date": "2026-03-05",
    "month": "202602",
    "order": 2,
    "sett_status": 1,
    "settled_revenue": 700,
    "sett_no": "",
    "slot_revenue": [{"slot_id": "SLOT_ID_WEAPP_BANNER", "slot_settled_revenue": 700}],
    "remark": "as it is",
}
VALUE = Settlement(
    "202601",
    1,
    5,
    date=dt.date(2026, 1, 27),
    sett_status=SettlementStatus.PAID,
    sett_no="no1",
    mail_send_cnt=0,
    slot_revenue=[SlotRevenue("SLOT_ID_WEAPP_BANNER", 5)],
)
BY_SLOT = AdRow(
    date=dt.date(2026, 3, 2),
    ad_slot="SLOT_ID_WEAPP_BANNER",
    slot_id=1,
    req_succ_count=10,
    exposure_count=4,
    exposure_rate=Decimal("0.4"),
    click_count=2,
    publisher_income=30,
    agency_income=20,
    income=50,
    ecpm=Decimal("12.5"),
)
BY_UNIT: dict[str, Any] = {"ad_unit_id": "adunit-1", "ad_unit_name": "one", "stat_item": {"date": "2026-03-03", "publisher_income": 7}}
WEEK = ("2026-03-01", "2026-03-07")


@attrs.frozen
class Own:
    """A value with a test's own figures."""

    month: str
    order: int
    settled_revenue: int


@pytest.mark.parametrize("number", [0, 1, 2])
@virtual
async def test_settlements(number: int) -> None:
    """Settlements come back as they were put, as wire dicts or values.

    The last updated comes first, for a provider and a Mini Program. The sums are theirs.
    """
    component = Sandbox(programs=5).components[number]
    program = f"wxa{number:09x}{4:06x}"  # the one that has no publisher account at first
    provider = Provider(number, programs=5, books={component: [VALUE, ROW], program: [ROW, Own("202512", 2, 9), Own("202602", 2, 1)]})
    page = await provider.client.get_agency_settlement(*RANGE)
    assert [row.settled_revenue for row in page.rows] == [700, 5]
    assert (page.rows[1], page.rows[0].extra) == (VALUE, {"remark": "as it is"})
    assert (page.total, page.revenue_all, page.settled_revenue_all) == (2, 705, 5)
    own = await provider.of(4).get_settlement("2025-01-01", "2026-03-20")
    assert [row.settled_revenue for row in own.rows] == [700, 1, 9]
    assert provider.sandbox.totals(program, "2026-02-20", "2026-03-20").settled_revenue == 701
    assert len((await provider.of(0).get_settlement(*RANGE)).rows) == 5  # made up, as before


@virtual
async def test_put_is_the_newer_state() -> None:
    """A settlement that is put replaces its former state, also when it gets a number.

    Another number is another row.
    """
    provider = Provider()
    program = provider.programs[0]
    before = await provider.of(0).get_settlement(*RANGE)
    settled, paid = {"sett_no": "no1", "sett_status": 2}, {"sett_no": "no1", "sett_status": 5}
    for changes in ({}, {"settled_revenue": 701}, settled, paid, {"sett_no": "no2"}):
        provider.sandbox.put(program, {**ROW, **changes})
    after = await provider.of(0).get_settlement(*RANGE)
    rows = [row for row in after.rows if row.key[:2] == ("202602", 2)]
    assert [(row.sett_no, row.settled_revenue, row.sett_status) for row in rows] == [("no1", 700, 5), ("no2", 700, 1)]
    assert [row for row in after.rows if row not in rows] == [row for row in before.rows if row.key[:2] != ("202602", 2)]
    (gone,) = [row for row in before.rows if row.key[:2] == ("202602", 2)]
    assert after.revenue_all == (before.revenue_all or 0) - gone.settled_revenue + 1400
    assert (await provider.of(0).get_adpos_general(*WEEK)).total == 21  # ad data are made up still


@virtual
async def test_an_appid_that_nobody_has() -> None:
    """An unknown appid is one more Mini Program of the first provider.

    Its token works, it is in the list, and its ratio can be read.
    """
    sandbox = Sandbox(today=TODAY, books={"wxmine": []})
    component = sandbox.components[0]
    client = RevenueClient(SandboxTokens(sandbox, component), component, transport=sandbox.transport())
    assert [row async for row in client.iter_settlement(*RANGE, authorizer_appid="wxmine")] == []
    sandbox.put("wxmine", VALUE)
    assert [row async for row in client.iter_settlement(*RANGE, authorizer_appid="wxmine")] == [VALUE]
    assert [row.authorizer_appid async for row in client.iter_authorizer_list()][-1] == "wxmine" == sandbox.programs(component)[-1]
    assert (await client.get_share_ratio("wxmine")).share_ratio == 50


@pytest.mark.parametrize("number", [0, 1, 2])
@virtual
async def test_ad_data(number: int) -> None:
    """Rows by slot and by unit come back for their Mini Program.

    The provider gets them with its name; its other rows are made up.
    """
    program = f"wxa{number:09x}{1:06x}"
    provider = Provider(number, books={program: [BY_SLOT, BY_UNIT, attrs.evolve(BY_SLOT, date=dt.date(2026, 3, 4), slot_id=2)]})
    own = await provider.of(1).get_adpos_general(*WEEK)
    assert [(row.date, row.slot_id, row.income, row.ecpm) for row in own.rows] == [
        (dt.date(2026, 3, 4), 2, 50, Decimal("12.5")),
        (dt.date(2026, 3, 2), 1, 50, Decimal("12.5")),
    ]
    assert own.summary is not None
    assert (own.summary.publisher_income, own.summary.click_count) == (60, 4)
    units = await provider.of(1).get_adpos_detail(*WEEK)
    (unit,) = units.rows
    assert (unit.key, unit.ad_unit_name, unit.publisher_income) == ((dt.date(2026, 3, 3), program, "", "adunit-1"), "one", 7)
    whole = await provider.client.get_agency_ads_stat(*WEEK, page_size=1000)
    assert [row.slot_id for row in whole.rows if row.publisher_appid == program] == [2, 1]
    assert len(whole.rows) > 2
    days = [str(row.date) for row in whole.rows]
    assert days == sorted(days, reverse=True)
    detail = await provider.client.get_agency_ads_detail(*WEEK, page_size=200)
    assert [row.ad_unit_id for row in detail.rows if row.appid == program] == ["adunit-1"]
    provider.sandbox.put(program, attrs.evolve(BY_SLOT, income=60))
    assert [row.income for row in (await provider.of(1).get_adpos_general("2026-03-02", "2026-03-02")).rows] == [60]
    assert (await provider.of(1).get_adpos_general(*WEEK, ad_slot="SLOT_ID_WEAPP_REWARD_VIDEO")).rows == []


@virtual
async def test_a_day_of_ad_data() -> None:
    """A row that is put replaces the made-up rows of its day, by slot or by unit.

    Other days stay as they are.
    """
    provider = Provider()
    before = await provider.of(0).get_adpos_general(*WEEK, page_size=50)
    provider.sandbox.put(provider.programs[0], BY_SLOT)
    after = await provider.of(0).get_adpos_general(*WEEK, page_size=50)
    assert [row for row in after.rows if row.date != BY_SLOT.date] == [row for row in before.rows if row.date != BY_SLOT.date]
    assert [row.slot_id for row in after.rows if row.date == BY_SLOT.date] == [1]
    assert (await provider.of(0).get_adpos_detail(*WEEK)).total == 21


@virtual
async def test_ad_data_of_a_provider() -> None:
    """Rows that are put for the provider name their Mini Programs, known or not.

    The provider has no other rows then.
    """
    rows = [attrs.evolve(BY_SLOT, publisher_appid=appid) for appid in ("wxone", "wxtwo")]
    provider = Provider(books={Sandbox().components[0]: rows})
    found = [row async for row in provider.client.iter_agency_ads_stat(*WEEK)]
    assert {row.publisher_appid for row in found} == {"wxone", "wxtwo"}
    assert [row.slot_id async for row in provider.client.authorizer("wxtwo").iter_adpos_general(*WEEK)] == [1]
    with pytest.raises(ConfigurationError, match=r"Sandbox\.put: expected publisher_appid or appid"):
        provider.sandbox.put(provider.appid, BY_SLOT)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (5, "expected a dict or an attrs value with the wire's names, got int"),
        ({"month": "2026", "order": 1}, "expected a month such as '202603' and an order, 1 or 2"),
        ({"month": "202603", "order": 3}, "expected a month such as '202603' and an order, 1 or 2"),
        ({"income": 5}, "expected a month and an order, or a date such as '2026-03-20'"),
        (AdRow(income=5), "expected a month and an order, or a date such as '2026-03-20'"),
        ({"date": "2026-02-30", "income": 5}, "expected a month and an order, or a date such as '2026-03-20'"),
        ({"ad_unit_id": "adunit-1", "stat_item": []}, "expected a stat_item that is an object, or an array of one"),
        ({"ad_unit_id": "adunit-1", "stat_item": None}, "expected a stat_item that is an object, or an array of one"),
    ],
)
def test_what_is_no_row(row: object, said: str) -> None:
    """A value that is no row, and a row of no half-month or day, are refused by name."""
    with pytest.raises(ConfigurationError, match=said):
        Sandbox().put("wxmine", row)
    with pytest.raises(ConfigurationError, match=said):
        Sandbox(books={"wxmine": [row]})


@pytest.mark.parametrize("appid", ["", None, 5, "wx mine"])
def test_what_is_no_appid(appid: Any) -> None:
    """A wrong appid is refused by name, with rows and without."""
    with pytest.raises(ConfigurationError, match=r"Sandbox\.put\.appid: expected"):
        Sandbox().put(appid, ROW)
    with pytest.raises(ConfigurationError, match=r"Sandbox\.books: expected"):
        Sandbox(books={appid: []})


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({**ROW, "settled_revenue": 7.0}, "settled_revenue"),
        ({**ROW, "settled_revenue": True}, "settled_revenue"),
        ({**ROW, "settled_revenue": Decimal(7)}, "settled_revenue"),
        ({**ROW, "settled_revenue": "700"}, "settled_revenue"),
        ({**ROW, "slot_revenue": [{"slot_id": "x", "slot_settled_revenue": 7.5}]}, "slot_settled_revenue"),
        ({"date": "2026-03-02", "ad_slot": "x", "income": 1.5}, "income"),
        ({"ad_unit_id": "adunit-1", "stat_item": {"date": "2026-03-03", "publisher_income": 0.07}}, "publisher_income"),
    ],
)
def test_money_is_whole_fen(row: dict[str, Any], name: str) -> None:
    """Money that is no whole number of fen is refused by name.

    This holds for rows, slots and units. The books stay as they were.
    """
    sandbox = Sandbox(books={"wxmine": []})
    with pytest.raises(ConfigurationError, match=rf"Sandbox\.put: expected {name} in fen as an int"):
        sandbox.put("wxmine", row)
    assert sandbox.totals("wxmine", *RANGE).settled_revenue == 0


def test_rows_are_copied() -> None:
    """The sandbox copies a row; a later change of the test has no effect."""
    row = {**ROW}
    sandbox = Sandbox(books={"wxmine": [row]})
    row["settled_revenue"] = 0
    assert sandbox.totals("wxmine", *RANGE).settled_revenue == 700
