"""What the sandbox refuses of its chapters' parameters.

The wrong type answers 1700, the wrong value 1701.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson
import pytest
from support.provider import Provider

SET, GET, OPERATION = "/wxa/setdefaultamsinfo", "/wxa/getdefaultamsinfo", "/wxa/operationams"
PAGE: dict[str, Any] = {"page": 1, "page_size": 20}
DAYS: dict[str, Any] = {**PAGE, "start_date": "2026-03-01", "end_date": "2026-03-07"}
UNIT: dict[str, Any] = {"name": "n", "type": "SLOT_ID_WEAPP_BANNER"}
FOREIGN: dict[str, Any] = {"name": "n", "ad_unit_id": "adunit-0", "status": "AD_UNIT_STATUS_ON"}
REFUSED: list[tuple[str, dict[str, Any], int]] = [
    ("agency_create_adunit", {"type": "SLOT_ID_WEAPP_BANNER"}, 1700),
    ("agency_create_adunit", {**UNIT, "type": 5}, 1700),
    ("agency_create_adunit", {**UNIT, "type": "BANNER"}, 1701),
    ("agency_create_adunit", {**UNIT, "type": "SLOT_ID_WEAPP_TEMPLATE"}, 1701),
    ("agency_create_adunit", {**UNIT, "tmpl_type": 6, "tmpl_id": "adunit-1"}, 1701),
    ("agency_create_adunit", {**UNIT, "tmpl_type": 5}, 1701),
    ("agency_create_adunit", {**UNIT, "tmpl_id": 5}, 1700),
    ("agency_create_adunit", {**UNIT, "video_duration_min": 5}, 1701),
    ("agency_create_adunit", {**UNIT, "video_duration_max": True}, 1700),
    ("agency_update_adunit", FOREIGN, 1701),
    ("agency_get_adunit_list", {"page": 0, "page_size": 20}, 1701),
    ("agency_get_adunit_list", {"page": 1}, 1700),
    ("agency_get_adunit_list", {**PAGE, "ad_slot": 5}, 1700),
    ("agency_get_adunit_code", {"ad_unit_id": ""}, 1700),
    ("get_agency_ad_unit_list", PAGE, 1700),
    ("agency_set_cover_adpos_status", {}, 1700),
    ("agency_set_cover_adpos_status", {"status": 2}, 1701),
    ("agency_set_cover_adpos_scene", {"cover_scene_list": [1000]}, 1700),
    ("agency_set_cover_adpos_scene", {"cover_scene_list": "1000,1002"}, 1701),
    ("agency_set_black_list", {"op": 3, "list": "[]"}, 1701),
    ("agency_set_black_list", {"op": 1, "list": [{"type": 1, "id": "gh_1"}]}, 1700),
    ("agency_set_black_list", {"op": 1, "list": "["}, 1701),
    ("agency_set_black_list", {"op": 1, "list": "{}"}, 1701),
    ("agency_set_black_list", {"op": 1, "list": "[5]"}, 1701),
    ("agency_set_black_list", {"op": 1, "list": '[{"type":5,"id":"gh_1"}]'}, 1701),
    ("agency_set_black_list", {"op": 1, "list": '[{"type":true,"id":"gh_1"}]'}, 1701),
    ("agency_set_black_list", {"op": 1, "list": '[{"type":1,"id":1}]'}, 1701),
    ("agency_set_mp_amscategory_blacklist", {}, 1700),
    ("agency_set_mp_amscategory_blacklist", {"ams_category": "CHESS|SECURITIES"}, 1701),
    ("agency_get_adpos_genenral", {**DAYS, "start_date": "2026-03-08"}, 1701),
    ("agency_get_adunit_general", {**DAYS, "end_date": "2026-3-7"}, 1701),
    ("agency_get_settlement", {**DAYS, "page_size": 0}, 1701),
]


def asked(path: str, action: str, payload: dict[str, Any], *, component: bool = False) -> int:
    """Return the code of an answer to the first provider."""
    provider = Provider()
    sandbox = provider.sandbox
    token = sandbox.component_token(provider.appid) if component else sandbox.authorizer_token(provider.programs[0])
    answer = sandbox.handle("POST", f"{path}?action={action}&access_token={quote(token, safe='')}", {}, orjson.dumps(payload))
    found = orjson.loads(answer.body)
    return int(found.get("ret", found.get("errcode", 0)))


@pytest.mark.parametrize(("action", "payload", "code"), REFUSED)
def test_parameters_of_a_mini_programs_calls(action: str, payload: dict[str, Any], code: int) -> None:
    """Each wrong parameter of a Mini Program's call has its code."""
    assert asked(OPERATION, action, payload) == code


def test_parameters_of_a_providers_calls() -> None:
    """Each wrong parameter of a provider's call has its code.

    The parameter is a ratio, a page of ad data beyond its maximum, or a list beyond its own.
    """
    custom = {"appid": "wxa000000000000000"}
    assert asked(SET, "agency_set_custom_share_ratio", custom, component=True) == 1700
    assert asked(SET, "agency_set_custom_share_ratio", {**custom, "share_ratio": 101}, component=True) == 1701
    assert asked(GET, "get_agency_ads_detail", {**DAYS, "page_size": 201}, component=True) == 1701
    assert asked(GET, "get_agency_ads_detail", {**DAYS, "page_size": 200}, component=True) == 0
    for count in (0, 501, "1"):
        payload = {"component_appid": "wxc000000000000000", "offset": 0, "count": count}
        assert asked("/cgi-bin/component/api_get_authorizer_list", "", payload, component=True) == 47001


def test_tokens_of_the_wrong_kind() -> None:
    """A token of the wrong kind is refused, in both directions.

    The platform's calls refuse it, too.
    """
    assert asked(GET, "get_share_ratio", {"appid": "wx1"}) == 48001
    assert asked(OPERATION, "agency_get_settlement", DAYS, component=True) == 1736
    assert asked("/cgi-bin/component/api_create_preauthcode", "", {"component_appid": "wxc000000000000000"}) == 61014
    assert asked(OPERATION, "agency_get_nothing", {}) == 45010
