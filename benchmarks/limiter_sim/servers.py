"""Servers that say "operating too fast", each by another rule.

For each there is the time that a caller that knew the rule would need. A meter is the rule for one
quota; a server has one meter for everything, or one per action. Times are seconds since the run
began. A meter must be asked in the order of time.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WINDOW: Final = 60.0
"""Seconds that a quota is for."""
_NEVER: Final = math.inf
_TINY: Final = 1e-9
"""Seconds within which two times are equal, as sums of floats are inexact."""


@attrs.frozen
class Limit:
    """How many calls are admitted per window.

    Args:
        quota: the calls.
        phase: when the first whole window of a fixed-window server begins; a part of a window comes
            before it.
        changes: when the quota becomes another.
        factor: by which the quota is multiplied then.
        window: seconds that the quota is for.
        block: seconds for which a server that extends its block refuses everything.
    """

    quota: int
    phase: float = 0.0
    changes: float = _NEVER
    factor: float = 1.0
    window: float = WINDOW
    block: float = WINDOW

    def at(self, now: float) -> int:
        """Return the quota at a time."""
        return self.quota if now < self.changes else max(1, round(self.quota * self.factor))


class Meter(Protocol):
    """Admits or refuses the calls that count against one quota."""

    def admit(self, now: float) -> bool:
        """Return whether the call that arrives now is admitted, and count it."""
        ...

    def free(self, now: float, quota: int) -> float:
        """Return when the next call would be admitted, if the quota stayed the same.

        The time is not before now.
        """
        ...


@attrs.define
class FixedWindow:
    """Counts from scratch in every window, whenever within it the calls came."""

    limit: Limit
    _window: int = attrs.field(init=False, default=-2)
    _count: int = attrs.field(init=False, default=0)

    def admit(self, now: float) -> bool:
        self._turn_to(now)
        if self._count >= self.limit.at(now):
            return False
        self._count += 1
        return True

    def free(self, now: float, quota: int) -> float:
        self._turn_to(now)
        return now if self._count < quota else max(now, self.limit.phase + (self._window + 1) * self.limit.window)

    def _turn_to(self, now: float) -> None:
        window = math.floor((now - self.limit.phase + _TINY) / self.limit.window)
        if window != self._window:
            self._window, self._count = window, 0


@attrs.define
class SlidingLog:
    """Counts what was admitted within the last window's length, at any moment."""

    limit: Limit
    _log: deque[float] = attrs.field(init=False, factory=deque[float])

    def admit(self, now: float) -> bool:
        self._forget(now)
        if len(self._log) >= self.limit.at(now):
            return False
        self._log.append(now)
        return True

    def free(self, now: float, quota: int) -> float:
        self._forget(now)
        return now if len(self._log) < quota else max(now, self._log[-quota] + self.limit.window)

    def _forget(self, now: float) -> None:
        while self._log and self._log[0] + self.limit.window <= now + _TINY:
            self._log.popleft()


@attrs.define
class TokenBucket:
    """Holds a window's worth of tokens, and fills up steadily."""

    limit: Limit
    _tokens: float = attrs.field(init=False)
    _filled: float = attrs.field(init=False, default=0.0)

    def __attrs_post_init__(self) -> None:
        self._tokens = float(self.limit.at(0.0))

    def admit(self, now: float) -> bool:
        self._fill(now)
        if self._tokens < 1 - _TINY:
            return False
        self._tokens -= 1
        return True

    def free(self, now: float, quota: int) -> float:
        self._fill(now)
        return now + max(0.0, 1 - self._tokens) * self.limit.window / quota

    def _fill(self, now: float) -> None:
        if self._filled < self.limit.changes <= now:
            self._pour(self.limit.changes, self.limit.quota)
        self._pour(now, self.limit.at(now))

    def _pour(self, now: float, quota: int) -> None:
        self._tokens = min(quota, self._tokens + (now - self._filled) * quota / self.limit.window)
        self._filled = now


@attrs.define
class Gcra:
    """Wants calls evenly spaced, but allows a burst ahead; keeps a single time.

    Args:
        limit: the quota; calls are due every window ÷ quota.
        burst: the share of the quota that may come at once; at least one call.
    """

    limit: Limit
    burst: float = 1.0
    _due: float = attrs.field(init=False, default=0.0)
    """When the next call is due, for a caller that never runs ahead."""

    def admit(self, now: float) -> bool:
        quota = self.limit.at(now)
        if now < self.free(now, quota) - _TINY:
            return False
        self._due = max(self._due, now) + self.limit.window / quota
        return True

    def free(self, now: float, quota: int) -> float:
        ahead = (max(1, round(quota * self.burst)) - 1) * self.limit.window / quota
        return max(now, self._due - ahead)


@attrs.define
class Extending:
    """A fixed window that, once exceeded, refuses everything for a window's length.

    The block begins anew with every call meanwhile.
    """

    limit: Limit
    _counts: FixedWindow = attrs.field(init=False)
    _blocked: float = attrs.field(init=False, default=0.0)

    def __attrs_post_init__(self) -> None:
        self._counts = FixedWindow(self.limit)

    def admit(self, now: float) -> bool:
        if now >= self._blocked and self._counts.admit(now):
            return True
        self._blocked = now + self.limit.block
        return False

    def free(self, now: float, quota: int) -> float:
        return max(self._blocked, self._counts.free(now, quota))


KINDS: Final[Mapping[str, Callable[[Limit], Meter]]] = {
    "fixed": FixedWindow,
    "fixed?": FixedWindow,
    "sliding": SlidingLog,
    "bucket": TokenBucket,
    "gcra-q": Gcra,
    "gcra-q/10": lambda limit: Gcra(limit, 0.1),
    "gcra-1": lambda limit: Gcra(limit, 0.0),
    "extend": Extending,
}
"""Every rule by its name.

The windows of ``fixed?`` end at a time that no caller knows: give its limit a phase.
"""


@attrs.define
class Server:
    """Admits or refuses calls.

    Args:
        kind: a name in :data:`KINDS`.
        limit: the quota.
        shared: whether all actions count against one quota; else each has its own.
    """

    kind: str
    limit: Limit
    shared: bool = False
    _meters: dict[str, Meter] = attrs.field(init=False, factory=dict[str, Meter])

    def admit(self, action: str, now: float) -> bool:
        """Return whether the call that arrives now is admitted, and count it."""
        key = "" if self.shared else action
        if key not in self._meters:
            self._meters[key] = KINDS[self.kind](self.limit)
        return self._meters[key].admit(now)


def ideal(kind: str, limit: Limit, calls: int, callers: int, latency: float) -> float:
    """Return the seconds that callers need that know the rule.

    Each call comes as soon as it will be admitted, never before.

    Args:
        kind: a name in :data:`KINDS`.
        limit: the quota.
        calls: how many calls there are to make.
        callers: how many may be under way at once.
        latency: seconds of every exchange; the server decides half-way.
    """
    meter = KINDS[kind](limit)
    idle = [0.0] * min(callers, calls)
    arrival = 0.0
    for _ in range(calls):
        arrival = _earliest(meter, limit, max(arrival, heapq.heappop(idle) + latency / 2))
        assert meter.admit(arrival)
        heapq.heappush(idle, arrival + latency / 2)
    return max(idle)


def _earliest(meter: Meter, limit: Limit, now: float) -> float:
    """Return when the next call would be admitted, whatever the quota becomes."""
    earliest = meter.free(now, limit.at(now))
    if now < limit.changes <= earliest:
        return meter.free(limit.changes, limit.at(limit.changes))
    return earliest
