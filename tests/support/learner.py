"""A learner by itself: its calls, one after the other, without a loop."""

from __future__ import annotations

from wxrevenue.limiters._quota.inference import Kind, QuotaEstimate
from wxrevenue.limiters._quota.learner import QuotaLearner

WINDOW = 60.0
TRIP = 0.02
"""Seconds that a call takes."""


def pace_with(budget: int, kind: Kind = Kind.WINDOW, span: float = WINDOW) -> QuotaLearner:
    """Return a learner that knows a budget and plans no test."""
    pace = QuotaLearner(WINDOW, QuotaEstimate(span, budget, kind, interval=8.0))
    pace.growth.test_at = 1e9
    return pace


def call(pace: QuotaLearner, now: float, *, trip: float = TRIP) -> float:
    """Make one call as soon as it may leave; return when it left."""
    left = max(now, pace.when(now))
    assert pace.when(left) <= left
    pace.on_sent(left)
    pace.on_answered(left + trip, accepted=True)
    return left


def burst(pace: QuotaLearner, calls: int, now: float) -> float:
    """Make calls one after the other; return when the last was answered."""
    for _ in range(calls):
        now = call(pace, now) + TRIP
    return now


def refuse(pace: QuotaLearner, now: float) -> None:
    """Send one call that is refused, and open again a window later."""
    assert pace.when(now) <= now
    pace.on_sent(now)
    pace.on_refused(now + TRIP)
    pace.on_reopened(now + TRIP + WINDOW)
