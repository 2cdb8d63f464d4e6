"""The learner by itself: when the next call may leave, told by tables, without a loop and without a clock."""

from __future__ import annotations

import math

import pytest

from wxrevenue.limiters._quota.answer_log import SLICES, AnswerLog
from wxrevenue.limiters._quota.inference import Kind, QuotaEstimate
from wxrevenue.limiters._quota.learner import QuotaLearner

WINDOW = 60.0
TRIP = 0.02
"""Seconds that a call takes."""


def pace_with(budget: int, kind: Kind = Kind.WINDOW, span: float = WINDOW) -> QuotaLearner:
    """Return a pace that knows a budget and has no test in mind."""
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


@pytest.mark.parametrize(
    ("accepted", "cap"), [(0, 3), (2, 3), (7, 3), (8, 2), (9, 1), (10, 1), (19, 2), (20, 2), (100, 10), (999, 100)]
)  # fmt: skip
def test_calls_in_flight_while_nothing_is_known(accepted: int, cap: int) -> None:
    """Of an unknown scope three may be in flight at first, then a tenth of what was accepted."""
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
    """Who is held up by calls in flight goes a second after it came to be next, answers or not."""
    pace = pace_with(10)
    pace.on_sent(0.0)
    assert pace.when(5.0) == 6.0
    assert pace.when(5.9) == 6.0
    assert pace.when(6.0) == 6.0
    pace.on_sent(6.0)
    assert pace.when(6.5) == 7.5


def test_a_call_leaves_a_window_after_the_answer_to_the_one_a_budget_before() -> None:
    """Call n waits for a window after the answer to call n - B: the server may have counted that as late as then."""
    pace = pace_with(3)
    assert [call(pace, at) for at in (0.0, 10.0, 20.0)] == [0.0, 10.0, 20.0]
    assert pace.when(30.0) == pytest.approx(60.0 + TRIP)
    assert call(pace, 30.0) == pytest.approx(60.0 + TRIP)
    assert call(pace, 60.1) == pytest.approx(70.0 + TRIP)


@pytest.mark.parametrize(("ahead", "moment"), [(0, 60.02), (1, 70.02), (2, 80.02), (3, 120.02), (5, 140.02), (6, 180.02)])
def test_the_place_in_line_tells_the_time(ahead: int, moment: float) -> None:
    """When somebody with so many ahead can leave at the earliest follows from the log."""
    pace = pace_with(3)
    for at in (0.0, 10.0, 20.0):
        call(pace, at)
    assert pace.earliest(ahead, 30.0) == pytest.approx(moment)


@pytest.mark.parametrize(("budget", "ahead", "moment"), [(3, 0, 100), (3, 2, 100), (3, 3, 160), (3, 8, 220), (None, 20, 101)])
def test_the_place_in_line_behind_a_gate(budget: int | None, ahead: int, moment: float) -> None:
    """When the gate opens a whole budget can go at once; with none known, one every 50 ms."""
    pace = QuotaLearner(WINDOW, QuotaEstimate(WINDOW, budget, Kind.WINDOW))
    assert pace.after(ahead, 100.0) == pytest.approx(moment)


def test_a_refusal_teaches_the_budget() -> None:
    """What was accepted before the first refusal is the budget, the answers that came in late included."""
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


def test_the_test_for_more() -> None:
    """When a short burst was accepted and a test is due, one call more goes, then two, four; a refusal makes tests rarer."""
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
    """After a burst of half a window a refusal would cost half a window: no test, unless one was due for very long."""
    pace = pace_with(2)
    pace.growth.test_at = 0.0
    call(pace, 0.0)
    call(pace, 30.0)
    assert pace.when(31.0) == pytest.approx(WINDOW + TRIP)
    pace.growth.test_at = -32 * WINDOW
    assert pace.when(31.0) <= 31.0


def test_a_test_that_nobody_needs() -> None:
    """Callers that stop in the middle of a test leave the budget as it was, and the next burst is held to it again."""
    pace = pace_with(20)
    pace.growth.test_at = 0.0
    now = burst(pace, 21 + 1, 0.0)  # the second test allows two, one is made
    assert pace.estimate.budget == 21
    pace.growth.test_at = 1e9
    now = burst(pace, 21, now + WINDOW)
    assert pace.when(now) > now + 50


