"""The whole catalogue against a table typed from WeChat's pages: where each interface lives, what it takes, what it gives."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from datetime import date
from decimal import Decimal
from types import NoneType
from typing import Any, NamedTuple, cast

import attrs
import orjson
import pytest

from wxrevenue import (
    AdPage,
    AdunitCode,
    AdunitPage,
    AgencyCheckCanOpenPublisher,
    AgencyCreateAdunit,
    AgencyCreatePublisher,
    AgencyGetTmplType,
    AgencyUpdateAdunit,
    AmsCategoryBlackList,
    AmsRequest,
    Authorization,
    AuthorizerAccessToken,
    AuthorizerInfo,
    AuthorizerList,
    BlackList,
    BlockedAdvertiser,
    ComponentAccessToken,
    CoverAdposScene,
    CoverAdposStatus,
    CreatedAdunit,
    CreatePreauthCode,
    Endpoint,
    FundsDistributionClient,
    GetAdposDetail,
    GetAdposGeneral,
    GetAdunitCode,
    GetAdunitList,
    GetAgencyAdsDetail,
    GetAgencyAdsStat,
    GetAgencySettlement,
    GetAgencyTmplIdList,
    GetAmsCategoryBlackList,
    GetAuthorizerAccessToken,
    GetAuthorizerInfo,
    GetAuthorizerList,
    GetBlackList,
    GetComponentAccessToken,
    GetCoverAdposScene,
    GetCoverAdposStatus,
    GetCustomShareRatio,
    GetSettlement,
    GetShareRatio,
    MarkTransaction,
    PayRequest,
    PreauthCode,
    PublisherCheck,
    QueryAuth,
    Request,
    RevenueClient,
    Safety,
    SetAmsCategoryBlackList,
    SetBlackList,
    SetCoverAdposScene,
    SetCoverAdposStatus,
    SetCustomShareRatio,
    SetShareRatio,
    SettlementPage,
    ShareRatio,
    StartPushTicket,
    TmplPage,
    TmplType,
    TokenKind,
    ams,
    funds,
)
from wxrevenue._wire.codec import encode
from wxrevenue._wire.request import is_sent, may_take_authorizer, result_of, wire_name

COMPONENT, AUTHORIZER = TokenKind.COMPONENT, TokenKind.AUTHORIZER
SAFE, REPEATABLE, UNSAFE = Safety.SAFE, Safety.REPEATABLE, Safety.UNSAFE
GET, SET, OPERATION = "/wxa/getdefaultamsinfo", "/wxa/setdefaultamsinfo", "/wxa/operationams"
PAY = "/v3/global/profit-sharing"


class Row(NamedTuple):
    """What the pages say of one interface."""

    path: str
    action: str
    safety: Safety
    result: Any
    example: Any
    body: dict[str, Any]
    token: TokenKind = COMPONENT
    method: str = "POST"
    alternate: str | None = None
    alternate_on: frozenset[int] = frozenset()
    left_out: frozenset[str] = frozenset()
    """Keys that do not go together with those of the example."""


def of_authorizer(action: str, safety: Safety, result: Any, example: Any, body: dict[str, Any], *left_out: str) -> Row:
    """Return the row of an interface that takes an authorizer's token."""
    return Row(OPERATION, action, safety, result, example, body, token=AUTHORIZER, left_out=frozenset(left_out))


ONE = "wx1"
"""The Mini Program whose token the examples take."""
DAYS: dict[str, Any] = {"start_date": "2020-04-10", "end_date": date(2020, 4, 13), "page": 2, "page_size": 7}
SENT_DAYS = {"page": 2, "page_size": 7, "start_date": "2020-04-10", "end_date": "2020-04-13"}
UNIT = "adunit-1"
PLATFORM = "/cgi-bin/component"


