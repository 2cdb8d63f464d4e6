"""Lessons of the shared limiter are those of the local one.

Each is drawn once and written under a fence.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support.shared_limiter import PATIENT, SCOPE, Processes
from support.virtual import virtual

from benchmarks.limiter_sim import fleets
from benchmarks.limiter_sim.fleet import Fleet, FleetCase, FleetResult
from benchmarks.limiter_sim.world import run_virtual
from wxrevenue import LocalRateLimiter, Verdict
from wxrevenue.limiters._redis import exchange
from wxrevenue.limiters._redis.lessons import draw

if TYPE_CHECKING:
    from wxrevenue import RedisRateLimiter
    from wxrevenue.limiters._redis.answer import LessonTask


async def learned(case: FleetCase, policy: str) -> tuple[str, str]:
    """Return the budget and the kind that are known at the end of a run."""
    fleet = Fleet(case, policy)
    assert (await fleet.run()).ended
    limiter = fleet.processes[0].limiter
    if isinstance(limiter, LocalRateLimiter):
        (row,) = limiter.snapshot()["lanes"]
        return str(row["budget"]), row["kind"]
    (state,) = [value for key, value in fleet.redis.data.items() if key.endswith(":state")]
    return state["budget"], state["kind"]


@pytest.mark.parametrize("kind", ["fixed", "bucket", "extend", "gcra-q/10"])
def test_it_learns_what_one_process_learns(kind: str) -> None:
    """On each kind of server three processes learn what the local limiter learns.

    Compared are the budget and the kind.
    """
    case = FleetCase(kind, 50, processes=3, callers=24, windows=4.0)
    assert run_virtual(learned(case, "shared")) == run_virtual(learned(case, "one"))


@virtual
async def test_a_late_lesson_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that draws a lesson too late writes nothing.

    Another process has drawn it, under a later fence.
    """
    plans: list[str] = []

    def late(task: LessonTask, window: float, now: float) -> str:
        plans.append(draw(task, window, now))
        return "" if len(plans) == 1 else plans[-1]

    monkeypatch.setattr(exchange, "draw", late)
    fleet = Processes()
    one, other = fleet.start(), fleet.start()
    turns = [await one.acquire(SCOPE, timeout=PATIENT) for _ in range(2)]
    turns[0].report(Verdict.OK)
    turns[1].report(Verdict.TOO_FAST)
    await asyncio.sleep(1.0)
    waiting = asyncio.ensure_future(other.acquire(SCOPE, timeout=PATIENT))
    await asyncio.sleep(65.0)
    (await waiting).report(Verdict.OK)
    await asyncio.sleep(0.1)
    assert len(plans) >= 2
    known: dict[str, Any] = dict(fleet.state)
    inside: Any = one
    limiter = inside._by_scope[SCOPE]
    limiter.exchange._plan = plans[0].replace("proven=", "proven=99")
    limiter.exchange.kick()
    await asyncio.sleep(0.1)
    assert fleet.state["proven"] == known["proven"]
    await fleet.end()


def test_two_processes_do_not_ask_for_every_call() -> None:
    """Once the quota is known a script grants several calls.

    All in all there are at most two scripts per call.
    """
    found: list[FleetResult] = []

    async def run() -> None:
        found.append(await Fleet(FleetCase("fixed", 100, processes=2, callers=64, windows=4.5), "shared").run())

    run_virtual(run())
    assert found[0].scripts <= 2 * found[0].calls
    assert found[0].late_calls >= 2.5 * found[0].late_scripts


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    """The simulation prints calls and makespan against one process.

    It also prints the number of wrong calls, which is zero.
    """
    fleets.main(["--server", "fixed", "--quota", "10", "--latency", "0.02", "--processes", "2", "--policy", "shared", "gates"])
    shared, gates = capsys.readouterr().out.splitlines()
    assert shared.startswith("fixed          10    20 ms  N=2   shared")
    assert shared.endswith("0 wrong")
    assert " gates" in gates


async def refused_at_once(limiter: RedisRateLimiter, scopes: list[str]) -> None:
    """Let a call of each scope be refused within a moment."""
    turns = [await limiter.acquire(scope, timeout=PATIENT) for scope in scopes]
    for turn in turns:
        turn.report(Verdict.TOO_FAST)
        turn.release()
    await asyncio.sleep(0.1)


@virtual
async def test_scopes_that_are_refused_together_are_merged() -> None:
    """Eight scopes of an account that are refused at once share a quota.

    Of all processes one call probes for all of them.
    """
    fleet = Processes()
    one, other = fleet.start(), fleet.start()
    scopes = [f"wx1/-/action-{number}" for number in range(8)]
    await refused_at_once(one, scopes)
    waiting = [asyncio.ensure_future(limiter.acquire(scope, timeout=PATIENT)) for limiter in (one, other) for scope in scopes]
    await asyncio.sleep(80.0)
    (probe,) = [task for task in waiting if task.done()]
    assert len(set(fleet.found("scopes").values())) == 1
    probe.result().report(Verdict.OK)
    for _ in range(40):
        await asyncio.sleep(1.0)
        for task in waiting:
            if task.done():
                task.result().report(Verdict.OK)
    assert all(task.done() for task in waiting)
    await fleet.end()


@virtual
async def test_scopes_merged_by_mistake_are_split() -> None:
    """Scopes that were merged by mistake are split, and each has its own gate again.

    They made no calls, and the probe was still refused twice.
    """
    fleet = Processes()
    one = fleet.start()
    scopes = [f"wx1/-/action-{number}" for number in range(8)]
    await refused_at_once(one, scopes)
    for _ in range(3):
        turn = await one.acquire(scopes[0], timeout=PATIENT)
        turn.report(Verdict.TOO_FAST)
        turn.release()
        await asyncio.sleep(0.1)
    assert all(word.startswith("split ") for word in fleet.found("scopes").values())
    waiting = [asyncio.ensure_future(one.acquire(scope, timeout=PATIENT)) for scope in scopes]
    await asyncio.sleep(400.0)
    assert all(task.done() for task in waiting)
    for task in waiting:
        task.result().report(Verdict.OK)
    await fleet.end()
