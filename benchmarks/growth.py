"""``python -m benchmarks.growth [WORK …]``: what a unit costs as work grows (G15).

Calls, rows, accounts, waiting callers and ledger rows, at 1, 10, 100 and 1,000 times an amount.
Counted is the CPU time a unit (``ratio``: in terms of the same unit at x1) and the memory that the
process grows by. Work is done by one process, and the largest amount also by two at once, each of
which does half: there the CPU times of both count together.

The amount at x1 is so large that what happens once is a small part of it: ten pages of a walk, ten
times as many accounts as workers, ten times as many callers as may leave at once. What belongs to
no unit (loops, clients, files) is made before the clock starts, and each process has done x1 once
before. The garbage collector stays on: what it costs grows with what is alive, as in a service.

A machine that does other work, too, changes the cost of everything. So x1 is measured before and
after each larger amount, and the ratio is to the mean of these two.

Python itself does not cost the same at any size. What grows without this package's work is measured
as ``floor_rows`` (the same pages decoded, a number of each row put into a dict) and
``floor_waiters`` (bare tasks, each of which waits for a bare future). These are not judged.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from benchmarks import _program, _report
from benchmarks._answers import settlement_page
from benchmarks._apart import together
from benchmarks._cores import allowed
from benchmarks._measure import Outcome, module
from benchmarks._server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LIMIT: Final = 1.15
FACTORS: Final = (1, 10, 100, 1_000)
UNITS: Final[Mapping[str, int]] = {
    "calls": 100,
    "rows": 1_000,
    "floor_rows": 1_000,
    "accounts": 160,
    "waiters": 200,
    "floor_waiters": 200,
    "ledger": 960,
}
"""How much x1 is. Ledger rows come 48 for each owner."""
_WHOLE: Final = ("rows", "floor_rows", "waiters", "floor_waiters")
"""What the table of all benchmarks shows at x1,000, too: the others take minutes."""


@attrs.frozen
class Growth:
    """A line of the table.

    Args:
        what: the unit.
        units: how many of it.
        factor: in terms of the least amount.
        processes: how many shared the work.
        microseconds: CPU time of a unit.
        ratio: the same, in terms of that at x1.
        megabytes: by how much all processes grew.
    """

    what: str
    units: int
    factor: int
    processes: int
    microseconds: float
    ratio: float
    megabytes: float

    @property
    def judged(self) -> bool:
        """Whether it is this package's work."""
        return not self.what.startswith("floor")

    @property
    def flat(self) -> bool:
        """Whether the goal is met."""
        return self.ratio <= LIMIT

    def line(self) -> str:
        """Return the printed line."""
        amount = f"{self.units:>9,} {self.factor:>6,} {self.processes:>5}"
        cost = f"{self.microseconds:>10.1f} {self.ratio:>6.2f}"
        memory = f"{self.megabytes:>8.1f} {self.megabytes * 1e6 / self.units:>8.0f}"
        verdict = ("flat" if self.flat else "NOT FLAT") if self.judged else "not judged"
        return f"{self.what:<22} {amount} {cost} {memory}  {verdict}"

    def outcome(self) -> Outcome:
        """Return the line in the table of all benchmarks."""
        what = f"{self.what}, x{self.factor:,} / x1"
        return Outcome("G15", what, self.microseconds, self.microseconds / self.ratio, "µs", self.ratio, LIMIT, judged=self.judged)


HEAD: Final = f"{'what':<22} {'units':>9} {'factor':>6} {'proc.':>5} {'µs a unit':>10} {'ratio':>6} {'MB':>8} {'B a unit':>8}"


def measured(name: str, factors: Sequence[int], *, processes: Sequence[int] = (1, 2)) -> list[Growth]:
    """Return how one kind of work grows.

    Args:
        name: the kind.
        factors: how many times the least amount; the first is 1.
        processes: by how many processes the largest amount is done, besides one.
    """
    least = UNITS[name]
    with ExitStack() as stack:
        spare = len(allowed()) > 2  # two processes and a server
        base_url = stack.enter_context(serving(settlement_page(2), pinned=spare or processes == (1,))) if name == "calls" else ""
        before = run_once(name, least, base_url)
        found = [Growth(what, least, 1, 1, cost, 1.0, before["bytes"] / 1e6) for what, cost in before["microseconds"].items()]
        steps = [(factor, 1) for factor in factors[1:]] + [(factors[-1], many) for many in processes if many > 1]
        for factor, many in steps:
            here = run_once(name, least * factor, base_url, many)
            after = run_once(name, least, base_url)
            for what, cost in here["microseconds"].items():
                base = (before["microseconds"][what] + after["microseconds"][what]) / 2
                found.append(Growth(what, least * factor, factor, many, cost, cost / base, here["bytes"] / 1e6))
            before = after
    return sorted(found, key=lambda growth: [*before["microseconds"]].index(growth.what))