TABLE: dict[str, Row] = {
    "SetShareRatio": Row(SET, "set_share_ratio", REPEATABLE, NoneType, SetShareRatio(Decimal("40.5")), {"share_ratio": 40.5}),
    "GetShareRatio": Row(GET, "get_share_ratio", SAFE, ShareRatio, GetShareRatio("wx1"), {"appid": "wx1"}),
    "GetAgencySettlement": Row(
        OPERATION,
        "get_agency_settled_revenue",
        SAFE,
        SettlementPage,
        GetAgencySettlement(date(2020, 3, 1), "2020-03-16", page=2, page_size=7),
        {"start_date": "2020-03-01", "end_date": "2020-03-16", "page": 2, "page_size": 7},
        alternate=GET,
        alternate_on=frozenset({1736, 48001, 61014, 61015, 45010}),
    ),
    "SetCustomShareRatio": Row(
        SET,
        "agency_set_custom_share_ratio",
        REPEATABLE,
        NoneType,
        SetCustomShareRatio("wx1", share_ratio=Decimal("40.5")),
        {"appid": "wx1", "share_ratio": 40.5},
    ),
    "GetCustomShareRatio": Row(GET, "agency_get_custom_share_ratio", SAFE, ShareRatio, GetCustomShareRatio("wx1"), {"appid": "wx1"}),
    "AgencyCheckCanOpenPublisher": of_authorizer(
        "agency_check_can_open_publisher", SAFE, PublisherCheck, AgencyCheckCanOpenPublisher(authorizer_appid=ONE), {}
    ),
    "AgencyCreatePublisher": of_authorizer(
        "agency_create_publisher", REPEATABLE, NoneType, AgencyCreatePublisher(authorizer_appid=ONE), {}
    ),
    "AgencyCreateAdunit": of_authorizer(
        "agency_create_adunit",
        UNSAFE,
        CreatedAdunit,
        AgencyCreateAdunit(
            "一",
            type="SLOT_ID_WEAPP_REWARD_VIDEO",
            video_duration_min=6,
            video_duration_max=30,
            tmpl_type=6,
            unlock_reward_duration=15,
            authorizer_appid=ONE,
        ),
        {
            "name": "一",
            "type": "SLOT_ID_WEAPP_REWARD_VIDEO",
            "video_duration_min": 6,
            "video_duration_max": 30,
            "tmpl_type": 6,
            "unlock_reward_duration": 15,
        },
        "tmpl_id",
    ),
    "AgencyUpdateAdunit": of_authorizer(
        "agency_update_adunit",
        REPEATABLE,
        NoneType,
        AgencyUpdateAdunit(
            "一",
            ad_unit_id=UNIT,
            status=1,
            video_duration_min=6,
            video_duration_max=30,
            tmpl_id="adunit-2",
            unlock_reward_duration=30,
            authorizer_appid=ONE,
        ),
        {
            "name": "一",
            "ad_unit_id": UNIT,
            "status": "AD_UNIT_STATUS_ON",
            "video_duration_min": 6,
            "video_duration_max": 30,
            "tmpl_id": "adunit-2",
            "unlock_reward_duration": 30,
        },
        "tmpl_type",
    ),
    "AgencyGetTmplType": of_authorizer(
        "agency_get_tmpl_type", SAFE, TmplType, AgencyGetTmplType(UNIT, authorizer_appid=ONE), {"ad_unit_id": UNIT}
    ),
    "GetAgencyTmplIdList": of_authorizer(
        "get_agency_ad_unit_list",
        SAFE,
        TmplPage,
        GetAgencyTmplIdList(
            "SLOT_ID_WEAPP_TEMPLATE", page=2, page_size=7, tmpl_id="adunit-2", is_return_tmpl_bind_list=True, authorizer_appid=ONE
        ),
        {"page": 2, "page_size": 7, "ad_slot": "SLOT_ID_WEAPP_TEMPLATE", "tmpl_id": "adunit-2", "is_return_tmpl_bind_list": 1},
    ),
    "GetAdunitList": of_authorizer(
        "agency_get_adunit_list",
        SAFE,
        AdunitPage,
        GetAdunitList(2, page_size=7, ad_unit_id=UNIT, ad_slot="SLOT_ID_WEAPP_BANNER", authorizer_appid=ONE),
        {"page": 2, "page_size": 7, "ad_unit_id": UNIT, "ad_slot": "SLOT_ID_WEAPP_BANNER"},
    ),
    "GetAdunitCode": of_authorizer(
        "agency_get_adunit_code", SAFE, AdunitCode, GetAdunitCode(UNIT, authorizer_appid=ONE), {"ad_unit_id": UNIT}
    ),
    "SetCoverAdposStatus": of_authorizer(
        "agency_set_cover_adpos_status", REPEATABLE, NoneType, SetCoverAdposStatus(4, authorizer_appid=ONE), {"status": 4}
    ),
    "SetCoverAdposScene": of_authorizer(
        "agency_set_cover_adpos_scene",
        REPEATABLE,
        NoneType,
        SetCoverAdposScene([1000, 2], authorizer_appid=ONE),
        {"cover_scene_list": "1000,2"},
    ),
    "GetCoverAdposStatus": of_authorizer(
        "agency_get_cover_adpos_status", SAFE, CoverAdposStatus, GetCoverAdposStatus(authorizer_appid=ONE), {}
    ),
    "GetCoverAdposScene": of_authorizer(
        "agency_get_cover_adpos_scene", SAFE, CoverAdposScene, GetCoverAdposScene(authorizer_appid=ONE), {}
    ),
    "GetBlackList": of_authorizer("agency_get_black_list", SAFE, BlackList, GetBlackList(authorizer_appid=ONE), {}),
    "SetBlackList": of_authorizer(
        "agency_set_black_list",
        REPEATABLE,
        NoneType,
        SetBlackList(1, list=[BlockedAdvertiser(1, "gh_1")], authorizer_appid=ONE),
        {"op": 1, "list": '[{"type":1,"id":"gh_1"}]'},
    ),
    "GetAmsCategoryBlackList": of_authorizer(
        "agency_get_mp_amscategory_blacklist", SAFE, AmsCategoryBlackList, GetAmsCategoryBlackList(authorizer_appid=ONE), {}
    ),
    "SetAmsCategoryBlackList": of_authorizer(
        "agency_set_mp_amscategory_blacklist",
        REPEATABLE,
        NoneType,
        SetAmsCategoryBlackList(["CHESS", "LOAN"], authorizer_appid=ONE),
        {"ams_category": "CHESS|LOAN"},
    ),
    "GetAdposGeneral": of_authorizer(
        "agency_get_adpos_genenral",
        SAFE,
        AdPage,
        GetAdposGeneral(**DAYS, ad_slot="SLOT_ID_WEAPP_BANNER", authorizer_appid=ONE),
        {**SENT_DAYS, "ad_slot": "SLOT_ID_WEAPP_BANNER"},
    ),
    "GetAdposDetail": of_authorizer(
        "agency_get_adunit_general",
        SAFE,
        AdPage,
        GetAdposDetail(**DAYS, ad_unit_id=UNIT, authorizer_appid=ONE),
        {**SENT_DAYS, "ad_unit_id": UNIT},
        "ad_slot",
    ),
    "GetAgencyAdsStat": Row(
        GET,
        "get_agency_ads_stat",
        SAFE,
        AdPage,
        GetAgencyAdsStat(**DAYS, ad_slot="SLOT_ID_WEAPP_BANNER"),
        {**SENT_DAYS, "ad_slot": "SLOT_ID_WEAPP_BANNER"},
    ),
    "GetAgencyAdsDetail": Row(
        GET,
        "get_agency_ads_detail",
        SAFE,
        AdPage,
        GetAgencyAdsDetail(**DAYS, ad_slot="SLOT_ID_WEAPP_BANNER"),
        {**SENT_DAYS, "ad_slot": "SLOT_ID_WEAPP_BANNER"},
    ),
    "GetSettlement": of_authorizer("agency_get_settlement", SAFE, SettlementPage, GetSettlement(**DAYS, authorizer_appid=ONE), SENT_DAYS),
    "CreatePreauthCode": Row(
        f"{PLATFORM}/api_create_preauthcode", "", REPEATABLE, PreauthCode, CreatePreauthCode("wx1"), {"component_appid": "wx1"}
    ),
    "QueryAuth": Row(
        f"{PLATFORM}/api_query_auth",
        "",
        REPEATABLE,
        Authorization,
        QueryAuth("fake-code", component_appid="wx1"),
        {"component_appid": "wx1", "authorization_code": "fake-code"},
    ),
    "GetAuthorizerInfo": Row(
        f"{PLATFORM}/api_get_authorizer_info",
        "",
        SAFE,
        AuthorizerInfo,
        GetAuthorizerInfo("wx2", component_appid="wx1"),
        {"component_appid": "wx1", "authorizer_appid": "wx2"},
    ),
    "GetAuthorizerList": Row(
        f"{PLATFORM}/api_get_authorizer_list",
        "",
        SAFE,
        AuthorizerList,
        GetAuthorizerList(100, count=50, component_appid="wx1"),
        {"component_appid": "wx1", "offset": 100, "count": 50},
    ),
    "GetComponentAccessToken": Row(
        "/cgi-bin/component/api_component_token",
        "",
        REPEATABLE,
        ComponentAccessToken,
        GetComponentAccessToken("wx1", "fake-secret", "fake-ticket@@@"),
        {"component_appid": "wx1", "component_appsecret": "fake-secret", "component_verify_ticket": "fake-ticket@@@"},
        token=TokenKind.NONE,
    ),
    "GetAuthorizerAccessToken": Row(
        "/cgi-bin/component/api_authorizer_token",
        "",
        REPEATABLE,
        AuthorizerAccessToken,
        GetAuthorizerAccessToken("wx1", "wx2", "fake-refresh"),
        {"component_appid": "wx1", "authorizer_appid": "wx2", "authorizer_refresh_token": "fake-refresh"},
    ),
    "StartPushTicket": Row(
        "/cgi-bin/component/api_start_push_ticket",
        "",
        REPEATABLE,
        NoneType,
        StartPushTicket("wx1", "fake-secret"),
        {"component_appid": "wx1", "component_secret": "fake-secret"},
        token=TokenKind.NONE,
    ),
    "MarkTransaction": Row(
        f"{PAY}/transactions/mark",
        "",
        REPEATABLE,
        NoneType,
        MarkTransaction("P20150806125346", sub_mchid="1900000109"),
        {"out_trade_no": "P20150806125346", "currency": "CNY", "sub_mchid": "1900000109"},
    ),
}


