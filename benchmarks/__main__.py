"""``python -m benchmarks [G1 G2 …] [--quick]``: measure, and print one table."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from benchmarks import call, decode, import_time, memory, pages, retry, share_ratio, sweep, transports, turn, waiters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks._measure import Outcome

_GOALS = {
    "G1": call.run,
    "G2": share_ratio.run,
    "G3": decode.run,
    "G5": turn.run,
    "G6": waiters.run,
    "G8": retry.run,
    "G9": sweep.run,
    "G10": pages.run,
    "G11": memory.run,
    "G12": import_time.run,
    "T": transports.run,
}
_LINE = "{:<4} {:<62} {:>10} {:>10} {:>6} {:>6}  {}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the goals named on the command line, or all."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the library against its rivals.")
    options.add_argument("goals", nargs="*", metavar="GOAL", help=f"any of {', '.join(_GOALS)} (default: all)")
    options.add_argument("--quick", action="store_true", help="fewer rounds: a first look, not a verdict")
    chosen = options.parse_args(arguments)
    if strange := set(chosen.goals) - _GOALS.keys():
        options.error(f"unknown goal: {', '.join(sorted(strange))}")
    print(_LINE.format("goal", "ours / rival", "ours", "rival", "ratio", "goal", ""))
    for goal in chosen.goals or _GOALS:
        for outcome in _GOALS[goal](quick=chosen.quick):
            print(_shown(outcome), flush=True)


def _shown(outcome: Outcome) -> str:
    ours, rival = (f"{figure:.1f} {outcome.unit}" for figure in (outcome.ours, outcome.rival))
    verdict = "met" if outcome.met else "MISSED"
    return _LINE.format(outcome.goal, outcome.what, ours, rival, f"{outcome.ratio:.2f}", f"{outcome.limit:.2f}", verdict)


if __name__ == "__main__":
    main()
