"""The limiter's simulation.

Servers admit by their rules, the ideal is right, and a seed decides everything.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.limiter_sim import __main__ as limiter_sim
from benchmarks.limiter_sim import adaptive, tally, world
from benchmarks.limiter_sim.cases import CHANGES, Case, Result, run
from benchmarks.limiter_sim.goals import Goal, goal, misses
from benchmarks.limiter_sim.policies import OURS, RIVALS
from benchmarks.limiter_sim.servers import KINDS, Limit, Server, ideal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow("simulates limiters against every kind of server")

AT_ONCE = [0.0] * 4
TABLE: list[tuple[str, Limit, list[float], str]] = [
    ("fixed", Limit(3), [*AT_ONCE, 59.9, 60.0, 60.0, 60.0, 119.0, 120.0], "+++--+++-+"),
    ("fixed", Limit(2), [59.0, 59.5, 60.0, 60.1, 60.2], "++++-"),
    ("fixed?", Limit(3, phase=25.0), [*AT_ONCE, 24.9, 25.0, 25.0, 25.0, 84.9, 85.0], "+++--+++-+"),
    ("sliding", Limit(3), [0.0, 10.0, 20.0, 59.9, 60.0, 60.1, 70.0, 79.0, 80.0], "+++-+-+-+"),
    ("bucket", Limit(3), [*AT_ONCE, 19.0, 20.0, 21.0, 60.0, 60.0, 200.0, *AT_ONCE], "+++--+-++"),
    ("gcra-q", Limit(3), [*AT_ONCE, 19.0, 20.0, 21.0, 60.0, 60.0, 60.0], "+++--+-++-"),
    ("gcra-q/10", Limit(20), [0.0, 0.0, 0.0, 2.9, 3.0, 3.1, 6.0, 60.0, 60.0, 60.0], "++--+-+++-"),
    ("gcra-1", Limit(3), [0.0, 0.0, 19.9, 20.0, 20.1, 40.0, 90.0, 90.0], "+--+-++-"),
    ("extend", Limit(3), [*AT_ONCE, 30.0, 60.0, 119.9, 179.8, 239.8, 239.8], "+++-----++"),
    ("extend", Limit(3), [0.0, 0.0, 0.0, 60.0, 60.0, 60.0, 60.0, 119.9, 180.0], "++++++--+"),
]


def verdicts(server: Server, arrivals: list[float]) -> str:
    """Return one sign per arrival: plus if it was admitted, else minus."""
    return "".join("+" if server.admit("action", arrival) else "-" for arrival in arrivals)


@pytest.mark.parametrize(("kind", "limit", "arrivals", "expected"), TABLE)
def test_each_server_admits_by_its_rule(kind: str, limit: Limit, arrivals: list[float], expected: str) -> None:
    """Boundaries, refills, bursts and extended blocks are where the rule puts them.

    They are exact to the moment.
    """
    arrivals = arrivals[: len(expected)]
    assert arrivals == sorted(arrivals)
    assert verdicts(Server(kind, limit), arrivals) == expected


CHANGED: list[tuple[str, float, list[float], str]] = [
    ("fixed", 0.5, [*AT_ONCE, 60.0, 60.0, 60.0], "++++++-"),
    ("fixed", 2.0, [*AT_ONCE, 0.1, 29.9, 30.0, 30.0, 30.0, 30.0, 30.0], "++++--++++-"),
    ("sliding", 0.5, [0.0, 0.0, 20.0, 25.0, 60.0, 79.0, 80.0, 85.0, 120.0], "++++--++-"),
    ("bucket", 0.5, [30.0, 30.0, 30.0, 59.0, 60.0], "++--+"),
    ("bucket", 2.0, [*AT_ONCE, 30.0, 30.0, 30.0, 37.5, 45.0, 45.0], "++++++-++-"),
    ("gcra-q", 0.5, [30.0, 30.0, 30.0, 59.0, 60.0], "++--+"),
    ("extend", 0.5, [*AT_ONCE, 60.0, 60.0, 60.0, 119.0, 179.0, 179.0, 179.0], "++++++--++-"),
]


@pytest.mark.parametrize(("kind", "factor", "arrivals", "expected"), CHANGED)
def test_a_quota_changes_midway(kind: str, factor: float, arrivals: list[float], expected: str) -> None:
    """A quota of four that is halved or doubled after half a minute counts at once.

    Calls that are already admitted count, too.
    """
    assert verdicts(Server(kind, Limit(4, changes=30.0, factor=factor)), arrivals) == expected


@pytest.mark.parametrize(("shared", "expected"), [(True, "++--"), (False, "++++")])
def test_actions_share_a_quota_or_have_their_own(shared: bool, expected: str) -> None:  # noqa: FBT001
    """Per component all actions share one quota; per action each has its own."""
    server = Server("fixed", Limit(2), shared=shared)
    assert "".join("+" if server.admit(action, 0.0) else "-" for action in "abab") == expected


@pytest.mark.parametrize("factor", [1.0, 0.5, 2.0])
@pytest.mark.parametrize("quota", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_faster_than_the_ideal(kind: str, quota: int, factor: float) -> None:
    """No way to send five calls without a refusal is faster than the ideal.

    The calls are at multiples of five seconds.
    """
    limit = Limit(quota, phase=20.0 if kind == "fixed?" else 0.0, changes=60.0, factor=factor)
    expected = ideal(kind, limit, calls=5, callers=5, latency=0.0)
    moments = [step * 5.0 for step in range(round(expected / 5.0) + 1)]
    assert min(plan[-1] for plan in _plans(kind, limit, moments, 5)) == pytest.approx(expected)


def _plans(kind: str, limit: Limit, moments: list[float], calls: int) -> Iterator[list[float]]:
    """Yield every way to send the calls without a refusal."""
    if not calls:
        yield []
        return
    for plan in _plans(kind, limit, moments, calls - 1):
        for moment in moments:
            if (not plan or moment >= plan[-1]) and "-" not in verdicts(Server(kind, limit), [*plan, moment]):
                yield [*plan, moment]


@pytest.mark.parametrize(("callers", "seconds"), [(1, 100 * 0.5), (10, 10 * 0.5), (100, 0.5), (1_000, 0.5)])
def test_the_ideal_knows_how_many_may_call_at_once(callers: int, seconds: float) -> None:
    """Within the quota, the ideal has as many rounds of latency as calls a caller."""
    assert ideal("fixed", Limit(100), calls=100, callers=callers, latency=0.5) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("kind", "seconds"), [("fixed", 540.0), ("sliding", 540.0), ("bucket", 540.0), ("gcra-q/10", 594.0), ("gcra-1", 599.4)]
)
def test_the_ideal_for_ten_windows(kind: str, seconds: float) -> None:
    """With a whole quota at the start, the ideal needs nine more windows.

    A smaller burst costs the time of the calls that it lacks.
    """
    assert ideal(kind, Limit(100), calls=1_000, callers=1_000, latency=0.02) == pytest.approx(seconds + 0.015, abs=0.006)


def test_a_network_keeps_the_books_and_gives_up() -> None:
    """Calls arrive half a latency later, within its jitter.

    Beyond the agreed number of calls the run is given up.
    """

    async def three() -> world.Network:
        network = world.Network(Server("fixed", Limit(1)), latency=10.0, seed=1, most=2)
        assert await network.send("action")
        assert not await network.send("action")
        with pytest.raises(world.NeverEndsError, match="2 calls"):
            await network.send("action")
        return network

    network = world.run_virtual(three())
    assert network.calls == 2
    assert 3.5 <= network.admitted[0] <= 6.5
    assert 10.5 <= network.refused[0] <= 19.5


def test_a_network_gives_up_when_nothing_is_admitted() -> None:
    """Calls that no server admits any more are waited for only so long.

    The time counts from the last call that was admitted.
    """

    async def wait_in_vain() -> None:
        network = world.Network(Server("extend", Limit(1)), latency=0.0, seed=1, patience=300.0)
        await asyncio.sleep(200.0)
        assert await network.send("action")
        for pause in (0.0, 59.0, 59.0, 59.0, 59.0, 59.0):
            await asyncio.sleep(pause)
            assert not await network.send("action")
        await asyncio.sleep(59.0)
        with pytest.raises(world.NeverEndsError):
            await network.send("action")

    world.run_virtual(wait_in_vain())


# -- policies --------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [*OURS, *RIVALS])
def test_a_seed_decides_everything(policy: str) -> None:
    """Two runs of one seed are equal call by call; another seed makes another run."""
    first, again, other = (run(Case("sliding", 10, callers=16, seed=seed), policy) for seed in (1, 1, 2))
    assert (first.admitted, first.refused) == (again.admitted, again.refused)
    assert first.admitted != other.admitted
    assert first.ended
    assert len(first.admitted) == 100


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("policy", OURS)
def test_ours_ends_on_every_server(kind: str, policy: str) -> None:
    """R-05: two hundred callers get through in the end, whatever the server's rule.

    They never do so by many refusals.
    """
    result = run(Case(kind, 10), policy)
    assert result.ended
    assert result.calls_ratio < 1.2


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("policy", OURS)
def test_several_gates_before_a_server_that_extends_its_block(policy: str, shared: bool) -> None:  # noqa: FBT001
    """R-06: four actions with a gate each get through.

    The server may count them together or apart.
    """
    assert run(Case("extend", 10, actions=4, shared=shared), policy).ended


@pytest.mark.parametrize("policy", RIVALS)
def test_a_run_that_never_ends_is_given_up(policy: str) -> None:
    """R-06: callers that wait separately keep a server that extends its block closed.

    It stays closed for ever, so the run is given up.
    """
    result = run(Case("extend", 10), policy)
    assert not result.ended
    assert len(result.admitted) < 100


def test_knowing_the_quota_makes_refusals_rare() -> None:
    """The limiter that knows the true quota makes fewer calls.

    The others only wait. This difference is what the simulation is for.
    """
    told, waiting = (run(Case("bucket", 10), policy).calls_ratio for policy in ("aiolimiter", "fixed 60 s"))
    assert told < 1.1
    assert waiting > 5.0


def test_the_adaptive_bucket_follows_the_published_curve() -> None:
    """After a refusal the adaptive rate falls to seven tenths.

    It is back at the old one when the curve is flat, and then grows beyond it.
    """

    async def rates() -> list[float]:
        curve = adaptive.Cubic()
        fallen = curve.refused(10.0)
        await asyncio.sleep((10.0 * 0.3 / 0.4) ** (1 / 3))
        flat = curve.accepted()
        await asyncio.sleep(1.0)
        return [fallen, flat, curve.accepted()]

    assert world.run_virtual(rates()) == pytest.approx([7.0, 10.0, 10.4])


# -- figures and goals -----------------------------------------------------------------------------


def test_only_refusals_that_were_not_provoked_count() -> None:
    """After the quota changed, one refusal per window does not count.

    The limiter had to ask. In the first window after the change every refusal counts.
    """
    refused = (CHANGES - 1.0, CHANGES, CHANGES + 1.0, CHANGES + 70.0, CHANGES + 140.0, CHANGES + 141.0)
    assert Result(Case("fixed", 10, factor=0.5), ended=True, makespan=1.0, admitted=(), refused=refused).unprovoked_ratio == 0.3
    assert Result(Case("fixed", 10, factor=0.5), ended=True, makespan=1.0, admitted=(), refused=()).unprovoked_ratio == 0.0


GOALS = [
    (Case("fixed", 10), "cold", Goal(1.02, 1.015)),
    (Case("extend", 100, 0.5), "cold", Goal(1.015, 1.10)),
    (Case("bucket", 10), "cold", Goal(1.06, 1.035)),
    (Case("fixed?", 100, 0.5), "saved", Goal(1.002, 1.025)),
    (Case("gcra-q/10", 100), "cold", Goal(1.03, 1.20)),
    (Case("gcra-q/10", 1_000), "cold", Goal(1.03, 1.65)),
    (Case("gcra-q/10", 100), "saved", Goal(1.002, 1.12)),
    (Case("gcra-1", 100), "cold", Goal(None, None)),
    (Case("fixed", 100, callers=16), "cold", Goal(None, None)),
    (Case("fixed", 100, actions=4), "cold", Goal(None, None)),
    (Case("sliding", 100, factor=0.5), "cold", Goal(0.2, 1.10)),
    (Case("bucket", 100, 0.5, factor=0.5), "cold", Goal(0.4, 1.15)),
    (Case("fixed?", 100, 0.5, factor=0.5), "cold", Goal(0.4, None)),
    (Case("fixed", 100, factor=2.0), "cold", Goal(None, 1.15)),
    (Case("fixed", 10, factor=2.0), "cold", Goal(None, None)),
    (Case("fixed", 100, factor=2.0), "saved", Goal(None, None)),
    (Case("fixed", 10, 0.5, factor=2.0), "cold", Goal(None, 1.22)),
]


@pytest.mark.parametrize(("case", "policy", "expected"), GOALS)
def test_goals(case: Case, policy: str, expected: Goal) -> None:
    """A goal depends on server, quota, latency and what the limiter knows."""
    assert goal(case, policy) == expected


def test_missed_goals_are_named() -> None:
    """A figure above its goal is a miss.

    So is a run that never ends, with or without a goal.
    """
    slow = Result(Case("fixed", 10), ended=True, makespan=600.0, admitted=(0.0,) * 100, refused=())
    assert misses(slow, "cold") == ["time"]
    assert misses(Result(Case("gcra-1", 10), ended=False, makespan=1.0, admitted=(), refused=()), "cold") == ["the end"]


# -- the command -----------------------------------------------------------------------------------


def test_the_command_prints_a_line_per_case_and_a_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    """The quick form prints goals, figures and rivals.

    It says whether this package's limiter ever got stuck.
    """
    limiter_sim.main(["--quick"])
    out = capsys.readouterr().out
    lines = re.findall(r"^\S+ +\d+ +20 +200 .*", out, re.MULTILINE)
    assert len(lines) == len(limiter_sim.quick())
    assert re.match(r"fixed +10 +20 +200 +\d\.\d{3}/\d\.\d{3} +1\.020/1\.015 ", lines[0])
    assert "never end: fixed 60 s 4 of 11" in out
    assert "\nlivelocks: none\n" in out


def test_the_command_says_what_got_stuck(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of this package's limiter that never ends is a livelock.

    The verdict names it.
    """
    monkeypatch.setattr(tally, "OURS", ("fixed 60 s",))
    limiter_sim.main(["--quick", "--server", "extend", "--policy", "fixed 60 s", "--callers", "200", "--quota", "10", "--seed", "3"])
    out = capsys.readouterr().out
    assert "livelocks: fixed 60 s Case(kind='extend', quota=10" in out
    assert "seed=3" in out


