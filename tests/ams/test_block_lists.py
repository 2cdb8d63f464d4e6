"""Block lists: JSON inside JSON, texts with bars, the limits of each kind."""

from __future__ import annotations

from typing import Any

import pytest
from support.chapters import ONE, answered, body, refused
from support.virtual import virtual

from wxrevenue import (
    AdvertiserType,
    AmsCategory,
    BlackListOp,
    BlockedAdvertiser,
    BlockedApp,
    DecodeError,
    GetAmsCategoryBlackList,
    GetBlackList,
    SetAmsCategoryBlackList,
    SetBlackList,
)

GH = BlockedAdvertiser(AdvertiserType.OFFICIAL_ACCOUNT, "gh_f23fc177abe4")
BLOCKED = """{"ret":0,"err_msg":"","blacklist_biz":[{"id":"id1","name":"name1","icon":"png_url1"},
{"id":"id2","name":"name2","icon":"png_url2"}],"blacklist_weapp":[{"id":"id3","name":"name3","icon":"png_url3"}],
"blacklist_ios":[{"id":"id4","name":"name4","icon":"png_url4"}],"blacklist_android":[{"id":"id5","name":"name5","icon":"png_url5"}]}"""
READ, CATEGORIES = GetBlackList(authorizer_appid=ONE), GetAmsCategoryBlackList(authorizer_appid=ONE)


def block(advertisers: Any, op: Any = 1) -> SetBlackList:
    """Return the request that blocks these."""
    return SetBlackList(op, list=advertisers, authorizer_appid=ONE)


def test_sample_bodies() -> None:
    """The list is sent as in the samples: JSON in a string, compact and unescaped.

    A dict is as good as the class.
    """
    sample = r'{"op":1,"list":"[{\"type\":1,\"id\":\"gh_f23fc177abe4\"}]"}'
    assert body(block([GH])) == body(block([{"type": 1, "id": "gh_f23fc177abe4"}], BlackListOp.SET)) == sample
    assert block(iter([GH])) == block([{"id": "gh_f23fc177abe4", "type": 1}])
    assert body(block([BlockedAdvertiser(2, "七")], 2)) == r'{"op":2,"list":"[{\"type\":2,\"id\":\"七\"}]"}'
    assert (body(READ), body(CATEGORIES)) == ("{}", "{}")
    industries = SetAmsCategoryBlackList(["CHESS", AmsCategory.ADULT_SUPPLIES], authorizer_appid=ONE)
    assert body(industries) == '{"ams_category":"CHESS|ADULT_SUPPLIES"}'
    assert body(SetAmsCategoryBlackList([], authorizer_appid=ONE)) == '{"ams_category":""}'


@pytest.mark.parametrize(("kind", "most"), [(1, 20), (2, 10), (3, 10), (4, 20)])
def test_as_many_as_are_allowed(kind: int, most: int) -> None:
    """Each kind has its own limit, and kinds do not count together."""
    advertisers = [BlockedAdvertiser(kind, f"id{number}") for number in range(most)]
    assert len(block([*advertisers, BlockedAdvertiser(5 - kind, "other")]).list) == most + 1
    refused(
        lambda: block([*advertisers, BlockedAdvertiser(kind, "one more")]),
        f"SetBlackList.list: expected at most {most} advertisers of type {kind}, got {most + 1}",
    )


@pytest.mark.parametrize(
    ("advertisers", "message"),
    [
        ([], "SetBlackList.list: expected at least one advertiser"),
        ("[]", "SetBlackList.list: expected a list, got str"),
        (None, "SetBlackList.list: expected a list, got NoneType"),
        ([GH, "gh_1"], "SetBlackList.list[1]: expected a BlockedAdvertiser, got str"),
        ([{"type": 1}], "SetBlackList.list[0]: expected the keys 'type' and 'id'"),
        ([{"type": 1, "id": "gh_1", "name": "x"}], "SetBlackList.list[0]: expected the keys 'type' and 'id'"),
        ([{"type": 5, "id": "gh_1"}], "BlockedAdvertiser.type: expected one of 1, 2, 3, 4; got 5"),
        ([{"type": "1", "id": "gh_1"}], "BlockedAdvertiser.type: expected an int, got str"),
        ([{"type": 2, "id": 12345}], "BlockedAdvertiser.id: expected a str, got int"),
        ([{"type": 2, "id": ""}], "BlockedAdvertiser.id: expected 1 to 128 characters, got 0"),
    ],
)
def test_what_a_list_may_not_be(advertisers: Any, message: str) -> None:
    """What is wrong is named; an item that is not an advertiser with its place too."""
    refused(lambda: block(advertisers), message)


