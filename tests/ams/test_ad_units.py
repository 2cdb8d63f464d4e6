"""Ad units and templates: samples, other spellings, and what is refused.

A request is refused before it is sent. Ids are those of the documents' samples; where these leave
letters out, a 0 stands here.
"""

from __future__ import annotations

from typing import Any

import pytest
from support.chapters import ONE, answered, body, lost, refused
from support.virtual import virtual

from wxrevenue import (
    AdSlot,
    AdunitSize,
    AdunitStatus,
    AgencyCreateAdunit,
    AgencyGetTmplType,
    AgencyUpdateAdunit,
    DecodeError,
    GetAdunitCode,
    GetAdunitList,
    GetAgencyTmplIdList,
    OutcomeUnknownError,
    TemplateType,
)

UNIT = "adunit-04a286aaed8xxxx"
CREATE: dict[str, Any] = {"name": "测试广告单元", "type": "SLOT_ID_WEAPP_BANNER", "authorizer_appid": ONE}
UPDATE: dict[str, Any] = {"name": "测试广告单元", "ad_unit_id": UNIT, "status": "AD_UNIT_STATUS_ON", "authorizer_appid": ONE}
LIST, TEMPLATES = GetAdunitList(authorizer_appid=ONE), GetAgencyTmplIdList(AdSlot.TEMPLATE, authorizer_appid=ONE)
UNITS = """{"ret":0,"err_msg":"ok","ad_unit":[{"ad_slot":"SLOT_ID_WEAPP_REWARD_VIDEO","ad_unit_id":"adunit-e9418ee1900000",
"ad_unit_name":"rewa0000","ad_unit_size":[{"height":166,"width":582}],"ad_unit_status":1,"ad_unit_type":"AD_UNIT_TYPE_REWARED_VIDEO",
"appid":"wx0afc78670f0000","video_duration_max":30,"video_duration_min":6}],"total_num":1}"""
BOUND = """{"ret":0,"err_msg":"","ad_unit_list":[{"tmpl_id":"adunit-e9418ee1900000","ad_unit_name":"tmpl_text",
"slot_id":"SLOT_ID_WEAPP_TEMPLATE","tmpl_bind_list":[{"ad_slot":"SLOT_ID_WEAPP_TEMPLATE","ad_unit_id":"adunit-e9000000000000",
"ad_unit_name":"rewa0000","ad_unit_size":[{"height":166,"width":582}],"ad_unit_status":1,
"ad_unit_type":"AD_UNIT_TYPE_TEMPLATE_CUSTOM","appid":"wx0afc78670f0000","video_duration_max":30,"video_duration_min":6}],
"tmpl_bind_total_num":1}],"total_num":1}"""


def test_sample_bodies() -> None:
    """The samples' bytes, in the samples' order."""
    durations: dict[str, Any] = {"video_duration_min": 6, "video_duration_max": 30, "tmpl_type": 6}
    assert body(AgencyCreateAdunit(**CREATE, **durations)) == (
        '{"name":"测试广告单元","type":"SLOT_ID_WEAPP_BANNER","video_duration_min":6,"video_duration_max":30,"tmpl_type":6}'
    )
    assert body(AgencyUpdateAdunit(**UPDATE, **durations)) == (
        '{"name":"测试广告单元","ad_unit_id":"adunit-04a286aaed8xxxx","status":"AD_UNIT_STATUS_ON",'
        '"video_duration_min":6,"video_duration_max":30,"tmpl_type":6}'
    )
    assert body(AgencyGetTmplType("adunit-e9418ee1900000", authorizer_appid=ONE)) == '{"ad_unit_id":"adunit-e9418ee1900000"}'
    assert body(GetAdunitCode("adunit-e9418ee1900000", authorizer_appid=ONE)) == '{"ad_unit_id":"adunit-e9418ee1900000"}'
    assert (
        body(
            GetAgencyTmplIdList(
                "SLOT_ID_WEAPP_TEMPLATE", page_size=8, tmpl_id="adunit-44e668410cxxxx", is_return_tmpl_bind_list=1, authorizer_appid=ONE
            )
        )
        == '{"page":1,"page_size":8,"ad_slot":"SLOT_ID_WEAPP_TEMPLATE","tmpl_id":"adunit-44e668410cxxxx","is_return_tmpl_bind_list":1}'
    )
    assert (
        body(GetAdunitList(page_size=8, ad_unit_id="adunit-44e668410cxxxx", ad_slot="SLOT_ID_WEAPP_REWARD_VIDEO", authorizer_appid=ONE))
        == '{"page":1,"page_size":8,"ad_unit_id":"adunit-44e668410cxxxx","ad_slot":"SLOT_ID_WEAPP_REWARD_VIDEO"}'
    )


