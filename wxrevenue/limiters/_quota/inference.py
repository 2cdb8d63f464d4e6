"""What a refusal teaches about a server's quota.

It leads from what was known, and what was counted, to what is known now. The kind "window" stands
for "unknown" as well.

::

    cause     counted           kind     what is learned
    --------  ----------------  -------  ----------------------------------------------------------
    surprise  nothing           any      nothing: the probe itself was refused
    surprise  less than a       any      nothing the first time in a row; the second time it is the
              handful                    budget
    surprise  while others of   unknown  nothing the first time in a row, if no budget is known:
              the account spent          they may have spent the same quota
    surprise  after a quiet     unknown  the budget; if an earlier count was larger and took
              window                     longer, the server fills a bucket meanwhile, and the two
                                         counts say how fast
    surprise  less than budget  known    the budget
    surprise  the whole budget  window   the budget that was kept before, or a little less: the
                                         count may have been of two of the server's windows; hardly
                                         less if it was kept for some windows
    surprise  the whole budget  window   calls count for longer than was thought: the span is
              a span ago                 lengthened
    surprise  the whole budget  bucket   the bucket fills more slowly than was thought
    surprise  too long a time   any      nothing yet: only a count begun after a quiet window is
                                         believed
    test      the budget and    any      that the budget is right; a first test also that the
              some                       server counts windows
    measure   -                 bucket   how fast the bucket fills, and how much it holds: the rest
                                         of the budget came in while it was counted
    measure   faster than the   unknown  that the server counts windows, and two were met: so fast a
              budget came                bucket would not have been spent
"""

from __future__ import annotations

import enum
import math
from typing import Final

import attrs

HANDFUL: Final = 10
"""Accepted calls; fewer say nothing about the quota, unless twice in a row."""
_OTHERS_SHARE: Final = 0.5
"""Share of the count; with so many calls of other scopes it may not be the quota."""
_DEAREST: Final = 0.002
"""What tests for a larger quota may cost in the long run, as a share of the calls."""
_LEAST_INTERVAL: Final = 4.0
_LONGEST_INTERVAL: Final = 64.0
_FIRST_INTERVAL: Final = 1.5
_LONGEST_SMALL: Final = 8.0
"""The longest interval while a window allows a handful: that little is doubted."""
_LONGEST_FIRST: Final = 16.0
_FIRST_CALLS: Final = 100
"""Calls between the first tests, at least, unless that takes too many windows."""
SHORT_BURST: Final = 1 / 3
"""Windows that a short burst lasts at most.

A call behind a longer one may have fallen into the server's next window.
"""
_NEARLY: Final = 0.9
"""A count of so much of the budget was of the whole budget."""
_FIRST_DOUBT: Final = 0.05
_GRAVEST_DOUBT: Final = 0.08
"""By which share a budget that was refused as a whole is lowered.

Twice as much each time, up to the second. A larger share saves a refusal and wastes what it is too
large by in every window: with 0.12 a window of unknown phase was used to 1 / 1.14, with 0.08 to 1 /
1.10 at 7 % more refusals.
"""
KEPT_WINDOWS: Final = 4.0
"""Windows for which a budget was kept that is nearly right."""
_KEPT_DOUBT: Final = 0.02
"""By which share such a budget is lowered."""
_FIRST_STRETCH: Final = 0.03
_LONGEST_STRETCH: Final = 0.24
"""By which share a span is lengthened that was too short: twice as much each time."""
_LONGEST_SPAN: Final = 4.0
"""Windows that a span is long at most."""
_INSTANT: Final = 1e-3
"""Seconds that a count lasts at least: answers may come in one moment."""
_LIKE_A_WINDOW: Final = 0.2
"""Share by which size and filling differ at most if a window fills the bucket."""


class Kind(enum.Enum):
    """How the server seems to count."""

    UNKNOWN = "unknown"
    WINDOW = "window"
    BUCKET = "bucket"


class Cause(enum.Enum):
    """What a refusal came upon."""

    SURPRISE = "surprise"
    TEST = "test"
    MEASURE = "measure"


@attrs.frozen
class QuotaEstimate:
    """What is known of a quota.

    Args:
        span: seconds for which a call counts against the budget.
        budget: calls per span; ``None`` while unknown.
        kind: how the server seems to count.
        lasted: seconds that the count behind the budget took.
        interval: windows from one test for a larger quota to the next; 0 before the first.
        small: whether the last refusal taught nothing: it came after less than a handful, or while
            others called.
        before: the budget that had been kept for some windows before it was raised.
        doubts: how often in a row the whole budget was refused.
        stretched: how often the span was found too short.
    """

    span: float
    budget: int | None = None
    kind: Kind = Kind.UNKNOWN
    lasted: float = 0.0
    interval: float = 0.0
    small: bool = False
    before: int | None = None
    doubts: int = 0
    stretched: int = 0