def test_filters_choose_cases(capsys: pytest.CaptureFixture[str]) -> None:
    """Servers, quotas and callers that are not asked for are left out.

    A choice that contradicts itself leaves no case.
    """
    limiter_sim.main(["--server", "gcra-1", "--quota", "10", "--policy", "aiolimiter"])
    assert sum(line.startswith("gcra-1") for line in capsys.readouterr().out.splitlines()) == 10
    limiter_sim.main(["--quick", "--callers", "7"])
    assert "goals: 0 met, 0 missed" in capsys.readouterr().out


def test_the_worst_figures_are_of_crowds_and_steady_quotas() -> None:
    """The summary has the largest calls and the largest makespan on a kind of server.

    It takes them from any case.
    """
    counted = tally.Tally()
    for case, refused, makespan in [
        (Case("fixed", 10), 10, 540.01),
        (Case("fixed", 100), 10, 1_080.02),
        (Case("fixed", 10, callers=16), 100, 5_400.0),
        (Case("fixed", 10, factor=0.5), 100, 5_400.0),
        (Case("fixed", 10, actions=4, shared=True), 100, 5_400.0),
    ]:
        counted.count(Result(case, ended=True, makespan=makespan, admitted=(0.0,) * case.calls, refused=(0.0,) * refused), "adaptive")
    counted.count(Result(Case("extend", 10), ended=False, makespan=1.0, admitted=(), refused=()), "adaptive")
    line = next(line for line in counted.summary() if line.startswith("adaptive"))
    assert line.split() == ["adaptive", "1.100/2.000", "1", "of", "1", "never"]


def test_the_whole_cross_product_is_there() -> None:
    """The full form crosses every server, quota, latency and number of callers.

    It does so with and without changes and several actions.
    """
    assert len(set(limiter_sim.full())) == len(limiter_sim.full()) == len(KINDS) * 3 * 2 * 4 * 5
    assert set(limiter_sim.representative()) <= set(limiter_sim.full())


def test_a_plot_is_drawn_on_request(tmp_path: Path) -> None:
    """The command writes a PNG, in a process of its own.

    These tests are not about drawing.
    """
    target = tmp_path / "storm.png"
    command = [sys.executable, "-m", "benchmarks.limiter_sim.__main__", "--plot", str(target)]
    subprocess.run(command, check=True, timeout=120)  # noqa: S603  (the line above)
    assert target.read_bytes().startswith(b"\x89PNG")


def test_a_plot_needs_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without matplotlib the command says so."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(SystemExit, match="pip install matplotlib"):
        limiter_sim.main(["--plot", "nowhere.png"])
