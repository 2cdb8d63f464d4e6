"""G7 and G14 are taken from fleets as they are told."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from benchmarks import permits, sharing
from benchmarks.limiter_sim.fleet import FleetCase, FleetResult, simulate
from benchmarks.limiter_sim.fleets import quiet

if TYPE_CHECKING:
    from collections.abc import Callable


def result(calls: int = 100, makespan: float = 10.0, **more: Any) -> FleetResult:
    """Return how a fleet might have gone."""
    return FleetResult(ended=True, makespan=makespan, calls=calls, refused=0, **more)


def test_g7_scripts_are_counted_once_the_quota_is_learned() -> None:
    """A goal counts what comes after the lesson, or the whole run, and tells which."""
    went = result(1_000, scripts=500, late_calls=400, late_scripts=20)
    learned = permits.Goal(FleetCase("fixed", 1_000), 15)
    whole = permits.Goal(FleetCase("fixed", 100), 0.5, learned=False)
    stated = permits.Goal(FleetCase("fixed", 10_000, rate=True, processes=16), 34)
    assert [permits.scripts(learned, went), permits.scripts(whole, went)] == [50.0, 500.0]
    assert [goal.what.partition(", ")[2] for goal in (learned, whole, stated)] == [
        "1,000 learned, 4 processes / allowed",
        "100 whole run, 4 processes / allowed",
        "10,000 stated, 16 processes / allowed",
    ]


def test_g7_what_is_allowed_is_the_goal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A goal of 34 permits a script allows 29 scripts for 1,000 turns."""
    monkeypatch.setattr(permits, "GOALS", (permits.Goal(FleetCase("fixed", 10_000, rate=True), 34),))
    monkeypatch.setattr(permits, "simulate", mock.Mock(return_value=result(late_calls=1_000, late_scripts=30)))
    (row,) = permits.run()
    assert [row.ours, row.met] == [30.0, False]
    assert row.rival == pytest.approx(1_000 / 34)
    monkeypatch.setattr(permits, "simulate", mock.Mock(return_value=result(late_calls=1_000, late_scripts=29)))
    assert permits.run()[0].met


def test_g7_calls_that_go_one_at_a_time_take_two_scripts_each() -> None:
    """Who is next comes when its call may go, and no other asks in its place.

    One script reports and one asks: in a process that calls seldom no third one wakes it.
    """
    with quiet():
        found = simulate(FleetCase("gcra-q/10", 100, 0.5, 8, callers=16, windows=3.0), "shared")
    assert found.ended
    assert found.late_scripts < 2.5 * found.late_calls
    assert (found.beside_probe, found.expired) == (0, 0)


@pytest.mark.parametrize("goal", [*permits.GOALS, *permits.QUICK], ids=lambda goal: goal.what.replace(" ", "-"))
def test_g7_enough_callers_wait_in_each_process(goal: permits.Goal) -> None:
    """Goals hold where sixteen callers wait in each process."""
    assert goal.case.callers >= 16 * goal.case.processes


def _played(figures: dict[tuple[str, int, int, str], FleetResult]) -> Callable[[FleetCase, str], FleetResult]:
    """Return a simulation whose results are given, as usual where they are not."""

    def simulate(case: FleetCase, policy: str) -> FleetResult:
        return figures.get((case.kind, case.processes, case.seed, policy), result())

    return simulate


def test_g14_tells_the_worst_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure is the mean of the seeds' ratios on the server where that is largest.

    The worst seed of all is a figure of its own.
    """
    played = {("extend", 4, 1, "shared"): result(104), ("extend", 4, 2, "shared"): result(100, 12.0)}
    played[("bucket", 16, 2, "shared")] = result(100, 11.0)
    monkeypatch.setattr(sharing, "simulate", _played(played))
    rows = {row.what: row for row in sharing.run()}
    assert rows["calls of 4 processes / of one"].ratio == pytest.approx(1.02)
    assert rows["calls of 4 processes / of one"].ours == 102
    assert rows["makespan of 4 processes / of one"].ratio == pytest.approx(1.1)
    assert rows["makespan of 16 processes / of one"].ratio == pytest.approx(1.05)
    assert rows["makespan of 64 processes / of one"].ratio == 1.0
    worst = rows["the worst seed of all of these / one process"]
    assert [worst.ratio, worst.met] == [1.2, False]


def test_g14_a_run_without_an_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was given up is no figure."""
    given_up = FleetResult(ended=False, makespan=1.0, calls=1, refused=0)
    monkeypatch.setattr(sharing, "simulate", _played({("fixed", 2, 2, "shared"): given_up}))
    with pytest.raises(RuntimeError, match="fixed, 2 processes: never ends"):
        sharing.run()


@pytest.mark.slow("simulates fleets")
def test_fleets_are_played() -> None:
    """A quick look at both goals comes to figures, and all of G14 is met."""
    assert all(row.ours > 0 for row in permits.run(quick=True))
    assert all(row.met for row in sharing.run(quick=True))


def test_limiters_are_quiet_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    """Warnings are not told meanwhile, and are told again afterwards."""
    with quiet():
        logging.getLogger("wxrevenue").warning("during")
    logging.getLogger("wxrevenue").warning("after")
    assert caplog.messages == ["after"]
