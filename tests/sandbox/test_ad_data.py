"""The sandbox's ad data.

Each way to ask gives the same money. It is revised once, and comes in every documented shape.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Literal

import pytest
from support.provider import TODAY, Provider, code_of
from support.virtual import virtual

from wxrevenue import AdSlot, TokenKind

WEEK: tuple[str, str] = ("2026-03-01", "2026-03-07")


@pytest.mark.parametrize("number", [0, 1, 2])
@virtual
async def test_both_sides_of_the_money(number: int) -> None:
    """A Mini Program's own figures are its part in the provider's.

    Both parts add up to the whole, in every row and in the sum.
    """
    provider = Provider(number)
    whole = await provider.client.get_agency_ads_stat(*WEEK, page_size=1000)
    for row in whole.rows:
        assert row.income == (row.publisher_income or 0) + (row.agency_income or 0)
    for program in provider.programs[:-1]:
        own = await provider.client.authorizer(program).get_adpos_general(*WEEK, page_size=1000)
        theirs = [row for row in whole.rows if row.publisher_appid == program]
        assert [(row.key, row.publisher_income) for row in own.rows] == [(row.key, row.publisher_income) for row in theirs]
        assert own.summary is not None
        assert own.summary.publisher_income == sum(row.publisher_income or 0 for row in own.rows)
    assert whole.summary is not None
    assert whole.summary.income == sum(row.income or 0 for row in whole.rows)
    assert whole.total == len(whole.rows) == len({row.key for row in whole.rows})


@pytest.mark.parametrize("number", [0, 1, 2])
@virtual
async def test_units(number: int) -> None:
    """Units have rows of their own, in an object or an array of one.

    The provider has the same ones.
    """
    provider = Provider(number)
    own = await provider.of(0).get_adpos_detail(*WEEK)
    assert (own.total, len(own.rows), own.summary) == (21, 20, None)
    whole = await provider.client.get_agency_ads_detail(*WEEK, page_size=200)
    theirs = [row for row in whole.rows if row.appid == provider.programs[0]]
    assert [(row.key, row.publisher_income) for row in own.rows] == [(row.key, row.publisher_income) for row in theirs][:20]
    one = await provider.of(0).get_adpos_detail(*WEEK, ad_unit_id=own.rows[0].ad_unit_id)
    assert {row.ad_unit_name for row in one.rows} == {own.rows[0].ad_unit_name}
    assert all(type(row.click_count) is int and row.extra == {} for row in own.rows)


@virtual
async def test_whole_accounts_have_no_slot() -> None:
    """The third provider gets a row for each account and day without slots.

    Where it names a slot, it gets rows by slot.
    """
    third = Provider(2).of(0)
    rows = (await third.get_adpos_general(*WEEK)).rows
    assert [(row.ad_slot, row.slot_id) for row in rows] == [(None, None)] * 7
    day = rows[0].date
    assert day is not None
    slots = [
        (await third.get_adpos_general(day, day, ad_slot=slot)).rows[0]
        for slot in (AdSlot.BANNER, AdSlot.REWARD_VIDEO, AdSlot.INTERSTITIAL)
    ]
    assert sum(row.publisher_income or 0 for row in slots) == rows[0].publisher_income


@virtual
async def test_figures_are_revised_once() -> None:
    """Figures of today are a part; those of yesterday are below the final ones.

    From then on they stay. Tomorrow has none.
    """
    provider = Provider()
    seen: list[int] = []
    for later in range(4):
        provider.sandbox.today = TODAY + timedelta(days=later)
        page = await provider.of(0).get_adpos_general(TODAY, TODAY)
        seen.append(sum(row.publisher_income or 0 for row in page.rows))
    assert seen[0] < seen[1] < seen[2] == seen[3]
    assert (await provider.of(0).get_adpos_general(date(2027, 1, 1), "2027-01-02")).rows == []


@pytest.mark.parametrize("kind", ["component", "authorizer"])
@virtual
async def test_whose_token_is_taken(kind: Literal["component", "authorizer"]) -> None:
    """With one kind of token pinned the other answers 48001.

    An interface that takes an authorizer's token answers 1736 to the component's.
    """
    provider = Provider(ads_token=kind)
    own: dict[str, Any] = {"token": TokenKind.AUTHORIZER, "authorizer_appid": provider.programs[0]}
    refused = {"component": (None, 48001), "authorizer": (48001, None)}[kind]
    found = [await code_of(provider.client.get_agency_ads_stat(*WEEK, **token)) for token in ({}, own)]
    assert tuple(found) == refused
    target = f"/wxa/operationams?action=agency_get_adpos_genenral&access_token={provider.sandbox.component_token(provider.appid)}"
    assert b"1736" in provider.sandbox.handle("POST", target, {}, b"{}").body
