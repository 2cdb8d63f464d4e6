"""``python -m benchmarks [G1 …] [--quick] [--json] [--readme]``: print one table."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Final, Protocol

from benchmarks import (
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

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the goals named on the command line, or all."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the library against its rivals.")
    options.add_argument("goals", nargs="*", metavar="GOAL", help=f"any of {', '.join(GOALS)} (default: all)")
    options.add_argument("--quick", action="store_true", help="fewer rounds: a first look, not a verdict")
    options.add_argument("--json", action="store_true", help="print one JSON object at the end, in place of the table")
    options.add_argument("--readme", action="store_true", help="put the table into benchmarks/README.md, too")
    chosen = options.parse_args(arguments)
    if strange := set(chosen.goals) - GOALS.keys():
        options.error(f"unknown goal: {', '.join(sorted(strange))}")
    if not chosen.json:
        print(_report.HEAD)
    outcomes: list[Row] = []
    began = time.monotonic()
    for goal in chosen.goals or GOALS:
        print(f"{goal}, after {time.monotonic() - began:.0f} s …", file=sys.stderr, flush=True)
        for run in GOALS[goal]:
            for outcome in run(quick=chosen.quick):
                outcomes.append(outcome)
                if not chosen.json:
                    print(_report.line(outcome), flush=True)
    if chosen.json:
        print(_report.as_json(outcomes))
    else:
        print(f"\n{_report.CAVEATS}\n{', '.join(f'{name} {value}' for name, value in _report.machine().items())}")
    if chosen.readme:
        _report.write_readme(outcomes)


if __name__ == "__main__":
    main()
