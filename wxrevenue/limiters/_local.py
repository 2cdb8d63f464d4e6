"""The rate limiter of one process: a shared gate per scope that "operating too fast" closes for everyone.

A scope that was never refused has no gate, and its turns cost nothing. A refusal makes one::

    closed ──(its time comes)──► one probe out ──(accepted)──► releasing, paced, in arrival order ──(nobody waits)──► no gate
       ▲                              │                                    │
       └───────── refused again ──────┴───────────── refused ──────────────┘

A probe that ends without a verdict passes its role on to the next in line.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from typing import TYPE_CHECKING, Any

from wxrevenue import _checks
from wxrevenue._clock import LOOP_CLOCK, call_later
from wxrevenue._dates import seconds_to_midnight
from wxrevenue._ports import Verdict
from wxrevenue.errors import ApiError, ClientStateError, QuotaExceededError, TooFastError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue._ports import Clock

PACE = 0.05
"""Seconds between the callers released after an accepted probe."""
QUOTA_PROBE = 600.0
"""Seconds between probes of a scope whose daily quota is spent."""
_TOO_FAST_CODE = 1737
_QUOTA_CODE = 45009


class LocalRateLimiter:
    """Obeys "operating too fast" (1737, 45011) and a spent daily quota (45009) for all callers of this process.

    Args:
        cooldown: seconds for which a refusal closes a scope.
        clock: where the time comes from; the running loop by default.
    """

    def __init__(self, cooldown: float = 60.0, *, clock: Clock | None = None) -> None:
        self.cooldown = _checks.seconds("LocalRateLimiter.cooldown", cooldown)
        self.clock: Clock = LOOP_CLOCK if clock is None else clock
        self.gates: dict[str, Gate] = {}
        self._tickets = itertools.count()
        self._closed = False

    async def acquire(self, scope: str, *, timeout: float) -> LocalTurn:
        """Wait for a turn; see :class:`wxrevenue._ports.RateLimiter`."""
        if self._closed:
            self.check_open()
        turn = LocalTurn(self, scope, next(self._tickets))
        if self.gates and scope in self.gates:
            await self.gates[scope].wait(turn, timeout)
        return turn

    async def reopen(self, scope: str) -> None:
        """Let the scope's callers go, whatever closed it."""
        gate = self.gates.get(scope)
        if gate is not None:
            gate.reopen()

    async def aclose(self) -> None:
        """End every wait with ``ClientStateError``; may be called twice."""
        self._closed = True
        for gate in list(self.gates.values()):
            gate.end()

    def check_open(self) -> None:
        """Raise ``ClientStateError`` after :meth:`aclose`."""
        if self._closed:
            raise ClientStateError("the rate limiter is closed")

    def close_gate(self, scope: str, verdict: Verdict) -> None:
        """Close the scope for everyone."""
        gate = self.gates.get(scope)
        if gate is None:
            gate = self.gates[scope] = Gate(self, scope)
        gate.close(verdict)


class LocalTurn:
    """Leave to send one request of a scope."""

    __slots__ = ("_done", "_limiter", "probing", "scope", "ticket")

    def __init__(self, limiter: LocalRateLimiter, scope: str, ticket: int) -> None:
        self._limiter = limiter
        self.scope = scope
        self.ticket = ticket
        self.probing = False
        self._done = False

    @property
    def closed_for(self) -> float:
        """The seconds until the scope is tried again."""
        return self._limiter.gates[self.scope].closed_for() if self.scope in self._limiter.gates else 0.0

    async def report(self, verdict: Verdict) -> None:
        """Say how the request ended."""
        if self._done:
            return
        self._done = True
        if verdict is Verdict.TOO_FAST or verdict is Verdict.QUOTA_SPENT:
            self._limiter.close_gate(self.scope, verdict)
        if self.probing:
            self._settle(accepted=verdict is Verdict.OK)

    async def again(self, *, timeout: float) -> None:
        """Wait for leave to send once more, ahead of everyone who came later."""
        self.release()
        self._limiter.check_open()
        self._done = False
        gate = self._limiter.gates.get(self.scope)
        if gate is not None:
            await gate.wait(self, timeout)

    def release(self) -> None:
        """End the turn."""
        if not self._done:
            self._done = True
            if self.probing:
                self._settle(accepted=False)

    def _settle(self, *, accepted: bool) -> None:
        self.probing = False
        self._limiter.gates[self.scope].probed(accepted=accepted)


class _Waiter:
    """Somebody in the queue, ordered by ticket."""

    __slots__ = ("deadline", "timer", "turn", "woken")

    timer: asyncio.TimerHandle

    def __init__(self, turn: LocalTurn, deadline: float) -> None:
        self.turn = turn
        self.deadline = deadline
        self.woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __lt__(self, other: _Waiter) -> bool:
        return self.turn.ticket < other.turn.ticket


