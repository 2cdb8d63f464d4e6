"""The permits of one process: granted inside Redis, used here, reported there.

A :class:`~wxrevenue.limiters._quota.pacer.Pacer` without any rule of its own: a call may leave
while there is a permit whose lease still runs, and fewer calls fly than its lot allows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue.limiters._redis.reports import Reports

if TYPE_CHECKING:
    from wxrevenue.limiters._quota.state import Plain
    from wxrevenue.limiters._redis.answer import Answer

_SMOOTHED: Final = 8
"""Calls over which the latency is smoothed."""
_AMPLE: Final = 2
"""How many times the calls of all processes a budget must be to be granted ahead.

These are the calls that all processes can make at once. Ahead is ahead of demand. No lot is more
than its process's share of what is left, so that what is held here is not missed elsewhere.
"""
_NONE: Final = "0"
"""The generation of a process that has none yet."""


@attrs.frozen
class Pass:
    """What a call left with.

    The generation and the epoch of its permit, when, and whether it probes.
    """

    gen: str
    epoch: int
    at: float
    probe: bool


class Permits:
    """The permits that this process has of one quota.

    Times are seconds on the clock of its leases.

    Args:
        lease: seconds that Redis keeps permits for a process that says nothing.
    """

    def __init__(self, lease: float) -> None:
        self._lease = lease
        self.limit = self.deferred = 0
        self.gen: str = _NONE
        self.epoch = 0
        self.stock = 0
        """Permits that no call left with yet."""
        self.in_flight = 0
        """Calls that left with a permit of this generation and have not ended."""
        self.width = 1
        self.probe = False
        """The permit in stock is the probe's."""
        self.seen = 0
        """How many permits were granted to this generation, as far as is known here."""
        self.latency = 0.0
        """Seconds that calls take, smoothed; 0 at first."""
        self.valid_until = -math.inf
        self._offset = 0.0
        """Redis' time, less this is this clock's, at the latest."""
        self.reports = Reports()
        self.view: Answer | None = None
        """What was said last."""

    # ------------------------------------------------------------------ what is granted

    def take(self, answer: Answer, sent: float | None, now: float) -> bool:
        """Take what a script said; return whether it is news.

        Args:
            answer: what it said.
            sent: when the question left, or ``None`` for what another process's question led to.
            now: the time.
        """
        if sent is not None and answer.gen != self.gen:
            self.gen, self.seen, self.stock, self.in_flight, self.probe = answer.gen, 0, 0, 0, False
        if answer.gen != self.gen or (self.view is not None and answer.now < self.view.now):
            return False
        self._offset = answer.now - sent if sent is not None else self._offset
        self.valid_until = max(self.valid_until, self.local(answer.now) + self._lease)
        if answer.epoch > self.epoch:
            self.epoch = answer.epoch
            self.void(now)
        self._add(answer, now)
        self.view, self.width = answer, answer.width
        return True

    def local(self, redis_time: float) -> float:
        """Return a time of Redis by the clock of leases, or one that is earlier."""
        return redis_time - self._offset

    def _add(self, answer: Answer, now: float) -> None:
        lost = max(0, min(answer.void, answer.granted) - self.seen)
        if lost:
            self.reports.add("b", now, calls=lost)
        self.stock += max(0, answer.granted - max(self.seen, answer.void))
        self.seen = max(self.seen, answer.granted)
        self.probe = answer.probe and self.stock > 0

    def ahead(self, callers: int) -> int:
        """Return how many permits are worth asking for beyond those of so many callers.

        It is what they use within half a lease. Only where the quota is known and far larger than
        what all processes can use at once: what is held here is kept from others.
        """
        view = self.view
        if view is None or not view.gather or not self.latency or view.budget < _AMPLE * callers * view.members:
            return 0
        return min(math.floor(callers * self._lease / (2 * self.latency)), math.ceil(view.budget / 10))

    def void(self, now: float) -> None:
        """Give everything back that no call left with."""
        if self.stock:
            self.reports.add("B" if self.probe else "b", now, calls=self.stock)
        self.stock, self.probe = 0, False

    def may_leave(self, now: float) -> bool:
        """Return whether a call may leave now."""
        return self.stock > 0 and now < self.valid_until and self.in_flight < self.width

    def leave(self, now: float) -> Pass:
        """Let a call leave; return what it left with."""
        self.stock -= 1
        self.in_flight += 1
        left = Pass(self.gen, self.epoch, now, self.probe)
        self.probe = False
        return left

    # ------------------------------------------------------------------ how calls end

    def ended(self, left: Pass, kind: str, now: float) -> None:
        """Report how a call ended.

        ``o`` accepted, ``u`` unknown, ``f`` too fast, ``q`` quota spent, ``b`` not sent.
        """
        if left.gen == self.gen:
            self.in_flight = max(0, self.in_flight - 1)
            self.latency += (now - left.at - self.latency) / _SMOOTHED
            self.reports.add(kind.upper() if left.probe else kind, now, sent=left.at)
        elif kind == "f":
            self.reports.add("e", now, sent=left.at)
        elif kind == "q":
            self.reports.add("q", now, calls=0)

    def not_sent(self, left: Pass, now: float) -> None:
        """Take back a permit that was not used; the next caller may have it."""
        if left.gen == self.gen and left.epoch == self.epoch and now < self.valid_until:
            self.in_flight -= 1
            self.stock += 1
            self.probe = left.probe
        else:
            self.ended(left, "b", now)

    # ------------------------------------------------------------------ what a scope asks a pacer

    longer_window = 0.0

    def when(self, now: float) -> float:
        """Return ``now`` or never: the next permit comes by itself.

        It is not the clock of leases: see the scope.
        """
        return now if self.stock > 0 and self.in_flight < self.width else math.inf

    def earliest(self, ahead: int, now: float) -> float:
        """Return a time before which a caller with so many ahead of it cannot leave."""
        view = self.view
        if view is None:
            return now
        rounds = ahead // view.budget * view.span if view.budget and view.kind != "unknown" else 0.0
        return now + rounds

    def after(self, ahead: int, start: float) -> float:
        """Return the same for a pause that ends at ``start``."""
        return self.earliest(ahead, start)

    def on_sent(self, now: float) -> None:
        """Do nothing: see :meth:`leave`."""

    def on_unused(self) -> None:
        """Do nothing: see :meth:`not_sent`."""

    def on_answered(self, now: float, *, accepted: bool) -> None:
        """Do nothing: see :meth:`ended`."""

    def on_refused(self, now: float) -> None:
        """Do nothing: likewise."""

    def on_reopened(self, now: float) -> None:
        """Do nothing: what is learned is learned inside Redis."""

    def count_deferred(self, now: float) -> None:
        """Do nothing: every call is counted as it ends."""

    def allow_fast_path(self, now: float) -> None:
        """Do nothing: permits are the fast path."""

    def useless(self, now: float) -> bool:  # noqa: ARG002  (whether permits run out does not matter)
        """Return whether nothing would be lost if this were made anew."""
        return not (self.stock or self.in_flight or self.reports)

    def dump(self, shift: float = 0.0) -> Plain:  # noqa: ARG002  (nothing of this outlives the process)
        """Return nothing: what is known is in Redis."""
        return {}