@attrs.frozen
class Observation:
    """What was counted when a refusal came.

    Args:
        cause: what it came upon.
        in_span: calls accepted within the span before it.
        counted: calls accepted since the last quiet window.
        lasted: seconds from the first of those in ``in_span`` to the last.
        elapsed: seconds since that quiet window; 0 if nothing was counted.
        rate: calls a second that a bucket was seen to fill by, where that was measured.
        age: seconds since the newest calls that make up a whole budget began; 0 if there were
            fewer.
        fresh: calls accepted within the last half of the span.
        kept: seconds for which the budget had been kept.
        others: calls within a window before it of the account's other scopes that were not refused
            with it.
    """

    cause: Cause = attrs.field(converter=Cause)
    in_span: int
    counted: int
    lasted: float
    elapsed: float
    rate: float = 0.0
    age: float = 0.0
    fresh: int = 0
    kept: float = 0.0
    others: int = 0


def infer(known: QuotaEstimate, lesson: Observation, window: float) -> QuotaEstimate:
    """Return what is known after a refusal."""
    if lesson.cause is Cause.SURPRISE:
        return _surprised(known, lesson, window)
    learned = _measured(known, lesson, window) if lesson.cause is Cause.MEASURE else _tested(known, lesson)
    return attrs.evolve(learned, small=False, doubts=0, interval=_rarer(learned, lesson.lasted, window))


def _surprised(known: QuotaEstimate, lesson: Observation, window: float) -> QuotaEstimate:
    if _span_is_too_short(known, lesson):
        return _stretched(known, lesson, window)
    if not lesson.counted or not lesson.in_span:  # nothing was accepted lately: others used the quota
        return known
    small = lesson.counted < HANDFUL and known.kind is not Kind.BUCKET
    if (small or _others_may_have_spent_it(known, lesson)) and not known.small:
        return attrs.evolve(known, small=True)
    if known.kind is Kind.BUCKET and known.budget is not None and lesson.counted >= known.budget:
        return _slower(known, known.budget, lesson, window)
    if known.budget is not None and _budget_is_too_large(known, known.budget, lesson, window):
        learned = _lowered(known, known.budget, lesson, window)
    elif known.budget is None or lesson.elapsed <= window:
        learned = _counted(known, lesson, window)
    else:
        return known
    return attrs.evolve(learned, small=small, interval=_first_interval(learned) if learned.interval else 0.0)


def _others_may_have_spent_it(known: QuotaEstimate, lesson: Observation) -> bool:
    """Return whether others called so much that a first count says little."""
    return known.budget is None and lesson.others >= _OTHERS_SHARE * lesson.in_span


def _span_is_too_short(known: QuotaEstimate, lesson: Observation) -> bool:
    """Return whether a budget spent before, hardly any of it anew, still counts."""
    budget = known.budget or 0
    spent_before = _NEARLY * known.span <= lesson.age < _LONGEST_SPAN * known.span
    return spent_before and known.kind is not Kind.BUCKET and lesson.fresh <= budget // 10


def _stretched(known: QuotaEstimate, lesson: Observation, window: float) -> QuotaEstimate:
    """Lengthen the span at the first sign: a halved quota loses 1.5 % of its time."""
    share = min(_FIRST_STRETCH * 2**known.stretched, _LONGEST_STRETCH)
    longer = (1 + share) * max(known.span, min(lesson.age, 2 * known.span))
    return attrs.evolve(known, span=min(longer, _LONGEST_SPAN * window), stretched=known.stretched + 1)


def _budget_is_too_large(known: QuotaEstimate, budget: int, lesson: Observation, window: float) -> bool:
    """Return whether the whole budget was refused, and no new short count says more."""
    if known.kind is Kind.BUCKET or lesson.in_span < _NEARLY * budget:
        return False
    return lesson.lasted > SHORT_BURST * window or (lesson.elapsed <= window and lesson.in_span >= budget)


def _lowered(known: QuotaEstimate, budget: int, lesson: Observation, window: float) -> QuotaEstimate:
    """Return to the budget before, or a little lower: the count may be of two windows."""
    if known.before is not None and known.before < budget:
        return attrs.evolve(known, budget=known.before, before=None, lasted=lesson.lasted)
    kept = lesson.kept >= KEPT_WINDOWS * window
    share = _KEPT_DOUBT if kept else min(_FIRST_DOUBT * 2**known.doubts, _GRAVEST_DOUBT)
    lower = min(lesson.in_span, math.floor((1 - share) * budget), budget - 1)
    return attrs.evolve(known, budget=max(1, lower), lasted=lesson.lasted, doubts=0 if kept else known.doubts + 1)


