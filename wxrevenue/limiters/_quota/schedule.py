"""When the next call of a scope may leave, given what is known of its quota."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from wxrevenue.limiters._quota.flight import held_until, most_in_flight
from wxrevenue.limiters._quota.growth import GrowthTest, test_delay
from wxrevenue.limiters._quota.inference import Kind, QuotaEstimate
from wxrevenue.limiters._quota.ledger import CallLedger
from wxrevenue.limiters._quota.phase import KEEPING, MEASURING, NEW, RELEASING, TESTING, Phase

if TYPE_CHECKING:
    from wxrevenue.limiters._quota.inference import Observation
    from wxrevenue.limiters._quota.refill import Refill

_UNKNOWN: Final = Kind.UNKNOWN
"""Looked at on every call, as phases are."""
RELEASE: Final = 0.05
"""Seconds between the callers released after an accepted probe.

This is while nothing is known.
"""
_TINY: Final = 1e-8
"""Seconds within which two times are the same.

Sums of floats differ in their last digits. Scopes are stricter by themselves.
"""
_FADE_WINDOWS: Final = 30.0
"""Idle windows after which a scope begins carefully again."""
_QUICK_WINDOWS: Final = 0.05
"""Windows that a count lasted at most whose pace is kept to.

Behind a longer one that would cost more than the refusal that it avoids.
"""
_NOTICEABLE: Final = 0.5
"""Calls that a bucket must have let in meanwhile if it fills once a window.

One that fills more often lets in as many times more.
"""
FORGET_WINDOWS: Final = 1_440.0
"""Idle windows after which what was learned is forgotten: a day."""


class Schedule(CallLedger):
    """Tells when calls may leave.

    Args:
        window: seconds that the quota is for.
        estimate: what is known of the quota from elsewhere.
    """

    __slots__ = ("_observation", "_refill", "estimate", "growth", "phase")

    def __init__(self, window: float, estimate: QuotaEstimate | None = None) -> None:
        super().__init__(window)
        self.estimate = QuotaEstimate(window) if estimate is None else estimate
        self.proven = self.estimate.budget or 0
        self.phase = self._settled()
        self.growth = GrowthTest(window)
        self._observation: Observation | None = None
        """The refusal that nothing was learned from yet.

        There is one while REFUSED.
        """
        self._refill: Refill | None = None
        """There is one while MEASURING."""

    def _settled(self) -> Phase:
        return NEW if self.estimate.budget is None else KEEPING

    # ------------------------------------------------------------------ when may the next leave

    def when(self, now: float) -> float:
        """Return when the next call may leave; a time not after ``now`` means at once."""
        self._look(now)
        if self.phase is RELEASING:
            return self._sent_at + RELEASE
        at = self._held_until(now) if self.in_flight >= self.cap() else now
        if self._refill is not None:
            return max(at, self._sent_at + self._refill.gap)
        if (budget := self.estimate.budget) is None:
            return at
        if (over := self._over(budget)) < 0:
            return max(at, self._sent_at + self._replay_gap(budget)) if self.estimate.kind is _UNKNOWN else at
        return max(at, min(self._freed(over + 1), self._test_time(now)))

    def _look(self, now: float) -> None:
        """Take into account that time has passed."""
        self.count_deferred(now)
        self.log.forget(now - self.estimate.span + _TINY)
        if now - self._answered_at >= _FADE_WINDOWS * self._window:
            self._fade(now)
        if self.phase is RELEASING and self._since is not None and now - self._since >= self._window:
            self.phase = NEW  # a whole window was accepted: from now on the calls in flight are the measure
        elif self.phase is TESTING and self.in_flight + self.log.count < (self.estimate.budget or 0):
            self.growth.give_up()
            self.phase = KEEPING

    def _replay_gap(self, budget: int) -> float:
        """Return the seconds between calls that repeat a quick count.

        They are repeated while it is unknown how the server counts. A bucket lets in as many then
        as it did before; if they came faster it would refuse the last.
        """
        lasted = self.estimate.lasted / self._window
        quick = lasted <= _QUICK_WINDOWS and budget * lasted >= _NOTICEABLE
        return self.estimate.lasted / budget if quick else 0.0

    def _held_until(self, now: float) -> float:
        self._blocked_at = min(self._blocked_at, now)
        return held_until(self._blocked_at, self._sent_at, self._window, never_refused=self._never_refused)

    @property
    def _never_refused(self) -> bool:
        """Nothing was ever refused, as far as is known."""
        return self.estimate.budget is None and not self.estimate.small

    @property
    def longer_window(self) -> float:
        """The seconds that a window lasts if they are more than was supposed, else 0."""
        return self.estimate.span if self.estimate.stretched else 0.0

    def earliest(self, ahead: int, now: float) -> float:
        """Return a time before which a caller with so many ahead of it cannot leave."""
        if self.phase is RELEASING:
            return now + min(ahead * RELEASE, self._window)
        if (budget := self.estimate.budget) is None or self.phase is MEASURING:
            return now
        over = self._over(budget) + ahead
        if over < 0 or not self.log.count:
            return now
        beyond = min(over, max(0, self.log.count - budget))  # no call takes their place
        rounds, rest = divmod(over - beyond, budget)
        freed = self._freed(min(beyond + rest + 1, self.log.count)) + rounds * self.estimate.span
        hopeful = not ahead or self.estimate.kind is Kind.UNKNOWN
        return max(now, min(freed, self._soonest_test(now)) if hopeful else freed)

    def _soonest_test(self, now: float) -> float:
        """Return when a test may begin at best; what comes of it may let every call go."""
        if self.phase is TESTING:
            return now
        delay = test_delay(self.estimate, self._window) if self.in_flight else 0.0
        return max(now + delay, self.growth.when(self.log, self.estimate, now))

    def after(self, ahead: int, start: float) -> float:
        """Return the same for a pause that ends at ``start``."""
        if (budget := self.estimate.budget) is None:
            return start + min(ahead * RELEASE, self._window)
        rounds = ahead // budget * self.estimate.span
        if self.estimate.kind is Kind.UNKNOWN:  # a test behind the budget may let every caller go
            return start + min(rounds, test_delay(self.estimate, self._window))
        return start + rounds

    def cap(self) -> int:
        """Return how many calls may be in flight."""
        return most_in_flight(self.estimate, max(self.log.count, self.proven), measuring=self._refill is not None)

    def _over(self, budget: int) -> int:
        """Return by how much the budget is spent; negative if something is left."""
        return self.in_flight + self.log.count - budget - self.growth.extra

    def _freed(self, calls: int) -> float:
        """Return when so many calls will not count any more.

        Those still in flight are taken to end within a window.
        """
        end = self.log.oldest(calls)
        return (self._sent_at + self._window if end is None else end) + self.estimate.span

    def _test_time(self, now: float) -> float:
        """Return when a call beyond the budget may be tried.

        That is once the budget is spent and all of it was answered.
        """
        return math.inf if self.in_flight else self.growth.when(self.log, self.estimate, now)

    def _fade(self, now: float) -> None:
        """Begin carefully after many idle windows.

        After very many forget what was learned.
        """
        self.proven = 0
        if now - self._answered_at >= FORGET_WINDOWS * self._window:
            self.estimate = QuotaEstimate(self._window)
            if self.phase in {KEEPING, TESTING, MEASURING}:
                self._refill, self.phase = None, NEW
                self.growth.give_up()
