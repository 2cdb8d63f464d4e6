"""Ad data: the documents' samples, other spellings of figures, and the token sent.

The samples come in both shapes of the wire. Ids are those of the documents' samples; where these
leave letters out, a 0 stands here.
"""

from __future__ import annotations

import datetime  # noqa: ICN001  (fields here are called date)
from decimal import Decimal
from typing import Any

import pytest
from support.chapters import ONE, answered, body, refused
from support.fakes import TOKEN, Tokens, ams_client, answer
from support.virtual import virtual

from wxrevenue import (
    AdPage,
    AdSlot,
    DecodeError,
    GetAdposDetail,
    GetAdposGeneral,
    GetAgencyAdsDetail,
    GetAgencyAdsStat,
    PermissionDeniedError,
    TokenKind,
)
from wxrevenue._wire.codec import decode

DAY = datetime.date(2020, 4, 13)
OWN: dict[str, Any] = {"page_size": 8, "authorizer_appid": ONE}
GENERAL = GetAdposGeneral("2020-04-13", DAY, ad_slot=AdSlot.INTERSTITIAL, **OWN)
DETAIL = GetAdposDetail("2020-04-10", "2020-04-10", ad_unit_id="adunit-9cedd85140000", **OWN)
STAT, ADS = GetAgencyAdsStat("2020-04-13", DAY), GetAgencyAdsDetail("2020-04-13", DAY)
BY_SLOT = """{"err_msg":"ok","ret":0,"list":[{"slot_id":3030046789020061,"ad_slot":"SLOT_ID_WEAPP_INTERSTITIAL","date":"2020-04-13",
"req_succ_count":443610,"exposure_count":181814,"exposure_rate":0.409850995,"click_count":10095,"click_rate":0.055523777,
"income":52175,"ecpm":286.969100289}],"summary":{"req_succ_count":4406394,"exposure_count":1797225,"exposure_rate":0.407867522,
"click_count":100167,"click_rate":0.055734257,"income":578003,"ecpm":321.608591022},"total_num":1}"""
BY_UNIT = """{"err_msg":"ok","ret":0,"list":[{"ad_unit_id":"adunit-9cedd85140000","ad_unit_name":"激励视频长广告","stat_item":[
{"ad_slot":"SLOT_ID_WEAPP_REWARD_VIDEO","date":"2020-04-10","req_succ_count":138250,"exposure_count":74771,"exposure_rate":0.54083906,
"click_count":2242,"click_rate":0.029984887,"income":93883,"ecpm":6.790813743}]}],"total_num":1}"""
ONE_OF_ALL = {
    "appid": "wx0afc78670f0000",
    "ad_unit_id": "adunit-1",
    "ad_unit_name": "一",
    "stat_item": {"date": "2020-04-10", "agency_income": 93883, "publisher_income": 93883, "ecpm": 6.790813743},
}


def test_sample_bodies() -> None:
    """The samples' bytes, in the samples' order."""
    assert body(GENERAL) == (
        '{"page":1,"page_size":8,"start_date":"2020-04-13","end_date":"2020-04-13","ad_slot":"SLOT_ID_WEAPP_INTERSTITIAL"}'
    )
    assert body(DETAIL) == (
        '{"page":1,"page_size":8,"start_date":"2020-04-10","end_date":"2020-04-10","ad_unit_id":"adunit-9cedd85140000"}'
    )
    assert body(STAT) == body(ADS) == '{"page":1,"page_size":20,"start_date":"2020-04-13","end_date":"2020-04-13"}'


