"""Walks over Mini Programs' settlements, ad data and ad units.

The sandbox caps its pages.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from support.fakes import COMPONENT, ams_client, answer
from support.provider import TODAY, Provider, SandboxTokens
from support.virtual import virtual

from wxrevenue import (
    AdSlot,
    AmsRequest,
    ConfigurationError,
    HttpRequest,
    HttpResponse,
    MemoryTransport,
    Paginator,
    RevenueClient,
    TokenKind,
    ams,
)
from wxrevenue._wire.request import result_of
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
    "iter_agency_tmpl_id_list": ("get_agency_tmpl_id_list", ("SLOT_ID_WEAPP_TEMPLATE",), {"page_size": 1}, 2),
}


@pytest.mark.parametrize("name", WALKS)
@virtual
async def test_a_walk_yields_every_row_of_the_list(name: str) -> None:
    """A walk yields what one large page has, whole or resumed.

    This holds for any page size asked for and any size allowed.
    """
    method, first_arguments, size, count = WALKS[name]
    provider = Provider(trouble=Trouble(page_cap=4))
    one: Any = provider.of(0)
    walk: Callable[..., Paginator[Any]] = getattr(one, name)
    provider.sandbox.trouble = Trouble()
    whole = (await getattr(one, method)(*first_arguments, page_size=200)).rows
    assert len(whole) == count
    provider.sandbox.trouble = Trouble(page_cap=4)
    assert await walk(*first_arguments, **size).collect() == whole
    first = walk(*first_arguments, **size)
    head = await _first(first, count // 2)
    assert head + await walk(*first_arguments, **size, cursor=first.cursor).collect() == whole


def test_every_list_has_a_walk() -> None:
    """There is a walk for each interface of which a page has rows."""
    requests: list[Any] = [
        kind for kind in (getattr(ams, name) for name in dir(ams)) if isinstance(kind, type) and issubclass(kind, AmsRequest)
    ]
    paged = {kind.__name__ for kind in requests if hasattr(result_of(kind), "rows")}
    assert {name.removeprefix("iter_").replace("_", "") for name in dir(RevenueClient) if name.startswith("iter_")} == {
        name.removeprefix("Get").lower() for name in paged
    }


async def _first(walk: Paginator[Any], count: int) -> list[Any]:
    """Return the first rows of a walk, and end it."""
    rows: list[Any] = []
    async with walk:
        async for row in walk:
            rows.append(row)
            if len(rows) == count:
                break
    return rows


@pytest.mark.parametrize("method", ["iter_adpos_general", "iter_adpos_detail", "iter_agency_ads_stat", "iter_agency_ads_detail"])
@virtual
async def test_long_ranges_of_ad_data(method: str) -> None:
    """A range of 200 days is asked for in pieces of 90, the newest first.

    Every row comes. A walk that ended between two pieces is resumed there.
    """
    provider, asked = Provider(), list[tuple[str, str]]()

    def serve(request: HttpRequest) -> HttpResponse:
        query = orjson.loads(request.body)
        asked.append((query["start_date"], query["end_date"]))
        found = provider.sandbox.handle("POST", request.wire_url().removeprefix("https://api.weixin.qq.com"), {}, request.body)
        return HttpResponse(found.status, found.headers, found.body)

    tokens = SandboxTokens(provider.sandbox, provider.appid)
    one: Any = RevenueClient(tokens, transport=MemoryTransport(serve)).authorizer(provider.programs[0])
    days = ("2025-09-02", "2026-03-20")
    rows = await getattr(one, method)(*days).collect()
    assert list(dict.fromkeys(asked)) == [("2025-12-21", "2026-03-20"), ("2025-09-22", "2025-12-20"), ("2025-09-02", "2025-09-21")]
    assert len({row.key for row in rows}) == len(rows) == 200 * (3 if method.startswith("iter_adpos") else 9)
    assert [row.date for row in rows] == sorted((row.date for row in rows), reverse=True)
    first = getattr(one, method)(*days)
    assert await _first(first, 350) + await getattr(one, method)(*days, cursor=first.cursor).collect() == rows
    asked.clear()
    await getattr(one, method)("2025-12-21", "2026-03-20").collect()
    assert set(asked) == {("2025-12-21", "2026-03-20")}


def listed(count: int, cap: int, asked: list[tuple[int, int]]) -> Callable[[HttpRequest], HttpResponse]:
    """Return a server of so many Mini Programs, at most ``cap`` to an answer."""

    def serve(request: HttpRequest) -> HttpResponse:
        query = orjson.loads(request.body)
        asked.append((query["offset"], query["count"]))
        assert query["component_appid"] == COMPONENT
        appids = [f"wx-{number}" for number in range(count)][query["offset"] :][: min(query["count"], cap)]
        rows = [{"authorizer_appid": appid, "refresh_token": "fake-refresh", "auth_time": 1} for appid in appids]
        return answer({"total_count": count, "list": rows})

    return serve


@pytest.mark.parametrize(("cap", "offsets"), [(500, [0, 100, 200]), (40, [*range(0, 241, 40)])])
@pytest.mark.parametrize("prefetch", [0, 3])
@virtual
async def test_authorizers_by_offset(cap: int, offsets: list[int], prefetch: int) -> None:
    """Offsets follow the rows that came.

    This holds where a server lists fewer than asked for. A walk that is resumed repeats no row.
    """
    asked = list[tuple[int, int]]()
    client, _ = ams_client(handler=listed(230, cap, asked))
    appids = [f"wx-{number}" for number in range(230)]
    assert [row.authorizer_appid for row in await client.iter_authorizer_list(prefetch=prefetch).collect()] == appids
    assert sorted(asked)[: len(offsets)] == [(offset, 100) for offset in offsets[:6]]
    for stop in (1, 45, 100, 150, 230):
        first = client.iter_authorizer_list(prefetch=prefetch)
        head = await _first(first, stop)
        asked.clear()
        rest = await client.iter_authorizer_list(prefetch=prefetch, cursor=first.cursor).collect()
        assert [row.authorizer_appid for row in head + rest] == appids
        assert min(asked)[0] == (stop - 1) // min(cap, 100) * min(cap, 100)


@virtual
async def test_authorizers_of_nobody() -> None:
    """A client without an appid refuses the walk, and arguments are checked at once.

    A cursor belongs to one provider.
    """
    client, _ = ams_client(component_appid=None)
    with pytest.raises(ConfigurationError, match="component_appid: expected an appid"):
        client.iter_authorizer_list()
    with pytest.raises(ConfigurationError, match="count: expected 1 to 500"):
        ams_client()[0].iter_authorizer_list(count=501)
    cursor = ams_client()[0].iter_authorizer_list().cursor
    with pytest.raises(ConfigurationError, match="another"):
        ams_client()[0].iter_authorizer_list(component_appid="wx-other", cursor=cursor)


@virtual
async def test_settlements_side_by_side() -> None:
    """Windows of half-months are fetched at once, and rows still come newest first.

    Slots are checked if asked for.
    """
    one = Provider().of(0)
    plain = await one.iter_settlement("2024-01-01", "2024-12-31").collect()
    assert await one.iter_settlement("2024-01-01", "2024-12-31", concurrency=4, verify_totals=True).collect() == plain


@virtual
async def test_the_last_days() -> None:
    """``days`` are days that are over, so yesterday's row is the first.

    ``days`` cannot be given together with dates.
    """
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
    """A walk over the provider's data may take an authorizer's token.

    A cursor belongs to one Mini Program.
    """
    provider = Provider(ads_token="authorizer")
    rows = await provider.of(0).iter_agency_ads_stat(*WEEK, token=TokenKind.AUTHORIZER).collect()
    assert len(rows) == 63
    cursor = provider.of(0).iter_settlement(*WEEK).cursor
    with pytest.raises(ConfigurationError, match="cursor"):
        provider.of(1).iter_settlement(*WEEK, cursor=cursor)


@virtual
async def test_wrong_arguments() -> None:
    """Wrong arguments are refused at once, before the walk."""
    one = Provider().of(0)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "start_date, end_date: expected both of them, or days"),
        ({"start_date": "2026-03-01"}, "start_date, end_date: expected both of them, or days"),
        ({"days": 3, "end_date": date(2026, 3, 1)}, "days: expected days or dates, got both"),
        ({"days": 0}, "days: expected an int, 1 to 3660, got 0"),
        ({"days": 3, "page_size": 0}, "iter_adpos_general.page_size: expected 1 to 10000, got 0"),
        ({"days": 3, "prefetch": 9}, "prefetch: expected an int, 0 to 8, got 9"),
    ]
    for given, message in wrong:
        with pytest.raises(ConfigurationError) as caught:
            one.iter_adpos_general(**given)
        assert str(caught.value) == message
    with pytest.raises(ConfigurationError, match="takes an authorizer's token"):
        Provider().client.iter_adunit_list()
