"""A rate that the user states, and the arithmetic that keeps to it.

It is the generic cell rate algorithm.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from wxrevenue._base import checks as _checks
from wxrevenue._base.printable import Printable

if TYPE_CHECKING:
    from wxrevenue.limiters._quota.state import Plain


def _whole(_rate: Rate, attribute: attrs.Attribute[int], value: object) -> None:
    _checks.count(f"Rate.{attribute.name}", value)


def _seconds(_rate: Rate, attribute: attrs.Attribute[float], value: object) -> None:
    _checks.seconds(f"Rate.{attribute.name}", value)


@attrs.frozen
class Rate(Printable):
    """How often a scope may be called, for users that know their quota.

    Args:
        calls: how many calls fit in ``per`` seconds; at least 1.
        per: seconds; 60 by default.
        burst: how many calls may leave at once after a rest; ``calls`` by default. A limiter starts
            with all of it at hand: give less if another process may just have used the quota.

    Raises:
        ConfigurationError: a number makes no sense.
    """

    calls: int = attrs.field(validator=_whole)
    per: float = attrs.field(default=60.0, validator=_seconds)
    burst: int = attrs.field(default=attrs.Factory(lambda self: self.calls, takes_self=True), validator=_whole)


@attrs.define(eq=False)
class Gcra:
    """Keeps to a rate with a single time.

    It is when the last call would have been due, had all been spaced evenly.
    """

    rate: Rate
    due: float = -math.inf

    @property
    def gap(self) -> float:
        """Seconds between calls that are spaced evenly."""
        return self.rate.per / self.rate.calls

    def when(self, now: float, calls: int = 1) -> float:
        """Return when so many calls may leave together.

        Never, if they are more than the burst.
        """
        if calls > self.rate.burst:
            return math.inf
        return max(self.due, now) + calls * self.gap - self.rate.burst * self.gap

    def take(self, now: float, calls: int = 1) -> None:
        """Note that calls leave."""
        self.due = max(self.due, now) + calls * self.gap

    def remaining(self, now: float) -> int:
        """Return how many calls may leave at once."""
        return math.floor(self.rate.burst - self.reset_after(now) / self.gap + 1e-9)

    def reset_after(self, now: float) -> float:
        """Return the seconds until the whole burst is at hand again."""
        return max(0.0, self.due - now)


class FixedRate:
    """Keeps a scope to the rate that the user stated.

    It is a :class:`~wxrevenue.limiters._quota.pacer.Pacer`. It learns nothing: a refusal shuts the
    gate, and the rate stays.

    Args:
        rate: the rate.
    """

    __slots__ = ("deferred", "gcra", "in_flight", "limit")

    def __init__(self, rate: Rate) -> None:
        self.gcra = Gcra(rate)
        self.in_flight = 0
        self.limit = 0
        self.deferred = 0

    def when(self, now: float) -> float:
        """Return when the next call may leave."""
        return self.gcra.when(now)

    def earliest(self, ahead: int, now: float) -> float:
        """Return a time before which a caller with so many ahead of it cannot leave."""
        return self.gcra.when(now) + ahead * self.gcra.gap

    def after(self, ahead: int, start: float) -> float:
        """Return the same for a pause that ends at ``start``."""
        return start + max(0, ahead + 1 - self.gcra.rate.burst) * self.gcra.gap

    def on_sent(self, now: float) -> None:
        """Note that a call leaves."""
        self.in_flight += 1
        self.gcra.take(now)

    def on_unused(self) -> None:
        """Take back a permission that was not used."""
        self.in_flight = max(0, self.in_flight - 1)
        self.gcra.due -= self.gcra.gap

    def on_answered(self, now: float, *, accepted: bool) -> None:  # noqa: ARG002  (nothing is learned)
        """Note that a call was answered."""
        self.in_flight = max(0, self.in_flight - 1)

    def on_refused(self, now: float) -> None:  # noqa: ARG002  (likewise)
        """Note that a call was refused."""
        self.in_flight = max(0, self.in_flight - 1)

    def on_reopened(self, now: float) -> None:
        """Do nothing: the rate stays what it is."""

    @property
    def longer_window(self) -> float:
        """Nothing: no window is learned."""
        return 0.0

    def useless(self, now: float) -> bool:
        """Return whether nothing would be lost if this were made anew."""
        return not self.in_flight and self.gcra.due <= now

    def rest(self, now: float) -> bytes | None:
        """Return that nothing has to be kept, once all calls have been due."""
        return b"" if self.useless(now) else None

    def count_deferred(self, now: float) -> None:
        """Do nothing: every call is counted as it goes."""

    def allow_fast_path(self, now: float) -> None:
        """Do nothing: every call has to ask."""

    def dump(self, shift: float = 0.0) -> Plain:
        """Return when the last call would have been due, ``shift`` seconds later."""
        return {"due": self.gcra.due + shift if math.isfinite(self.gcra.due) else None}

    def take_due(self, due: float, now: float) -> None:
        """Go on from what another process used.

        A process with a wrong clock costs a whole burst at most.
        """
        self.gcra.due = min(due, now + self.gcra.rate.burst * self.gcra.gap)