@virtual
async def test_the_sample_by_slot() -> None:
    """Counts are ints, rates and ecpm are exact decimals, and money is in fen.

    The income comes under both names, and the appid is filled in.
    """
    page = await answered(GENERAL, BY_SLOT)
    (row,) = page.rows
    assert (row.slot_id, row.ad_slot, row.date) == (3030046789020061, AdSlot.INTERSTITIAL, DAY)
    assert (row.req_succ_count, row.exposure_count, row.click_count) == (443610, 181814, 10095)
    assert (row.exposure_rate, row.click_rate) == (Decimal("0.409850995"), Decimal("0.055523777"))
    assert (row.income, row.publisher_income, row.agency_income, row.ecpm) == (52175, 52175, None, Decimal("286.969100289"))
    assert (row.appid, row.publisher_appid, row.extra) == (ONE, None, {})
    assert row.key == (DAY, ONE, AdSlot.INTERSTITIAL, 3030046789020061)
    assert (page.summary.req_succ_count, page.summary.income, page.summary.publisher_income) == (4406394, 578003, 578003)
    assert (page.summary.ecpm, page.total, page.extra) == (Decimal("321.608591022"), 1, {})


@pytest.mark.parametrize("nested", ["array", "object"])
@virtual
async def test_the_sample_by_unit(nested: str) -> None:
    """The figures stand beside the unit, in either shape of the wire.

    The wire has them in an array of one element or in an object.
    """
    page = await answered(DETAIL, BY_UNIT if nested == "array" else BY_UNIT.replace("[\n{", "\n{").replace("}]}]", "}}]"))
    (row,) = page.rows
    assert (row.ad_unit_id, row.ad_unit_name, row.ad_slot) == ("adunit-9cedd85140000", "激励视频长广告", AdSlot.REWARD_VIDEO)
    assert (row.date, row.exposure_count, row.publisher_income, row.ecpm) == (
        datetime.date(2020, 4, 10),
        74771,
        93883,
        Decimal("6.790813743"),
    )
    assert row.key == (datetime.date(2020, 4, 10), ONE, AdSlot.REWARD_VIDEO, "adunit-9cedd85140000")
    assert (page.summary, page.total, row.extra) == (None, 1, {})


@virtual
async def test_rows_of_every_mini_program() -> None:
    """The provider's rows name their Mini Program and both parts of the income.

    A row of a whole account has no slot.
    """
    stat = {
        "publisher_appid": "wx1",
        "date": "2020-04-13",
        "income": 100,
        "publisher_income": 60,
        "agency_income": 40,
        "exposure_count": "7",
        "click_count": 1.0,
    }
    summary = {"exposure_count": "181814", "exposure_uv": 5.0, "open_uv": 6, "income": 100, "agency_income": 40}
    page = await answered(STAT, {"ret": 0, "list": [stat], "summary": [summary], "total_num": 1})
    (row,) = page.rows
    assert (row.income, row.publisher_income, row.agency_income) == (100, 60, 40)
    assert (row.exposure_count, row.click_count, row.ad_slot, row.key) == (7, 1, None, (DAY, "wx1", "", ""))
    assert (page.summary.exposure_count, page.summary.exposure_uv, page.summary.agency_income) == (181814, 5, 40)
    page = await answered(ADS, {"ret": 0, "list": [ONE_OF_ALL], "total_num": 1})
    (row,) = page.rows
    assert (row.appid, row.ad_unit_id, row.agency_income, row.income) == ("wx0afc78670f0000", "adunit-1", 93883, None)
    assert row.key == (datetime.date(2020, 4, 10), "wx0afc78670f0000", "", "adunit-1")


@pytest.mark.parametrize("end", ["2020-04-13", "2020-04-14"])
@virtual
async def test_what_the_call_says_and_the_answer_does_not(end: str) -> None:
    """Mini Program, slot and day are filled in where the call names them.

    So a row's key is whole. A call for several days names no day.
    """
    bare = {"list": [{"slot_id": 1, "income": 5}, {"publisher_appid": "wx-2", "slot_id": 1, "date": "2020-04-14"}]}
    client, _ = ams_client(handler=lambda _request: answer(bare), tokens=Tokens(TOKEN))
    day = DAY if end == "2020-04-13" else None
    slot = AdSlot.BANNER.value
    own = await client.get_adpos_general("2020-04-13", end, ad_slot=slot, authorizer_appid=ONE)
    assert [row.key for row in own.rows] == [(day, ONE, slot, 1), (datetime.date(2020, 4, 14), "wx-2", slot, 1)]
    whole = await client.get_agency_ads_stat("2020-04-13", end, token=TokenKind.AUTHORIZER, authorizer_appid=ONE)
    assert [(row.appid, row.ad_slot, row.date) for row in whole.rows] == [(None, None, day), ("wx-2", None, datetime.date(2020, 4, 14))]


