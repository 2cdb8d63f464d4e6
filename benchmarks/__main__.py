"""``python -m benchmarks [G1 …] [--quick] [--json] [--readme]``: print one table.

Its exit status says whether everything was measured, and not whether goals are met: on a machine
that does other work some are missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING, Final, Protocol

from benchmarks import (
    _program,
    _report,
    call,
    clients,
    decode,
    decoders,
    growth,
    import_time,
    ledger,
    ledger_sync,
    memory,
    pages,
    permits,
    retry,
    share_ratio,
    sharing,
    sign,
    sweep,
    transports,
    turn,
    waiters,
    workbooks,
)
from benchmarks._measure import NotInstalled, module

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from benchmarks._measure import Row


class Run(Protocol):
    """Measures, and returns lines of the table."""

    def __call__(self, *, quick: bool) -> Iterable[Row]: ...


GOALS: Final[Mapping[str, Sequence[Run]]] = {
    "G1": (call.run,),
    "G2": (share_ratio.run,),
    "G3": (decode.run,),
    "G5": (turn.run,),
    "G6": (waiters.run,),
    "G7": (permits.run,),
    "G8": (retry.run,),
    "G9": (sweep.run,),
    "G10": (pages.run,),
    "G11": (memory.run,),
    "G12": (import_time.run,),
    "G13": (ledger_sync.run, ledger.run),
    "G14": (sharing.run,),
    "G15": (growth.run,),
    "G17": (workbooks.run,),
    "R1": (clients.run,),
    "R3": (decoders.run,),
    "S": (sign.run,),
    "T": (transports.run,),
}
WITH_RIVALS: Final[Mapping[str, str]] = {"R5": "G5", "R6": "G6", "R9": "G9", "R13": "G13"}
"""Goals that are measured in the same rounds as others."""
NEEDS: Final[Mapping[str, Sequence[str]]] = {"G7": ("lupa", "redis"), "G14": ("lupa", "redis"), "G17": ("xlsxwriter",), "T": ("httpx2",)}
"""Modules without which a goal has no row at all."""


def rows(goal: str, *, quick: bool) -> Iterator[Row]:
    """Measure a goal; yield its lines of the table."""
    for needed in NEEDS.get(goal, ()):
        if module(needed) is None:
            yield NotInstalled(goal, "nothing was measured", needed)
            return
    for run in GOALS[goal]:
        yield from run(quick=quick)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the goals named on the command line, or all."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the library against its rivals.")
    options.add_argument("goals", nargs="*", metavar="GOAL", help=f"any of {', '.join((*GOALS, *WITH_RIVALS))} (default: all)")
    options.add_argument("--quick", action="store_true", help="fewer rounds: a first look, not a verdict")
    options.add_argument("--json", action="store_true", help="print one JSON object at the end, in place of the table")
    options.add_argument("--readme", action="store_true", help="put what was measured into benchmarks/README.md, in place of its table")
    chosen = options.parse_intermixed_args(arguments)
    goals = [goal.upper() for goal in chosen.goals]
    if strange := set(goals) - GOALS.keys() - WITH_RIVALS.keys():
        options.error(f"unknown goal: {', '.join(sorted(strange))}")
    if chosen.readme and not os.access(_report.README, os.W_OK):
        options.error(f"--readme: cannot write {_report.README}")
    if not chosen.json:
        print(_report.HEAD)
    outcomes: list[Row] = []
    began = time.monotonic()
    for goal in dict.fromkeys(WITH_RIVALS.get(goal, goal) for goal in goals or GOALS):
        print(f"{goal}, after {time.monotonic() - began:.0f} s …", file=sys.stderr, flush=True)
        for outcome in rows(goal, quick=chosen.quick):
            outcomes.append(outcome)
            if not chosen.json:
                print(_report.line(outcome), flush=True)
    if chosen.json:
        print(_report.as_json(outcomes))
    else:
        print(f"\n{_report.advice(outcomes)}{_report.CAVEATS}\n{', '.join(f'{name} {value}' for name, value in _report.machine().items())}")
    if chosen.readme:
        _report.write_readme(outcomes)


if __name__ == "__main__":
    _program.run(main)