OF_TOKENS = {"GetComponentAccessToken", "GetAuthorizerAccessToken", "StartPushTicket"}
"""What token sources call, and clients have no method for."""


OF_EITHER_TOKEN = {"GetAgencyAdsStat", "GetAgencyAdsDetail"}
"""What takes the component's token or an authorizer's: the documents do not agree."""


def catalogue() -> dict[str, type[Request[Any]]]:
    """Return every request class by name, found in the modules themselves (``__subclasses__`` lists attrs classes twice)."""
    found: dict[str, type[Request[Any]]] = {}
    for package in (ams, funds):
        for entry in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(entry.name)
            for name, value in vars(module).items():
                if inspect.isclass(value) and issubclass(value, Request) and value.__module__ == entry.name:
                    assert name not in found, f"two interfaces are called {name}"
                    found[name] = value
    return found


CATALOGUE = catalogue()
EVERY = pytest.mark.parametrize("name", sorted(CATALOGUE))


def test_table_and_catalogue_name_the_same_interfaces() -> None:
    """An interface without a row here fails, and so does a row without an interface."""
    assert CATALOGUE.keys() == TABLE.keys()


@EVERY
def test_endpoint_is_what_the_pages_say(name: str) -> None:
    """Path, action, method, kind of token, safety and alternate path stand as the table has them."""
    row = TABLE[name]
    found = CATALOGUE[name].endpoint
    assert type(found) is Endpoint
    assert attrs.asdict(found, recurse=False) == {
        "path": row.path,
        "action": row.action,
        "method": row.method,
        "token": row.token,
        "safety": row.safety,
        "alternate": row.alternate,
        "alternate_on": row.alternate_on,
    }


