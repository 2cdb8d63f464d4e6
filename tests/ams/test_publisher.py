"""Publisher accounts: what is sent, what comes back, and what a repeat may find."""

from __future__ import annotations

import pytest
from support.chapters import ONE, answered, body, lost, refused
from support.virtual import virtual

from wxrevenue import AgencyCheckCanOpenPublisher, AgencyCreatePublisher, ApiError, OutcomeUnknownError

CHECK, CREATE = AgencyCheckCanOpenPublisher(authorizer_appid=ONE), AgencyCreatePublisher(authorizer_appid=ONE)
DONE = {"ret": 0, "err_msg": ""}


def test_bodies_are_empty_objects() -> None:
    """Requests without fields still send an object."""
    assert body(CHECK) == body(CREATE) == "{}"


@pytest.mark.parametrize(("status", "can"), [(1, True), (0, False), (2, False)])
@virtual
async def test_whether_it_can_be_opened(status: int, can: bool) -> None:  # noqa: FBT001
    """The sample's answer; only 1 means that it can."""
    found = await answered(CHECK, {**DONE, "status": status})
    assert (found.status, found.can_open) == (status, can)


@virtual
async def test_opening() -> None:
    """Success has no content; 2013 is an error that says when to try again."""
    assert await answered(CREATE, DONE) is None
    with pytest.raises(ApiError, match="visitors") as caught:
        await answered(CREATE, {"ret": 2013, "err_msg": "x"})
    assert caught.value.code == 2013


@virtual
async def test_a_repeat_that_finds_the_account_open_has_succeeded() -> None:
    """The first attempt counts as done when its repeat is answered with 2021.

    The first answer is lost; 2021 says that the account is open.
    """
    assert await answered(CREATE, lost(), {"ret": 2021, "err_msg": "opened"}) is None


@virtual
async def test_an_account_that_was_open_before_is_an_error() -> None:
    """2021 without a lost answer is the server's refusal, in either envelope."""
    for said in ({"ret": 2021, "err_msg": "opened"}, {"errcode": 2021, "errmsg": " rid: 673c5301-3770ec4c-3b1177cc"}):
        with pytest.raises(ApiError) as caught:
            await answered(CREATE, said)
        assert (caught.value.code, caught.value.ambiguous) == (2021, False)


@virtual
async def test_other_refusals_of_a_repeat_keep_the_doubt() -> None:
    """After a lost answer, 1735 is an error that says that the call may have acted."""
    with pytest.raises(ApiError) as caught:
        await answered(CREATE, lost(), {"ret": 1735, "err_msg": "x"})
    assert (caught.value.code, caught.value.ambiguous) == (1735, True)
    with pytest.raises(OutcomeUnknownError):
        await answered(CREATE, lost(), lost(), lost())


def test_the_mini_program_is_named() -> None:
    """Whose token is used must be said."""
    refused(AgencyCreatePublisher, "AgencyCreatePublisher takes an authorizer's token: give authorizer_appid='wx…'")
