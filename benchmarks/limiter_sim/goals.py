"""What the limiter has to reach, case by case.

There are two figures each: calls ÷ floor and makespan ÷ ideal. Goals hold for many callers, for one
has no choice but to be slow. The first table is for a limiter that knows nothing; what one with
saved state has to reach is stricter. Then there is a quota that is halved or doubled midway, for a
limiter that knew nothing: there the first figure is the refusals that it did not provoke, in terms
of the old quota.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from benchmarks.limiter_sim.cases import Case, Result

MANY: Final = 200
"""Callers from which on the goals hold."""
_NEAR: Final = 0.1
"""Seconds below which a latency is a short one."""


class Goal(NamedTuple):
    """Up to which figures a goal is met; ``None`` where there is none."""

    calls: float | None
    time: float | None


class _Row(NamedTuple):
    """The goals on one kind of server, for short and long latency.

    ``ten`` is for a quota of ten.
    """

    calls: float
    ten: float
    near: float
    far: float


_COLD: Final = {
    "fixed": _Row(1.015, 1.02, 1.015, 1.10),
    "sliding": _Row(1.015, 1.02, 1.015, 1.10),
    "extend": _Row(1.015, 1.02, 1.015, 1.10),
    "bucket": _Row(1.03, 1.06, 1.035, 1.10),
    "gcra-q": _Row(1.03, 1.06, 1.035, 1.10),
    "fixed?": _Row(1.05, 1.05, 1.02, 1.15),
    "gcra-q/10": _Row(1.03, 1.03, 1.65, 1.75),
}
_SAVED: Final = {
    "fixed": _Row(1.002, 1.002, 1.005, 1.02),
    "sliding": _Row(1.002, 1.002, 1.005, 1.02),
    "extend": _Row(1.002, 1.002, 1.005, 1.02),
    "bucket": _Row(1.002, 1.002, 1.005, 1.02),
    "gcra-q": _Row(1.002, 1.002, 1.005, 1.02),
    "fixed?": _Row(1.002, 1.002, 1.005, 1.025),
    "gcra-q/10": _Row(1.002, 1.002, 1.12, 1.18),
}
_SMOOTH_AT_100: Final = 1.20
"""Makespan on ``gcra-q/10`` with a quota of a hundred and a short latency."""
_HALVED_TIME: Final = {"fixed": 1.05, "extend": 1.05, "sliding": 1.10, "bucket": 1.15, "gcra-q": 1.15}
_HALVED_REFUSALS: Final = 0.20
_HALVED_REFUSALS_FAR: Final = {"bucket": 0.40, "gcra-q": 0.40, "fixed?": 0.40}
_DOUBLED_TIME: Final = 1.15
_DOUBLED_TIME_FAR: Final = 1.22
_DOUBLED_KINDS: Final = frozenset(_HALVED_TIME)


def goal(case: Case, policy: str) -> Goal:
    """Return what a policy of this package has to reach in a case."""
    if case.callers < MANY or case.actions > 1:
        return Goal(None, None)
    if case.factor != 1 and policy != "cold":
        return Goal(None, None)
    if case.factor != 1:
        return (_halved if case.factor < 1 else _doubled)(case)
    row = (_COLD if policy == "cold" else _SAVED).get(case.kind)
    if row is None:
        return Goal(None, None)
    near = _SMOOTH_AT_100 if row is _COLD["gcra-q/10"] and case.quota == 100 else row.near
    return Goal(row.ten if case.quota == 10 else row.calls, near if case.latency < _NEAR else row.far)


def _halved(case: Case) -> Goal:
    far = _HALVED_REFUSALS_FAR.get(case.kind, _HALVED_REFUSALS) if case.latency >= _NEAR else _HALVED_REFUSALS
    return Goal(far if case.kind in _HALVED_TIME or case.kind == "fixed?" else None, _HALVED_TIME.get(case.kind))


def _doubled(case: Case) -> Goal:
    if case.latency >= _NEAR:
        return Goal(None, _DOUBLED_TIME_FAR if case.kind in _DOUBLED_KINDS else None)
    return Goal(None, _DOUBLED_TIME if case.kind in _DOUBLED_KINDS and case.quota >= 100 else None)


def figures(result: Result) -> tuple[float, float]:
    """Return the two figures that a result's case is judged by."""
    return (result.calls_ratio if result.case.factor == 1 else result.unprovoked_ratio), result.time_ratio


def misses(result: Result, policy: str) -> list[str]:
    """Return which goals a policy of this package missed."""
    if not result.ended:
        return ["the end"]
    names = ("calls", "time") if result.case.factor == 1 else ("refusals", "time")
    pairs = zip(names, figures(result), goal(result.case, policy), strict=True)
    return [name for name, figure, limit in pairs if limit is not None and round(figure, 3) > limit]
