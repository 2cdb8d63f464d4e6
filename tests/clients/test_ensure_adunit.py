"""An ad unit is made once, whatever becomes of the answers."""

from __future__ import annotations

from typing import Any

import pytest
from support.fleet import Fleet
from support.virtual import virtual

from wxrevenue import AdSlot, ApiError, ConfigurationError, DecodeError, OutcomeUnknownError, RevenueClient
from wxrevenue.sandbox import Answer, Mishap

LIST, CREATE = "agency_get_adunit_list", "agency_create_adunit"
VIDEO: dict[str, Any] = {"type": AdSlot.REWARD_VIDEO, "video_duration_min": 6, "video_duration_max": 30}


async def units(fleet: Fleet) -> list[str | None]:
    """Return the names of the units made for the first Mini Program, newest first."""
    return [unit.ad_unit_name async for unit in first(fleet).iter_adunit_list()][:-3]


def first(fleet: Fleet) -> RevenueClient:
    """Return the client of the first Mini Program."""
    return fleet.client.authorizer(fleet.programs[0])


@pytest.mark.parametrize("number", [0, 1, 2])
@virtual
async def test_a_unit_is_made_once(number: int) -> None:
    """The first call makes the unit and the second finds it.

    Both return the same id, slot and name.
    """
    fleet = Fleet(number=number)
    made = await first(fleet).ensure_adunit(name="Rewarded", **VIDEO)
    assert (made.ad_unit_name, made.ad_slot, made.appid) == ("Rewarded", AdSlot.REWARD_VIDEO, fleet.programs[0])
    found = await fleet.client.ensure_adunit(name="Rewarded", type=AdSlot.REWARD_VIDEO, authorizer_appid=fleet.programs[0])
    assert found.ad_unit_id == made.ad_unit_id
    assert found.video_duration_max == 30
    assert fleet.calls(CREATE) == 1


@virtual
async def test_a_unit_on_a_late_page_is_found() -> None:
    """All pages of the list are looked through before a unit is made."""
    fleet = Fleet()
    client = first(fleet)
    oldest = await client.ensure_adunit(name="oldest", **VIDEO)
    for number in range(120):
        await client.agency_create_adunit(f"unit {number}", **VIDEO)
    assert (await client.ensure_adunit(name="oldest", **VIDEO)).ad_unit_id == oldest.ad_unit_id
    assert fleet.calls(CREATE) == 121


@pytest.mark.parametrize("mishap", [Mishap.DROP_AFTER, Mishap.HTML, Mishap.CUT])
@virtual
async def test_an_answer_that_was_lost(mishap: Mishap) -> None:
    """A unit whose answer was lost is found by its name; none is made again."""
    fleet = Fleet()
    fleet.sandbox.next(mishap, action=CREATE)
    unit = await first(fleet).ensure_adunit(name="Rewarded", **VIDEO)
    assert unit.ad_unit_name == "Rewarded"
    assert await units(fleet) == ["Rewarded"]
    assert fleet.actions.count(CREATE) == 1


@virtual
async def test_an_answer_that_was_lost_before_the_unit_was_made() -> None:
    """If the list lacks the unit the error says that the outcome is unknown.

    The next call makes it.
    """
    fleet = Fleet()
    fleet.sandbox.next(Answer(0, drop=_after()), action=CREATE)
    with pytest.raises(OutcomeUnknownError):
        await first(fleet).ensure_adunit(name="Rewarded", **VIDEO)
    assert await units(fleet) == []
    await first(fleet).ensure_adunit(name="Rewarded", **VIDEO)
    assert await units(fleet) == ["Rewarded"]


def _after() -> Any:
    from wxrevenue.sandbox._call import Drop

    return Drop.AFTER


@virtual
async def test_a_list_that_cannot_be_read_after_a_lost_answer() -> None:
    """The error of the lost answer is raised, not that of the list."""
    fleet = Fleet()
    fleet.sandbox.next(None, 1700, action=LIST)
    fleet.sandbox.next(Mishap.DROP_AFTER, action=CREATE)
    with pytest.raises(OutcomeUnknownError):
        await first(fleet).ensure_adunit(name="Rewarded", **VIDEO)


@virtual
async def test_a_unit_that_another_process_made() -> None:
    """1803 for a name that the list lacked before is looked up again.

    Another process made the unit. Under another kind of slot 1803 is raised.
    """
    fleet = Fleet()
    await first(fleet).agency_create_adunit("Rewarded", **VIDEO)
    fleet.sandbox.next(Answer(200, body=b'{"ret":0,"total_num":0}'), action=LIST)
    assert (await first(fleet).ensure_adunit(name="Rewarded", **VIDEO)).ad_unit_name == "Rewarded"
    with pytest.raises(ApiError, match="1803"):
        await first(fleet).ensure_adunit(name="Rewarded", type=AdSlot.INTERSTITIAL)


@pytest.mark.parametrize("success", [b'{"ret":0}', b'{"ret":0,"ad_unit_id":""}'])
@virtual
async def test_a_success_without_an_id(success: bytes) -> None:
    """A success that has no id is looked up by its name.

    If the list has none either, the error says so.
    """
    fleet = Fleet()
    await first(fleet).agency_create_adunit("Rewarded", **VIDEO)
    empty = Answer(200, body=b'{"ret":0,"total_num":0}')
    fleet.sandbox.next(empty, action=LIST)
    fleet.sandbox.next(Answer(200, body=success), action=CREATE)
    assert (await first(fleet).ensure_adunit(name="Rewarded", **VIDEO)).ad_unit_name == "Rewarded"
    fleet.sandbox.next(Answer(200, body=success), action=CREATE)
    with pytest.raises(DecodeError, match="no unit of this name"):
        await first(fleet).ensure_adunit(name="Other", **VIDEO)


@virtual
async def test_what_is_refused() -> None:
    """A refusal is raised as it is.

    A wrong argument is refused before any call.
    """
    fleet = Fleet()
    with pytest.raises(ApiError, match="1807"):
        await fleet.client.authorizer(fleet.programs[-1]).ensure_adunit(name="Rewarded", **VIDEO)
    fleet.sandbox.next(1700, action=CREATE)
    with pytest.raises(ApiError, match="1700"):
        await first(fleet).ensure_adunit(name="Rewarded", **VIDEO)
    before = len(fleet.actions)
    with pytest.raises(ConfigurationError, match="tmpl_type or tmpl_id"):
        await first(fleet).ensure_adunit(name="Native", type=AdSlot.TEMPLATE)
    with pytest.raises(ConfigurationError, match="authorizer_appid"):
        await fleet.client.ensure_adunit(name="Rewarded", **VIDEO)
    assert len(fleet.actions) == before
