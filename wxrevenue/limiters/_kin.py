"""Which scopes use one quota between them.

A probe that goes after a quiet window must be accepted if the scope has a quota to itself. If it is refused, somebody else used
the quota meanwhile: most likely the scopes of the same account that were refused about that time. On a server that blocks anew
with every call made while it blocks, scopes with a gate each would keep each other out for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wxrevenue.limiters._lessons import Known
from wxrevenue.limiters._pace import Pace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wxrevenue.limiters._lane import Lane
    from wxrevenue.limiters._lanes import Lanes
    from wxrevenue.limiters._rate import AnyPace

_TOGETHER: Final = 2.0
"""Windows within which lanes were refused that may be kin."""


def account_of(scope: str) -> str:
    """Return what scopes of one account have in common: what stands before the first slash."""
    return scope.partition("/")[0] if "/" in scope else ""


def kin_of(lane: Lane, lanes: Lanes, now: float) -> tuple[Lane, ...]:
    """Return the lanes that may well share a quota with this one."""
    account = account_of(lane.scopes[0])
    since = now - _TOGETHER * lanes.cooldown
    return tuple(other for other in lanes if other is not lane and account_of(other.scopes[0]) == account and _tripped(other, since, now))


def _tripped(lane: Lane, since: float, now: float) -> bool:
    return lane.gate.shut and lane.gate.tripped >= since and lane.apart_until <= now and not lane.gate.quota_ends > now


def merged_pace(paces: Sequence[AnyPace], window: float) -> Pace:
    """Return a pace for all: together they were allowed the sum of their budgets, as far as these are known."""
    merged = Pace(window, Known(window, _sum(pace.known.budget for pace in paces if isinstance(pace, Pace))))
    merged.in_flight = sum(pace.in_flight for pace in paces)
    return merged


def _sum(budgets: Iterable[int | None]) -> int | None:
    total = 0
    for budget in budgets:
        if budget is None:
            return None
        total += budget
    return total
