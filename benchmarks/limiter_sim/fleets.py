"""How many processes share one quota, in virtual time.

::

    python -m benchmarks.limiter_sim.fleets [--server fixed …] [--quota 100 …]
        [--latency 0.02 …] [--processes 4 …] [--policy shared …]
    python -m benchmarks.limiter_sim.fleets --trouble

A line is a server; cells are calls and makespan ÷ those of one process with the same seed, mean of
the seeds and the worst, then permits per script once all is learned. With ``--trouble`` a line is
what happens, and the cells are the seconds and refusals beyond the same run without it, for 9.5
windows of jobs.
"""

from __future__ import annotations

import argparse
import itertools
import logging
from contextlib import contextmanager
from statistics import fmean
from typing import TYPE_CHECKING, Final

import attrs

from benchmarks import _program
from benchmarks.limiter_sim.fleet import POLICIES, FleetCase, FleetResult, simulate
from benchmarks.limiter_sim.servers import KINDS
from benchmarks.limiter_sim.troubles import TROUBLES

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

USUAL: Final = ("fixed", "fixed?", "sliding", "bucket", "extend", "gcra-q", "gcra-q/10")
"""The servers that goals hold for."""
_TROUBLED: Final = (
    FleetCase("extend", 100, 0.02, 4, windows=9.5),
    FleetCase("extend", 1_000, 0.5, 16, windows=9.5),
    FleetCase("extend", 100, 0.02, 64, windows=9.5),
    FleetCase("gcra-q/10", 100, 0.02, 4, windows=9.5),
)
"""The columns of the table of troubles."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate, and print a table."""
    options = _options().parse_args(arguments)
    with quiet():
        _print(options)


@contextmanager
def quiet() -> Generator[None]:
    """Keep the limiters from telling, again and again, what happens to them."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _print(options: argparse.Namespace) -> None:
    if options.trouble:
        for case in _TROUBLED:
            _print_troubles(case, options.seeds)
        return
    for kind, quota, latency in itertools.product(options.server, options.quota, options.latency):
        _print_fleets(FleetCase(kind, quota, latency, trip=options.trip), options)


def _print_fleets(case: FleetCase, options: argparse.Namespace) -> None:
    alone = [simulate(attrs.evolve(case, seed=seed), "one") for seed in range(1, options.seeds + 1)]
    for processes, policy in itertools.product(options.processes, options.policy):
        found = [simulate(attrs.evolve(case, seed=seed, processes=processes), policy) for seed in range(1, options.seeds + 1)]
        place = f"{case.kind:<10} {case.quota:>6} {case.latency * 1e3:>5.0f} ms  N={processes:<3} {policy:<9}"
        print(f"{place} {cell(found, alone)}", flush=True)


def cell(found: Sequence[FleetResult], alone: Sequence[FleetResult]) -> str:
    """Return the figures of one case over all seeds."""
    if not all(one.ended for one in found):
        return "never ends"
    calls = [one.calls / other.calls for one, other in zip(found, alone, strict=True)]
    times = [one.makespan / other.makespan for one, other in zip(found, alone, strict=True)]
    lots = fmean(one.late_calls / max(1, one.late_scripts) for one in found)
    costs = fmean(one.scripts / one.calls for one in found)
    wrong = sum(one.beside_probe + one.expired for one in found)
    ratios = f"{fmean(calls):.3f} ({max(calls):.3f})  {fmean(times):.3f} ({max(times):.3f})"
    return f"{ratios}  {lots:>5.1f} a script, {costs:.2f} scripts a call, {wrong} wrong"


def _print_troubles(case: FleetCase, seeds: int) -> None:
    print(f"{case.kind}, {case.quota} a window, {case.latency * 1e3:.0f} ms, {case.processes} processes")
    every = [attrs.evolve(case, seed=seed) for seed in range(1, seeds + 1)]
    usual = [simulate(one, "shared") for one in every]
    for name, trouble in TROUBLES.items():
        found = [simulate(attrs.evolve(one, trouble=trouble), "shared") for one in every]
        seconds = [one.makespan - other.makespan for one, other in zip(found, usual, strict=True)]
        refused = [one.refused - other.refused for one, other in zip(found, usual, strict=True)]
        expired = sum(one.expired for one in found)
        costs = f"{fmean(seconds):+6.1f} ({max(seconds):+.1f}) s  {fmean(refused):+5.1f} ({max(refused):+d}) refusals"
        print(f"  {name:<20} {costs}  {expired} expired permits sent", flush=True)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limiter_sim.fleets", description="Simulate processes on one quota.")
    parser.add_argument("--trouble", action="store_true", help="what killed and stopped processes, and a Redis that is away, cost")
    parser.add_argument("--server", nargs="+", choices=KINDS, default=USUAL, help="how servers count")
    parser.add_argument("--quota", nargs="+", type=int, default=[100], help="calls a window")
    parser.add_argument("--latency", nargs="+", type=float, default=[0.02, 0.5], help="mean seconds of a call")
    parser.add_argument("--processes", nargs="+", type=int, default=[1, 2, 4, 16, 64], help="how many there are")
    parser.add_argument("--policy", nargs="+", choices=POLICIES, default=["shared"], help="how they share")
    parser.add_argument("--trip", type=float, default=0.001, help="seconds of a round trip to Redis")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds")
    return parser


if __name__ == "__main__":
    _program.run(main, needs=("lupa", "redis"))
