"""The learner by itself: tables say when the next call may leave.

It runs without a loop and without a clock.
"""

from __future__ import annotations

import math

import pytest
from support.learner import TRIP, WINDOW, burst, call, pace_with, refuse

from wxrevenue.limiters._quota.answer_log import SLICES, AnswerLog
from wxrevenue.limiters._quota.inference import Kind, QuotaEstimate
from wxrevenue.limiters._quota.learner import QuotaLearner


@pytest.mark.parametrize(
    ("accepted", "cap"), [(0, 3), (2, 3), (7, 3), (8, 2), (9, 1), (10, 1), (19, 2), (20, 2), (100, 10), (999, 100)]
)  # fmt: skip
def test_calls_in_flight_while_nothing_is_known(accepted: int, cap: int) -> None:
    """Of an unknown scope three calls may be in flight at first.

    Later it is a tenth of what was accepted.
    """
    pace = QuotaLearner(WINDOW)
    for _ in range(accepted):
        pace.on_sent(0.0)
        pace.on_answered(TRIP, accepted=True)
    assert pace.cap() == cap


@pytest.mark.parametrize(("budget", "cap"), [(1, 1), (10, 1), (29, 2), (1_000, 100)])
def test_calls_in_flight_within_a_budget(budget: int, cap: int) -> None:
    """A tenth of the budget may be in flight, and always one."""
    assert pace_with(budget).cap() == cap


def test_a_slow_answer_does_not_hold_up_the_others_for_ever() -> None:
    """A caller that waits for calls in flight goes after a second.

    The second begins when it is next in line. It goes with or without answers.
    """
    pace = pace_with(10)
    pace.on_sent(0.0)
    assert pace.when(5.0) == 6.0
    assert pace.when(5.9) == 6.0
    assert pace.when(6.0) == 6.0
    pace.on_sent(6.0)
    assert pace.when(6.5) == 7.5


def test_a_call_leaves_a_window_after_the_answer_to_the_one_a_budget_before() -> None:
    """Call n waits for a window after the answer to call n - B.

    B is the budget. The server may have counted that call as late as its answer.
    """
    pace = pace_with(3)
    assert [call(pace, at) for at in (0.0, 10.0, 20.0)] == [0.0, 10.0, 20.0]
    assert pace.when(30.0) == pytest.approx(60.0 + TRIP)
    assert call(pace, 30.0) == pytest.approx(60.0 + TRIP)
    assert call(pace, 60.1) == pytest.approx(70.0 + TRIP)


@pytest.mark.parametrize(("ahead", "moment"), [(0, 60.02), (1, 70.02), (2, 80.02), (3, 120.02), (5, 140.02), (6, 180.02)])
def test_the_place_in_line_tells_the_time(ahead: int, moment: float) -> None:
    """The log says when a caller with so many ahead can leave at the earliest."""
    pace = pace_with(3)
    for at in (0.0, 10.0, 20.0):
        call(pace, at)
    assert pace.earliest(ahead, 30.0) == pytest.approx(moment)


@pytest.mark.parametrize(("budget", "ahead", "moment"), [(3, 0, 100), (3, 2, 100), (3, 3, 160), (3, 8, 220), (None, 20, 101)])
def test_the_place_in_line_behind_a_gate(budget: int | None, ahead: int, moment: float) -> None:
    """When the gate opens a whole budget can go at once.

    With no known budget, one call goes every 50 ms.
    """
    pace = QuotaLearner(WINDOW, QuotaEstimate(WINDOW, budget, Kind.WINDOW))
    assert pace.after(ahead, 100.0) == pytest.approx(moment)


def test_a_refusal_teaches_the_budget() -> None:
    """What was accepted before the first refusal is the budget.

    Answers that came in late are included.
    """
    pace = QuotaLearner(WINDOW)
    now = burst(pace, 98, 0.0)
    for _ in range(3):
        pace.on_sent(now)
    pace.on_refused(now)
    pace.on_answered(now, accepted=True)
    pace.on_answered(now, accepted=True)
    assert pace.estimate.budget is None
    pace.on_reopened(now + WINDOW)
    assert pace.estimate.budget == 100


def test_a_fixed_pace_lasts_for_a_window_only() -> None:
    """Behind a probe that taught nothing calls go 50 ms apart for one window only.

    That is so however many callers keep waiting.
    """
    pace = QuotaLearner(WINDOW)
    refuse(pace, 0.0)
    assert pace.earliest(10_000, WINDOW) <= 2 * WINDOW + TRIP
    first = call(pace, WINDOW + TRIP)
    now = burst(pace, 100, first + TRIP)
    assert now - first >= 100 * 0.05
    while now < first + WINDOW + 1.0:
        now = call(pace, now) + TRIP
    assert pace.when(now) <= now
    assert pace.cap() >= 100


