"""The sandbox's cover ad."""

from __future__ import annotations

import pytest
from support.provider import Provider, code_of
from support.virtual import virtual

from wxrevenue import COVER_SCENES, CoverSwitch
from wxrevenue.sandbox import Mishap


@pytest.mark.parametrize("number", [0, 1, 2])
@virtual
async def test_the_switch_works_once_an_hour(number: int) -> None:
    """The switch is off at first, and works once an hour.

    Switched on it says until when it stays, and refuses to be switched off (2008). Later it refuses
    to be switched on again (2067).
    """
    provider = Provider(number)
    one = provider.of(0)
    status = await one.get_cover_adpos_status()
    assert (status.is_on, status.next_open_time) == (False, 0)
    await one.set_cover_adpos_status(CoverSwitch.ON)
    status = await one.get_cover_adpos_status()
    assert (status.is_on, status.next_open_time) == (True, int(provider.now) + 3600)
    assert await code_of(one.set_cover_adpos_status(CoverSwitch.OFF)) == 2008
    provider.now += 3600
    assert await code_of(one.set_cover_adpos_status(CoverSwitch.ON)) == 2067
    await one.set_cover_adpos_status(CoverSwitch.OFF)
    assert not (await one.get_cover_adpos_status()).is_on


@virtual
async def test_an_answer_that_was_lost() -> None:
    """The ad is switched although the answer is lost.

    The client's repeat finds that out.
    """
    provider = Provider()
    provider.sandbox.next(Mishap.DROP_AFTER)
    await provider.of(0).set_cover_adpos_status(CoverSwitch.ON)
    assert provider.sandbox.calls["agency_set_cover_adpos_status", "2008"] == 1


@virtual
async def test_scenes() -> None:
    """All scenes are on at first, and those that were set keep their order.

    Both sides know the same ones.
    """
    one = Provider().of(0)
    assert set((await one.get_cover_adpos_scene()).scene_list) == COVER_SCENES
    await one.set_cover_adpos_scene([1001, 1000, 2])
    assert (await one.get_cover_adpos_scene()).scene_list == [1001, 1000, 2]
