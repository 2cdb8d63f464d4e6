"""One scope of a shared limiter: this process's queue, all processes' permits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from wxrevenue.limiters._local.refusal import refusal
from wxrevenue.limiters._local.scope import ScopeLimiter
from wxrevenue.limiters._redis.away import ShareWhileAway
from wxrevenue.limiters._redis.exchange import Exchange
from wxrevenue.limiters._redis.permits import Pass, Permits
from wxrevenue.limiters._redis.turn import SharedTurn
from wxrevenue.ports import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.errors import WxRevenueError
    from wxrevenue.limiters._local.gate import Gate
    from wxrevenue.limiters._local.scope import Common
    from wxrevenue.limiters._local.wait_queue import QueuedTurn, Waiter
    from wxrevenue.limiters._redis.answer import Answer
    from wxrevenue.limiters._redis.hub import Hub

_TINY: Final = 1e-9
_FRESH_S: Final = 1.0
"""Seconds for which an answer is good enough to refuse a caller by."""
_KINDS: Final = {Verdict.OK: "o", Verdict.UNKNOWN: "u", Verdict.TOO_FAST: "f", Verdict.QUOTA_SPENT: "q"}


class SharedScope(ScopeLimiter):
    """Lets the callers of its scopes go as permits come from Redis, one after another.

    Args:
        common: what all scopes of this limiter have in common.
        hub: the way to Redis.
        scopes: those that share the quota, as far as this process uses them.
        group: what the quota is called in Redis.
        gate: the gate as this process sees it.
        regroup: is told of the group that the first of these scopes belongs to by now.
    """

    __slots__ = ("_hub", "_not_before", "_regroup", "_viewed_at", "away", "exchange", "group", "permits")

    def __init__(  # noqa: PLR0913  (parts, made in one place)
        self,
        common: Common,
        hub: Hub,
        scopes: tuple[str, ...],
        *,
        group: str,
        gate: Gate,
        regroup: Callable[[SharedScope, str], None],
    ) -> None:
        self.permits = Permits(hub.lot_lease)
        super().__init__(common, scopes, gate, self.permits)
        self._hub = hub
        self.group = group
        self._regroup = regroup
        self.exchange = Exchange(hub, self, self.permits)
        self.away: ShareWhileAway | None = None
        """What is kept to while Redis is away."""
        self._not_before = self._viewed_at = -math.inf

    @property
    def is_away(self) -> bool:
        """Whether Redis is away."""
        return self.away is not None

    @property
    def waiters(self) -> int:
        """How many callers wait."""
        return len(self.queue)

    # ------------------------------------------------------------------ a turn begins

    def may_leave(self) -> bool:
        """Return whether a call may :meth:`leave` at once, with a permit held here."""
        if self._common.closed or self.away or self.gate.closed or self.permits.probe or self.queue.first() is not None:
            return False
        try:
            self._clock.now()
        except Exception:  # noqa: BLE001  (a user's clock: the caller who waits is told)
            return False
        return self.permits.may_leave(self._hub.lease_now())

    def leave(self, turn: QueuedTurn) -> None:
        """Let a call leave that may."""
        self._send(turn, self._clock.now_or_last())

    def _enqueue(self, turn: QueuedTurn, timeout: float) -> Waiter | None:
        waiter = super()._enqueue(turn, timeout)
        if waiter is not None and not self.away:
            self.exchange.look_before(waiter.deadline, _FRESH_S)
        return waiter

    def _when(self, now: float) -> float:
        if self.away:
            return super()._when(now)
        if self.gate.closed and not self.permits.probe:
            return math.inf
        return now if self.permits.may_leave(self._hub.lease_now()) else math.inf

    def _earliest(self, ahead: int, now: float) -> float:
        if self.away:
            return super()._earliest(ahead, now)
        pending = self.exchange.refusal_pending()
        if not pending and now - self._viewed_at > _FRESH_S:
            return now
        if self.gate.closed:
            start = self.gate.opens if self.gate.probe is None or pending else now
            return self.permits.after(ahead, max(start, now))
        return max(self.permits.earliest(ahead, now), self._not_before)

    def _send(self, turn: QueuedTurn, now: float) -> None:
        assert isinstance(turn, SharedTurn)  # noqa: S101  (this limiter makes no others)
        if self.away:
            turn.left = None
            super()._send(turn, now)
            return
        turn.left, turn.permits = self.permits.leave(self._hub.lease_now()), self.permits
        self.exchange.permit_used()
        if turn.left.probe:
            self.gate.probe = turn
        turn.out = self.permits

    def _abandon(self, waiter: Waiter) -> None:
        turn = waiter.turn
        if isinstance(turn, SharedTurn) and turn.out is not None and turn.left is not None and turn.permits is not None:
            turn.out = None
            turn.permits.not_sent(turn.left, self._hub.lease_now())
            if self.gate.probe is turn:
                self.gate.probe = None
            self.exchange.kick()
        super()._abandon(waiter)

    # ------------------------------------------------------------------ a turn ends

    def turn_ended(self, turn: QueuedTurn, verdict: Verdict) -> None:
        """Take what became of a call; tell Redis."""
        assert isinstance(turn, SharedTurn)  # noqa: S101  (as above)
        now, left = self._clock.now_or_last(), turn.left
        if left is not None and turn.permits is self.permits:
            self.permits.ended(left, _KINDS[verdict], self._hub.lease_now())
        elif self.away is None:  # it was sent while Redis was away, or with another group's permit
            self.permits.ended(Pass("", 0, self._hub.lease_now(), probe=False), _KINDS[verdict], self._hub.lease_now())
        if self.away:
            super().turn_ended(turn, verdict)
            return
        if self.gate.probe is turn:
            self.gate.probe = None
        if verdict is Verdict.TOO_FAST:
            self._close_here(now, self._hub.cooldown)
        elif verdict is Verdict.QUOTA_SPENT:
            self.gate.close_for_quota(now, self._clock.unix_or_system())
            self._close_here(now, 0.0)
        self.advance(now)

    def _close_here(self, now: float, pause: float) -> None:
        """Close the gate in this process at once; Redis says soon for how long."""
        self.permits.void(self._hub.lease_now())
        self.gate.closed, self.gate.tripped = True, now
        self.gate.opens = max(self.gate.opens, now + pause + self._clock.margin())
        self._fail_until(self.gate.opens - _TINY, now)

    async def ask_to_reopen(self) -> None:
        """Have the gate opened, here and in all processes."""
        if self.away:
            self.reopen()
        else:
            await self.exchange.ask_to_reopen()

    # ------------------------------------------------------------------ what Redis says

    def advance(self, now: float) -> None:
        """Let go who may; ask for those who may not."""
        super().advance(now)
        if not self._common.closed:
            self.exchange.kick()

    def hear(self, answer: Answer, sent: float | None, asked_at: float) -> None:
        """Take what Redis says.

        Args:
            answer: what it says.
            sent: when the question left, by the clock of leases; ``None``: it was another's.
            asked_at: the same, by the scope's clock.
        """
        now = self._clock.now_or_last()
        if self.away:
            self._back(now)
        if not self.permits.take(answer, sent, self._hub.lease_now()):
            return
        if answer.alone and len(self.scopes) > 1:
            self._regroup(self, "")
        if self.exchange.refusal_pending():
            self.permits.void(self._hub.lease_now())
        else:
            self._see_gate(answer, asked_at, now)
            self._viewed_at, self._not_before = now, asked_at + answer.earliest
        self._fail_hopeless(now)
        self.advance(now)

    def _see_gate(self, answer: Answer, asked_at: float, now: float) -> None:
        gate = self.gate
        gate.closed = answer.closed
        gate.opens = asked_at + answer.opens if answer.closed else min(gate.opens, now)
        gate.quota_ends = now + answer.quota if answer.quota else 0.0
        gate.calendar = None
        if not answer.closed:
            gate.probe = None

    def _fail_hopeless(self, now: float) -> None:
        urgent = self.queue.most_urgent()
        if urgent is None or urgent.deadline >= self._earliest(len(self.queue) - 1, now):
            return
        for ahead, waiter in enumerate(self.queue):
            earliest = self._earliest(ahead, now)
            if waiter.deadline < earliest - _TINY:
                self._fail(waiter, refusal(self.gate, now, earliest))

    def moved(self, group: str) -> None:
        """Let the quota go on as another group.

        That is a group of scopes that were merged with this one, or of this one alone again.
        """
        self._regroup(self, group)

    def hand_refusals(self, other: SharedScope) -> None:
        """Have another quota's books told of refusals that these were not told of."""
        if self.permits.reports.refused:
            other.permits.reports.add("e", self._hub.lease_now())
        self.permits.reports.take()

    def fail_all(self, error: Exception) -> None:
        """End every wait with an error that lasts."""
        for waiter in self.queue:
            self._fail(waiter, error)

    # ------------------------------------------------------------------ while Redis is away

    def redis_gone(self, error: WxRevenueError) -> None:
        """Go on with this process's share."""
        if self.away is None:
            now = self._clock.now_or_last()
            self.away = share = ShareWhileAway(self.permits.view, self._hub.cooldown, now, self._hub.random())
            self.pacer = share
            self.permits.void(self._hub.lease_now())
            calls = share.budget // share.members
            self._hub.tell_gone(self.scopes[0], error, budget=calls, span=share.span, processes=share.members)
        self.advance(self._clock.now_or_last())

    def away_flag(self) -> str:
        """Return what Redis is to be told about an outage."""
        if self.away is None:
            return ""
        calls, age = self.away.made(self._clock.now_or_last())
        return f"away:{calls}:{age:.6f}"

    def _back(self, now: float) -> None:
        share, self.away = self.away, None
        self.pacer = self.permits
        if share is not None:
            self._hub.tell_back(self.scopes[0], now - share.since, share.calls)
