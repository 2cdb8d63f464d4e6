"""The learner.

It says what the answers of a scope mean for its quota, and when the next call may leave. No clock,
no I/O. Its states and what leads from one to the next stand in
:mod:`wxrevenue.limiters._quota.phase`.

The quota is not published, so it is learned from what was accepted before a refusal. A budget of B
calls is kept with a log: a call leaves only while fewer than B calls are in flight or were answered
within the last window. With the right B that is never refused, by a window of any phase, a sliding
log or a full bucket, and costs one round trip a window.

- While nothing is known, calls in flight are at most a tenth of what was accepted, so that a
  refusal wastes little. Behind an accepted probe that taught nothing they follow one another at a
  fixed pace instead, for one window.
- A refusal teaches what :mod:`wxrevenue.limiters._quota.inference` says.
- A larger quota is looked for with one call too many at the end of a short burst, then 2, 4, 8 …
  while they are accepted, and more rarely after each refusal. The first of these calls is late by a
  second or more: if it is accepted, the server does not count windows but fills a bucket, and how
  fast is measured (:mod:`wxrevenue.limiters._quota.refill`). Behind a long burst a bucket could not
  be told from the server's next window, and a refusal would cost a whole window: there half an hour
  passes between tests.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from wxrevenue.limiters._quota.inference import SHORT_BURST, Cause, Kind, Observation, QuotaEstimate, holds, infer
from wxrevenue.limiters._quota.phase import KEEPING, MEASURING, NEW, REFUSED, RELEASING, TESTING, Phase
from wxrevenue.limiters._quota.refill import Refill
from wxrevenue.limiters._quota.resting import pack, unpack
from wxrevenue.limiters._quota.schedule import FORGET_WINDOWS, Schedule
from wxrevenue.limiters._quota.state import LearnerState

if TYPE_CHECKING:
    from wxrevenue.limiters._quota.state import Plain


class QuotaLearner(Schedule):
    """Learns the budget of one scope and keeps to it.

    It is a :class:`~wxrevenue.limiters._quota.pacer.Pacer`.

    Args:
        window: seconds that the quota is for, and that a refusal shuts the scope for.
        estimate: what is known of the quota from elsewhere.
    """

    __slots__ = ()

    # ------------------------------------------------------------------ what happens

    def on_sent(self, now: float) -> None:
        """Note that a call leaves."""
        if self._refill is not None:
            self._refill.on_sent(now, self._sent_at)
        elif (budget := self.estimate.budget) is not None and self._over(budget) >= 0 and self.phase is not REFUSED:
            self._begin_test(now)
        self.in_flight += 1
        self._sent_at = now
        if not self._never_refused:
            self._blocked_at = math.inf

    def _begin_test(self, now: float) -> None:
        if self.estimate.kind is Kind.BUCKET:
            self._measure(Refill(self.estimate.span / (self.estimate.budget or 1)))
        else:
            self.growth.begin(self.log.last if self.log.count else now)
            self.phase = TESTING

    def _measure(self, refill: Refill) -> None:
        self._refill, self.phase = refill, MEASURING

    def on_answered(self, now: float, *, accepted: bool) -> None:
        """Note that a call was answered, or given up.

        It may have been counted at the server all the same.
        """
        self.count_deferred(now)
        self.in_flight = max(0, self.in_flight - 1)
        self._note(now, 1)
        if self._refill is not None and self._counted == 1:  # after a window without an answer
            self._refill, self.phase = None, KEEPING
        if self._observation is not None:
            counted, in_span = self._observation.counted + accepted, self._observation.in_span + accepted
            self._observation = attrs.evolve(self._observation, counted=counted, in_span=in_span)
        elif not accepted:
            self._doubt(now)
        elif self._refill is not None:
            self._refill.on_accepted(now)
        elif self.phase is TESTING and not self.in_flight:
            self._passed(self.estimate.budget or 0, now)

    def _doubt(self, now: float, calls: int = 1) -> None:
        """Note that it is unknown what became of the calls noted last.

        Such calls pass no test.
        """
        self.log.doubt_newest(calls)
        self.growth.put_off(now + self.estimate.span)
        if self.phase is TESTING:
            self.phase = KEEPING

    def conclude_test(self, now: float) -> None:
        """Take note that a test was passed whose answers another process counted."""
        self._passed(self.estimate.budget or 0, now)

    def _passed(self, budget: int, now: float) -> None:
        """Take note that a test was passed, if all of it was: look for more."""
        self.log.forget(now - self.estimate.span)
        if self.log.count < budget + self.growth.extra:
            return
        if self.estimate.kind is Kind.UNKNOWN and self.log.last - self.log.first <= SHORT_BURST * self._window:
            self._measure(Refill(min(self._window / budget, self._window / 6), self.growth.spent_at, self.growth.extra))
            self.growth.extra = 0
        else:
            self.estimate = self.growth.raised(self.estimate, now)
            self.phase = KEEPING

    def on_refused(self, now: float) -> None:
        """Note that a call was refused. Only the first refusal of a pause says something."""
        self.count_deferred(now)
        self.in_flight = max(0, self.in_flight - 1)
        if self.phase is not REFUSED:
            self._observation = self._observed(now)
            self._refill, self.phase = None, REFUSED

    def note_others(self, calls: int) -> None:
        """Note how many calls other scopes made that may share the quota.

        They are told when one was refused.
        """
        if self._observation is not None:
            self._observation = attrs.evolve(self._observation, others=calls)

    def _observed(self, now: float) -> Observation:
        self.log.forget(now - self.estimate.span)
        budget = self.estimate.budget or 1
        cause = {TESTING: Cause.TEST, MEASURING: Cause.MEASURE}.get(self.phase, Cause.SURPRISE)
        newest = self.log.newest(budget)
        return Observation(
            cause,
            in_span=self.log.count - self.log.unknown,
            counted=0 if self._since is None else self._counted,
            lasted=self.log.last - self.log.first if self.log.count else 0.0,
            elapsed=0.0 if self._since is None else now - self._since,
            rate=self._filling(budget),
            age=0.0 if newest is None else now - newest,
            fresh=self.log.since(now - self.estimate.span / 2),
            kept=now - self.growth.settled_at,
        )

    def _filling(self, budget: int) -> float:
        """Return the calls a second that a bucket was seen to fill by.

        0 where that is not being measured.
        """
        if self._refill is None:
            return 0.0
        rate = self._refill.rate(self.log, budget)
        return self._refill.rate(self.log, holds(budget, rate, self.estimate.lasted))

    def on_reopened(self, now: float) -> None:
        """Infer what the pause says that is over, and begin a new count."""
        if (seen := self._observation) is not None:
            self.estimate = infer(self.estimate, seen, self._window)
            self.proven = self.estimate.budget or 0
            self.growth.learned(self.estimate, seen.cause, now)
        self._observation = self._refill = self._since = None
        self.phase = RELEASING if self.estimate.budget is None else KEEPING
        self.log.clear()
        self.growth.give_up()

    def allow_fast_path(self, now: float) -> None:
        """Let the next calls go without asking, if no budget is known; no call waits."""
        if self.phase is RELEASING:
            self.phase = NEW
        if self.phase is NEW:
            self.log.forget(now - self.estimate.span)
            self._open_fast_path(self.cap())

    @property
    def is_untried(self) -> bool:
        """Whether no call was answered lately."""
        return not self.log.count and self.estimate.budget is None

    def useless(self, now: float) -> bool:
        """Return whether nothing would be lost if this were made anew."""
        idle = (now - self._answered_at) / self._window
        return not self.in_flight and idle >= (1 if self.estimate.budget is None else FORGET_WINDOWS)

    def rest(self, now: float) -> bytes | None:
        """Return what :meth:`woken` goes on from.

        ``None``: more is known than when calls were answered.
        """
        if self.in_flight or self.phase is not NEW or not self.growth.is_new or self.estimate != QuotaEstimate(self._window):
            return None
        self.count_deferred(now)
        self.log.forget(now - self.estimate.span)
        return pack(self._facts(self.growth.test_at), self.log.flat())

    @classmethod
    def woken(cls, window: float, rested: bytes) -> QuotaLearner:
        """Return a learner that goes on from what :meth:`rest` returned."""
        learner = cls(window)
        facts, slices = unpack(rested)
        learner._take_facts(facts)
        learner.log.take_flat(slices)
        learner.growth.test_at = facts.test_at
        return learner

    # ------------------------------------------------------------------ handing over

    def dump(self, shift: float = 0.0) -> Plain:
        """Return everything that is known as plain data.

        Its times are ``shift`` seconds later.
        """
        return self._state().moved(shift).plain()

    def lose_calls(self, now: float) -> None:
        """Take note that the fate of the calls in flight stays unknown.

        Another process made them.
        """
        lost, self.in_flight = self.in_flight, 0
        if lost:
            self._note(now, lost)
            if self.phase is not REFUSED:
                self._doubt(now, lost)

    @classmethod
    def load(cls, window: float, data: Plain, shift: float = 0.0) -> QuotaLearner:
        """Return a learner that goes on from what :meth:`dump` returned.

        ``window`` is the same.
        """
        return cls.of(window, LearnerState.read(data).moved(shift))

    @classmethod
    def of(cls, window: float, state: LearnerState) -> QuotaLearner:
        """Return a learner that goes on from a record."""
        learner = cls(window, state.estimate(window))
        learner._take_books(state)
        learner.growth.take(state)
        learner._observation, learner._refill = state.observation, None if state.refill is None else attrs.evolve(state.refill)
        learner.phase = learner._phase_of(state)
        return learner

    def _phase_of(self, state: LearnerState) -> Phase:
        """Return the phase that fits what is known: a record may come from anywhere."""
        if self._observation is not None:
            return REFUSED
        if self.estimate.budget is None:
            self._refill = None
            return RELEASING if state.phase == RELEASING.value else NEW
        if self._refill is not None:
            return MEASURING
        return TESTING if self.growth.extra else KEEPING

    def _state(self) -> LearnerState:
        return LearnerState(
            **attrs.asdict(self.estimate) | {"kind": self.estimate.kind.value},
            **self._books(),
            **self.growth.facts(),
            phase=self.phase.value,
            refill=None if self._refill is None else attrs.evolve(self._refill),
            observation=self._observation,
        )
