"""The sandbox's ad units and templates."""

from __future__ import annotations

import pytest
from support.provider import Provider, code_of
from support.virtual import virtual

from wxrevenue import AdSlot, AdunitStatus


@pytest.mark.parametrize("number", [0, 1, 2])
@virtual
async def test_a_unit_from_the_cradle(number: int) -> None:
    """A new unit is listed first, changed, and found by id and by slot.

    Its name is taken from then on.
    """
    one = Provider(number).of(0)
    assert [unit.ad_slot for unit in (await one.get_adunit_list()).rows] == [AdSlot.INTERSTITIAL, AdSlot.REWARD_VIDEO, AdSlot.BANNER]
    made = await one.agency_create_adunit("新", type=AdSlot.REWARD_VIDEO, video_duration_min=6, video_duration_max=30)
    unit_id = made.ad_unit_id
    assert unit_id is not None
    assert await code_of(one.agency_create_adunit("新", type=AdSlot.BANNER)) == 1803
    await one.agency_update_adunit("旧", ad_unit_id=unit_id, status=AdunitStatus.OFF)
    page = await one.get_adunit_list(ad_slot=AdSlot.REWARD_VIDEO)
    first = page.rows[0]
    assert (page.total, first.ad_unit_id, first.ad_unit_name, first.ad_unit_status) == (2, unit_id, "旧", AdunitStatus.OFF)
    assert (first.video_duration_min, first.video_duration_max, first.extra) == (6, 30, {})
    assert (await one.get_adunit_list(ad_unit_id=unit_id)).rows == [first]
    assert (await one.get_adunit_code(unit_id)).code == f'<ad unit-id="{unit_id}"></ad>'
    assert (await one.agency_get_tmpl_type(unit_id)).tmpl_type is None


@virtual
async def test_templates() -> None:
    """There are two templates; a unit that is made with one is bound to it."""
    one = Provider().of(1)
    templates = await one.get_agency_tmpl_id_list(AdSlot.TEMPLATE, page_size=1)
    assert (templates.total, len(templates.rows), templates.rows[0].tmpl_bind_total_num) == (2, 1, 0)
    template = templates.rows[0].tmpl_id
    made = await one.agency_create_adunit("模板", type=AdSlot.TEMPLATE, tmpl_id=template)
    typed = await one.agency_create_adunit("模板二", type=AdSlot.TEMPLATE, tmpl_type=100_001)
    (found,) = (await one.get_agency_tmpl_id_list(AdSlot.TEMPLATE, tmpl_id=template, is_return_tmpl_bind_list=True)).rows
    assert [unit.ad_unit_id for unit in found.tmpl_bind_list] == [made.ad_unit_id]
    assert (await one.agency_get_tmpl_type(typed.ad_unit_id or "")).tmpl_type == 100_001


@virtual
async def test_what_does_not_exist() -> None:
    """Another provider's unit is a wrong parameter."""
    provider = Provider()
    other = (await provider.of(1).get_adunit_list()).rows[0].ad_unit_id
    assert await code_of(provider.of(0).get_adunit_code(other)) == 1701
    assert (await provider.of(0).get_adunit_list(2)).rows == []