def test_nothing_is_sent_that_was_not_given() -> None:
    """Durations and templates have no default."""
    assert body(AgencyCreateAdunit(**CREATE)) == '{"name":"测试广告单元","type":"SLOT_ID_WEAPP_BANNER"}'
    assert body(LIST) == '{"page":1,"page_size":20}'


@pytest.mark.parametrize("status", [AdunitStatus.OFF, 2, "AD_UNIT_STATUS_OFF"])
def test_a_status_is_a_number_or_a_text(status: Any) -> None:
    """Requests have the string on the wire, whichever was given."""
    request = AgencyUpdateAdunit(**{**UPDATE, "status": status})
    assert '"status":"AD_UNIT_STATUS_OFF"' in body(request)


def test_members_of_enums_are_taken() -> None:
    """A slot and a template may be given as members or as plain values."""
    given: dict[str, Any] = {**CREATE, "type": AdSlot.TEMPLATE, "tmpl_type": TemplateType.SINGLE_TILE}
    plain: dict[str, Any] = {**CREATE, "type": "SLOT_ID_WEAPP_TEMPLATE", "tmpl_type": 100_001}
    assert AgencyCreateAdunit(**given) == AgencyCreateAdunit(**plain)
    assert body(AgencyCreateAdunit(**given)).endswith('"type":"SLOT_ID_WEAPP_TEMPLATE","tmpl_type":100001}')


@virtual
async def test_a_new_unit() -> None:
    """The id comes back; an answer without an id was seen and is not an error."""
    request = AgencyCreateAdunit(**CREATE)
    assert (await answered(request, '{"ret":0,"err_msg":"","ad_unit_id":"adunit-04a286aaed8xxxx"}')).ad_unit_id == UNIT
    assert (await answered(request, '{"ret":0,"err_msg":""}')).ad_unit_id is None


@virtual
async def test_a_new_unit_is_not_asked_for_twice() -> None:
    """After a lost answer nothing is repeated: there would be two units."""
    with pytest.raises(OutcomeUnknownError):
        await answered(AgencyCreateAdunit(**CREATE), lost())


@virtual
async def test_the_sample_list() -> None:
    """Every field of the sample arrives, and nothing is left over."""
    page = await answered(LIST, UNITS)
    (unit,) = page.rows
    assert (page.total, page.total_num, page.ad_unit, page.extra) == (1, 1, [unit], {})
    assert (unit.ad_slot, unit.ad_unit_id, unit.ad_unit_name) == (AdSlot.REWARD_VIDEO, "adunit-e9418ee1900000", "rewa0000")
    assert unit.ad_unit_size == [AdunitSize(height=166, width=582)]
    assert (unit.ad_unit_status, unit.ad_unit_type, unit.appid) == (AdunitStatus.ON, "AD_UNIT_TYPE_REWARED_VIDEO", "wx0afc78670f0000")
    assert (unit.video_duration_min, unit.video_duration_max, unit.extra) == (6, 30, {})
    assert (unit.key, unit.supersedes) == ("adunit-e9418ee1900000", None)