def run_once(name: str, units: int, base_url: str, processes: int = 1) -> dict[str, Any]:
    """Have work done by processes; return what a unit cost, and the bytes of all."""
    with tempfile.TemporaryDirectory() as folder:
        share = (name, UNITS[name], units // processes, base_url, folder)
        each = together("benchmarks._growth_work", [(*share, number) for number in range(processes)])
    costs = {what: sum(one["microseconds"][what] for one in each) / processes for what in each[0]["microseconds"]}
    return {"microseconds": costs, "bytes": sum(one["bytes"] for one in each)}


def as_markdown(growths: Sequence[Growth]) -> str:
    """Return a Markdown table: a line for each unit, a column for each amount."""
    lines = [
        "| what | x1 | x10 | x100 | x1,000 | x1,000 by two | MB at x1,000 |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for what in dict.fromkeys(growth.what for growth in growths):
        of = {(growth.factor, growth.processes): growth for growth in growths if growth.what == what}
        amounts = [of.get(place) for place in ((10, 1), (100, 1), (1_000, 1), (1_000, 2))]
        ratios = " | ".join("" if growth is None else f"{growth.ratio:.2f}" for growth in amounts)
        memory = "" if amounts[2] is None else f"{amounts[2].megabytes:.0f}"
        lines.append(f"| {what} | {of[1, 1].units:,} | {ratios} | {memory} |")
    return "\n".join(lines) + "\n"


def run(*, quick: bool = False) -> Iterator[Outcome]:
    """Measure, by one process."""
    for name in ("rows", "waiters") if quick else UNITS:
        factors = FACTORS[:2] if quick else FACTORS if name in _WHOLE else FACTORS[:3]
        yield from (growth.outcome() for growth in measured(name, factors, processes=(1,)) if growth.factor > 1)


def plot(path: str, growths: Sequence[Growth]) -> None:
    """Draw the ratios, and the memory, over the amount of work.

    Args:
        path: where to write the PNG.
        growths: the lines of the table.
    """
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(12, 5), layout="constrained")
    ratios, memory = figure.subplots(1, 2, sharex=True)
    for what in dict.fromkeys(growth.what for growth in growths):
        alone = [growth for growth in growths if growth.what == what and growth.processes == 1]
        factors = [growth.factor for growth in alone]
        style: dict[str, Any] = {"marker": "o", "linestyle": "-" if alone[0].judged else ":", "label": what}
        (line,) = ratios.plot(factors, [growth.ratio for growth in alone], **style)
        memory.plot(factors, [growth.megabytes for growth in alone], color=line.get_color(), **style)
        shared = [growth for growth in growths if growth.what == what and growth.processes > 1]
        for panel, key in ((ratios, "ratio"), (memory, "megabytes")):
            figures = [getattr(one, key) for one in shared]
            panel.plot([one.factor for one in shared], figures, "x", color=line.get_color(), markersize=9)
    ratios.axhline(LIMIT, color="grey", linestyle="--", label=f"limit: {LIMIT:g}")
    ratios.set(title="CPU of a unit / the same at x1 (x: two processes)", xscale="log", xlabel="times the work", ylim=(0.0, None))
    memory.set(title="memory, MB", xlabel="times the work", yscale="symlog", ylim=(0.0, None))
    ratios.legend()
    figure.savefig(path, format="png", dpi=110)


def _chosen(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="python -m benchmarks.growth", description="Measure what a unit costs as work grows.")
    options.add_argument("work", nargs="*", metavar="WORK", help=f"any of {', '.join(UNITS)} (default: all)")
    options.add_argument("--quick", action="store_true", help="up to ten times the work only")
    options.add_argument("--json", action="store_true", help="print one JSON array, in place of the table")
    options.add_argument("--readme", action="store_true", help="put the ratios into benchmarks/README.md, in place of its table")
    options.add_argument("--plot", metavar="FILE", help="draw a PNG, too")
    chosen = options.parse_intermixed_args(arguments)
    if strange := set(chosen.work) - UNITS.keys():
        options.error(f"unknown work: {', '.join(sorted(strange))}")
    if chosen.readme and not os.access(_report.README, os.W_OK):
        options.error(f"--readme: cannot write {_report.README}")
    if chosen.plot and not os.access(Path(chosen.plot).parent, os.W_OK):
        options.error(f"--plot: cannot write {chosen.plot}")
    if chosen.plot and module("matplotlib") is None:
        options.error("--plot needs matplotlib: pip install matplotlib")
    return chosen


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the kinds of work named on the command line, or all."""
    chosen = _chosen(arguments)
    if not chosen.json:
        print(HEAD)
    growths: list[Growth] = []
    for name in dict.fromkeys(chosen.work or UNITS):
        growths += (found := measured(name, FACTORS[:2] if chosen.quick else FACTORS))
        if not chosen.json:
            print("\n".join(growth.line() for growth in found), flush=True)
    if chosen.json:
        print(json.dumps([attrs.asdict(growth) for growth in growths], indent=2))
    if chosen.readme:
        _report.put_into_readme("benchmarks.growth", as_markdown(growths))
    if chosen.plot:
        plot(chosen.plot, growths)


if __name__ == "__main__":
    _program.run(main)
