"""The sandbox's publisher accounts: thresholds, and the hour that opening takes."""

from __future__ import annotations

import pytest
from support.provider import Provider, code_of
from support.virtual import virtual

from wxrevenue.sandbox import Mishap


@pytest.mark.parametrize("number", [0, 1, 2])
@virtual
async def test_opening_takes_an_hour(number: int) -> None:
    """The last Mini Program has no account; opening one takes an hour.

    It answers 2068 in that hour, and 2021 to a second opening.
    """
    provider = Provider(number)
    last = provider.of(-1)
    assert await code_of(last.get_adunit_list()) == 1807
    assert (await last.agency_check_can_open_publisher()).can_open
    await last.agency_create_publisher()
    assert await code_of(last.get_adunit_list()) == 2068
    assert not (await last.agency_check_can_open_publisher()).can_open
    assert await code_of(last.agency_create_publisher()) == 2021
    provider.now += 3600
    assert (await last.get_adunit_list()).total_num == 0


@virtual
async def test_too_few_visitors() -> None:
    """Below a thousand visitors the check says no, and opening answers 2013."""
    provider = Provider()
    provider.sandbox.set_visitors(provider.appid, provider.programs[-1], 999)
    assert (await provider.of(-1).agency_check_can_open_publisher()).status == 0
    assert await code_of(provider.of(-1).agency_create_publisher()) == 2013


@virtual
async def test_an_answer_that_was_lost() -> None:
    """The account is opened although the answer is lost.

    The client's repeat finds that out.
    """
    provider = Provider()
    provider.sandbox.next(Mishap.DROP_AFTER)
    await provider.of(-1).agency_create_publisher()
    assert provider.sandbox.calls["agency_create_publisher", "2021"] == 1


@virtual
async def test_unsigned_and_foreign_mini_programs() -> None:
    """A merchant that has not signed gets 1735 for everything.

    An unknown Mini Program gets 48001.
    """
    provider = Provider()
    assert await code_of(provider.unsigned.agency_create_publisher()) == 1735
    assert await code_of(provider.client.authorizer("wx1").agency_create_publisher()) == 48001


@virtual
async def test_an_account_that_is_taken_away() -> None:
    """``close_publisher`` leaves a Mini Program without an account.

    It can open one again.
    """
    provider = Provider()
    provider.sandbox.close_publisher(provider.appid, provider.programs[0])
    assert await code_of(provider.of(0).get_adunit_list()) == 1807
    assert (await provider.of(0).agency_check_can_open_publisher()).can_open