def _counted(known: QuotaEstimate, lesson: Observation, window: float) -> QuotaEstimate:
    """Take the count for the budget, less what a bucket took in meanwhile."""
    if known.kind is Kind.BUCKET:
        filled = round(lesson.in_span * lesson.lasted / known.span)
        if lesson.in_span - filled < (1 - _LIKE_A_WINDOW) * (known.budget or 1):  # no error in the count: another quota
            return QuotaEstimate(window, lesson.in_span, lasted=lesson.lasted)
        return attrs.evolve(known, budget=max(1, lesson.in_span - filled), lasted=0.0)
    if _is_a_bucket(known, lesson, window):
        return attrs.evolve(
            known, budget=_unfilled(lesson.in_span, lesson.lasted, window), kind=Kind.BUCKET, lasted=0.0, interval=_LEAST_INTERVAL
        )
    return attrs.evolve(known, budget=lesson.in_span, lasted=lesson.lasted)


def _is_a_bucket(known: QuotaEstimate, lesson: Observation, window: float) -> bool:
    """Return whether a quicker count was lower by about what a bucket took in."""
    faster, fewer = known.lasted - lesson.lasted, (known.budget or 0) - lesson.in_span
    if known.kind is not Kind.UNKNOWN or known.lasted > SHORT_BURST * window or fewer <= 0 or faster <= 0:
        return False
    return 0.5 < fewer / faster * window / lesson.in_span < 2  # noqa: PLR2004


def _slower(known: QuotaEstimate, budget: int, lesson: Observation, window: float) -> QuotaEstimate:
    """Let the bucket fill more slowly: it was spent, and less came in than was asked."""
    came_in = (lesson.counted + 1 - budget) / max(lesson.elapsed, _INSTANT)
    span = min(max(1.05 * budget / came_in, 1.1 * known.span), 2 * known.span)  # others may have used the quota: step by step
    if span > 1.5 * window:
        return attrs.evolve(known, span=window, kind=Kind.WINDOW)
    return attrs.evolve(known, span=span)


def _tested(known: QuotaEstimate, lesson: Observation) -> QuotaEstimate:
    kind = Kind.WINDOW if known.kind is Kind.UNKNOWN else known.kind
    return attrs.evolve(known, budget=max(known.budget or 1, lesson.in_span), kind=kind, lasted=lesson.lasted)


def _measured(known: QuotaEstimate, lesson: Observation, window: float) -> QuotaEstimate:
    """Take the bucket for as large as the budget, filling up as fast as was seen."""
    budget = known.budget or 1
    span = budget / lesson.rate if lesson.rate else window
    if known.kind is Kind.BUCKET:  # only more than was known is news
        return attrs.evolve(known, span=min(span, known.span))
    if lesson.rate * known.lasted >= budget:  # so fast a bucket is never spent: calls fell into the server's next window
        return attrs.evolve(known, kind=Kind.WINDOW)
    if abs(span / window - 1) <= _LIKE_A_WINDOW:
        return attrs.evolve(known, budget=_unfilled(budget, known.lasted, window), span=window, kind=Kind.BUCKET, lasted=0.0)
    held = holds(budget, lesson.rate, known.lasted)
    span = held / lesson.rate if lesson.rate else window
    return attrs.evolve(known, budget=held, span=min(span, 1.5 * window), kind=Kind.BUCKET, lasted=0.0)


def holds(counted: int, rate: float, lasted: float) -> int:
    """Return a bucket's size, given the calls let in while it filled at that rate."""
    return max(1, math.ceil(counted - rate * lasted))


def _unfilled(counted: int, lasted: float, window: float) -> int:
    """Return a bucket's size, given the calls let in while a window filled it."""
    return math.ceil(counted * window / (window + lasted))


def _first_interval(known: QuotaEstimate) -> float:
    return max(_FIRST_INTERVAL, min(_LONGEST_FIRST, _FIRST_CALLS / (known.budget or 1)))


def _rarer(known: QuotaEstimate, lasted: float, window: float) -> float:
    """Return the windows until the next test: twice as many, unless tests are cheap.

    One costs a call, and a pause: of a burst, or of what a small bucket would have let in.
    """
    if known.kind is Kind.WINDOW and (known.budget or 1) < HANDFUL:
        return min(2 * max(known.interval, _FIRST_INTERVAL), _LONGEST_SMALL)
    cost = 1 / (known.budget or 1) + max(lasted / window, 1 - known.span / window)
    if not known.interval:
        return max(_first_interval(known), 16 * cost)
    return min(2 * known.interval, max(_LEAST_INTERVAL, min(_LONGEST_INTERVAL, cost / _DEAREST)))
