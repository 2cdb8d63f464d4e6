"""When calls beyond a budget are tried, and what comes of them.

No clock, no I/O.

What this trades: a test that fails costs one refused call, and a pause as long as the burst. So the
gaps between tests double from one and a half windows on, until tests cost one call in five hundred:
a doubled quota that comes soon after the first refusal is noticed within two windows or so, one
that comes when all has been quiet for long after some windows more, in the worst case an hour. With
a budget below a hundred no test is made in the first windows, for one refusal would be more than a
call in a hundred. A halved quota costs two refusals with up to a tenth of the budget in flight
each: one that is doubted, and one that is counted. A scope of which nothing is known begins with
three calls at once and takes more as answers come, or if none comes for most of a second. So its
first refusal costs a few calls, or a tenth of the quota, even if hundreds of callers come at once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue.limiters._quota.inference import KEPT_WINDOWS, SHORT_BURST, Cause, Kind, QuotaEstimate
from wxrevenue.limiters._quota.state import known_time

if TYPE_CHECKING:
    from wxrevenue.limiters._quota.answer_log import AnswerLog
    from wxrevenue.limiters._quota.state import LearnerState, Plain

_LONG_BURST_WINDOWS: Final = 32.0
"""Windows by which a test is late before it is made behind a long burst.

There a refusal costs a whole window.
"""


def test_delay(estimate: QuotaEstimate, window: float) -> float:
    """Return the seconds between the last call of a budget and a test behind it.

    While the kind is unknown a bucket is given the time to let in a call.
    """
    if estimate.kind is not Kind.UNKNOWN:
        return 0.0
    return max(window / 60, min(window / 6, 0.6 * window / (estimate.budget or 1)))


class GrowthTest:
    """Tries one call beyond the budget, then 2, 4, 8 … while they are accepted.

    Times in seconds.

    Args:
        window: seconds that the quota is supposed to be for.
    """

    __slots__ = ("_window", "extra", "settled_at", "spent_at", "step", "test_at", "tested_at")

    def __init__(self, window: float) -> None:
        self._window = window
        self.test_at = -math.inf
        """When the next test is due."""
        self.tested_at = -math.inf
        """When the last test was refused."""
        self.extra = 0
        """Calls beyond the budget that are being tried."""
        self.step = 1
        """Calls beyond the budget that the next test tries."""
        self.spent_at = 0.0
        """When the budget was spent before the test."""
        self.settled_at = 0.0
        """When the budget was last raised, or a refusal last said something of it."""

    @property
    def is_new(self) -> bool:
        """Whether nothing was tried, and nothing learned."""
        return not self.extra and self.step == 1 and not self.settled_at and self.tested_at == -math.inf

    def begin(self, spent_at: float) -> None:
        """Try as many calls as it is the turn of."""
        self.extra, self.spent_at = self.step, spent_at

    def give_up(self) -> None:
        """Forget a test that was not gone on with, or that a pause ended."""
        self.extra, self.step = 0, 1

    def put_off(self, until: float) -> None:
        """Give a test up, and make none before then."""
        self.give_up()
        self.test_at = max(self.test_at, until)

    def when(self, log: AnswerLog, estimate: QuotaEstimate, now: float) -> float:
        """Return when the budget may be tested.

        That is if it is spent and no call is in flight after now. Never behind a long burst, unless
        a test has been due for very long: there a refusal costs a whole window, and an accepted
        call may have fallen into the server's next window.
        """
        if self.extra or not log.count:
            return math.inf
        at = max(log.last + test_delay(estimate, self._window), self.test_at)
        short = at - log.first <= SHORT_BURST * self._window
        return at if short or now >= self.test_at + _LONG_BURST_WINDOWS * self._window else math.inf

    def raised(self, estimate: QuotaEstimate, now: float) -> QuotaEstimate:
        """Return the larger budget of a test that was passed.

        The next test tries twice as many.
        """
        budget = estimate.budget or 0
        kept = now - self.settled_at >= KEPT_WINDOWS * self._window
        before = budget if kept else estimate.before
        raised = attrs.evolve(estimate, budget=budget + self.extra, before=before, doubts=0)
        self.settled_at = now
        self.extra, self.step = 0, 2 * self.step
        return raised

    def learned(self, estimate: QuotaEstimate, cause: Cause, now: float) -> None:
        """Take note of what a refusal taught, and when the next test is due."""
        self.settled_at = now
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

    def facts(self) -> Plain:
        """Return what is known, named as in a record.

        A time that never was is ``None`` there.
        """
        return {
            "test_at": known_time(self.test_at),
            "tested_at": known_time(self.tested_at),
            "settled_at": self.settled_at,
            "spent_at": self.spent_at,
            "extra": self.extra,
            "step": self.step,
        }

    def take(self, state: LearnerState) -> None:
        """Go on from a record."""
        self.test_at = -math.inf if state.test_at is None else state.test_at
        self.tested_at = -math.inf if state.tested_at is None else state.tested_at
        self.settled_at = 0.0 if state.settled_at is None else state.settled_at
        self.spent_at = 0.0 if state.spent_at is None else state.spent_at
        self.extra, self.step = state.extra, state.step
