"""What a process keeps to while Redis is away.

Its share of what was known, and no more. The share counts as spent when Redis goes, for other
processes may use all of it meanwhile. From then on a window log keeps to ⌊budget ÷ processes⌋ calls
a span; a share below one call is taken in turns, at a chance time within as many spans as one call
takes.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wxrevenue.limiters._quota.state import Plain
    from wxrevenue.limiters._redis.answer import Answer

_UNKNOWN: Final = 6
"""Calls a window where Redis was never reached.

Nothing is known of the quota, and of other processes.
"""


class ShareWhileAway:
    """A :class:`~wxrevenue.limiters._quota.pacer.Pacer` that learns nothing.

    Args:
        view: what Redis said last, or ``None``.
        window: seconds that the quota is for, where nothing is known.
        now: when Redis went.
        chance: a number from 0 to 1.
    """

    def __init__(self, view: Answer | None, window: float, now: float, chance: float) -> None:
        self.since = now
        self.calls = 0
        """Calls made since then."""
        self.in_flight = self.limit = self.deferred = 0
        self.span = window if view is None else view.span
        self.members = 1 if view is None else max(1, view.members)
        self.budget = _UNKNOWN if view is None else max(1, view.budget or view.used)
        self.share = self.budget // self.members
        self._log: deque[float] = deque()
        if view is not None:
            self._log.extend([now] * self.share)
        self._gap = self.span * self.members / self.budget
        self._next = now + self.span + chance * self._gap if not self.share else -math.inf

    longer_window = 0.0

    def when(self, now: float) -> float:
        """Return when the next call may leave."""
        if not self.share:
            return self._next if not self.in_flight else math.inf
        while self._log and self._log[0] + self.span <= now:
            self._log.popleft()
        if self.in_flight >= max(1, self.share // 10):
            return math.inf
        full = len(self._log) + self.in_flight >= self.share
        return (self._log[0] + self.span if self._log else math.inf) if full else now

    def earliest(self, ahead: int, now: float) -> float:
        """Return a time before which a caller with so many ahead of it cannot leave."""
        at = self.when(now)
        return (now if at == math.inf else at) + ahead // max(1, self.share) * self.span

    def after(self, ahead: int, start: float) -> float:
        """Return the same for a pause that ends at ``start``."""
        return start + ahead // max(1, self.share) * self.span

    def made(self, now: float) -> tuple[int, float]:
        """Return the calls that still count, and how long ago the last was answered."""
        answered = [at for at in self._log if self.since < at and now < at + self.span]
        age = now - answered[-1] if answered and not self.in_flight else 0.0
        return len(answered) + self.in_flight, age

    def on_sent(self, now: float) -> None:
        """Note that a call leaves."""
        self.calls += 1
        self.in_flight += 1
        self._next = now + self._gap

    def on_unused(self) -> None:
        """Take back a permission that was not used."""
        self.in_flight = max(0, self.in_flight - 1)

    def on_answered(self, now: float, *, accepted: bool) -> None:  # noqa: ARG002  (nothing is learned)
        """Note that a call was answered."""
        self.in_flight = max(0, self.in_flight - 1)
        self._log.append(now)

    def on_refused(self, now: float) -> None:
        """Note that a call was refused."""
        self.on_answered(now, accepted=False)

    def on_reopened(self, now: float) -> None:
        """Do nothing: the share stays what it is."""

    def count_deferred(self, now: float) -> None:
        """Do nothing: every call is counted as it goes."""

    def allow_fast_path(self, now: float) -> None:
        """Do nothing: every call has to ask."""

    def useless(self, now: float) -> bool:  # noqa: ARG002  (Redis may come back at any time)
        """Return whether nothing would be lost if this were made anew."""
        return False

    def dump(self, shift: float = 0.0) -> Plain:  # noqa: ARG002  (nothing of this outlives the outage)
        """Return nothing."""
        return {}