@virtual
async def test_a_providers_total_is_nobodys_part() -> None:
    """A total alone is not taken for the Mini Program's part.

    This is so where both parts are asked for.
    """
    page = await answered(STAT, {"ret": 0, "list": [{"publisher_appid": "wx1", "income": 100}], "summary": {"income": 100}})
    assert (page.rows[0].publisher_income, page.summary.publisher_income) == (None, None)


@pytest.mark.parametrize(
    ("field", "sent", "found"),
    [
        ("click_count", 1.0, 1),
        ("click_count", "12", 12),
        ("slot_id", "3030046789020061", 3030046789020061),
        ("slot_id", "SLOT_ID_WEAPP_BANNER", "SLOT_ID_WEAPP_BANNER"),
        ("date", "2020-04-13 00:00:00", DAY),
        ("ad_slot", "SLOT_ID_WEAPP_REWARD_VIDEO ", AdSlot.REWARD_VIDEO),
        ("exposure_rate", 1, Decimal(1)),
        ("income", None, None),
        ("income", -5, -5),
    ],
)
def test_spellings_of_figures(field: str, sent: object, found: object) -> None:
    """Counts, days and slots may be written in other ways.

    A count may be a float without a fraction, a day may have a time, and a slot's number may be a
    string or a name.
    """
    page = decode(AdPage, {"list": [{field: sent}]})
    assert getattr(page.rows[0], field) == found
    assert type(getattr(page.rows[0], field)) is type(found) or field == "ad_slot"


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("income", 52175.0),
        ("income", "52175"),
        ("publisher_income", True),
        ("click_count", 1.5),
        ("click_count", -1),
        ("click_count", True),
        ("click_count", 1e30),
        ("ecpm", "6.79"),
        ("date", "20200413"),
        ("date", "2020-13-01"),
        ("slot_id", 1.0),
        ("slot_id", True),
    ],
)
def test_figures_that_are_none(field: str, sent: object) -> None:
    """Money is an int and nothing else.

    A figure that cannot be read is an error that says where it stands.
    """
    found = decode(AdPage, {"list": [{}, {field: sent}]})
    assert isinstance(found, DecodeError)
    assert found.path == f"$.list[1].{field}"


NESTED: list[tuple[Any, bool]] = [
    (None, True),
    ([], True),
    ({}, True),
    ([{}], True),
    ([{}, {}], False),
    ("x", False),
    ([1], False),
]


@pytest.mark.parametrize(("nested", "fine"), NESTED)
def test_figures_are_those_of_one_day(nested: object, fine: bool) -> None:  # noqa: FBT001
    """A unit may have no figures, but not several sets of them.

    Several sets would be several rows. They are refused rather than dropped.
    """
    found = decode(AdPage, {"list": [{"ad_unit_id": "u", "stat_item": nested}]})
    if fine:
        assert found.rows[0].ad_unit_id == "u"
        assert found.rows[0].extra == {}
    else:
        assert isinstance(found, DecodeError)
        assert found.path == "$.list[0].stat_item"


