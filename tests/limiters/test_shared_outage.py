"""What an outage of Redis leaves behind in simulated fleets.

They lose little by it, and learn nothing wrong.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from support.shared_limiter import PATIENT, SCOPE, Processes
from support.virtual import virtual

from benchmarks.limiter_sim.fleet import Fleet, FleetCase, FleetResult
from benchmarks.limiter_sim.world import run_virtual
from wxrevenue import Verdict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wxrevenue.limiters._redis.scope import SharedScope

QUOTA = 100
CASE = FleetCase("extend", QUOTA, processes=16, callers=64, windows=3.5)


def away(start: float, end: float) -> Callable[[Fleet], Awaitable[None]]:
    """Return what makes Redis unreachable for so long."""

    async def trouble(fleet: Fleet) -> None:
        await asyncio.sleep(start)
        for process in fleet.processes:
            process.cut(away=True)
        await asyncio.sleep(end - start)
        for process in fleet.processes:
            process.cut(away=False)

    return trouble


def played(case: FleetCase) -> tuple[FleetResult, list[float]]:
    """Return how a fleet did, and when its calls were accepted."""
    random.seed(case.seed)

    async def run() -> tuple[FleetResult, list[float]]:
        fleet = Fleet(case, "shared")
        return await fleet.run(), list(fleet.network.admitted)

    return run_virtual(run())


def test_the_cases_are_what_they_are_taken_for() -> None:
    """Without an outage the gate is closed from the 63rd to the 122nd second."""
    result, went = played(CASE)
    assert result.ended
    assert not [moment for moment in went if 63.0 < moment < 121.0]
    assert sum(121.0 < moment < 130.0 for moment in went) == QUOTA


def test_probes_of_an_outage_count() -> None:
    """Each process probes a gate that opens while Redis is away.

    No probe is forgotten. The calls that follow are what is left of the window, and none is
    refused.
    """
    usual, _ = played(CASE)
    result, went = played(attrs.evolve(CASE, trouble=away(110.0, 140.0)))
    assert sum(121.0 < moment < 139.0 for moment in went) == CASE.processes
    assert sum(140.0 < moment < 180.0 for moment in went) == QUOTA - CASE.processes
    early, late = (sum(start < moment < start + 3.0 for moment in went) for start in (121.0, 133.0))
    assert (early, late) == (3, 13), "processes look after the gate at different times"
    again = [sum(start < moment < start + 5.0 for moment in went) for start in (181.0, 193.0)]
    assert again == [early, late], "each counts from when it was made"
    assert result.refused == usual.refused


def test_what_was_used_in_an_outage_is_asked_for_when_it_is_free() -> None:
    """Two processes ask as soon as what they used counts no more.

    They do not wait until they look next.
    """
    _, went = played(attrs.evolve(CASE, processes=2, trouble=away(100.0, 140.0)))
    assert sum(181.0 < moment < 186.0 for moment in went) == 2


def test_no_call_while_processes_come_back() -> None:
    """For a second after the outage nobody goes, and no probe does either."""
    _, went = played(attrs.evolve(CASE, trouble=away(110.0, 140.0)))
    assert not [moment for moment in went if 140.0 < moment < 141.0]
    assert sum(141.0 < moment < 145.0 for moment in went) > QUOTA / 2


def test_no_probe_while_the_budget_is_spent() -> None:
    """After a long outage the first call waits if the budget is spent.

    It goes when calls made meanwhile count no more. The gate that closed before the outage is still
    closed inside Redis.
    """
    case = attrs.evolve(CASE, processes=4, callers=192, windows=4.5)
    usual, _ = played(case)
    result, went = played(attrs.evolve(case, trouble=away(110.0, 230.0)))
    assert sum(180.0 < moment < 230.0 for moment in went) == QUOTA
    assert result.refused <= usual.refused


@pytest.mark.parametrize("processes", [2, 16])
def test_an_outage_in_a_pause_costs_nothing(processes: int) -> None:
    """Processes that only wait are not taken for absent, nor is one that came back.

    The window after the pause is used to the full as soon as it begins.
    """
    case = attrs.evolve(CASE, processes=processes)
    usual, _ = played(case)
    result, went = played(attrs.evolve(case, trouble=away(85.0, 115.0)))
    assert sum(121.0 < moment < 130.0 for moment in went) == QUOTA
    assert result.makespan <= usual.makespan + 1.0
    assert result.refused == usual.refused


def test_the_share_of_a_process_that_does_not_come_back() -> None:
    """A process of which nothing is heard has its share kept for a span."""

    async def trouble(fleet: Fleet) -> None:
        await asyncio.sleep(90.0)
        fleet.processes[0].kill()

    async def both(fleet: Fleet) -> None:
        await asyncio.gather(away(85.0, 115.0)(fleet), trouble(fleet))

    result, went = played(attrs.evolve(CASE, processes=4, trouble=both))
    share = QUOTA // 4
    assert sum(121.0 < moment < 170.0 for moment in went) == QUOTA - share
    assert sum(175.0 < moment < 180.0 for moment in went) == share
    assert result.ended


@virtual
async def test_a_message_does_not_end_an_outage() -> None:
    """A process that hears a message first still tells what it did meanwhile."""
    fleet = Processes()
    limiter = fleet.start()
    for _ in range(2):
        (await limiter.acquire(SCOPE, timeout=PATIENT)).report(Verdict.OK)
    await asyncio.sleep(0.1)
    private: Any = limiter
    inside: SharedScope = private._by_scope[SCOPE]
    fleet.clients[0].away = True
    for _ in range(2):
        turn = await limiter.acquire(SCOPE, timeout=PATIENT)
        turn.report(Verdict.OK)
    fleet.clients[0].away = False
    assert inside.permits.view is not None
    inside.exchange.pushed(inside.permits.view)
    assert inside.is_away
    await asyncio.sleep(0.1)
    assert (inside.is_away, fleet.state["made"].partition(":")[2]) == (False, "2")
    await fleet.end()
