"""What a refusal teaches, as a table.

A row says what was known, what was counted, and what is known then.
"""

from __future__ import annotations

import math

import attrs
import pytest

from wxrevenue.limiters._quota.inference import Cause, Kind, Observation, QuotaEstimate, infer

WINDOW = 60.0
NOTHING = QuotaEstimate(WINDOW)
HUNDRED = QuotaEstimate(WINDOW, 100, Kind.WINDOW, interval=8.0)
UNSURE = QuotaEstimate(WINDOW, 128, lasted=17.0)
BUCKET = QuotaEstimate(6.0, 10, Kind.BUCKET, interval=4.0)


def surprise(counted: int, *, lasted: float = 1.0, elapsed: float = 1.0, taken: int | None = None) -> Observation:
    """Return a refusal that no call provoked."""
    return Observation(Cause.SURPRISE, counted if taken is None else taken, counted, lasted, elapsed)


def beside(others: int) -> Observation:
    """Return a refusal after forty calls, and so many of the account's other scopes."""
    return Observation(Cause.SURPRISE, 40, 40, 1.0, 1.0, others=others)


def late(age: float, *, fresh: int = 0) -> Observation:
    """Return a refusal while the budget of a span ago still counts."""
    return Observation(Cause.SURPRISE, 80, 100, 0.2, 60.1, age=age, fresh=fresh)


def after_a_test(taken: int, *, lasted: float = 1.0) -> Observation:
    """Return a refusal of a call beyond the budget."""
    return Observation(Cause.TEST, taken, taken, lasted, lasted)


def kept(windows: float) -> Observation:
    """Return a refusal of a budget that had been kept for so long."""
    return Observation(Cause.SURPRISE, 100, 100, 50.0, 240.0, kept=windows * WINDOW)


def measured(rate: float) -> Observation:
    """Return a refusal at the end of a measurement."""
    return Observation(Cause.MEASURE, 40, 40, 20.0, 30.0, rate)