def test_a_long_rest() -> None:
    """After half an hour's rest a scope begins carefully.

    After a day it has forgotten what it knew.
    """
    pace = pace_with(1_000)
    call(pace, 0.0)
    pace.when(29 * WINDOW)
    assert pace.cap() == 100
    pace.when(31 * WINDOW)
    assert (pace.cap(), pace.estimate.budget) == (1, 1_000)
    pace.when(1_500 * WINDOW)
    assert pace.estimate == QuotaEstimate(WINDOW)


@pytest.mark.parametrize(("rest", "useless"), [(59.0, False), (61.0, True)])
def test_what_may_be_forgotten(rest: float, useless: bool) -> None:  # noqa: FBT001
    """A learner that knows nothing can be dropped a window after its last answer.

    One that knows a budget can be dropped after a day.
    """
    pace = QuotaLearner(WINDOW)
    call(pace, 100.0)
    assert pace.useless(100.0 + TRIP + rest) is useless
    known = pace_with(5)
    call(known, 100.0)
    assert not known.useless(1_000.0)
    assert known.useless(100.0 + 1_441 * WINDOW)


def test_the_log_does_not_grow_with_the_calls() -> None:
    """The log has no more slices than a window, and loses no answer.

    It is given a hundred thousand answers within a window.
    """
    log = AnswerLog(WINDOW / SLICES)
    for number in range(100_000):
        log.add(number * WINDOW / 100_000)
    assert len(log.entries()) <= SLICES
    assert log.count == 100_000
    log.forget(WINDOW / 2)
    assert log.count == pytest.approx(50_000, rel=0.002)
    log.clear()
    assert (log.count, log.entries(), log.oldest(1)) == (0, [], None)


def test_calls_that_are_counted_later() -> None:
    """Calls counted without a look at the clock appear in the log at the next look."""
    pace = QuotaLearner(WINDOW)
    burst(pace, 640, 0.0)
    pace.allow_fast_path(20.0)
    deferred = pace.deferred
    assert deferred == 10
    pace.deferred -= 7
    pace.count_deferred(21.0)
    assert pace.log.count == 647
    assert (pace.limit, pace.deferred) == (0, 0)


def test_a_turn_that_never_comes_back() -> None:
    """A call that is never answered does not block its scope for ever."""
    pace = pace_with(1)
    pace.on_sent(0.0)
    assert pace.when(10.0) == pytest.approx(2 * WINDOW) or pace.when(10.0) < 2 * WINDOW
    assert pace.when(10.0) < math.inf


def test_a_scope_that_was_never_refused_is_not_held_back_by_silence() -> None:
    """In a scope that was never refused, missing answers hardly delay the next calls.

    Calls without an answer for 0.7 s delay them by 5 ms each, until an answer comes.
    """
    pace = QuotaLearner(60.0)
    for _ in range(3):
        pace.on_sent(0.0)
    assert pace.when(0.0) == pytest.approx(0.7)
    pace.on_sent(0.7)
    assert pace.when(0.7) == pytest.approx(0.705)
    pace.on_sent(0.705)
    pace.on_answered(0.706, accepted=True)
    assert pace.when(0.706) == pytest.approx(1.406)


def test_with_nothing_learned_callers_follow_a_probe_at_a_fixed_pace() -> None:
    """Behind a probe that taught nothing calls go 50 ms apart.

    The probe was accepted. It does not matter how slow the answers are.
    """
    pace = QuotaLearner(60.0)
    pace.on_sent(0.0)
    pace.on_refused(0.1)
    pace.on_reopened(60.1)
    for number in range(20):
        assert pace.when(61.0 + number * 0.05) <= 61.0 + number * 0.05 + 1e-9
        pace.on_sent(61.0 + number * 0.05)
        assert pace.when(61.0 + number * 0.05) == pytest.approx(61.05 + number * 0.05)


def test_answers_and_a_refusal_in_one_moment() -> None:
    """R-33: reports that come in one batch teach what there is to learn.

    They break nothing.
    """
    pace = QuotaLearner(WINDOW, QuotaEstimate(6.0, 10, Kind.BUCKET, interval=4.0))
    for _ in range(11):
        pace.on_sent(100.0)
    for _ in range(10):
        pace.on_answered(100.0, accepted=True)
    pace.on_refused(100.0)
    pace.on_reopened(160.0)
    assert pace.estimate.budget == 10
    assert pace.estimate.span == pytest.approx(6.6)
