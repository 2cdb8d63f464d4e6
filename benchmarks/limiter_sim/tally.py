"""What all runs together say.

These are the goals met and missed, the worst figures on each kind of server, and the policies that
never came to an end.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from benchmarks.limiter_sim.goals import MANY, figures, goal, misses
from benchmarks.limiter_sim.policies import OURS, RIVALS
from benchmarks.limiter_sim.servers import KINDS

if TYPE_CHECKING:
    from benchmarks.limiter_sim.cases import Result

_CELL: Final = 14


class Tally:
    """Counts results."""

    def __init__(self) -> None:
        self._met = self._missed = 0
        self._livelocks: list[str] = []
        self._results: defaultdict[str, list[Result]] = defaultdict(list)

    def count(self, result: Result, policy: str) -> str:
        """Count a result; return its verdict, which is empty where there is no goal."""
        self._results[policy].append(result)
        if policy not in OURS:
            return ""
        if not result.ended:
            self._livelocks.append(f"{policy} {result.case}")
        missed = misses(result, policy)
        goals = sum(limit is not None for limit in goal(result.case, policy))
        self._missed += len(missed)
        self._met += max(0, goals - len(missed))
        return f"MISSED {policy} {' and '.join(missed)}" if missed else "met" if goals else ""

    def summary(self) -> list[str]:
        """Return the worst figures per server, and the verdicts."""
        endless = {policy: [result for result in results if not result.ended] for policy, results in self._results.items()}
        never = [f"{policy} {len(endless[policy])} of {len(self._results[policy])}" for policy in RIVALS if endless.get(policy)]
        return [
            "",
            f"the worst of quotas and latencies, one action, a steady quota, {MANY} callers or more",
            _row("", list(KINDS)),
            *[_row(policy, [self._worst(policy, kind) for kind in KINDS]) for policy in self._results],
            "",
            f"goals: {self._met} met, {self._missed} missed",
            f"never end: {', '.join(never) or 'none'}",
            f"livelocks: {', '.join(self._livelocks) or 'none'}",
        ]

    def _worst(self, policy: str, kind: str) -> str:
        results = [result for result in self._results[policy] if result.case.steady and result.case.kind == kind]
        results = [result for result in results if result.case.callers >= MANY]
        endless = sum(not result.ended for result in results)
        if endless:
            return f"{endless} of {len(results)} never"
        return "/".join(f"{max(column):.3f}" for column in zip(*map(figures, results), strict=True))


def _row(name: str, cells: list[str]) -> str:
    return "  ".join([f"{name:<10}", *(f"{cell:<{_CELL}}" for cell in cells)]).rstrip()
