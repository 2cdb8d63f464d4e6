"""The soak runs, and it fails when something is wrong."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import soak
from benchmarks._troubled import troubled
from wxrevenue import ConfigurationError, WxRevenueError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.slow("soaks a client for a second")
def test_one_second_of_bad_weather() -> None:
    """Calls are made, nearly all with success, and nothing is left.

    Each ends in time in a result or one of the package's errors.
    """
    with troubled() as facts:
        report = asyncio.run(soak.soak(facts, 1.0))
    assert report.problems() == []
    assert report.tally.outcomes["ok"] > report.tally.outcomes.total() / 2
    assert report.tally.outcomes.total() >= soak.WORKERS
    assert len(report.tally.memory) >= 2
    assert f"{report.tally.outcomes.total()} calls" in report.lines()[0]


def a_report(**changes: Any) -> soak.Report:
    """Return a report of a good run, with these changes."""
    tally = soak.Tally(late=-1.0, memory=[50.0] * 8)
    tally.outcomes["ok"] = 1
    for name in ("late", "memory", "stray"):
        if name in changes:
            setattr(tally, name, changes[name])
    return soak.Report(tally, 1.0, changes.get("tasks", 0), changes.get("sockets", 0))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"stray": {"KeyError": 1}}, "KeyError"),
        ({"late": 0.6}, "0.60 s after its deadline"),
        ({"memory": [40.0, 40.0, 50.0, 50.0, 52.0, 54.0, 55.0, 55.0]}, "memory grew by 5.0 MiB"),
        ({"tasks": 1}, "1 tasks are left"),
        ({"sockets": 2}, "2 connections are left"),
    ],
)
def test_what_must_not_be_is_said(changes: dict[str, Any], problem: str) -> None:
    """Each thing that must not happen is a problem of its own.

    The summary ends with it.
    """
    report = a_report(**changes)
    assert len(report.problems()) == 1
    assert problem in report.problems()[0]
    assert report.lines()[-1] == f"FAILED: {report.problems()[0]}"
    assert a_report().problems() == []


@pytest.mark.parametrize(
    ("fail", "ended", "stray"),
    [
        (ValueError, "ValueError", 1),
        (ConfigurationError, "ConfigurationError", 1),
        (WxRevenueError, "WxRevenueError", 0),
        (TimeoutError, "cancelled", 0),
    ],
)
async def test_how_a_call_ended_is_noted(fail: Callable[[], Exception], ended: str, stray: int) -> None:
    """The package's errors and cancellations are expected.

    Mistakes of the script and foreign exceptions are problems.
    """

    class Calm(random.Random):
        def random(self) -> float:
            return 0.5

    class Failing(soak.Fleet):
        def call(self, deadline: float) -> Any:
            async def one() -> None:
                raise fail()

            return one

    nobody: Any = None
    fleet = Failing([], nobody, "2025-01-01", random=Calm())
    await fleet.one()
    assert (fleet.tally.outcomes, fleet.tally.stray.total()) == ({ended: 1}, stray)


@pytest.mark.slow("soaks a client for a while")
def test_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The command prints the summary, and its exit status says whether all was well."""

    async def bad(facts: Any, seconds: float) -> soak.Report:
        assert seconds == 0.1
        return a_report(tasks=3)

    monkeypatch.setattr(soak, "soak", bad)
    with pytest.raises(SystemExit) as caught:
        soak.main(["--seconds", "0.1"])
    assert caught.value.code == 1
    assert "FAILED: 3 tasks are left" in capsys.readouterr().out