ROWS = [
    ("a first count", NOTHING, surprise(100), {"budget": 100, "kind": Kind.UNKNOWN}),
    ("a probe refused", HUNDRED, surprise(0, elapsed=math.inf), {"budget": 100}),
    ("a handful", NOTHING, surprise(4), {"budget": None, "small": True}),
    ("a handful again", QuotaEstimate(WINDOW, small=True), surprise(2), {"budget": 2}),
    ("a handful of a known quota", HUNDRED, surprise(4), {"budget": 100, "small": True}),
    ("a window that others spent", NOTHING, beside(60), {"budget": None, "small": True}),
    ("the same again", QuotaEstimate(WINDOW, small=True), beside(60), {"budget": 40, "small": False}),
    ("a window of which others spent little", NOTHING, beside(19), {"budget": 40}),
    ("others beside a known budget", UNSURE, beside(60), {"budget": 40}),
    ("a smaller count", HUNDRED, surprise(50), {"budget": 50, "kind": Kind.WINDOW, "interval": 2.0}),
    ("a count that began long ago", HUNDRED, surprise(400, elapsed=240.0, taken=100), {"budget": 100}),
    ("any count is better than none", NOTHING, surprise(400, elapsed=240.0, taken=100), {"budget": 100}),
    ("quicker and fewer: a bucket", UNSURE, surprise(108, lasted=5.0), {"budget": 100, "kind": Kind.BUCKET, "span": WINDOW}),
    ("slower and fewer: no bucket", UNSURE, surprise(108, lasted=20.0), {"budget": 108, "kind": Kind.UNKNOWN}),
    ("far fewer: no bucket", UNSURE, surprise(20, lasted=5.0), {"budget": 20, "kind": Kind.UNKNOWN}),
    ("a test of an unknown kind", UNSURE, after_a_test(128), {"budget": 128, "kind": Kind.WINDOW, "interval": 1.5}),
    ("a test passed in part", HUNDRED, after_a_test(103), {"budget": 103, "interval": 500 * (1 / 60 + 1 / 103)}),
    ("a test in a long burst", HUNDRED, after_a_test(100, lasted=6.0), {"budget": 100, "interval": 16.0}),
    ("few calls, rare tests", QuotaEstimate(WINDOW, 10), after_a_test(10), {"budget": 10, "interval": 10.0}),
    ("a measured bucket", QuotaEstimate(WINDOW, 10), measured(10 / 6), {"budget": 10, "span": 6.0, "kind": Kind.BUCKET}),
    ("a bucket like a window", QuotaEstimate(WINDOW, 110, lasted=6.0), measured(1.7), {"budget": 100, "span": WINDOW, "kind": Kind.BUCKET}),
    ("a bucket that was counted while it filled", QuotaEstimate(WINDOW, 108, lasted=0.5), measured(16.0), {"budget": 100, "span": 6.25}),
    ("too fast for a bucket", QuotaEstimate(WINDOW, 100, lasted=5.0), measured(21.0), {"budget": 100, "kind": Kind.WINDOW, "span": WINDOW}),
    ("nothing measured", QuotaEstimate(WINDOW, 10), measured(0.0), {"budget": 10, "span": WINDOW, "kind": Kind.BUCKET}),
    ("a bucket too full", BUCKET, surprise(9, lasted=0.1), {"budget": 9, "span": 6.0, "kind": Kind.BUCKET}),
    ("a bucket that was another", BUCKET, surprise(5, lasted=0.1), {"budget": 5, "span": WINDOW, "kind": Kind.UNKNOWN}),
    ("a known bucket measured again", BUCKET, measured(1.0), {"budget": 10, "span": 6.0}),
    ("a known bucket that fills faster", BUCKET, measured(5.0), {"budget": 10, "span": 2.0}),
    ("a slower bucket", BUCKET, surprise(19, elapsed=10.0), {"budget": 10, "span": 10.5}),
    ("a much slower bucket", BUCKET, surprise(10, elapsed=20.0), {"budget": 10, "span": 12.0, "kind": Kind.BUCKET}),
    ("no bucket at all", QuotaEstimate(50.0, 10, Kind.BUCKET), surprise(10, elapsed=99.0), {"span": WINDOW, "kind": Kind.WINDOW}),
    ("a slower bucket in one moment", BUCKET, surprise(10, elapsed=0.0), {"budget": 10, "span": 6.6}),
    ("the whole of a long count", HUNDRED, surprise(100, lasted=50.0, elapsed=240.0), {"budget": 95, "doubts": 1}),
    ("the same again", attrs.evolve(HUNDRED, doubts=1), surprise(98, lasted=50.0, elapsed=60.0), {"budget": 92, "doubts": 2}),
    ("a budget that was kept for some windows", attrs.evolve(HUNDRED, doubts=2), kept(4.0), {"budget": 98, "doubts": 0}),
    ("a budget that was not", attrs.evolve(HUNDRED, doubts=1), kept(3.9), {"doubts": 2}),
    ("a budget that was raised", attrs.evolve(HUNDRED, before=80), surprise(100, lasted=50.0), {"budget": 80, "before": None}),
    ("a long count is no bucket", QuotaEstimate(WINDOW, 128, lasted=50.0), surprise(118, lasted=40.0), {"kind": Kind.UNKNOWN}),
    ("a span too short", HUNDRED, late(60.1), {"budget": 100, "span": 1.03 * 60.1, "stretched": 1}),
    ("again too short", attrs.evolve(HUNDRED, span=62.0, stretched=1), late(62.1), {"span": 1.06 * 62.1, "stretched": 2}),
    ("a span that need not be longer", HUNDRED, late(60.1, fresh=50), {"budget": 100, "span": WINDOW}),
    ("so little is doubted again soon", QuotaEstimate(WINDOW, 2, Kind.WINDOW, interval=8.0), after_a_test(2), {"interval": 8.0}),
]


@pytest.mark.parametrize(("known", "lesson", "expected"), [pytest.param(*row[1:], id=row[0]) for row in ROWS])
def test_lessons(known: QuotaEstimate, lesson: Observation, expected: dict[str, object]) -> None:
    """Each row of the table holds."""
    learned = infer(known, lesson, WINDOW)
    assert {name: getattr(learned, name) for name in expected} == {
        name: pytest.approx(value) if isinstance(value, float) else value for name, value in expected.items()
    }


@pytest.mark.parametrize("known", [NOTHING, HUNDRED, UNSURE, BUCKET, QuotaEstimate(WINDOW, 1, small=True)])
def test_a_budget_is_never_less_than_one_call_in_a_window_and_a_half(known: QuotaEstimate) -> None:
    """Calls never stop, whatever is refused, and however often.

    The budget stays at one or more, and span and interval are bounded.
    """
    for cause in Cause:
        for counted in (0, 1, 5, 1_000):
            learned = known
            for _ in range(50):
                learned = infer(learned, Observation(cause, counted, counted, 0.0, 0.001, 0.0), WINDOW)
                assert learned.budget is None or learned.budget >= 1
                assert 0 < learned.span <= 1.5 * WINDOW
                assert learned.interval <= 200


def test_nothing_accepted_lately_is_no_budget() -> None:
    """A refusal teaches nothing if nothing was accepted within the span.

    Something was accepted earlier.
    """
    known = QuotaEstimate(60.0)
    assert infer(known, Observation(Cause.SURPRISE, in_span=0, counted=40, lasted=0.0, elapsed=50.0), 60.0) == known
