"""Opening the publisher accounts of a fleet, and switching its cover ads."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import aclosing
from typing import Any

import pytest
from support.chapters import refused
from support.fakes import ams_client
from support.fleet import Fleet
from support.provider import SandboxTokens
from support.virtual import run_virtual, virtual

from wxrevenue import (
    ApiError,
    ConfigurationError,
    CoverSwitch,
    PublisherResult,
    PublisherState,
    RevenueClient,
    open_publishers,
    switch_covers,
)
from wxrevenue.sandbox import Mishap, Quota, Trouble

OPEN, CAN_OPEN, OPENING, UNSIGNED, NOT_ALLOWED = PublisherState
LIST, CHECK, CREATE = "agency_get_adunit_list", "agency_check_can_open_publisher", "agency_create_publisher"
SWITCH = "agency_set_cover_adpos_status"
HOUR = 3600.0


def closed(fleet: Fleet, step: int = 1) -> None:
    """Close the publisher account of every Mini Program, or of one in so many."""
    for appid in fleet.programs[::step]:
        fleet.sandbox.close_publisher(fleet.appid, appid)


async def opened(fleet: Fleet, *appids: str, **options: Any) -> dict[str, PublisherResult]:
    """Return the rows; each Mini Program has one."""
    rows = [row async for row in open_publishers(fleet.client, appids or fleet.programs, **options)]
    assert len({row.appid for row in rows}) == len(rows)
    return {row.appid: row for row in rows}


# -- one Mini Program ------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 2])
@virtual
async def test_the_states_of_a_publisher(number: int) -> None:
    """An account works, can be opened, is being opened, or cannot be opened.

    It is being opened for an hour. A merchant that has not signed is a state too.
    """
    fleet = Fleet(number=number)
    client, last = fleet.client, fleet.programs[-1]
    assert await client.publisher_state(fleet.programs[0]) is OPEN
    assert await client.publisher_state(last) is CAN_OPEN
    fleet.sandbox.set_visitors(fleet.appid, last, 999)
    assert await client.publisher_state(last) is NOT_ALLOWED
    assert await client.publisher_state(fleet.unsigned) is UNSIGNED
    fleet.sandbox.set_visitors(fleet.appid, last, 1000)
    await client.authorizer(last).agency_create_publisher()
    assert await client.publisher_state(last) is OPENING
    await asyncio.sleep(HOUR)
    assert await client.publisher_state(last) is OPEN


@pytest.mark.parametrize(("code", "known"), [(2009, CAN_OPEN), (2068, OPENING), (1735, UNSIGNED)])
@virtual
async def test_codes_that_are_states(code: int, known: PublisherState) -> None:
    """2009 means what 1807 means; 2068 and 1735 are states."""
    fleet = Fleet()
    fleet.sandbox.next(code, action=LIST)
    assert await fleet.client.publisher_state(fleet.programs[-1]) is known


@virtual
async def test_what_is_no_state_is_raised() -> None:
    """A provider without an account (2056) is an error.

    An invalid appid is an error before any call.
    """
    fleet = Fleet()
    fleet.sandbox.next(2056, action=LIST)
    with pytest.raises(ApiError, match="2056"):
        await fleet.client.publisher_state(fleet.programs[0])
    fleet.sandbox.next(1735, action=CHECK)
    assert await fleet.client.publisher_state(fleet.programs[-1]) is UNSIGNED
    before = len(fleet.actions)
    with pytest.raises(ConfigurationError, match="authorizer_appid"):
        await fleet.client.publisher_state("wx 1")
    assert len(fleet.actions) == before


# -- many ------------------------------------------------------------------------------------------


@virtual
async def test_check_then_create() -> None:
    """Open accounts are left alone, others are opened.

    The next runs find them opening, then open.
    """
    fleet = Fleet()
    few = fleet.programs[1]
    closed(fleet)
    fleet.sandbox.set_visitors(fleet.appid, few, 10)
    found = await opened(fleet, *fleet.programs, fleet.unsigned)
    assert found[few] == PublisherResult(few, NOT_ALLOWED, None)
    assert found[fleet.unsigned] == PublisherResult(fleet.unsigned, UNSIGNED, None)
    assert Counter(row.state for row in found.values()) == {OPENING: 3, NOT_ALLOWED: 1, UNSIGNED: 1}
    assert fleet.calls(CREATE) == 3
    await opened(fleet)
    assert fleet.calls(CREATE) == 3
    await asyncio.sleep(HOUR)
    fleet.sandbox.set_visitors(fleet.appid, few, 1000)
    assert Counter(row.state for row in (await opened(fleet)).values()) == {OPEN: 3, OPENING: 1}


@pytest.mark.parametrize(("code", "known"), [(2013, OPENING), (2068, OPENING), (2021, OPEN), (1735, UNSIGNED)])
@virtual
async def test_what_creating_may_say(code: int, known: PublisherState) -> None:
    """2013 and 2068 are opening, 2021 is open, and 1735 is unsigned.

    An account that is opening is asked again by the next run.
    """
    fleet = Fleet()
    last = fleet.programs[-1]
    fleet.sandbox.next(code, action=CREATE)
    assert await opened(fleet, last) == {last: PublisherResult(last, known, None)}
    assert (await opened(fleet, last))[last].state is OPENING
    assert fleet.calls(CREATE) == 1


@virtual
async def test_one_failure_is_one_row() -> None:
    """A refusal, an unknown appid and an invalid one are rows with errors.

    The other rows come.
    """
    fleet = Fleet()
    closed(fleet, 3)  # the first and the last
    fleet.sandbox.next(2056, action=CHECK)
    fleet.sandbox.next(1700, action=CREATE)
    found = await opened(fleet, "wx1", fleet.programs[-1], "wx nobody", *fleet.programs[:3], concurrency=1)
    errors = {appid: row.error for appid, row in found.items() if row.error is not None}
    assert [getattr(error, "code", None) for error in errors.values()] == [48001, 2056, None, 1700]
    assert all(found[appid].state is None for appid in errors)
    assert [found[appid].state for appid in fleet.programs[1:3]] == [OPEN, OPEN]


@virtual
async def test_a_lost_answer_opens_once() -> None:
    """When the answer to opening was lost, the repeat finds the account open.

    The row is opening, without an error.
    """
    fleet = Fleet()
    last = fleet.programs[-1]
    fleet.sandbox.next(Mishap.DROP_AFTER, action=CREATE)
    assert await opened(fleet, last) == {last: PublisherResult(last, OPENING, None)}
    assert (fleet.calls(CREATE), fleet.calls(CREATE, "2021")) == (0, 1)


def test_a_thousand_publishers_under_a_quota() -> None:
    """A thousand Mini Programs are opened under a quota of the provider's.

    Half of them are closed. Each has one row, and none fails.
    """

    async def main() -> None:
        fleet = Fleet(1000, trouble=Trouble(too_fast=Quota(300, 60.0, per="component"), latency=0.02))
        closed(fleet, 2)
        most = 0
        states: Counter[PublisherState | None] = Counter()
        async for row in open_publishers(fleet.client, fleet.programs):
            states[row.state] += 1
            most = max(most, len(asyncio.all_tasks()))
        assert states == {OPEN: 499, OPENING: 501}  # the last one has no account at first
        assert fleet.calls(CREATE) == 501
        assert sum(count for (_, outcome), count in fleet.sandbox.calls.items() if outcome == "1737") <= 60
        assert most <= 16 + 1
        assert fleet.most_in_flight <= 16
        await asyncio.sleep(HOUR)
        fleet.sandbox.trouble = Trouble()
        assert Counter(row.state for row in (await opened(fleet)).values()) == {OPEN: 1000}

    run_virtual(main())


@virtual
async def test_closing_leaves_nothing_behind() -> None:
    """A reader that stops early and closes has no task and no call left."""
    fleet = Fleet(100, trouble=Trouble(latency=1.0))
    async with aclosing(open_publishers(fleet.client, fleet.programs)) as rows:
        await anext(rows)
    assert fleet.in_flight == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_fleet_over_real_http() -> None:
    """Over real connections: a fleet is opened."""
    fleet = Fleet(30)
    closed(fleet)
    async with fleet.sandbox.serve() as url, RevenueClient(SandboxTokens(fleet.sandbox, fleet.appid), base_url=url) as client:
        states = Counter([row.state async for row in open_publishers(client, fleet.programs)])
    assert states == {OPENING: 30}


# -- cover ads -------------------------------------------------------------------------------------


@virtual
async def test_a_cover_ad_is_switched_when_it_may_be() -> None:
    """The cover ad is switched once.

    Before ``next_open_time`` WeChat is not asked to switch it on.
    """
    fleet = Fleet()
    one = fleet.programs[0]
    client = fleet.client.authorizer(one)
    assert (await client.ensure_cover_adpos_status(CoverSwitch.ON)).is_on
    assert (await client.ensure_cover_adpos_status(CoverSwitch.ON)).is_on
    assert fleet.calls(SWITCH) == 1
    off = await client.ensure_cover_adpos_status(CoverSwitch.OFF)
    assert (off.is_on, off.next_open_time) == (True, int(fleet.clock.time() + HOUR))
    assert fleet.calls(SWITCH, "2008") == 1
    await asyncio.sleep(HOUR)
    assert not (await client.ensure_cover_adpos_status(CoverSwitch.OFF)).is_on
    on = await client.ensure_cover_adpos_status(CoverSwitch.ON)
    assert (on.is_on, on.next_open_time) == (False, int(fleet.clock.time() + HOUR))
    assert fleet.calls(SWITCH, "2008") == 1  # not asked again
    for _ in range(2):
        await asyncio.sleep(HOUR)
        assert (await client.ensure_cover_adpos_status(CoverSwitch.ON)).is_on
    assert fleet.calls(SWITCH, "2067") == 0


@virtual
async def test_what_switching_may_say() -> None:
    """2067 is success where the ad is to be on, and other refusals are raised.

    An invalid status is refused before any call.
    """
    fleet = Fleet()
    client = fleet.client.authorizer(fleet.programs[0])
    fleet.sandbox.next(2067, action=SWITCH)
    assert (await client.ensure_cover_adpos_status(1)).is_on
    await asyncio.sleep(HOUR)
    assert (await client.ensure_cover_adpos_status(1)).is_on
    await asyncio.sleep(HOUR)
    fleet.sandbox.next(2067, action=SWITCH)
    assert (await client.ensure_cover_adpos_status(CoverSwitch.OFF)).is_on  # it is what the server says
    assert not (await client.ensure_cover_adpos_status(CoverSwitch.OFF)).is_on
    await asyncio.sleep(HOUR)
    fleet.sandbox.next(2068, action=SWITCH)
    with pytest.raises(ApiError, match="2068"):
        await client.ensure_cover_adpos_status(1)
    with pytest.raises(ConfigurationError, match="status"):
        await client.ensure_cover_adpos_status(2)
    with pytest.raises(ConfigurationError, match="authorizer_appid"):
        await fleet.client.ensure_cover_adpos_status(1)


@pytest.mark.parametrize("mishap", [Mishap.BUSY, Mishap.SYSTEM, Mishap.DROP_AFTER])
@virtual
async def test_a_switch_that_is_refused_after_a_lost_answer(mishap: Mishap) -> None:
    """After 2008 on the repeat, the state of the cover ad is read and returned.

    2008 may mean that an earlier attempt switched it.
    """
    fleet = Fleet()
    client = fleet.client.authorizer(fleet.programs[0])
    await client.set_cover_adpos_status(CoverSwitch.ON)
    fleet.sandbox.next(mishap, action=SWITCH)
    off = await client.ensure_cover_adpos_status(CoverSwitch.OFF)
    assert off == await client.get_cover_adpos_status()
    assert off.is_on
    assert fleet.calls(SWITCH, "2008") == 1


@virtual
async def test_a_switch_whose_answers_stay_lost() -> None:
    """When all answers stay lost, the state is read.

    The wanted state is success. With another one the error is raised.
    """
    fleet = Fleet()
    client = fleet.client.authorizer(fleet.programs[0])
    fleet.sandbox.next(*[Mishap.SYSTEM] * 3, action=SWITCH)
    with pytest.raises(ApiError, match="-1"):
        await client.ensure_cover_adpos_status(CoverSwitch.ON)
    fleet.sandbox.next(Mishap.DROP_AFTER, *[Mishap.SYSTEM] * 2, action=SWITCH)
    assert (await client.ensure_cover_adpos_status(CoverSwitch.ON)).is_on


@virtual
async def test_the_cover_ads_of_a_fleet() -> None:
    """Each Mini Program has one row: switched, or why not."""
    fleet = Fleet(50)
    rows = {row.appid: row async for row in switch_covers(fleet.client, fleet.programs, CoverSwitch.ON)}
    last = rows.pop(fleet.programs[-1])
    assert last.status is None
    assert isinstance(last.error, ApiError)
    assert last.error.code == 1807
    assert len(rows) == 49
    assert all(row.status is not None and row.status.is_on for row in rows.values())


def test_wrong_arguments_are_refused_at_once() -> None:
    """Wrong arguments are refused before anything is awaited or sent.

    They are not appids, not a number of calls, or not a status.
    """
    client = ams_client()[0]
    refused(open_publishers, "open_publishers.appids: expected an iterable of jobs, or an asynchronous one, got NoneType", client, None)
    refused(open_publishers, "open_publishers.concurrency: expected an int, 1 to 10000, got 0", client, [], concurrency=0)
    refused(switch_covers, "switch_covers.concurrency: expected an int, 1 to 10000, got 1.0", client, [], 1, concurrency=1.0)
    refused(switch_covers, "SetCoverAdposStatus.status: expected one of 1, 4; got 3", client, [], 3)
