"""When calls beyond a budget are tried, and what comes of them. No clock, no I/O."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue.limiters._quota.inference import SHORT_BURST, Cause, Kind, QuotaEstimate

if TYPE_CHECKING:
    from wxrevenue.limiters._quota.answer_log import AnswerLog

_LONG_BURST_WINDOWS: Final = 32.0
"""Windows by which a test is late before it is made behind a long burst, where a refusal costs a
whole window."""
_KEPT_WINDOWS: Final = 4.0
"""Windows for which a budget was kept that is gone back to if a larger one is refused."""


def test_delay(estimate: QuotaEstimate, window: float) -> float:
    """Return the seconds between the last call of a budget and a test behind it.

    While the kind is unknown a bucket is given the time to let in a call.
    """
    if estimate.kind is not Kind.UNKNOWN:
        return 0.0
    return max(window / 60, min(window / 6, 0.6 * window / (estimate.budget or 1)))


class GrowthTest:
    """Tries one call beyond the budget, then 2, 4, 8 … while they are accepted. Times in seconds.

    Args:
        window: seconds that the quota is supposed to be for.
    """

    __slots__ = ("_settled_at", "_step", "_window", "extra", "spent_at", "test_at", "tested_at")

    def __init__(self, window: float) -> None:
        self._window = window
        self.test_at = self.tested_at = -math.inf
        """When the next test is due; when the last was refused."""
        self.extra = 0
        """Calls beyond the budget that are being tried."""
        self._step = 1
        self.spent_at = 0.0
        """When the budget was spent before the test."""
        self._settled_at = 0.0

    def begin(self, spent_at: float) -> None:
        """Try as many calls as it is the turn of."""
        self.extra, self.spent_at = self._step, spent_at

    def give_up(self) -> None:
        """Forget a test that nobody went on with, or that a pause ended."""
        self.extra, self._step = 0, 1

    def put_off(self, until: float) -> None:
        """Give a test up, and make none before then."""
        self.give_up()
        self.test_at = max(self.test_at, until)

    def when(self, log: AnswerLog, estimate: QuotaEstimate, now: float) -> float:
        """Return when the budget may be tested if it is spent and no call is in flight after now.

        Never behind a long burst, unless a test has been due for very long: there a refusal costs a
        whole window, and an accepted call may have fallen into the server's next window.
        """
        if self.extra or not log.count:
            return math.inf
        at = max(log.last + test_delay(estimate, self._window), self.test_at)
        short = at - log.first <= SHORT_BURST * self._window
        return at if short or now >= self.test_at + _LONG_BURST_WINDOWS * self._window else math.inf

    def raised(self, estimate: QuotaEstimate, now: float) -> QuotaEstimate:
        """Return the larger budget of a test that was passed; the next one tries twice as many."""
        budget = estimate.budget or 0
        kept = now - self._settled_at >= _KEPT_WINDOWS * self._window
        before = budget if kept else estimate.before
        raised = attrs.evolve(estimate, budget=budget + self.extra, before=before, doubts=0)
        self._settled_at = now
        self.extra, self._step = 0, 2 * self._step
        return raised

    def learned(self, estimate: QuotaEstimate, cause: Cause, now: float) -> None:
        """Take note of what a refusal taught, and when the next test is due."""
        self._settled_at = now
        if cause is not Cause.SURPRISE:
            self.tested_at = now
        if estimate.interval:
            self.test_at = now + (estimate.interval - 1) * self._window
        elif estimate.budget is not None:
            self.test_at = max(self.test_at, now)

    def postpone(self, estimate: QuotaEstimate, now: float) -> None:
        """Put the next test off after a restart, but not for ever."""
        interval = estimate.interval * self._window
        earliest = max(self.tested_at + interval, min(now + 2 * interval, self.tested_at + 4 * interval))
        self.test_at = max(earliest, now)