@pytest.mark.parametrize(
    ("sent", "status", "name"),
    [
        (1, 1, "ON"),
        ("AD_UNIT_STATUS_ON", 1, "ON"),
        ("AD_UNIT_STATUS_OFF", 2, "OFF"),
        ("2", 2, "OFF"),
        (9, 9, "UNKNOWN_9"),
        ("AD_UNIT_STATUS_FROZEN", 0, "FROZEN"),
    ],
)
@virtual
async def test_spellings_of_a_status(sent: object, status: int, name: str) -> None:
    """A number and its string are one status, and an unknown status is kept."""
    page = await answered(LIST, {"ret": 0, "ad_unit": [{"ad_unit_id": "u", "ad_unit_status": sent}]})
    found = page.rows[0].ad_unit_status
    assert (found, found.name) == (status, name)


@virtual
async def test_other_shapes_of_a_unit() -> None:
    """A unit comes in other shapes too.

    A size may be one object, and unknown fields are kept. An invalid status is an error that says
    where it stands.
    """
    unit = {"ad_unit_id": "u", "ad_unit_size": {"height": "166", "width": 582}, "is_allow_playable": True, "slot_id": "303"}
    page = await answered(LIST, {"ret": 0, "ad_unit": [unit, {"ad_unit_id": "v"}]})
    assert page.rows[0].ad_unit_size == [AdunitSize(height=166, width=582)]
    assert page.rows[0].extra == {"is_allow_playable": True, "slot_id": "303"}
    assert (page.rows[1].ad_unit_size, page.rows[1].ad_unit_status, page.total) == ([], None, None)
    with pytest.raises(DecodeError) as caught:
        await answered(LIST, {"ret": 0, "ad_unit": [{"ad_unit_id": "u", "ad_unit_status": 1.5}]})
    assert caught.value.path == "$.ad_unit[0].ad_unit_status"


@virtual
async def test_empty_and_foreign_pages() -> None:
    """A list may be missing where the total is there.

    An answer with neither is malformed.
    """
    assert (await answered(LIST, {"ret": 0, "total_num": 0})).rows == []
    assert (await answered(TEMPLATES, {"ret": 0, "total_num": "0"})).rows == []
    for request in (LIST, TEMPLATES):
        with pytest.raises(DecodeError):
            await answered(request, {"ret": 0})


@virtual
async def test_the_sample_templates() -> None:
    """A template comes with the units that are bound to it."""
    page = await answered(TEMPLATES, BOUND)
    (template,) = page.rows
    assert (template.tmpl_id, template.ad_unit_name, template.slot_id) == ("adunit-e9418ee1900000", "tmpl_text", "SLOT_ID_WEAPP_TEMPLATE")
    assert (template.tmpl_bind_total_num, page.total, template.extra) == (1, 1, {})
    assert template.tmpl_bind_list[0].ad_unit_type == "AD_UNIT_TYPE_TEMPLATE_CUSTOM"


@virtual
async def test_a_template_whose_slot_has_another_name() -> None:
    """``ad_slot`` is taken for ``slot_id``.

    It does not count as an unknown field, and does not hide one.
    """
    row = {"tmpl_id": "-", "ad_slot": "SLOT_ID_WEAPP_TEMPLATE", "new": 1}
    page = await answered(TEMPLATES, {"ret": 0, "ad_unit_list": [row], "total_num": "1"})
    assert (page.rows[0].slot_id, page.rows[0].extra, page.total) == ("SLOT_ID_WEAPP_TEMPLATE", {"new": 1}, 1)
    both = await answered(TEMPLATES, {"ret": 0, "ad_unit_list": [{**row, "slot_id": "SLOT_ID_OTHER"}]})
    assert both.rows[0].slot_id == "SLOT_ID_OTHER"


@pytest.mark.parametrize(("sent", "found"), [(100_001, TemplateType.SINGLE_TILE), ("100001", 100_001), ("", None), (None, None), (77, 77)])
@virtual
async def test_spellings_of_a_template_type(sent: object, found: object) -> None:
    """The type comes as a number or as a string.

    An empty string means no type, and an unknown number is kept.
    """
    answer = await answered(AgencyGetTmplType(UNIT, authorizer_appid=ONE), {"ret": 0, "err_msg": "", "tmpl_type": sent})
    assert answer.tmpl_type == found