class Gate:
    """The queue before a scope that was refused."""

    def __init__(self, limiter: LocalRateLimiter, scope: str) -> None:
        self._limiter = limiter
        self._scope = scope
        self._clock = limiter.clock
        self._opens = 0.0
        self._quota_ends = 0.0
        self._probe_out = False
        self._proven = False
        self._queue: list[_Waiter] = []
        """By ticket. Who has left stays in it until its turn comes up: taking it out would cost a search."""
        self._waiting = 0
        self._call_off: Callable[[], object] | None = None

    # -- what happens to it

    def close(self, verdict: Verdict) -> None:
        """Stay closed for the cool-down from now on; never shorten, never add up."""
        now = self._clock.monotonic()
        pause = self._limiter.cooldown
        if verdict is Verdict.QUOTA_SPENT:
            midnight = seconds_to_midnight(self._clock.time())
            self._quota_ends = now + midnight
            pause = min(QUOTA_PROBE, midnight)
        self._opens = max(self._opens, now + pause)
        self._proven = False
        self._refuse_late(self._queue)
        self._advance()

    def probed(self, *, accepted: bool) -> None:
        """Take the probe's result: release everyone, paced, or let the next in line probe."""
        self._probe_out = False
        if accepted and self._clock.monotonic() >= self._opens:
            self._proven = True
            self._quota_ends = 0.0
            self._opens += PACE
        self._advance()

    def reopen(self) -> None:
        """Open now and release everyone, paced."""
        self._opens, self._quota_ends, self._proven = self._clock.monotonic(), 0.0, True
        self._advance()

    def end(self) -> None:
        """End every wait."""
        for waiter in self._queue:
            self._fail(waiter, ClientStateError("the rate limiter was closed while the call waited for its turn"))
        self._queue.clear()
        self._advance()

    def closed_for(self) -> float:
        """Return the seconds until somebody may go."""
        return max(0.0, self._opens - self._clock.monotonic())

    # -- waiting in it

    async def wait(self, turn: LocalTurn, timeout: float) -> None:
        """Return when the turn comes; raise at once when it cannot come in time."""
        waiter = _Waiter(turn, self._clock.monotonic() + timeout)
        first = not self._queue or waiter < self._queue[0]
        self._refuse_late([waiter], ahead=0 if first else self._waiting)
        self._waiting += 1
        heapq.heappush(self._queue, waiter)
        self._advance()
        self._expire_later(waiter)
        try:
            await waiter.woken
        except (asyncio.CancelledError, GeneratorExit):
            self._hand_on(waiter)
            raise
        finally:
            waiter.timer.cancel()
            self._waiting -= 1
            self._advance()

    def _hand_on(self, waiter: _Waiter) -> None:
        """Give a turn that came in the moment of the cancellation to the next in line."""
        if not waiter.woken.done():  # not cancelled but thrown away
            self._queue.remove(waiter)
            heapq.heapify(self._queue)
        elif not waiter.woken.cancelled():
            waiter.woken.exception()  # read, so that the loop does not report it
            waiter.turn.release()

    def _expire_later(self, waiter: _Waiter) -> None:
        """Look again when the waiter's time may be up.

        By the loop's timer, because nobody's clock knows the end of the probe that a waiter may stand behind; but it is the
        limiter's clock that says whether the time is up.
        """
        left = waiter.deadline - self._clock.monotonic()
        waiter.timer = asyncio.get_running_loop().call_later(left, self._expire, waiter)

    def _expire(self, waiter: _Waiter) -> None:
        if waiter.woken.done():
            return
        if self._clock.monotonic() < waiter.deadline:
            self._expire_later(waiter)
            return
        self._fail(waiter)

    # -- who goes, who cannot make it

    def _advance(self) -> None:
        """Let go who may, and set the timer for the next."""
        if self._call_off is not None:
            self._call_off()
            self._call_off = None
        while self._queue and self._queue[0].woken.done():
            heapq.heappop(self._queue)
        while self._queue and not self._probe_out and self._clock.monotonic() >= self._opens:
            self._let_go(heapq.heappop(self._queue))
        if self._queue and not self._probe_out:
            self._call_off = call_later(self._clock, self._opens - self._clock.monotonic(), self._look_again)
        elif not self._queue and not self._probe_out and self._proven:
            self._limiter.gates.pop(self._scope, None)

    def _look_again(self, error: BaseException | None) -> None:
        """Go on after a pause; whom a user's own clock failed is told so."""
        if error is not None and self._queue:
            self._fail(heapq.heappop(self._queue), error)
        self._advance()

    def _let_go(self, waiter: _Waiter) -> None:
        if waiter.woken.done():
            return
        if self._proven:
            self._opens = self._clock.monotonic() + PACE
        else:
            self._probe_out = waiter.turn.probing = True
        waiter.woken.set_result(None)

    def _refuse_late(self, waiters: list[_Waiter], ahead: int = 0) -> None:
        """Refuse at once whose deadline comes before the gate opens, or before those ahead are through."""
        first = max(self._opens, self._clock.monotonic()) + ahead * PACE
        for waiter in waiters:
            if waiter.deadline < first:
                self._fail(waiter)

    def _fail(self, waiter: _Waiter, error: BaseException | None = None) -> None:
        if not waiter.woken.done():
            waiter.woken.set_exception(error or self._refusal())

    def _refusal(self) -> ApiError:
        facts: dict[str, Any] = {"status": 0, "retry_after": max(PACE, self.closed_for())}
        if self._quota_ends > self._clock.monotonic():
            return QuotaExceededError("not sent: the quota is spent", code=_QUOTA_CODE, **facts)
        return TooFastError("not sent: the scope is cooling down", code=_TOO_FAST_CODE, **facts)
