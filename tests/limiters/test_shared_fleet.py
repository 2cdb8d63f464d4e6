"""Several processes on one quota.

Permits are leases, one call probes, lessons are shared, and no call goes beside a probe.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from support.shared_limiter import PATIENT, SCOPE, Processes
from support.virtual import now, virtual

from benchmarks.limiter_sim.fleet import FleetCase, simulate
from benchmarks.limiter_sim.troubles import TROUBLES
from wxrevenue import Rate, TooFastError, Verdict

if TYPE_CHECKING:
    from wxrevenue import RedisRateLimiter


async def closed(limiter: RedisRateLimiter) -> None:
    """Let a call be refused, and wait until Redis knows."""
    turn = await limiter.acquire(SCOPE, timeout=1.0)
    turn.report(Verdict.TOO_FAST)
    turn.release()
    await asyncio.sleep(0.01)


@virtual
async def test_a_refusal_closes_the_gate_of_all() -> None:
    """A refusal in one process is known in all.

    A caller that cannot wait is refused at once, with the time to wait.
    """
    fleet = Processes()
    one, other = fleet.start(), fleet.start()
    await closed(one)
    began = now()
    with pytest.raises(TooFastError) as caught:
        await other.acquire(SCOPE, timeout=10.0)
    assert now() - began < 0.1
    assert caught.value.retry_after == pytest.approx(60.0, abs=1.0)
    await fleet.end()


@virtual
async def test_one_probe_in_the_fleet() -> None:
    """When the gate opens one call of all processes goes.

    The others follow its success.
    """
    fleet = Processes()
    limiters = [fleet.start() for _ in range(4)]
    await closed(limiters[0])
    waiting = [asyncio.ensure_future(limiter.acquire(SCOPE, timeout=PATIENT)) for limiter in limiters for _ in range(3)]
    await asyncio.sleep(75.0)
    (probe,) = [task for task in waiting if task.done()]
    probe.result().report(Verdict.OK)
    await asyncio.sleep(30.0)
    for task in waiting:
        if task.done():
            task.result().report(Verdict.OK)
    await asyncio.sleep(30.0)
    assert all(task.done() for task in waiting)
    await fleet.end()


@virtual
async def test_a_killed_holder_of_permits() -> None:
    """What a killed process held comes back when its lease ends.

    It is counted as used, never as accepted. Meanwhile there is no test.
    """
    fleet = Processes(lease=5.0)
    one, other = fleet.start(), fleet.start()
    turns = [await one.acquire(SCOPE, timeout=1.0) for _ in range(3)]
    fleet.clients[0].stopped = asyncio.Event()
    assert len(turns) == 3
    await asyncio.sleep(10.0)
    (await other.acquire(SCOPE, timeout=1.0)).report(Verdict.OK)
    await asyncio.sleep(0.01)
    assert (fleet.state["out"], fleet.state["unknown"], fleet.state["count"]) == ("0", "3", "4")
    assert float(fleet.state["test_at"]) > float(fleet.state["latest"])
    await fleet.end()


@virtual
async def test_a_stopped_process_sends_nothing_it_lost() -> None:
    """Permits whose lease ended while their process stood still are not used later."""
    fleet = Processes(rate=Rate(1_000, 60.0, burst=1_000))
    one, other = fleet.start(), fleet.start()
    first = await one.acquire(SCOPE, timeout=1.0)
    first.report(Verdict.OK)
    inside: Any = one
    limiter = inside._by_scope[SCOPE]
    limiter.permits.stock = 5  # as if granted ahead
    await asyncio.sleep(0.05)
    fleet.clients[0].stopped = stopped = asyncio.Event()
    await asyncio.sleep(30.0)
    (await other.acquire(SCOPE, timeout=1.0)).report(Verdict.OK)
    late = asyncio.ensure_future(one.acquire(SCOPE, timeout=PATIENT))
    await asyncio.sleep(1.0)
    assert not late.done()
    gen = limiter.permits.gen
    stopped.set()
    turn = await late
    assert turn.left is not None
    assert turn.left.gen != gen
    turn.report(Verdict.OK)
    await fleet.end()


@virtual
async def test_reopen_is_shared() -> None:
    """``reopen`` in one process lets the callers of another go."""
    fleet = Processes()
    one, other = fleet.start(), fleet.start()
    turn = await one.acquire(SCOPE, timeout=1.0)
    turn.report(Verdict.QUOTA_SPENT)
    turn.release()
    await asyncio.sleep(0.01)
    waiting = asyncio.ensure_future(other.acquire(SCOPE, timeout=PATIENT))
    await asyncio.sleep(5.0)
    assert not waiting.done()
    await one.reopen(SCOPE)
    await asyncio.sleep(1.0)
    assert waiting.done()
    waiting.result().report(Verdict.OK)
    await fleet.end()


def test_four_processes_are_as_good_as_one() -> None:
    """On a server that extends its block four processes are hardly slower than one.

    They make at most 1.02 times the calls of one, in 1.05 times the time.
    """
    case = FleetCase("extend", 40, processes=4, callers=48, windows=6.0)
    one, four = simulate(case, "one"), simulate(case, "shared")
    assert four.ended
    assert (four.expired, four.beside_probe) == (0, 0)
    assert four.calls <= 1.02 * one.calls
    assert four.makespan <= 1.05 * one.makespan


@pytest.mark.parametrize(("processes", "callers", "lot"), [(4, 192, 34), (16, 256, 34), (64, 192, 12), (64, 1_024, 12)])
def test_a_full_burst_is_granted_in_large_lots(processes: int, callers: int, lot: int) -> None:
    """One script grants many calls of a burst, and each process gets its share.

    The first to come do not take what the others are about to ask for.
    """
    found = simulate(FleetCase("bucket", 10_000, processes=processes, callers=callers, windows=0.9, rate=True), "shared")
    assert (found.calls, found.refused) == (9_000, 0)
    assert found.calls >= lot * found.scripts
    assert found.unfair <= 1.2


def test_a_spent_burst_is_shared_fairly() -> None:
    """What fills up is gathered, and shared with processes that are yet to be told.

    That costs the fleet at most the time of one gathering.
    """
    case = FleetCase("bucket", 3_000, processes=4, windows=2.0, rate=True)
    found = simulate(case, "shared")
    assert found.calls >= 1.5 * found.scripts
    assert found.unfair <= 1.3
    assert found.makespan <= 60.0 + 0.25 + 3 * case.latency


def test_without_sharing_they_hurt_each_other() -> None:
    """The same processes without sharing need far longer.

    So the comparison can fail.
    """
    case = FleetCase("extend", 40, processes=4, callers=48, windows=6.0)
    assert simulate(case, "unshared").makespan > 1.15 * simulate(case, "one").makespan


@pytest.mark.parametrize(("name", "seconds"), [("probe holder killed", 6.0), ("lessee killed", 6.0), ("lock holder killed", 6.0)])
def test_what_killed_processes_cost(name: str, seconds: float) -> None:
    """A process killed with a probe, permits or a lesson costs the fleet one lease.

    Nothing expired is sent.
    """
    case = FleetCase("extend", 40, processes=4, callers=48, windows=6.5)
    usual, troubled = simulate(case, "shared"), simulate(attrs.evolve(case, trouble=TROUBLES[name]), "shared")
    assert troubled.ended
    assert (troubled.expired, troubled.beside_probe) == (0, 0)
    assert troubled.makespan <= usual.makespan + seconds


def test_a_seed_decides_everything() -> None:
    """Two runs of one seed are equal, script by script."""
    case = FleetCase("extend", 100, 0.5, processes=16, windows=3.5)
    assert simulate(case, "shared") == simulate(case, "shared")
