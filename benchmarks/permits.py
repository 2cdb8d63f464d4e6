"""G7: how many of Redis' scripts the turns of a shared limiter take.

Processes share a quota in virtual time, as in ``benchmarks.limiter_sim.fleets``. The script's own
text is run. A large quota is looked at once it is learned: what comes before needs a script for
each call by its nature. Sixteen callers or more wait in each process.

34 permits a script are 29 scripts for 1,000 turns. A turn then costs 0.03 of the CPU of a script.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from benchmarks._measure import Outcome
from benchmarks.limiter_sim.fleet import FleetCase, simulate
from benchmarks.limiter_sim.fleets import quiet

if TYPE_CHECKING:
    from benchmarks.limiter_sim.fleet import FleetResult

_CALLERS: Final = 16
"""In each process at least."""
_LARGE: Final = 5.2
"""Windows' worth of jobs of a large quota: it is looked at from 185 s on."""


@attrs.frozen
class Goal:
    """How many scripts are allowed.

    Args:
        case: the quota, and how many processes share it.
        permits: calls that a script has to be enough for.
        learned: what comes before the quota is learned does not count.
    """

    case: FleetCase
    permits: float
    learned: bool = True

    @property
    def what(self) -> str:
        """How the table calls it."""
        known = "stated" if self.case.rate else "learned" if self.learned else "whole run"
        return f"scripts for 1,000 turns, {self.case.quota:,} {known}, {self.case.processes} processes / allowed"


def _case(quota: int, processes: int, windows: float, *, rate: bool = False) -> FleetCase:
    callers = max(192, _CALLERS * processes)
    return FleetCase("fixed", quota, 0.02, processes, callers=callers, windows=windows, rate=rate)


GOALS: Final = (
    *(Goal(_case(10_000, many, _LARGE, rate=True), permits) for many, permits in ((4, 34), (16, 34), (64, 12))),
    *(Goal(_case(10_000, many, _LARGE), permits) for many, permits in ((4, 34), (16, 34), (64, 12))),
    *(Goal(_case(1_000, many, 10.0), permits) for many, permits in ((4, 15), (16, 4))),
    *(Goal(_case(100, many, 10.0), 0.5, learned=False) for many in (4, 16, 64)),
)
QUICK: Final = (
    Goal(_case(1_000, 4, 5.0), 15),
    Goal(_case(100, 4, 10.0), 0.5, learned=False),
)


def scripts(goal: Goal, result: FleetResult) -> float:
    """Return how many scripts a thousand turns took."""
    if goal.learned:
        return 1_000 * result.late_scripts / result.late_calls
    return 1_000 * result.scripts / result.calls


def run(*, quick: bool = False) -> list[Outcome]:
    """Measure."""
    rows: list[Outcome] = []
    with quiet():
        for goal in QUICK if quick else GOALS:
            found, allowed = scripts(goal, simulate(goal.case, "shared")), 1_000 / goal.permits
            rows.append(Outcome("G7", goal.what, found, allowed, "", found / allowed, 1.0))
    return rows
