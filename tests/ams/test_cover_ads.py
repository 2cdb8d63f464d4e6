"""The cover ad: its switch, its scenes, and what a repeated switch may find."""

from __future__ import annotations

from typing import Any

import pytest
from support.chapters import ONE, answered, body, lost, refused
from support.virtual import virtual

from wxrevenue import (
    COVER_SCENES,
    ApiError,
    CoverSwitch,
    DecodeError,
    GetCoverAdposScene,
    GetCoverAdposStatus,
    SetCoverAdposScene,
    SetCoverAdposStatus,
)

ON, OFF = SetCoverAdposStatus(1, authorizer_appid=ONE), SetCoverAdposStatus(CoverSwitch.OFF, authorizer_appid=ONE)
STATUS, SCENES = GetCoverAdposStatus(authorizer_appid=ONE), GetCoverAdposScene(authorizer_appid=ONE)
DONE = {"ret": 0, "err_msg": ""}


def test_sample_bodies() -> None:
    """The samples' bytes; scenes are one string with commas, in the order given."""
    assert (body(ON), body(OFF), body(STATUS), body(SCENES)) == ('{"status":1}', '{"status":4}', "{}", "{}")
    assert body(SetCoverAdposScene([1000, 1001, 1007], authorizer_appid=ONE)) == '{"cover_scene_list":"1000,1001,1007"}'
    assert body(SetCoverAdposScene((2,), authorizer_appid=ONE)) == '{"cover_scene_list":"2"}'


def test_every_documented_scene_may_be_set() -> None:
    """There are 140 scenes, among them those that were on by default before all were."""
    default = "1001 1026 1089 1103 1104 1145 1169 1005 1006 1027 1042 1053 1054 1106 1007 1008 1036 1044 1035 1102 1144 1152 1010 1023 1028"
    assert len(COVER_SCENES) == 140
    assert {*map(int, default.split()), 1113, 1114, 1146, 1167, 1088, 1096, 1158, 1160, 2, 1252} <= COVER_SCENES
    assert body(SetCoverAdposScene(sorted(COVER_SCENES), authorizer_appid=ONE)).count(",") == 139


@pytest.mark.parametrize(
    ("scenes", "message"),
    [
        ("1000,1001", "expected a list of scene values, got str"),
        ([], "expected at least one scene; to show the ad nowhere, switch it off"),
        ([1000, "1001"], "expected an int, got str"),
        ([1000, True], "expected an int, got bool"),
        ([1000, 1002], "expected one of the 140 values of COVER_SCENES, got 1002"),
        (5, "expected a list of scene values, got int"),
    ],
)
def test_what_scenes_may_not_be(scenes: Any, message: str) -> None:
    """An invalid scene is named by its place in the list."""
    place = "[1]" if "got" in message and "list" not in message else ""
    refused(lambda: SetCoverAdposScene(scenes, authorizer_appid=ONE), f"SetCoverAdposScene.cover_scene_list{place}: {message}")


@pytest.mark.parametrize(
    ("status", "message"), [(0, "one of 1, 4; got 0"), (True, "an int, got bool"), ("1", "an int, got str"), (None, "an int, got NoneType")]
)
def test_what_a_status_may_not_be(status: Any, message: str) -> None:
    """Only on and off can be set."""
    refused(lambda: SetCoverAdposStatus(status, authorizer_appid=ONE), f"SetCoverAdposStatus.status: expected {message}")


@virtual
async def test_the_sample_status() -> None:
    """The status is off, with the time from which it may be switched on again.

    The table's boolean ``err_msg`` does no harm.
    """
    for said in ("", False):
        found = await answered(STATUS, {"ret": 0, "err_msg": said, "next_open_time": 1666753817, "status": 4})
        assert (found.status, found.is_on, found.next_open_time, found.extra) == (CoverSwitch.OFF, False, 1666753817, {})
    found = await answered(STATUS, {"ret": 0, "status": 3})
    assert (found.status, found.status.name, found.next_open_time) == (3, "UNKNOWN_3", None)


@pytest.mark.parametrize("key", ["scene_list", "cover_scene_list"])
@pytest.mark.parametrize(
    ("sent", "scenes"), [("1000,1001,1007", [1000, 1001, 1007]), ("1000, 9999,", [1000, 9999]), ("", []), ([1000, 1001], [1000, 1001])]
)
@virtual
async def test_scenes_in_answers(key: str, sent: object, scenes: list[int]) -> None:
    """The string is split under either name; unlisted scenes are kept."""
    found = await answered(SCENES, {**DONE, key: sent})
    assert (found.scene_list, found.extra) == (scenes, {})


@pytest.mark.parametrize("sent", [{}, {"scene_list": "1000;1001"}, {"scene_list": 5}, {"scene_list": ["1000"]}])
@virtual
async def test_scenes_that_are_none(sent: dict[str, Any]) -> None:
    """An answer without scenes, or with another thing in their place, is malformed."""
    with pytest.raises(DecodeError):
        await answered(SCENES, {**DONE, **sent})


@pytest.mark.parametrize("code", [2067, 2008])
@virtual
async def test_a_repeat_that_finds_it_switched_has_succeeded(code: int) -> None:
    """The first attempt counts as done when its repeat finds the ad switched.

    The first answer is lost. The repeat says that the ad was switched just now, or is on.
    """
    assert await answered(ON, lost(), {"ret": code, "err_msg": "x"}) is None
    assert await answered(ON, {"ret": -202, "err_msg": "x"}, {"ret": code, "err_msg": "x"}) is None


@virtual
async def test_a_repeat_that_finds_it_on_has_not_switched_it_off() -> None:
    """2067 says that the ad is on, which is no success of switching it off. 2008 is."""
    with pytest.raises(ApiError) as caught:
        await answered(OFF, lost(), {"ret": 2067, "err_msg": "x"})
    assert (caught.value.code, caught.value.ambiguous) == (2067, True)
    assert await answered(OFF, lost(), {"ret": 2008, "err_msg": "x"}) is None


@pytest.mark.parametrize("code", [2067, 2008, 2068])
@virtual
async def test_without_a_lost_answer_it_is_a_refusal(code: int) -> None:
    """The same codes in the first answer are errors that say what to do."""
    with pytest.raises(ApiError) as caught:
        await answered(ON, {"ret": code, "err_msg": "x"})
    assert (caught.value.code, caught.value.ambiguous, bool(caught.value.solution)) == (code, False, True)


@virtual
async def test_reads_take_nothing_for_done() -> None:
    """A read that is answered 2008 after a lost answer has failed."""
    with pytest.raises(ApiError):
        await answered(STATUS, lost(), {"ret": 2008, "err_msg": "x"})