def test_other_limits() -> None:
    """There are two operations and thirteen industries."""
    refused(lambda: block([GH], 3), "SetBlackList.op: expected one of 1, 2; got 3")
    names = ", ".join(AmsCategory)
    assert len(AmsCategory) == 13
    wrong: list[Any] = ["chess", "SECURITIES", 5, []]
    for name in wrong:
        refused(
            SetAmsCategoryBlackList,
            f"SetAmsCategoryBlackList.ams_category[1]: expected a name of AmsCategory: {names}",
            ["LOAN", name],
            authorizer_appid=ONE,
        )
    refused(
        lambda: SetAmsCategoryBlackList("CHESS|LOAN", authorizer_appid=ONE),
        "SetAmsCategoryBlackList.ams_category: expected a list, got str",
    )


@virtual
async def test_the_sample_list() -> None:
    """Every kind arrives with its apps."""
    found = await answered(READ, BLOCKED)
    assert found.blacklist_biz == [BlockedApp("id1", "name1", "png_url1"), BlockedApp("id2", "name2", "png_url2")]
    assert found.blacklist_weapp == [BlockedApp("id3", "name3", "png_url3")]
    assert found.blacklist_ios == [BlockedApp("id4", "name4", "png_url4")]
    assert found.blacklist_android == [BlockedApp("id5", "name5", "png_url5")]
    assert found.extra == {}


@virtual
async def test_other_shapes_of_a_list() -> None:
    """A list may have other shapes.

    The table has ``item`` and ``url``. Kinds may be left out, and an id may be a number.
    """
    table = {"blacklist_biz": {"item": [{"id": "a", "url": "u"}]}, "blacklist_ios": [{"id": 414478124}], "blacklist_weapp": None}
    found = await answered(READ, table)
    assert found.blacklist_biz == [BlockedApp("a", None, "u")]
    assert found.blacklist_ios == [BlockedApp("414478124")]
    assert (found.blacklist_weapp, found.blacklist_android, found.blacklist_biz[0].extra) == ([], [], {})
    assert (await answered(READ, {"ret": 0, "err_msg": ""})).blacklist_biz == []
    with pytest.raises(DecodeError) as caught:
        await answered(READ, {"blacklist_biz": [{"id": "a"}, {"id": True}]})
    assert caught.value.path == "$.blacklist_biz[1].id"


@pytest.mark.parametrize(
    ("sent", "names"),
    [
        ("CHESS|ADULT_SUPPLIES", ["CHESS", "ADULT_SUPPLIES"]),
        ("LOAN", ["LOAN"]),
        ("", []),
        ("NEW| LOAN |", ["NEW", "LOAN"]),
        (["LOAN"], ["LOAN"]),
    ],
)
@virtual
async def test_industries_in_answers(sent: object, names: list[str]) -> None:
    """The JSON in the string is decoded; unlisted industries survive.

    The envelope may be missing.
    """
    assert (await answered(CATEGORIES, {"ams_category": sent})).ams_category == names


@pytest.mark.parametrize("sent", [{}, {"ams_category": 5}, {"ams_category": None}, {"ams_category": [5]}])
@virtual
async def test_industries_that_are_none(sent: dict[str, Any]) -> None:
    """An answer without the key is not taken for an empty list.

    A caller that adds to an empty list would unblock all the others.
    """
    with pytest.raises(DecodeError):
        await answered(CATEGORIES, {"ret": 0, **sent})
