"""A lane: the gate, the pace and the queue of one scope, or of several that turned out to share a quota."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from wxrevenue._engine.clock import call_later
from wxrevenue._wire.codes import api_error
from wxrevenue.errors import ApiError, ClientStateError
from wxrevenue.limiters._local.wait_queue import Waiter, WaitQueue
from wxrevenue.limiters._quota.learner import RELEASE
from wxrevenue.ports import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.limiters._local.gate import Gate
    from wxrevenue.limiters._local.registry import Lanes
    from wxrevenue.limiters._local.turn import LocalTurn
    from wxrevenue.limiters._quota.stated import AnyPace

_TOO_FAST_CODE: Final = 1737
_QUOTA_CODE: Final = 45009
_TINY: Final = 1e-9
"""Seconds by which a timer may fire too early: event loops do not tell shorter times apart."""


class Lane:
    """Lets the callers of its scopes go, one after another."""

    __slots__ = ("_lanes", "_off_deadline", "_off_opening", "apart_until", "gate", "pace", "queue", "scopes")

    def __init__(self, lanes: Lanes, scopes: tuple[str, ...], gate: Gate, pace: AnyPace) -> None:
        self._lanes = lanes
        self.scopes = scopes
        self.gate = gate
        self.pace = pace
        self.queue = WaitQueue()
        self.apart_until = float("-inf")
        """Until when it is not merged with others."""
        self._off_opening: Callable[[], object] | None = None
        self._off_deadline: asyncio.TimerHandle | None = None

    def current(self, turn: LocalTurn) -> Lane:
        """Return the lane that the turn's scope has by now: lanes are merged, parted and forgotten."""
        return self._lanes.of(turn.scope)

    def closed_for(self) -> float:
        """Return the seconds until the gate opens."""
        return self.gate.closed_for(self._lanes.now())

    # ------------------------------------------------------------------ a turn begins

    async def wait(self, turn: LocalTurn, timeout: float) -> None:
        """Return when the turn comes; raise at once when it cannot come in time."""
        waiter = self._enter(turn, timeout)
        if waiter is None:
            return
        try:
            await waiter.woken
        except (asyncio.CancelledError, GeneratorExit):
            waiter.lane._abandon(waiter)  # noqa: SLF001  (another lane, if they were merged meanwhile)
            raise

    def _enter(self, turn: LocalTurn, timeout: float) -> Waiter | None:
        self._lanes.check_open()
        now = self._lanes.now()
        head = self.queue.first()
        first = head is None or turn.ticket < head.turn.ticket
        if first and self._when(now) <= now + _TINY:
            self._go(turn, now)
            if head is None:
                self.quicken(now)
            return None
        earliest = self._earliest(0 if first else len(self.queue), now)
        if timeout <= 0 or now + timeout < earliest:
            raise self._refusal(now, earliest)
        waiter = Waiter(turn, self, now + timeout)
        self.queue.push(waiter)
        self._watch()
        self.advance(now)
        return waiter

    def _go(self, turn: LocalTurn, now: float) -> None:
        if self.gate.shut:
            self.gate.probe = turn
            self.pace.reopened(now)
        self.pace.left(now)
        turn.lane, turn.out = self, True

    def _abandon(self, waiter: Waiter) -> None:
        """Let a cancelled caller go; leave that came in this very moment goes to the next in line."""
        self.queue.leave(waiter)
        now = self._lanes.now_or_last()
        if waiter.turn.out:
            waiter.turn.out = False
            self.pace.returned()
            if self.gate.probe is waiter.turn:
                self.gate.probe = None
        elif waiter.woken.done() and not waiter.woken.cancelled():
            waiter.woken.exception()  # read, so that the loop does not report it
        self.advance(now)

    # ------------------------------------------------------------------ a turn ends

    def ended(self, turn: LocalTurn, verdict: Verdict) -> None:
        """Take what became of a call."""
        now = self._lanes.now_or_last()
        probe = self.gate.probe is turn
        if probe:
            self.gate.probe = None
        if verdict is Verdict.TOO_FAST:
            self.pace.refused(now)
            self.gate.refuse(now, probe=probe)
            self._refuse_late(now)
            if probe:
                self._lanes.probe_refused(self, now)
        elif verdict is Verdict.QUOTA_SPENT:
            self.pace.flush(now)
            self.pace.returned()
            self.gate.spend(now, self._lanes.to_midnight())
            self._refuse_late(now)
        else:
            self.pace.answered(now, accepted=verdict is Verdict.OK)
            if probe and verdict is Verdict.OK:
                self.gate.accept(now)
            if len(self.scopes) > 1:
                self._lanes.reconsider(self, now)
        self.advance(now)

    def reopen(self) -> None:
        """Open the gate and let everyone go, paced."""
        now = self._lanes.now()
        if self.gate.shut:
            self.gate.open(now)
            self.pace.reopened(now)
        self.advance(now)

    def end(self) -> None:
        """End every wait."""
        for waiter in self.queue:
            self._fail(waiter, ClientStateError("the rate limiter was closed while the call waited for its turn"))
        self.pace.flush(self._lanes.now_or_last())
        self._rest()

    def retire(self) -> None:
        """Be replaced by another lane."""
        self.pace.flush(self._lanes.now_or_last())
        self._rest()

    # ------------------------------------------------------------------ who goes next

    def _when(self, now: float) -> float:
        return self.gate.when(now) if self.gate.shut else self.pace.when(now)

    def _earliest(self, ahead: int, now: float) -> float:
        if not self.gate.shut:
            return self.pace.earliest(ahead, now)
        start = self.gate.opens if self.gate.probe is None else now  # the probe may end any moment
        return self.pace.after(ahead, max(start, now))

    def advance(self, now: float) -> None:
        """Let go who may, and set the timer for the next."""
        if self._off_opening is not None:
            self._off_opening()
            self._off_opening = None
        while (waiter := self.queue.first()) is not None:
            at = self._when(now)
            if at > now + _TINY:
                if at < float("inf"):
                    self._off_opening = call_later(self._lanes.clock, at - now, self._look_again)
                return
            self.queue.leave(waiter)
            self._go(waiter.turn, now)
            waiter.woken.set_result(None)
        self._rest()
        self.quicken(now)

    def quicken(self, now: float) -> None:
        """Let the next callers go without asking, if nothing is known against it."""
        if not self.gate.shut and not self._lanes.closed:
            self.pace.quicken(now)

    def quicken_if_idle(self, now: float) -> None:
        """Do so if nobody waits."""
        if not self.queue:
            self.quicken(now)

    def _look_again(self, error: BaseException | None) -> None:
        """Go on after a pause; whom a user's own clock failed is told so."""
        if error is not None:
            self._fail(self.queue.first(), error)
        self.advance(self._lanes.now_or_last())

    def _rest(self) -> None:
        """Take off the timers."""
        if self._off_opening is not None:
            self._off_opening()
        if self._off_deadline is not None:
            self._off_deadline.cancel()
        self._off_opening = self._off_deadline = None

    # ------------------------------------------------------------------ who cannot make it

    def _watch(self) -> None:
        """Look again when the time of the most urgent waiter may be up.

        By the loop's timer, because nobody's clock knows the end of the probe that a waiter may stand behind; but it is the
        limiter's clock that says whether the time is up.
        """
        urgent = self.queue.most_urgent()
        if urgent is not None:
            loop = asyncio.get_running_loop()
            due = loop.time() + urgent.deadline - self._lanes.now_or_last()
            if self._off_deadline is None or due < self._off_deadline.when():
                if self._off_deadline is not None:
                    self._off_deadline.cancel()
                self._off_deadline = loop.call_at(due, self._expire)

    def _expire(self) -> None:
        self._off_deadline = None
        try:
            now = self._lanes.now()
        except Exception as error:  # noqa: BLE001  (a user's clock: the waiter that it failed is told)
            now = self._lanes.now_or_last()
            self._fail(self.queue.most_urgent(), error)
        self._fail_until(now + _TINY, now)
        self._watch()
        self.advance(now)

    def _refuse_late(self, now: float) -> None:
        """Refuse at once whose deadline comes before the gate opens."""
        self._fail_until(self.gate.opens - _TINY, now)

    def _fail_until(self, deadline: float, now: float) -> None:
        while (urgent := self.queue.most_urgent()) is not None and urgent.deadline <= deadline:
            self._fail(urgent, self._refusal(now, self._earliest(0, now)))

    def _fail(self, waiter: Waiter | None, error: BaseException) -> None:
        """End a wait with an error."""
        if waiter is not None:
            self.queue.leave(waiter)
            if not waiter.woken.done():
                waiter.woken.set_exception(error)

    def _refusal(self, now: float, earliest: float) -> ApiError:
        facts: dict[str, Any] = {"status": 0, "retry_after": max(RELEASE, earliest - now)}
        if self.gate.quota_ends > now:
            return api_error("not sent: the quota is spent", code=_QUOTA_CODE, **facts)
        why = "the scope is cooling down" if self.gate.shut else "its turn does not come in time"
        return api_error(f"not sent: {why}", code=_TOO_FAST_CODE, **facts)

    # ------------------------------------------------------------------ merging and parting

    def useless(self, now: float) -> bool:
        """Tell whether nothing would be lost if this were made anew."""
        return not self.queue and not self.gate.shut and self.pace.useless(now)

    def move_to(self, lane: Lane) -> None:
        """Send who waits for the other lane's scopes there."""
        for waiter in self.queue:
            if waiter.turn.scope in lane.scopes:
                self.queue.leave(waiter)
                waiter.lane, waiter.gone = lane, False
                lane.queue.push(waiter)
        lane._watch()