@EVERY
def test_result_type_is_read_from_the_base_class(name: str) -> None:
    """The engine decodes into the type that stands in the brackets of the request's base."""
    kind: Any = CATALOGUE[name]
    assert result_of(kind) is TABLE[name].result


@EVERY
def test_body_holds_exactly_the_documented_keys(name: str) -> None:
    """A request encodes to the documented names and values, and to nothing else."""
    row = TABLE[name]
    assert type(row.example) is CATALOGUE[name]
    assert orjson.loads(cast("bytes", encode(row.example))) == row.body


@EVERY
def test_body_has_a_key_per_field(name: str) -> None:
    """Every field but those that steer the call is a key of the body, so that a new field cannot be forgotten in the table."""
    fields = {wire_name(field) for field in attrs.fields(cast("Any", CATALOGUE[name])) if is_sent(field)}
    assert fields == TABLE[name].body.keys() | TABLE[name].left_out


@pytest.mark.parametrize("name", sorted(CATALOGUE.keys() - {"MarkTransaction"}))
def test_whatever_is_not_sent_steers_the_call(name: str) -> None:
    """What a request has besides its body is whose token it takes, and nothing else."""
    kept_back = {field.name for field in attrs.fields(cast("Any", CATALOGUE[name])) if not is_sent(field)}
    assert kept_back == ({"authorizer_appid", "token"} if name in OF_EITHER_TOKEN else {"authorizer_appid"})


