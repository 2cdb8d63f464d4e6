"""Setting the ratios of a fleet, by a plan."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import aclosing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from support.fleet import Fleet
from support.provider import SandboxTokens
from support.ratios import AWAITING, IN_FORCE, SET, SET_CUSTOM, change, read, status
from support.virtual import run_virtual, virtual

from wxrevenue import (
    ApiError,
    ConfigurationError,
    OutcomeUnknownError,
    RatioChange,
    RatioPlan,
    RevenueClient,
    apply_ratios,
    plan_ratios,
    ratio_status,
)
from wxrevenue.sandbox import Mishap, Quota, Trouble

if TYPE_CHECKING:
    from wxrevenue import RatioResult


async def applied(fleet: Fleet, plan: RatioPlan, **options: Any) -> list[RatioResult]:
    """Return the results of a plan."""
    return [result async for result in apply_ratios(fleet.client, plan, **options)]


# -- setting ---------------------------------------------------------------------------------------


@virtual
async def test_the_default_is_set_first() -> None:
    """No custom ratio is sent before the default was answered; all are set."""
    fleet = Fleet(20, trouble=Trouble(latency=0.05))
    changes = [change(None, 50, 40), *(change(appid, None, n) for n, appid in enumerate(fleet.programs))]
    results = await applied(fleet, plan_ratios({one.appid: one.after for one in changes}, [status(appid) for appid in fleet.programs]))
    assert fleet.actions == [SET] + 20 * [SET_CUSTOM]
    assert fleet.log[:2] == [f"> {SET}", f"< {SET}"]
    assert results[0].change == changes[0]
    assert {(result.change, result.error) for result in results} == {(one, None) for one in changes}
    assert fleet.most_in_flight <= 4
    found = await read(fleet, fleet.programs)
    assert [found[appid].custom for appid in fleet.programs] == [*range(20)]


@virtual
async def test_whole_numbers_are_sent_whole() -> None:
    """40.00 goes out as 40, a fraction as it is."""
    fleet = Fleet()
    one, two, *_ = fleet.programs
    await applied(fleet, RatioPlan((RatioChange(one, None, Decimal("40.00")), RatioChange(two, None, Decimal("12.5"))), 0))
    assert [request.body for request in fleet.transport.requests] == [
        b'{"appid":"%b","share_ratio":40}' % one.encode(),
        b'{"appid":"%b","share_ratio":12.5}' % two.encode(),
    ]


@virtual
async def test_one_that_cannot_be_set_stops_nobody() -> None:
    """A refused default and an unknown Mini Program are results with their errors.

    The rest is set.
    """
    fleet = Fleet()
    fleet.sandbox.next(1700, action=SET)
    plan = RatioPlan((change(None, 50, 40), change("wx1", None, 40), change(fleet.programs[0], None, 40)), 0)
    results = await applied(fleet, plan)
    assert [(one.change.appid, one.error and one.error.code) for one in results if isinstance(one.error, (ApiError, type(None)))] == [
        (None, 1700),
        ("wx1", 1701),
        (fleet.programs[0], None),
    ]


@virtual
async def test_a_ratio_of_which_nobody_knows() -> None:
    """When all answers of a change are lost its error is ambiguous.

    If the ratio was set, the next plan does not contain the change.
    """
    fleet = Fleet()
    one = fleet.programs[0]
    fleet.sandbox.next(*3 * [Mishap.DROP_AFTER], action=SET_CUSTOM)
    (result,) = await applied(fleet, RatioPlan((change(one, None, 40),), 0))
    assert isinstance(result.error, OutcomeUnknownError)
    assert plan_ratios({one: 40}, (await read(fleet, [one])).values()) == RatioPlan((), 1)


@virtual
async def test_operating_too_fast_after_a_lost_answer() -> None:
    """A change whose repeat is refused waits for its turn.

    Setting it twice is setting it once.
    """
    fleet = Fleet()
    fleet.sandbox.next(Mishap.DROP_AFTER, 1737, action=SET_CUSTOM)
    (result,) = await applied(fleet, RatioPlan((change(fleet.programs[0], None, 40),), 0))
    assert result.error is None
    assert fleet.calls(SET_CUSTOM, "1737") == 1


def test_a_thousand_ratios_under_a_quota() -> None:
    """With 100 calls allowed a minute all thousand are set, each once.

    A change that is refused waits its turn.
    """

    async def main() -> None:
        fleet = Fleet(1000, trouble=Trouble(too_fast=Quota(100, 60.0)))
        plan = plan_ratios(dict.fromkeys(fleet.programs, 40), [status(appid) for appid in fleet.programs])
        results = await applied(fleet, plan)
        assert [result.error for result in results] == 1000 * [None]
        assert fleet.calls(SET_CUSTOM) == 1000
        assert fleet.calls(SET_CUSTOM, "1737") <= 30

    run_virtual(main())


@virtual
async def test_leaving_early_and_going_on() -> None:
    """Closing early leaves no call behind; a new plan has the rest."""
    fleet = Fleet(50, trouble=Trouble(latency=0.05))
    wanted: dict[str | None, int | Decimal] = dict.fromkeys(fleet.programs, 40)
    plan = plan_ratios(wanted, (await read(fleet, fleet.programs)).values())
    async with aclosing(apply_ratios(fleet.client, plan)) as results:
        for _ in range(10):
            await anext(results)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    rest = plan_ratios(wanted, (await read(fleet, fleet.programs)).values())
    assert len(rest.changes) <= 40
    assert all(result.error is None for result in await applied(fleet, rest))
    assert fleet.calls(SET_CUSTOM) <= 50 + 4
    assert plan_ratios(wanted, (await read(fleet, fleet.programs)).values()) == RatioPlan((), 50)


async def test_a_fleet_over_real_http() -> None:
    """Read, plan, set and read again, over real connections.

    What was set awaits its confirmation.
    """
    fleet = Fleet(30)
    async with fleet.sandbox.serve() as url, RevenueClient(SandboxTokens(fleet.sandbox, fleet.appid), base_url=url) as client:
        found = [row async for row in ratio_status(client, fleet.programs)]
        plan = plan_ratios({None: 45, **dict.fromkeys(fleet.programs[:10], 40)}, found)
        assert [result.error async for result in apply_ratios(client, plan)] == 11 * [None]
        states = Counter([row.state async for row in ratio_status(client, fleet.programs)])
        assert states == {AWAITING: 30}
        fleet.sandbox.confirm_ratio(fleet.appid)
        assert {row.state async for row in ratio_status(client, fleet.programs)} == {IN_FORCE}


@pytest.mark.parametrize("wanted", [None, [("wx1", 40)], "wx1"])
def test_a_plan_of_what_is_no_mapping(wanted: Any) -> None:
    """Anything but a mapping is refused by name."""
    with pytest.raises(ConfigurationError, match=r"plan_ratios\.wanted: expected a mapping"):
        plan_ratios(wanted, [])
