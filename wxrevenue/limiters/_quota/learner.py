"""The learner: what the answers of a scope say about its quota, and when the next call may leave. No clock, no I/O.

The quota is not published, so it is learned from what was accepted before a refusal. A budget of B calls is kept with a log:
a call leaves only while fewer than B calls are in flight or were answered within the last window. With the right B that is never
refused, by a window of any phase, a sliding log or a full bucket, and costs one round trip a window.

- While nothing is known, calls in flight are at most a tenth of what was accepted, so that a refusal wastes little. Behind an accepted
  probe that taught nothing they follow one another at a fixed pace instead, for one window.
- A refusal teaches what :mod:`wxrevenue.limiters._quota.inference` says.
- A larger quota is looked for with one call too many at the end of a short burst, then 2, 4, 8 … while they are accepted, and more
  rarely after each refusal. The first of these calls is late by a second or more: if it is accepted, the server does not count
  windows but fills a bucket, and how fast is measured (:mod:`wxrevenue.limiters._quota.refill`). Behind a long burst nobody could
  tell a bucket from the server's next window, and a refusal would cost a whole window: there half an hour passes between tests.

What this trades: a test that fails costs one refused call, and a pause as long as the burst. So the gaps between tests double from
one and a half windows on, until tests cost one call in five hundred: a doubled quota that comes soon after the first refusal is
noticed within two windows or so, one that comes when all has been quiet for long after some windows more, in the worst case an hour.
With a budget below a hundred there is no test in the first windows, for one refusal would be more than a call in a hundred.
A halved quota costs two refusals with up to a tenth of the budget in flight each: one that is doubted, and one that is counted.
A scope of which nothing is known begins with three calls at once and takes more as answers come, or if none comes for most of a
second. So its first refusal costs a few calls, or a tenth of the quota, even if hundreds of callers come at once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue.limiters._quota.answer_log import SLICES, AnswerLog
from wxrevenue.limiters._quota.growth import GrowthTest, test_delay
from wxrevenue.limiters._quota.inference import SHORT_BURST, Cause, Kind, Observation, QuotaEstimate, infer
from wxrevenue.limiters._quota.refill import Refill

if TYPE_CHECKING:
    from collections.abc import Sequence

RELEASE: Final = 0.05
"""Seconds between the callers released after an accepted probe, while nothing is known."""
_START: Final = 3
"""Calls of an unknown scope that may be in flight until :data:`_SHARE` were accepted."""
_IN_FLIGHT_SHARE: Final = 10
"""One in so many of the calls accepted may be in flight."""
_MISSING_ANSWER_S: Final = 1.0
"""Seconds after which a missing answer does not hold up the next call; less if the window is shorter than a minute."""
_NO_ANSWER_S: Final = 0.7
"""Seconds without any answer after which calls of a scope that was never refused are not held back: its server is slow, or they
wait for one another. As above, less if the window is shorter."""
_NO_ANSWER_GAP_S: Final = 0.005
"""Seconds between these."""
_DEFERRED_SHARE: Final = 64
"""Into how many lumps the calls of a scope that was never refused are counted, at least."""
_TINY: Final = 1e-8
"""Seconds within which two times are the same: sums of floats differ in their last digits. Scopes are stricter by themselves."""
_FADE_WINDOWS: Final = 30.0
"""Idle windows after which a scope begins carefully again."""
_FORGET_WINDOWS: Final = 1_440.0
"""Idle windows after which what was learned is forgotten: a day."""


class QuotaLearner:
    """Learns the budget of one scope and keeps to it. Times are seconds on one clock that never runs backwards.

    Args:
        window: seconds that the quota is for, and that a refusal shuts the scope for.
        estimate: what is known of the quota from elsewhere.
    """

    __slots__ = (
        "_answered_at", "_blocked_at", "_counted", "_deferred_at_most", "_observation", "_recount", "_refill", "_releasing", "_sent_at",
        "_since", "_window", "deferred", "estimate", "growth", "in_flight", "limit", "log", "proven",
    )  # fmt: skip

    def __init__(self, window: float, estimate: QuotaEstimate | None = None) -> None:
        self._window = window
        self.estimate = QuotaEstimate(window) if estimate is None else estimate
        self.log = AnswerLog(window / SLICES)
        self.in_flight = 0
        self.limit = 0
        """Calls in flight below which the next may leave without asking :meth:`when`; 0: always ask."""
        self.deferred = 0
        """Accepted calls that may be counted later, together; 0: tell :meth:`answered` of each."""
        self.proven = self.estimate.budget or 0
        """How many calls within a span are known to be all right; it bounds how many may be in flight."""
        self.growth = GrowthTest(window)
        self._deferred_at_most = 0
        self._releasing = False
        self._sent_at, self._blocked_at, self._answered_at = -math.inf, math.inf, 0.0
        self._since, self._counted, self._recount = 0.0, 0, True
        """When the present count began, how far it is, and whether the next answer begins a new one."""
        self._observation: Observation | None = None
        self._refill: Refill | None = None

    # ------------------------------------------------------------------ when may the next leave

    def when(self, now: float) -> float:
        """Return when the next call may leave; a time not after ``now`` means at once."""
        self.count_deferred(now)
        self.log.forget(now - self.estimate.span + _TINY)
        if now - self._answered_at >= _FADE_WINDOWS * self._window:
            self._fade(now)
        if self._releasing and not self._recount and now - self._since >= self._window:
            self._releasing = False  # a whole window was accepted: from now on the calls in flight are the measure
        if self._releasing and self.estimate.budget is None:
            return self._sent_at + RELEASE
        at = self._blocked_until(now) if self.in_flight >= self.cap() else now
        if self._refill is not None:
            return max(at, self._sent_at + self._refill.gap)
        if self.estimate.budget is None:
            return at
        if self.growth.extra and self.in_flight + self.log.count < self.estimate.budget:
            self.growth.give_up()
        over = self._over(self.estimate.budget)
        return at if over < 0 else max(at, min(self._freed(over + 1), self._test_time(now)))

    def _blocked_until(self, now: float) -> float:
        """Return when who is held back by :meth:`cap` may leave although no answer came."""
        self._blocked_at = min(self._blocked_at, now)
        if self._never_refused:
            return max(self._blocked_at + min(_NO_ANSWER_S, self._window / 60), self._sent_at + _NO_ANSWER_GAP_S)
        return self._blocked_at + min(_MISSING_ANSWER_S, self._window / 60)

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
        if (budget := self.estimate.budget) is None or self._refill is not None:
            return now + min(ahead * RELEASE, self._window) * self._releasing
        over = self._over(budget) + ahead
        if over < 0 or not self.log.count:
            return now
        beyond = min(over, max(0, self.log.count - budget))  # of these nobody takes the place
        rounds, rest = divmod(over - beyond, budget)
        freed = self._freed(min(beyond + rest + 1, self.log.count)) + rounds * self.estimate.span
        hopeful = not ahead or self.estimate.kind is Kind.UNKNOWN
        return max(now, min(freed, self._soonest_test(now)) if hopeful else freed)

    def _soonest_test(self, now: float) -> float:
        """Return when a test may begin at best; what comes of it may let everyone go."""
        if self.growth.extra:
            return now
        delay = test_delay(self.estimate, self._window) if self.in_flight else 0.0
        return max(now + delay, self.growth.when(self.log, self.estimate, now))

    def after(self, ahead: int, start: float) -> float:
        """Return the same for a pause that ends at ``start``."""
        if (budget := self.estimate.budget) is None:
            return start + min(ahead * RELEASE, self._window)
        rounds = ahead // budget * self.estimate.span
        if self.estimate.kind is Kind.UNKNOWN:  # a test behind the budget may let everyone go
            return start + min(rounds, test_delay(self.estimate, self._window))
        return start + rounds

    def cap(self) -> int:
        """Return how many calls may be in flight."""
        seen = max(self.log.count, self.proven)
        if self.estimate.budget is not None:
            return max(1, (min(self.estimate.budget, seen) if self._refill is None else seen) // _IN_FLIGHT_SHARE)
        if seen >= _IN_FLIGHT_SHARE or self.estimate.small:
            return max(1, -(-seen // _IN_FLIGHT_SHARE))
        return min(_START, _IN_FLIGHT_SHARE - seen)

    def _over(self, budget: int) -> int:
        """Return by how much the budget is spent; negative if something is left."""
        return self.in_flight + self.log.count - budget - self.growth.extra

    def _freed(self, calls: int) -> float:
        """Return when so many calls will not count any more; for those still in flight, suppose that they end within a window."""
        end = self.log.oldest(calls)
        return (self._sent_at + self._window if end is None else end) + self.estimate.span

    def _test_time(self, now: float) -> float:
        """Return when a call beyond the budget may be tried, once the budget is spent and all of it was answered."""
        return math.inf if self.in_flight else self.growth.when(self.log, self.estimate, now)

    # ------------------------------------------------------------------ what happens

    def on_sent(self, now: float) -> None:
        """Note that a call leaves."""
        if self._refill is not None:
            self._refill.on_sent(now, self._sent_at)
        elif self.estimate.budget is not None and self._over(self.estimate.budget) >= 0:
            self._begin_test(self.estimate.budget, now)
        self.in_flight += 1
        self._sent_at = now
        if not self._never_refused:
            self._blocked_at = math.inf

    def _begin_test(self, budget: int, now: float) -> None:
        if self.estimate.kind is Kind.BUCKET:
            self._refill = Refill(self.estimate.span / budget)
        else:
            self.growth.begin(self.log.last if self.log.count else now)

    def on_unused(self) -> None:
        """Take back a permission that nobody used."""
        self.in_flight = max(0, self.in_flight - 1)

    def on_answered(self, now: float, *, accepted: bool) -> None:
        """Note that a call was answered, or given up: it may have been counted at the server all the same."""
        self.count_deferred(now)
        self.in_flight = max(0, self.in_flight - 1)
        self._note(now, 1)
        if self._observation is not None:
            counted, in_span = self._observation.counted + accepted, self._observation.in_span + accepted
            self._observation = attrs.evolve(self._observation, counted=counted, in_span=in_span)
        elif not accepted:
            self.log.doubt_newest()
            self.growth.put_off(now + self.estimate.span)
        elif self._refill is not None:
            self._refill.on_accepted(now)
        elif self.growth.extra and not self.in_flight and self.estimate.budget is not None:
            self._passed(self.estimate.budget, now)

    def _note(self, now: float, calls: int) -> None:
        """Count answers; after a window without any, from the beginning."""
        if self._recount or now - self._answered_at >= self._window:
            self._since, self._counted, self._refill, self._recount = now, 0, None, False
        self._answered_at, self._blocked_at = now, math.inf
        self._counted += calls
        self.log.add(now, calls)
        self.proven = max(self.proven, self.log.count)

    def _passed(self, budget: int, now: float) -> None:
        """Take note that a test was passed, if all of it was: look for more."""
        self.log.forget(now - self.estimate.span)
        if self.log.count < budget + self.growth.extra:
            return
        if self.estimate.kind is Kind.UNKNOWN and self.log.last - self.log.first <= SHORT_BURST * self._window:
            self._refill = Refill(min(self._window / budget, self._window / 6), self.growth.spent_at, self.growth.extra)
            self.growth.extra = 0
        else:
            self.estimate = self.growth.raised(self.estimate, now)

    def on_refused(self, now: float) -> None:
        """Note that a call was refused. Only the first refusal of a pause says something."""
        self.count_deferred(now)
        self.in_flight = max(0, self.in_flight - 1)
        if self._observation is not None:
            return
        self.log.forget(now - self.estimate.span)
        cause, rate = Cause.TEST if self.growth.extra else Cause.SURPRISE, 0.0
        if self._refill is not None:
            cause, rate = Cause.MEASURE, self._refill.rate(self.log, self.estimate.budget or 1)
        lasted = self.log.last - self.log.first if self.log.count else 0.0
        counted, elapsed = (0, math.inf) if self._recount else (self._counted, now - self._since)
        age = now - self.log.newest(self.estimate.budget or 1)
        accepted, fresh = self.log.count - self.log.unknown, self.log.since(now - self.estimate.span / 2)
        self._observation = Observation(cause, accepted, counted, lasted, elapsed, rate, age, fresh)

    def on_reopened(self, now: float) -> None:
        """Infer what the pause says that is over, and begin a new count."""
        if (seen := self._observation) is not None:
            self.estimate = infer(self.estimate, seen, self._window)
            self.proven = self.estimate.budget or 0
            self.growth.learned(self.estimate, seen.cause, now)
        self._observation = self._refill = None
        self._releasing = self._recount = True
        self.log.clear()
        self.growth.give_up()

    def recall(self, recent: Sequence[tuple[float, int]]) -> None:
        """Take up answers of an earlier process: when, and how many."""
        for when, calls in recent:
            self._note(when, calls)

    def count_deferred(self, now: float) -> None:
        """Count the calls that were answered since the clock was last asked."""
        silent = self._deferred_at_most - self.deferred
        self._deferred_at_most = self.deferred = self.limit = 0
        if silent:
            self._note(now, silent)

    def allow_fast_path(self, now: float) -> None:
        """Let the next calls go without asking: nobody waits, and no budget is known."""
        self._releasing = False
        if self.estimate.budget is None:
            self.log.forget(now - self.estimate.span)
            self.limit = self.cap()
            self._deferred_at_most = self.deferred = self.log.count // _DEFERRED_SHARE

    def _fade(self, now: float) -> None:
        """Begin carefully after many idle windows; after very many forget what was learned."""
        self.proven = 0
        if now - self._answered_at >= _FORGET_WINDOWS * self._window:
            self.estimate = QuotaEstimate(self._window)

    def useless(self, now: float) -> bool:
        """Tell whether nothing would be lost if this were made anew."""
        idle = (now - self._answered_at) / self._window
        return not self.in_flight and idle >= (1 if self.estimate.budget is None else _FORGET_WINDOWS)
