"""How the limiter and its rivals obey servers that never say how much they allow.

::

    python -m benchmarks.limiter_sim [--quick | --full] [--server fixed …]
        [--policy cold …] [--quota 100 …] [--callers 200 …]
    python -m benchmarks.limiter_sim --plot storm.png

Virtual time, so ten minutes take a fraction of a second, and a seed decides everything. In a cell,
the first figure is the calls made ÷ the calls that had to be made. The second is the makespan ÷
that of a caller that knows the server's rule. Where the quota changes midway, the first figure is
the refusals from then on that were not provoked, in terms of the old quota. A run "never ends" if
it is given up: after twenty times the calls or sixty times the time that are needed, or an hour
without an admitted call. Goals hold for this package's limiter only: ``cold`` knows nothing,
``saved`` begins with what a limiter before it has learned.
"""

from __future__ import annotations

import argparse
import itertools
import time
from typing import TYPE_CHECKING, Final

import attrs

from benchmarks import _program
from benchmarks.limiter_sim.cases import Case, Result, run
from benchmarks.limiter_sim.goals import Goal, figures, goal
from benchmarks.limiter_sim.policies import OURS, RIVALS
from benchmarks.limiter_sim.servers import KINDS
from benchmarks.limiter_sim.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

QUOTAS: Final = (10, 100, 1_000)
LATENCIES: Final = (0.02, 0.5)
CALLERS: Final = (1, 16, 200, 1_000)
FACTORS: Final = (0.5, 2.0)
ACTIONS: Final = 4
_WIDTH: Final = 12
_HEAD: Final = "{:<10} {:>5} {:>6} {:>7}"


def representative() -> list[Case]:
    """Return the cases of a run without options.

    They have every kind of server, quota and latency; of the rest they have a part.
    """
    usual = [Case(kind, quota, latency) for kind, quota, latency in itertools.product(KINDS, QUOTAS, LATENCIES)]
    crowds = [Case(kind, 100, callers=callers) for kind, callers in itertools.product(KINDS, CALLERS) if callers != 200]
    changed = [
        Case(kind, quota, latency, factor=factor)
        for factor, kind, quota, latency in itertools.product(FACTORS, KINDS, (10, 100), LATENCIES)
    ]
    return [*usual, *crowds, *changed, *several_actions([(10, 0.02, 1), (10, 0.02, 200), (100, 0.02, 200)])]


def several_actions(sizes: Iterable[tuple[int, float, int]]) -> list[Case]:
    """Return the cases with several actions, on one quota or on one each.

    A size is what a :class:`Case` has.
    """
    every = itertools.product((True, False), KINDS, sizes)
    return [Case(kind, quota, latency, callers, ACTIONS, shared) for shared, kind, (quota, latency, callers) in every]


def full() -> list[Case]:
    """Return the whole cross product."""
    every = itertools.product((1.0, *FACTORS), KINDS, QUOTAS, LATENCIES, CALLERS)
    alone = [Case(kind, quota, latency, callers, factor=factor) for factor, kind, quota, latency, callers in every]
    return [*alone, *several_actions(itertools.product(QUOTAS, LATENCIES, CALLERS))]


def quick() -> list[Case]:
    """Return a few small cases, one of each sort."""
    steady = [Case(kind, 10) for kind in KINDS]
    return [*steady, Case("fixed", 10, factor=0.5), Case("fixed", 10, factor=2.0), Case("extend", 10, actions=ACTIONS, shared=True)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate, and print one table."""
    options = _options().parse_args(arguments)
    if options.plot:
        from benchmarks.limiter_sim.plot import plot

        plot(options.plot, options.seed)
        return
    policies: Sequence[str] = options.policy or [*OURS, *RIVALS]
    cases = full() if options.full else quick() if options.quick else representative()
    began = time.perf_counter()
    tally = Tally()
    chosen = [attrs.evolve(case, seed=options.seed) for case in cases if _wanted(case, options)]
    for _, group in itertools.groupby(chosen, _group):
        _print_group(list(group), policies, tally, frugal=not (options.full or options.policy))
    print(*tally.summary(), f"{time.perf_counter() - began:.0f} s", sep="\n")


def _print_group(cases: Sequence[Case], policies: Sequence[str], tally: Tally, *, frugal: bool) -> None:
    """Run cases and print a line for each.

    With ``frugal``, rivals are spared the largest quota.
    """
    print(_heading(cases[0], policies))
    for case in cases:
        results = {policy: None if policy in RIVALS and frugal and case.quota > 100 else run(case, policy) for policy in policies}
        verdicts = [tally.count(result, policy) for policy, result in results.items() if result is not None]
        print(_line(case, [_cell(result, policy) for policy, result in results.items()], verdicts), flush=True)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limiter_sim", description="Simulate how quotas are obeyed.")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="a few small cases: seconds")
    size.add_argument("--full", action="store_true", help="the whole cross product: an hour")
    parser.add_argument("--server", nargs="+", choices=KINDS, help="only these servers")
    parser.add_argument("--policy", nargs="+", choices=[*OURS, *RIVALS], help="only these policies")
    parser.add_argument("--quota", nargs="+", type=int, help="only these quotas")
    parser.add_argument("--callers", nargs="+", type=int, help="only these numbers of callers")
    parser.add_argument("--seed", type=int, default=1, help="decides every latency, jitter and phase")
    parser.add_argument("--plot", metavar="FILE", help="draw the headline scenario instead, as a PNG")
    return parser


def _wanted(case: Case, options: argparse.Namespace) -> bool:
    filters = ((options.server, case.kind), (options.quota, case.quota), (options.callers, case.callers))
    return all(not allowed or value in allowed for allowed, value in filters)


def _heading(case: Case, policies: Sequence[str]) -> str:
    columns = [f"{policy:<{_WIDTH}}  {'goal':<{_WIDTH}}" if policy in OURS else f"{policy:<{_WIDTH}}" for policy in policies]
    return "  ".join([f"\n{_group(case)}\n{_HEAD}".format("server", "quota", "ms", "callers"), *columns])


def _line(case: Case, cells: Sequence[str], verdicts: Sequence[str]) -> str:
    """Return a case's line; a goal met is not worth a word where another is missed."""
    verdict = ", ".join(verdict for verdict in verdicts if verdict.startswith("MISSED")) or max(verdicts, default="")
    return "  ".join([_HEAD.format(case.kind, case.quota, f"{case.latency * 1e3:.0f}", case.callers), *cells, verdict]).rstrip()


def _cell(result: Result | None, policy: str) -> str:
    if result is None:
        return " " * _WIDTH
    calls, makespan = figures(result)
    if policy not in OURS:
        return f"{f'{calls:.2f}/{makespan:.2f}' if result.ended else 'never ends':<{_WIDTH}}"
    shown = f"{calls:.3f}/{makespan:.3f}" if result.ended else "never ends"
    return f"{shown:<{_WIDTH}}  {_limits(goal(result.case, policy)):<{_WIDTH}}"


def _group(case: Case) -> str:
    if case.actions > 1:
        return f"{case.actions} actions, {'one quota for all (per component)' if case.shared else 'a quota each (per action)'}"
    words = {0.5: "quota halved midway: refusals not provoked ÷ old quota", 2.0: "quota doubled midway: refusals likewise"}
    return f"{words.get(case.factor, 'one action: calls ÷ floor')} / makespan ÷ ideal"


def _limits(limits: Goal) -> str:
    return "/".join("-" if limit is None else f"{limit:.3f}" for limit in limits)


if __name__ == "__main__":
    _program.run(main)
