"""One scope: its gate, its pacer and its queue; or several that share a quota."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue.errors import ClientStateError
from wxrevenue.limiters._local.refusal import refusal
from wxrevenue.limiters._local.timer import Timer
from wxrevenue.limiters._local.wait_queue import Waiter, WaitQueue
from wxrevenue.ports import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.limiters._local.clock import LimiterClock
    from wxrevenue.limiters._local.gate import Gate
    from wxrevenue.limiters._local.wait_queue import QueuedTurn
    from wxrevenue.limiters._quota.pacer import Pacer

_TINY: Final = 1e-9
"""Seconds that a timer may be early; event loops do not tell shorter times apart."""


@attrs.define(eq=False)
class Common:
    """What all scopes of one rate limiter have in common.

    Args:
        clock: the time.
        limiter_of: returns the limiter that a scope has by now.
        on_refused: is told who was refused a call, when, and whether that was its probe.
        on_quiet: is told which limiter of several scopes was answered, and when.
        closed: whether the rate limiter was closed.
    """

    clock: LimiterClock
    limiter_of: Callable[[str], ScopeLimiter]
    on_refused: Callable[[ScopeLimiter, float, bool], None]
    on_quiet: Callable[[ScopeLimiter, float], None]
    closed: bool = False

    def check_open(self) -> None:
        """Raise ``ClientStateError`` once the rate limiter is closed."""
        if self.closed:
            raise ClientStateError("the rate limiter is closed")


class ScopeLimiter:
    """Lets the callers of its scopes go, one after another."""

    __slots__ = ("_clock", "_common", "_off_deadline", "_opening", "gate", "pacer", "queue", "scopes", "split_until")

    def __init__(self, common: Common, scopes: tuple[str, ...], gate: Gate, pacer: Pacer) -> None:
        self._common = common
        self._clock = common.clock
        self.scopes = scopes
        self.gate = gate
        self.pacer = pacer
        self.queue = WaitQueue()
        self.split_until = float("-inf")
        """Until when it is not merged with others."""
        self._opening = Timer(common.clock)
        self._off_deadline: asyncio.TimerHandle | None = None

    def current(self, turn: QueuedTurn) -> ScopeLimiter:
        """Return the scope's limiter now: scopes are merged, split and forgotten."""
        return self._common.limiter_of(turn.scope)

    def closed_for(self) -> float:
        """Return the seconds until the gate opens."""
        return self.gate_at(now := self._clock.now()).closed_for(now)

    def gate_at(self, now: float) -> Gate:
        """Return the gate, a spent quota's times brought in line with the wall clock."""
        if self.gate.calendar is not None:
            self.gate.follow_calendar(now, self._clock.unix_or_system())
        return self.gate

    # ------------------------------------------------------------------ a turn begins

    def try_leave(self) -> bool:
        """Let a call leave that need not wait, probe or be refused; return whether it may."""
        if self._common.closed or self.gate.closed or self.queue.first() is not None:
            return False
        try:
            now = self._clock.now()
        except Exception:  # noqa: BLE001  (a user's clock: who waits is told)
            return False
        if self.pacer.when(now) > now + _TINY:
            return False
        self.pacer.on_sent(now)
        self.allow_fast_path(now)
        return True

    async def wait(self, turn: QueuedTurn, timeout: float) -> None:
        """Return when the turn comes; raise at once when it cannot come in time."""
        if (waiter := self._enqueue(turn, timeout)) is None:
            return
        try:
            await waiter.woken
        except (asyncio.CancelledError, GeneratorExit):
            self.current(turn)._abandon(waiter)  # noqa: SLF001  (another, if scopes were merged meanwhile)
            raise

    def _enqueue(self, turn: QueuedTurn, timeout: float) -> Waiter | None:
        self._common.check_open()
        now = self._clock.now()
        head = self.queue.first()
        first = head is None or turn.sequence < head.turn.sequence
        if first and self._when(now) <= now + _TINY:
            self._send(turn, now)
            if head is None:
                self.allow_fast_path(now)
            return None
        earliest = self._earliest(0 if first else len(self.queue), now)
        if timeout <= 0 or now + timeout < earliest:
            raise refusal(self.gate, now, earliest)
        waiter = Waiter(turn, now + timeout)
        self.queue.push(waiter)
        if self.queue.most_urgent() is waiter:
            self._watch()
        self.advance(now)
        return waiter

    def _send(self, turn: QueuedTurn, now: float) -> None:
        if self.gate.closed and self.gate.send_probe(turn):
            self.pacer.on_reopened(now)
        self.pacer.on_sent(now)
        turn.out = self.pacer

    def _abandon(self, waiter: Waiter) -> None:
        """Let a cancelled caller go; a permission that just came goes to the next."""
        self.queue.remove(waiter)
        now = self._clock.now_or_last()
        if waiter.turn.out is not None:
            waiter.turn.out = None
            self.pacer.on_unused()
            if self.gate.probe is waiter.turn:
                self.gate.probe = None
        elif waiter.woken.done() and not waiter.woken.cancelled():
            waiter.woken.exception()  # read, so that the loop does not report it
        self.advance(now)

    # ------------------------------------------------------------------ a turn ends

    def turn_ended(self, turn: QueuedTurn, verdict: Verdict) -> None:
        """Take what became of a call."""
        now = self._clock.now_or_last()
        probe = self.gate.probe is turn
        if probe:
            self.gate.probe = None
        if verdict is Verdict.TOO_FAST:
            self.pacer.on_refused(now)
            self.gate.close_for_cooldown(now, probe=probe, least=self.pacer.longer_window)
            self._fail_until(self.gate.opens - _TINY, now)  # whose deadline comes before the gate opens
            self._common.on_refused(self, now, probe)
        elif verdict is Verdict.QUOTA_SPENT:
            self.pacer.count_deferred(now)
            self.pacer.on_unused()
            self.gate.close_for_quota(now, self._clock.unix_or_system())
            self._fail_until(self.gate.opens - _TINY, now)  # whose deadline comes before the gate opens
        else:
            self.pacer.on_answered(now, accepted=verdict is Verdict.OK)
            if probe and verdict is Verdict.OK:
                self.gate.probe_accepted(now)
            if len(self.scopes) > 1:
                self._common.on_quiet(self, now)
        self.advance(now)

    def reopen(self) -> None:
        """Open the gate and let every waiter go, paced."""
        now = self._clock.now()
        if self.gate.closed:
            self.gate.open(now)
            self.pacer.on_reopened(now)
        self.advance(now)

    def end_waits(self) -> None:
        """End every wait."""
        for waiter in self.queue:
            self._fail(waiter, ClientStateError("the rate limiter was closed while the call waited for its turn"))
        self.retire()

    def retire(self) -> None:
        """Be replaced by another limiter."""
        self.pacer.count_deferred(self._clock.now_or_last())
        self._rest()

    # ------------------------------------------------------------------ scheduling

    def _when(self, now: float) -> float:
        return self.gate_at(now).when(now) if self.gate.closed else self.pacer.when(now)

    def _earliest(self, ahead: int, now: float) -> float:
        if not self.gate.closed:
            return self.pacer.earliest(ahead, now)
        start = self.gate_at(now).opens if self.gate.probe is None else now  # the probe may end any moment
        return self.pacer.after(ahead, max(start, now))

    def advance(self, now: float) -> None:
        """Let the calls go that may, and set the timer for the next."""
        while (waiter := self.queue.first()) is not None:
            at = self._when(now)
            if at > now + _TINY:
                self._opening.set(at, now, self._look_again, calendar=self.gate.calendar is not None)
                return
            self.queue.remove(waiter)
            self._send(waiter.turn, now)
            waiter.woken.set_result(None)
        self._rest()
        self.allow_fast_path(now)

    def allow_fast_path(self, now: float) -> None:
        """Let the next callers go without asking, if nothing is known against it."""
        if not self.gate.closed and not self._common.closed:
            self.pacer.allow_fast_path(now)

    def allow_fast_path_if_idle(self, now: float) -> None:
        """Allow the fast path if no caller waits."""
        if not self.queue:
            self.allow_fast_path(now)

    def _look_again(self, error: BaseException | None) -> None:
        """Go on after a pause; whom a user's own clock failed is told so."""
        self._opening.off()
        if error is not None:
            self._fail(self.queue.first(), error)
        self.advance(self._clock.now_or_last())

    def _rest(self) -> None:
        """Take off the timers."""
        self._opening.off()
        if self._off_deadline is not None:
            self._off_deadline.cancel()
            self._off_deadline = None

    # ------------------------------------------------------------------ deadlines

    def _watch(self) -> None:
        """Look again when the time of the most urgent waiter may be up.

        By the loop's timer, because nobody's clock knows the end of the probe that a waiter may
        stand behind; but it is the limiter's clock that says whether the time is up.
        """
        urgent = self.queue.most_urgent()
        if urgent is not None:
            loop = asyncio.get_running_loop()
            due = loop.time() + urgent.deadline - self._clock.now_or_last()
            if self._off_deadline is None or due < self._off_deadline.when():
                if self._off_deadline is not None:
                    self._off_deadline.cancel()
                self._off_deadline = loop.call_at(due, self._expire)

    def _expire(self) -> None:
        self._off_deadline = None
        try:
            now = self._clock.now()
        except Exception as error:  # noqa: BLE001  (a user's clock: the waiter that it failed is told)
            now = self._clock.now_or_last()
            self._fail(self.queue.most_urgent(), error)
        self._fail_until(now + _TINY, now)
        self._watch()
        self.advance(now)

    def _fail_until(self, deadline: float, now: float) -> None:
        while (urgent := self.queue.most_urgent()) is not None and urgent.deadline <= deadline:
            self._fail(urgent, refusal(self.gate, now, self._earliest(0, now)))

    def _fail(self, waiter: Waiter | None, error: BaseException) -> None:
        """End a wait with an error."""
        if waiter is not None:
            self.queue.remove(waiter)
            if not waiter.woken.done():
                waiter.woken.set_exception(error)

    # ------------------------------------------------------------------ merging and splitting

    def useless(self, now: float) -> bool:
        """Return whether nothing would be lost if this were made anew."""
        return not self.queue and not self.gate.closed and self.pacer.useless(now)

    def move_to(self, limiter: ScopeLimiter) -> None:
        """Send the waiters for the other limiter's scopes there."""
        for waiter in self.queue.take(limiter.scopes):
            limiter.queue.push(waiter)
        limiter._watch()