@pytest.mark.parametrize("unknown", [{}, {"slot_str": "x"}])
@pytest.mark.parametrize(
    ("row", "key"),
    [
        ({"ad_unit_id": "u", "stat_item": {"date": "2026-03-01", "income": 5}}, (datetime.date(2026, 3, 1), None, "", "u")),
        ({"ad_unit_id": "u", "date": "2026-03-02", "stat_item": {"income": 5}}, (datetime.date(2026, 3, 2), None, "", "u")),
        ({"stat_item": {"date": "2026-03-01", "ad_unit_id": "u", "income": 5}}, (datetime.date(2026, 3, 1), None, "", "u")),
        ({"appid": "a", "stat_item": {"slot_id": 7, "appid": "b", "income": 5}}, (None, "a", "", 7)),
        ({"date": "2026-03-02", "stat_item": [{"date": "2026-03-01", "income": 5}]}, (datetime.date(2026, 3, 2), None, "", "")),
        (
            {"date": None, "income": None, "appid": None, "stat_item": {"date": "2026-03-01", "income": 5, "appid": "b"}},
            (datetime.date(2026, 3, 1), "b", "", ""),
        ),
    ],
)
def test_fields_that_stand_at_the_other_side(row: dict[str, Any], key: tuple[Any, ...], unknown: dict[str, Any]) -> None:
    """A field is read inside and outside of ``stat_item``.

    The value outside goes first unless it is null. Unknown fields are kept from both places.
    """
    inner = row["stat_item"]
    nested: Any = [{**inner[0], **unknown}] if isinstance(inner, list) else {**inner, **unknown}
    for sent in ({**row, "stat_item": nested}, {**row, "new": 1, "stat_item": nested}):
        (found,) = decode(AdPage, {"list": [sent]}).rows
        assert (found.key, found.income) == (key, 5)
        assert found.extra == {**unknown, **({"new": 1} if "new" in sent else {})}
    assert row["stat_item"] == inner


def test_unknown_fields_are_kept() -> None:
    """Fields of the sibling interface are kept in ``extra``.

    They are kept from inside and outside of ``stat_item``.
    """
    payload = {"list": [{"ad_unit_id": "u", "new": 1, "stat_item": {"slot_str": "x", "is_smart_ads": 0, "income": 5}}], "other": 2}
    page = decode(AdPage, payload)
    assert page.rows[0].extra == {"new": 1, "slot_str": "x", "is_smart_ads": 0}
    assert page.extra == {"other": 2}
    assert decode(AdPage, payload) == page


def test_empty_and_foreign_pages() -> None:
    """A list may be missing where a total or a summary is there.

    An answer with none of the three is not a page.
    """
    assert decode(AdPage, {"total_num": 0}).rows == []
    assert decode(AdPage, {"summary": []}).summary is None
    assert decode(AdPage, {"list": None, "summary": {}}).rows == []
    assert isinstance(decode(AdPage, {"ad_unit": []}), DecodeError)


def test_revised_figures_show() -> None:
    """A row's fingerprint changes with any of its figures, and with what is not known."""
    rows = [{"income": 5}, {"income": -1}, {"income": -2}, {"new": 1}, {"new": 2}, {}, {"ecpm": 5}]
    page = decode(AdPage, {"list": rows})
    assert len({row.fingerprint() for row in page.rows}) == len(rows)


# -- whose token -----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [GetAgencyAdsStat, GetAgencyAdsDetail])
@virtual
async def test_whose_token_is_sent(make: Any) -> None:
    """The component's token is sent unless ``token=`` chooses another.

    ``token=`` takes a member or its value, and is not part of the body.
    """
    cases: list[tuple[dict[str, Any], TokenKind, str | None]] = [
        ({}, TokenKind.COMPONENT, None),
        ({"token": TokenKind.COMPONENT}, TokenKind.COMPONENT, None),
        ({"token": TokenKind.AUTHORIZER, "authorizer_appid": ONE}, TokenKind.AUTHORIZER, ONE),
        ({"token": "authorizer", "authorizer_appid": ONE}, TokenKind.AUTHORIZER, ONE),
    ]
    for token, kind, appid in cases:
        tokens = Tokens(TOKEN)
        client, transport = ams_client(answer({"ret": 0, "total_num": 0}), tokens=tokens)
        await client.send(make("2020-04-13", DAY, **token))
        assert [one[:2] for one in tokens.asked] == [(kind, appid)]
        assert b"token" not in transport.requests[0].body