@EVERY
def test_requests_are_frozen_values(name: str) -> None:
    """A request compares and hashes by value, evolves into another, and cannot be changed."""
    example = TABLE[name].example
    twin = attrs.evolve(example)
    assert twin == example
    assert hash(twin) == hash(example)
    field = attrs.fields(cast("Any", type(example)))[-1].name
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(example, field, getattr(example, field))


@EVERY
def test_requests_belong_to_the_service_of_their_package(name: str) -> None:
    """What lives in ``ams`` is an AMS request and what lives in ``funds`` a Pay request."""
    kind: Any = CATALOGUE[name]
    service = kind.__module__.split(".")[1]
    assert issubclass(kind, AmsRequest) is (service == "ams")
    assert issubclass(kind, PayRequest) is (service == "funds")


@EVERY
def test_requests_are_exported_by_their_package(name: str) -> None:
    """Every request is a name of ``wxrevenue`` and of its service's package."""
    package = importlib.import_module(".".join(CATALOGUE[name].__module__.split(".")[:2]))
    assert getattr(package, name) is CATALOGUE[name]
    assert getattr(importlib.import_module("wxrevenue"), name) is CATALOGUE[name]


@pytest.mark.parametrize("name", sorted(CATALOGUE.keys() - OF_TOKENS))
def test_requests_have_a_shortcut_that_takes_the_same_arguments(name: str) -> None:
    """``client.get_share_ratio`` takes what ``GetShareRatio`` takes, and its documentation is the request's."""
    kind = CATALOGUE[name]
    client = RevenueClient if issubclass(kind, AmsRequest) else FundsDistributionClient
    method = getattr(client, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower())
    _self, *parameters = inspect.signature(method).parameters.values()
    takes_authorizer = issubclass(kind, AmsRequest) and may_take_authorizer(kind)
    assert takes_authorizer is (TABLE[name].token is AUTHORIZER or name in OF_EITHER_TOKEN)
    assert parameters == [one for one in inspect.signature(kind).parameters.values() if one.name != "authorizer_appid" or takes_authorizer]
    assert method.__doc__ == kind.__doc__
    assert inspect.iscoroutinefunction(method)


@EVERY
def test_documentation_says_where_it_comes_from_and_what_it_raises(name: str) -> None:
    """A request's docstring names WeChat's page, its result and its errors."""
    text = inspect.getdoc(CATALOGUE[name]) or ""
    assert "WeChat page:" in text
    assert "Returns:" in text
    assert "Raises:" in text


def test_names_of_endpoints_are_short() -> None:
    """Events and errors call an interface by its action, or by the end of its path where it has none."""
    assert GetShareRatio.endpoint.name == "get_share_ratio"
    assert MarkTransaction.endpoint.name == "mark"
