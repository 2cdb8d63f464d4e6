"""G14: what it costs that many processes share one quota through Redis.

They are played in virtual time, as in ``benchmarks.limiter_sim.fleets``, against one process with
the same seed and all callers. This is a selection: a quota of a hundred calls a window and calls of
20 ms, on each kind of server. The whole is ``python -m benchmarks.limiter_sim.fleets --seeds 5``.

A figure is the mean of the seeds on the server where that is worst.
"""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Final, NamedTuple

import attrs

from benchmarks._measure import Outcome
from benchmarks.limiter_sim.fleet import FleetCase, simulate
from benchmarks.limiter_sim.fleets import USUAL, quiet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.limiter_sim.fleet import FleetResult

CALLS: Final = 1.02
TIME: Final = 1.05
TIME_FAR: Final = 1.10
"""Where a round trip to Redis takes 5 ms."""
WORST_SEED: Final = 1.15
_QUOTA: Final = 100
_LATENCY: Final = 0.02
_NEAR: Final = 0.001
_FAR: Final = 0.005


class Pair(NamedTuple):
    """Processes that share, and one alone, with the same seed."""

    shared: FleetResult
    alone: FleetResult


class Worst(NamedTuple):
    """The server on which a figure is worst: both means, and their ratio."""

    shared: float
    alone: float
    ratio: float


def pairs(kind: str, processes: int, seeds: Sequence[int], trip: float = _NEAR) -> list[Pair]:
    """Return how it went on one server, a pair for each seed.

    Raises:
        RuntimeError: a run did not end.
    """
    found: list[Pair] = []
    for seed in seeds:
        case = FleetCase(kind, _QUOTA, _LATENCY, processes, trip=trip, seed=seed)
        found.append(Pair(simulate(case, "shared"), simulate(attrs.evolve(case, processes=1), "one")))
    if not all(pair.shared.ended and pair.alone.ended for pair in found):
        raise RuntimeError(f"{kind}, {processes} processes: never ends")
    return found


def worst(servers: Sequence[Sequence[Pair]], figure: str) -> Worst:
    """Return what is worst of all servers, by the mean of the seeds' ratios."""

    def of(found: Sequence[Pair]) -> Worst:
        each = [(getattr(pair.shared, figure), getattr(pair.alone, figure)) for pair in found]
        return Worst(fmean(one for one, _ in each), fmean(one for _, one in each), fmean(one / other for one, other in each))

    return max((of(found) for found in servers), key=lambda one: one.ratio)


def worst_seed(servers: Sequence[Sequence[Pair]]) -> float:
    """Return the largest ratio of all, of calls or time."""
    every = [pair for found in servers for pair in found]
    return max(max(pair.shared.calls / pair.alone.calls, pair.shared.makespan / pair.alone.makespan) for pair in every)


def run(*, quick: bool = False) -> list[Outcome]:
    """Measure."""
    kinds, fleets, seeds = (("extend", "gcra-q/10"), (4,), (1,)) if quick else (USUAL, (2, 4, 16, 64), (1, 2))
    rows: list[Outcome] = []
    every: list[list[Pair]] = []
    with quiet():
        for processes in fleets:
            servers = [pairs(kind, processes, seeds) for kind in kinds]
            calls, makespan = worst(servers, "calls"), worst(servers, "makespan")
            rows.append(Outcome("G14", f"calls of {processes} processes / of one", *calls[:2], "", calls.ratio, CALLS))
            rows.append(Outcome("G14", f"makespan of {processes} processes / of one", *makespan[:2], "s", makespan.ratio, TIME))
            every += servers
        far = [pairs(kind, 4, seeds[:1], _FAR) for kind in kinds]
    makespan = worst(far, "makespan")
    rows.append(Outcome("G14", "makespan of 4 processes, Redis at 5 ms / of one", *makespan[:2], "s", makespan.ratio, TIME_FAR))
    largest = worst_seed([*every, *far])
    rows.append(Outcome("G14", "the worst seed of all of these / one process", largest, 1.0, "x", largest, WORST_SEED))
    return rows