@pytest.mark.parametrize("code", [48001, 61015, 1736])
@virtual
async def test_a_token_of_the_wrong_kind(code: int) -> None:
    """The error says whose token was sent and which other one to try."""
    with pytest.raises(PermissionDeniedError, match=r"took the component's: try token=TokenKind\.AUTHORIZER, authorizer_appid='wx…'"):
        await answered(STAT, {"errcode": code, "errmsg": "api unauthorized rid: 1"})
    asked = GetAgencyAdsDetail("2020-04-13", DAY, token=TokenKind.AUTHORIZER, authorizer_appid=ONE)
    with pytest.raises(PermissionDeniedError, match=r"took the authorizer's: try token=TokenKind.COMPONENT\."):
        await answered(asked, {"errcode": code, "errmsg": "api unauthorized rid: 1"})


def test_tokens_that_do_not_go_together() -> None:
    """A Mini Program is named exactly where its token is sent."""
    refused(
        lambda: GetAgencyAdsStat("2020-04-13", DAY, token=TokenKind.AUTHORIZER),
        "GetAgencyAdsStat takes an authorizer's token: give authorizer_appid='wx…'",
    )
    refused(
        lambda: GetAgencyAdsStat("2020-04-13", DAY, authorizer_appid=ONE),
        "GetAgencyAdsStat takes the component's token: authorizer_appid is not allowed",
    )
    wrong: list[Any] = [TokenKind.NONE, "nobody", None, []]
    for token in wrong:
        refused(
            GetAgencyAdsDetail,
            "GetAgencyAdsDetail.token: expected TokenKind.COMPONENT or TokenKind.AUTHORIZER",
            "2020-04-13",
            DAY,
            token=token,
        )


# -- limits ----------------------------------------------------------------------------------------


def test_limits() -> None:
    """Days, pages and slots are checked by name; a unit and a slot do not go together."""
    wrong: list[tuple[dict[str, Any], str]] = [
        (
            {"start_date": "2020-4-13"},
            "start_date: expected zero-padded 'yyyy-mm-dd', a day that exists in the calendar; got '2020-4-13'; write 2020-04-13",
        ),
        (
            {"start_date": datetime.datetime(2020, 4, 13)},  # noqa: DTZ001
            "start_date: expected a datetime.date or a 'yyyy-mm-dd' str, got datetime: write its .date(), as it is in Beijing",
        ),
        ({"end_date": 20200413}, "end_date: expected a datetime.date or a 'yyyy-mm-dd' str, got int"),
        ({"end_date": "2020-04-12"}, "end_date: expected start_date or a later day: 2020-04-12 comes before 2020-04-13"),
        ({"page": 0}, "page: expected 1 or more, got 0"),
        ({"page": "1"}, "page: expected an int, got str"),
        ({"ad_slot": "INTERSTITIAL"}, "ad_slot: expected the name of a slot such as SLOT_ID_WEAPP_BANNER"),
    ]
    for make in (GetAdposGeneral, GetAdposDetail, GetAgencyAdsStat, GetAgencyAdsDetail):
        own = {"authorizer_appid": ONE} if make in {GetAdposGeneral, GetAdposDetail} else {}
        for changes, message in wrong:
            given: dict[str, Any] = {"start_date": "2020-04-13", "end_date": DAY, **own, **changes}
            refused(make, f"{make.__name__}.{message}", **given)
    refused(
        lambda: GetAdposDetail("2020-04-13", DAY, ad_slot=AdSlot.BANNER, ad_unit_id="u", authorizer_appid=ONE),
        "GetAdposDetail.ad_unit_id: expected ad_slot or ad_unit_id, got both",
    )
    refused(lambda: GetAgencyAdsDetail("2020-04-13", DAY, page_size=201), "GetAgencyAdsDetail.page_size: expected 1 to 200, got 201")
    assert GetAgencyAdsDetail("2020-04-13", DAY, page_size=200).page_size == 200
    assert GetAgencyAdsStat("2020-04-13", DAY, page_size=10_000).page_size == 10_000
