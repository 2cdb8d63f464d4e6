"""The interfaces of AMS, and those by which merchants authorize a provider."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import NoneType
from typing import Any

from support.catalogue.row import Row
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
    PreauthCode,
    PublisherCheck,
    QueryAuth,
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
)

COMPONENT, AUTHORIZER = TokenKind.COMPONENT, TokenKind.AUTHORIZER
SAFE, REPEATABLE, UNSAFE = Safety.SAFE, Safety.REPEATABLE, Safety.UNSAFE
GET, SET, OPERATION = "/wxa/getdefaultamsinfo", "/wxa/setdefaultamsinfo", "/wxa/operationams"
ONE = "wx1"
"""The Mini Program whose token the examples take."""
DAYS: dict[str, Any] = {"start_date": "2020-04-10", "end_date": date(2020, 4, 13), "page": 2, "page_size": 7}
SENT_DAYS = {"page": 2, "page_size": 7, "start_date": "2020-04-10", "end_date": "2020-04-13"}
UNIT = "adunit-1"
PLATFORM = "/cgi-bin/component"


def of_authorizer(action: str, safety: Safety, result: Any, example: Any, body: dict[str, Any], *left_out: str) -> Row:
    """Return the row of an interface that takes an authorizer's token."""
    return Row(OPERATION, action, safety, result, example, body, token=AUTHORIZER, left_out=frozenset(left_out))


AMS: dict[str, Row] = {
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
}