@pytest.mark.parametrize("sent", ["large", 1.5, True, []])
@virtual
async def test_a_template_type_that_is_none(sent: object) -> None:
    """An unknown template type is an error that names the field."""
    with pytest.raises(DecodeError) as caught:
        await answered(AgencyGetTmplType(UNIT, authorizer_appid=ONE), {"ret": 0, "tmpl_type": sent})
    assert caught.value.path == "$.tmpl_type"


@virtual
async def test_the_code_of_a_unit() -> None:
    """The sample's text, as it is."""
    found = await answered(GetAdunitCode(UNIT, authorizer_appid=ONE), {"ret": 0, "code": '<ad unit-id="adunit-44e668410c5a8e38"></ad>'})
    assert found.code == '<ad unit-id="adunit-44e668410c5a8e38"></ad>'


def test_what_a_new_unit_may_not_be() -> None:
    """Each limit is named: name, slot, durations, templates."""
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"name": ""}, "name: expected 1 to 128 characters, got 0"),
        ({"name": "a\nb"}, "name: control characters and surrogates are not allowed"),
        ({"type": "BANNER"}, "type: expected the name of a slot such as SLOT_ID_WEAPP_BANNER"),
        ({"type": "SLOT_ID_"}, "type: expected the name of a slot such as SLOT_ID_WEAPP_BANNER"),
        ({"type": 5}, "type: expected a str, got int"),
        ({"video_duration_min": 5}, "video_duration_min: expected one of 6; got 5"),
        ({"video_duration_max": 45}, "video_duration_max: expected one of 15, 30, 60, 86400; got 45"),
        ({"video_duration_max": "30"}, "video_duration_max: expected an int, got str"),
        ({"unlock_reward_duration": 60}, "unlock_reward_duration: expected one of 15, 30; got 60"),
        ({"tmpl_type": 5}, "tmpl_type: expected one of 2, 3, 4, 6, 7, 9, 10, 11, 12, 13, 20, 100001, 100003; got 5"),
        ({"tmpl_type": True}, "tmpl_type: expected an int, got bool"),
        ({"tmpl_id": 5}, "tmpl_id: expected a str, got int"),
        ({"tmpl_id": "adunit-1", "tmpl_type": 6}, "tmpl_id: expected tmpl_type or tmpl_id, got both"),
        (
            {"type": AdSlot.TEMPLATE},
            "tmpl_id: expected tmpl_type or tmpl_id, got neither: SLOT_ID_WEAPP_TEMPLATE needs one",
        ),
    ]
    for changes, message in wrong:
        refused(AgencyCreateAdunit, f"AgencyCreateAdunit.{message}", **{**CREATE, **changes})


@pytest.mark.parametrize("status", [3, True, "ON", "AD_UNIT_STATUS_LOST", None, 1.0])
def test_what_a_status_may_not_be(status: Any) -> None:
    """Only on and off can be set."""
    refused(
        lambda: AgencyUpdateAdunit(**{**UPDATE, "status": status}),
        "AgencyUpdateAdunit.status: expected 'AD_UNIT_STATUS_ON' or 'AD_UNIT_STATUS_OFF', or AdunitStatus.ON or .OFF",
    )


def test_other_limits() -> None:
    """Pages count from 1 and have a largest size; a flag is a bool."""
    refused(lambda: GetAdunitList(0, authorizer_appid=ONE), "GetAdunitList.page: expected 1 or more, got 0")
    refused(lambda: GetAdunitList(page_size=10_001, authorizer_appid=ONE), "GetAdunitList.page_size: expected 1 to 10000, got 10001")
    refused(AgencyUpdateAdunit, "AgencyUpdateAdunit.ad_unit_id: expected 1 to 128 characters, got 0", **{**UPDATE, "ad_unit_id": ""})
    refused(
        lambda: GetAgencyTmplIdList("SLOT_ID_WEAPP_TEMPLATE", is_return_tmpl_bind_list=2, authorizer_appid=ONE),
        "GetAgencyTmplIdList.is_return_tmpl_bind_list: expected one of 0, 1; got 2",
    )
