"""The sandbox's block lists."""

from __future__ import annotations

import pytest
from support.provider import Provider, code_of
from support.virtual import virtual

from wxrevenue import AdvertiserType, BlackListOp, BlockedAdvertiser


@pytest.mark.parametrize("number", [0, 1, 2])
@virtual
async def test_advertisers(number: int) -> None:
    """Blocked advertisers are listed by kind until they are unblocked.

    Each is listed once, however often it was blocked.
    """
    one = Provider(number).of(0)
    ios, game = BlockedAdvertiser(AdvertiserType.IOS_APP, "414478124"), BlockedAdvertiser(AdvertiserType.MINI_PROGRAM, "gh_1")
    await one.set_black_list(BlackListOp.SET, list=[ios, game])
    await one.set_black_list(BlackListOp.SET, list=[ios])
    found = await one.get_black_list()
    assert [[app.id for app in apps] for apps in (found.blacklist_biz, found.blacklist_weapp, found.blacklist_ios)] == [
        [],
        ["gh_1"],
        ["414478124"],
    ]
    await one.set_black_list(BlackListOp.DELETE, list=[ios, {"type": 1, "id": "never"}])
    assert (await one.get_black_list()).blacklist_ios == []


@virtual
async def test_the_limit_counts_what_was_blocked_before() -> None:
    """Ten advertisers may be blocked in all.

    An eleventh in another call answers 2035 and changes nothing.
    """
    one = Provider().of(0)
    await one.set_black_list(1, list=[BlockedAdvertiser(3, f"com.example.a{number}") for number in range(10)])
    assert await code_of(one.set_black_list(1, list=[BlockedAdvertiser(3, "com.example.b")])) == 2035
    assert len((await one.get_black_list()).blacklist_android) == 10


@virtual
async def test_industries() -> None:
    """No industry is blocked at first; a new list replaces the former."""
    one = Provider().of(0)
    assert (await one.get_ams_category_black_list()).ams_category == []
    await one.set_ams_category_black_list(["CHESS", "LOAN"])
    await one.set_ams_category_black_list(["LOAN", "SECURITES"])
    assert (await one.get_ams_category_black_list()).ams_category == ["LOAN", "SECURITES"]
    await one.set_ams_category_black_list([])
    assert (await one.get_ams_category_black_list()).ams_category == []
