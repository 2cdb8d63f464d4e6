"""The learner's tests for a larger quota, and how it measures a bucket."""

from __future__ import annotations

import math

import pytest
from support.learner import TRIP, WINDOW, burst, call, pace_with, refuse

from wxrevenue.limiters._quota.answer_log import SLICES
from wxrevenue.limiters._quota.inference import Kind, QuotaEstimate
from wxrevenue.limiters._quota.learner import QuotaLearner


def test_the_test_for_more() -> None:
    """A test for more lets one call more go, then two, four.

    It is due after a short burst was accepted. A refusal makes tests rarer.
    """
    pace = pace_with(20)
    pace.growth.test_at = 0.0
    now = burst(pace, 20, 100.0)
    for batch in (1, 2, 4):
        assert pace.when(now) <= now
        now = burst(pace, batch, now)
    refuse(pace, now)
    assert pace.estimate.budget == 27
    assert pace.estimate.interval == 16
    assert pace.growth.test_at == pytest.approx(now + TRIP + 16 * WINDOW)


def test_no_test_before_its_time() -> None:
    """Until a test is due the budget holds."""
    pace = pace_with(20)
    now = burst(pace, 20, 0.0)
    assert pace.when(now) == pytest.approx(WINDOW + TRIP, abs=WINDOW / SLICES)


def test_no_test_after_a_long_burst() -> None:
    """After a burst of half a window there is no test.

    A refusal would cost half a window. Only a test that was due for very long is made.
    """
    pace = pace_with(2)
    pace.growth.test_at = 0.0
    call(pace, 0.0)
    call(pace, 30.0)
    assert pace.when(31.0) == pytest.approx(WINDOW + TRIP)
    pace.growth.test_at = -32 * WINDOW
    assert pace.when(31.0) <= 31.0


def test_a_test_that_nobody_needs() -> None:
    """Callers that stop in the middle of a test leave the budget as it was.

    The next burst is held to it again.
    """
    pace = pace_with(20)
    pace.growth.test_at = 0.0
    now = burst(pace, 21 + 1, 0.0)  # the second test allows two, one is made
    assert pace.estimate.budget == 21
    pace.growth.test_at = 1e9
    now = burst(pace, 21, now + WINDOW)
    assert pace.when(now) > now + 50


def test_the_first_test_tells_a_window_from_a_bucket() -> None:
    """The first test waits a little, so that a bucket would let in a call.

    A refusal then means windows.
    """
    pace = QuotaLearner(WINDOW)
    refuse(pace, burst(pace, 20, 0.0))
    now = burst(pace, 20, 100.0)
    assert pace.when(now) == pytest.approx(now + 0.6 * 3)
    refuse(pace, pace.when(now))
    assert (pace.estimate.budget, pace.estimate.kind) == (20, Kind.WINDOW)


@pytest.mark.parametrize(("budget", "lasted", "gap"), [(100, 0.5, 0.005), (100, 3.1, 0.0), (20, 0.5, 0.0)])
def test_a_quick_count_is_repeated_no_quicker(budget: int, lasted: float, gap: float) -> None:
    """R-29: while the server's way to count is unknown, the pace is not raised.

    Calls come no faster than they were counted. A bucket would refuse the last one.
    """
    pace = QuotaLearner(WINDOW, QuotaEstimate(WINDOW, budget, lasted=lasted))
    pace.on_sent(100.0)
    assert pace.when(100.0) == pytest.approx(100.0 + gap)
    known = QuotaLearner(WINDOW, QuotaEstimate(WINDOW, budget, Kind.WINDOW, lasted=lasted))
    known.on_sent(100.0)
    assert known.when(100.0) == 100.0


def test_a_bucket_is_measured() -> None:
    """After a first test that was accepted calls go ever faster.

    The refusal that ends this tells how fast the bucket fills.
    """
    pace = QuotaLearner(WINDOW)
    refuse(pace, burst(pace, 10, 0.0))
    now = burst(pace, 10, 100.0)
    level, filled = 0.0, now
    while True:
        now = max(now, pace.when(now))
        level, filled = min(10.0, level + (now - filled) * 10 / 6), now
        if level < 1:
            break
        level -= 1
        now = call(pace, now) + TRIP
    refuse(pace, now)
    assert pace.estimate.kind is Kind.BUCKET
    assert pace.estimate.budget == 10
    assert 5.9 <= pace.estimate.span <= 6.9


@pytest.mark.parametrize("trip", [2.0, 5.0])
def test_a_slow_server_does_not_loosen_the_budget(trip: float) -> None:
    """Slow answers do not loosen the budget.

    No more calls than the budget leave within a window, even where answers take longer than the
    learner waits for them.
    """
    pace = pace_with(10)
    out: list[float] = []
    left: list[float] = []
    now = 0.0
    while now < 10 * WINDOW:
        while out and out[0] <= now:
            pace.on_answered(out.pop(0), accepted=True)
        if pace.when(now) <= now:
            pace.on_sent(now)
            left.append(now)
            out.append(now + trip)
        else:
            now = min(now + 0.1, out[0] if out else math.inf)
    assert max(sum(start <= one < start + WINDOW for one in left) for start in left) <= 10
    assert len(left) >= 80


def test_a_budget_that_is_far_too_low_holds_nobody_back_for_long() -> None:
    """While a refill is measured, a tenth of what is accepted may be in flight.

    It may be far more than a tenth of the budget.
    """
    pace = QuotaLearner(WINDOW)
    now = burst(pace, 10, 0.0)
    refuse(pace, now)  # for no reason: this server has no quota
    assert pace.estimate.budget == 10
    now = burst(pace, 1_000, now + WINDOW)
    assert pace.estimate.budget == 10
    assert pace.cap() >= 50


def test_a_call_without_an_answer_passes_no_test() -> None:
    """R-34: a call without an answer counts against the budget, never for it.

    Tests wait for a span.
    """
    pace = pace_with(20)
    pace.growth.test_at = 0.0
    now = burst(pace, 20, 100.0)
    assert pace.when(now) <= now
    pace.on_sent(now)
    pace.on_answered(now + TRIP, accepted=False)
    assert pace.estimate.budget == 20
    assert pace.log.count == 21
    assert pace.growth.test_at == pytest.approx(now + TRIP + WINDOW)
    unknown = QuotaLearner(WINDOW)
    now = burst(unknown, 30, 0.0)
    unknown.on_sent(now)
    unknown.on_answered(now, accepted=False)
    refuse(unknown, now)
    assert unknown.estimate.budget == 30
