"""Walks over Mini Programs' settlements, ad data and ad units, against a sandbox that caps its pages."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.provider import TODAY, Provider, SandboxTokens
from support.virtual import virtual

from wxrevenue import AdSlot, ConfigurationError, Paginator, RevenueClient, TokenKind
from wxrevenue.sandbox import Trouble
from wxrevenue.testing import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

WEEK = ("2026-03-01", "2026-03-07")
WALKS: dict[str, tuple[str, tuple[str, ...], dict[str, Any], int]] = {
    "iter_settlement": ("get_settlement", ("2024-01-01", "2024-12-31"), {"page_size": 5}, 24),
    "iter_adpos_general": ("get_adpos_general", WEEK, {"page_size": 5}, 21),
    "iter_adpos_detail": ("get_adpos_detail", WEEK, {"page_size": 5}, 21),
    "iter_agency_ads_stat": ("get_agency_ads_stat", WEEK, {"page_size": 10}, 63),
    "iter_agency_ads_detail": ("get_agency_ads_detail", WEEK, {"page_size": 10}, 63),
    "iter_adunit_list": ("get_adunit_list", (), {"page_size": 1}, 3),
}


@pytest.mark.parametrize("name", WALKS)
@virtual
async def test_a_walk_yields_every_row_of_the_list(name: str) -> None:
    """Whatever the page size asked for and the one allowed, whole or resumed, a walk yields what one large page has."""
    method, days, size, count = WALKS[name]
    provider = Provider(trouble=Trouble(page_cap=4))
    one: Any = provider.of(0)
    walk: Callable[..., Paginator[Any]] = getattr(one, name)
    provider.sandbox.trouble = Trouble()
    whole = (await getattr(one, method)(*days, page_size=200)).rows
    assert len(whole) == count
    provider.sandbox.trouble = Trouble(page_cap=4)
    assert await walk(*days, **size).collect() == whole
    first = walk(*days, **size)
    head = await _first(first, count // 2)
    assert head + await walk(*days, **size, cursor=first.cursor).collect() == whole


async def _first(walk: Paginator[Any], count: int) -> list[Any]:
    """Return the first rows of a walk, and end it."""
    rows: list[Any] = []
    async with walk:
        async for row in walk:
            rows.append(row)
            if len(rows) == count:
                break
    return rows


@virtual
async def test_settlements_side_by_side() -> None:
    """Windows of half-months are fetched at once, rows still newest first; slots are checked if asked for."""
    one = Provider().of(0)
    plain = await one.iter_settlement("2024-01-01", "2024-12-31").collect()
    assert await one.iter_settlement("2024-01-01", "2024-12-31", concurrency=4, verify_totals=True).collect() == plain


@virtual
async def test_the_last_days() -> None:
    """``days`` are those that are over: yesterday's row is the first; they go with no dates."""
    provider = Provider()
    last_second = VirtualClock(1_774_022_399.0)  # 2026-03-20 23:59:59 in Beijing
    tokens, transport = SandboxTokens(provider.sandbox, provider.appid), provider.sandbox.transport()
    client = RevenueClient(tokens, transport=transport, clock=last_second).authorizer(provider.programs[0])
    rows = await client.iter_adpos_general(days=3, ad_slot=AdSlot.BANNER).collect()
    assert [row.date for row in rows] == [TODAY - timedelta(days=back) for back in (1, 2, 3)]
    assert {row.appid for row in rows} == {provider.programs[0]}
    last_second.step(1)
    rows = await client.iter_adpos_general(days=1, ad_slot=AdSlot.BANNER).collect()
    assert [row.date for row in rows] == [TODAY]


@virtual
async def test_whose_token() -> None:
    """A walk over the provider's data may take an authorizer's token, and a cursor belongs to one Mini Program."""
    provider = Provider(ads_token="authorizer")
    rows = await provider.of(0).iter_agency_ads_stat(*WEEK, token=TokenKind.AUTHORIZER).collect()
    assert len(rows) == 63
    cursor = provider.of(0).iter_settlement(*WEEK).cursor
    with pytest.raises(ConfigurationError, match="cursor"):
        provider.of(1).iter_settlement(*WEEK, cursor=cursor)


@virtual
async def test_wrong_arguments() -> None:
    """They are refused at once, before the walk."""
    one = Provider().of(0)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "start_date, end_date: expected both of them, or days"),
        ({"start_date": "2026-03-01"}, "start_date, end_date: expected both of them, or days"),
        ({"days": 3, "end_date": date(2026, 3, 1)}, "days: expected days or dates, got both"),
        ({"days": 0}, "days: expected an int, 1 to 3660"),
        ({"days": 3, "page_size": 0}, "GetAdposGeneral.page_size: expected 1 to 10000"),
        ({"days": 3, "prefetch": 9}, "prefetch: expected an int, 0 to 8"),
    ]
    for given, message in wrong:
        with pytest.raises(ConfigurationError) as caught:
            one.iter_adpos_general(**given)
        assert str(caught.value) == message
    with pytest.raises(ConfigurationError, match="takes an authorizer's token"):
        Provider().client.iter_adunit_list()