def test_the_first_test_tells_a_window_from_a_bucket() -> None:
    """The first test waits a little, for a bucket to let in a call; a refusal means windows."""
    pace = QuotaLearner(WINDOW)
    refuse(pace, burst(pace, 20, 0.0))
    now = burst(pace, 20, 100.0)
    assert pace.when(now) == pytest.approx(now + 0.6 * 3)
    refuse(pace, pace.when(now))
    assert (pace.estimate.budget, pace.estimate.kind) == (20, Kind.WINDOW)


def test_a_bucket_is_measured() -> None:
    """After a first test that was accepted calls go ever faster; the refusal that ends this tells how fast the bucket fills."""
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
    """Where answers take longer than patience lasts, no more calls than the budget leave within a window all the same."""
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


def test_a_fixed_pace_lasts_for_a_window_only() -> None:
    """Behind a probe after which nothing was learned calls go 50 ms apart, but not for ever, however many keep waiting."""
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


def test_a_budget_that_is_far_too_low_holds_nobody_back_for_long() -> None:
    """While a refill is measured, a tenth of what is accepted may be in flight, be it far more than a tenth of the budget."""
    pace = QuotaLearner(WINDOW)
    now = burst(pace, 10, 0.0)
    refuse(pace, now)  # for no reason: this server has no quota
    assert pace.estimate.budget == 10
    now = burst(pace, 1_000, now + WINDOW)
    assert pace.estimate.budget == 10
    assert pace.cap() >= 50


def test_a_long_rest() -> None:
    """After half an hour's rest a scope begins carefully; after a day it has forgotten what it knew."""
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
    """A pace that knows nothing can be dropped a window after its last answer, one that knows a budget after a day."""
    pace = QuotaLearner(WINDOW)
    call(pace, 100.0)
    assert pace.useless(100.0 + TRIP + rest) is useless
    known = pace_with(5)
    call(known, 100.0)
    assert not known.useless(1_000.0)
    assert known.useless(100.0 + 1_441 * WINDOW)


def test_the_log_does_not_grow_with_the_calls() -> None:
    """A hundred thousand answers within a window are kept in no more slices than a window has, and none is lost."""
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
    """Calls counted without a look at the clock appear in the log as soon as it is looked at."""
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
    """A call that is never answered does not hold up its scope for ever."""
    pace = pace_with(1)
    pace.on_sent(0.0)
    assert pace.when(10.0) == pytest.approx(2 * WINDOW) or pace.when(10.0) < 2 * WINDOW
    assert pace.when(10.0) < math.inf


def test_a_scope_that_was_never_refused_is_not_held_back_by_silence() -> None:
    """Where nothing was ever refused, calls that get no answer for 0.7 s hold up the next ones by 5 ms only, until an answer comes."""
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
    """Behind an accepted probe that taught nothing the next call may leave 50 ms after the last, however slow the answers are."""
    pace = QuotaLearner(60.0)
    pace.on_sent(0.0)
    pace.on_refused(0.1)
    pace.on_reopened(60.1)
    for number in range(20):
        assert pace.when(61.0 + number * 0.05) <= 61.0 + number * 0.05 + 1e-9
        pace.on_sent(61.0 + number * 0.05)
        assert pace.when(61.0 + number * 0.05) == pytest.approx(61.05 + number * 0.05)


def test_a_call_without_an_answer_passes_no_test() -> None:
    """R-34: it counts against the budget, never for it, and tests wait for a span."""
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


def test_answers_and_a_refusal_in_one_moment() -> None:
    """R-33: reports that come in one batch teach what there is to learn, and break nothing."""
    pace = QuotaLearner(WINDOW, QuotaEstimate(6.0, 10, Kind.BUCKET, interval=4.0))
    for _ in range(11):
        pace.on_sent(100.0)
    for _ in range(10):
        pace.on_answered(100.0, accepted=True)
    pace.on_refused(100.0)
    pace.on_reopened(160.0)
    assert pace.estimate.budget == 10
    assert pace.estimate.span == pytest.approx(6.6)
