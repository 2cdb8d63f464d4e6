"""Whether a failed attempt is made again, and after how long.

The only user of ``backoff``, and of its wait generators alone: its decorator follows the wall
clock, shortens waits that a server asked for, and logs exception texts.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import attrs

from wxrevenue._base.printable import Printable
from wxrevenue._wire.codes import is_throttling
from wxrevenue._wire.request import Safety
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.errors import WxRevenueError

_LARGEST_STEP = 1e100
"""Step where the waits stop growing, long after any cap.

A fraction's power overflows at the thousandth step or so.
"""


def _at_least(low: float) -> Any:
    def check(instance: object, attribute: attrs.Attribute[float], value: object) -> None:
        where = f"{type(instance).__name__}.{attribute.name}"
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value < float("inf"):
            raise ConfigurationError(f"{where}: expected a finite number, {low:g} or more")

    return check


def _at_least_one(instance: object, attribute: attrs.Attribute[int], value: object) -> None:
    if type(value) is not int or value < 1:
        raise ConfigurationError(f"{type(instance).__name__}.{attribute.name}: expected an int, 1 or more (1 switches retries off)")


@attrs.frozen
class RetryPolicy(Printable):
    """How failed attempts are repeated.

    The defaults are those of the 2026 AWS standard mode.

    Args:
        max_attempts: attempts per call, the first included; 1 switches retries off.
        base: seconds before the first repetition after a transient fault.
        throttle_base: the same when the server asked for less load (429, -1, -202).
        factor: how much longer each further wait is.
        cap: the longest wait of our own choosing, seconds.
        quota: what all calls of a client together may spend on repetitions.
        cost: what one repetition costs; the last one's is given back when the call succeeds.
        throttle_cost: the same after throttling.
        retry_after_cap: up to how many seconds a ``Retry-After`` is waited for; above, the error
            surfaces.
        jitter: returns 0..1, by which a wait of our own choosing (at most ``cap``) is multiplied;
            what is outside is cut off.
    """

    max_attempts: int = attrs.field(default=3, validator=_at_least_one)
    base: float = attrs.field(default=0.05, validator=_at_least(0))
    throttle_base: float = attrs.field(default=1.0, validator=_at_least(0))
    factor: float = attrs.field(default=2.0, validator=_at_least(1))
    cap: float = attrs.field(default=20.0, validator=_at_least(0))
    quota: float = attrs.field(default=500, validator=_at_least(0))
    cost: float = attrs.field(default=14, validator=_at_least(0))
    throttle_cost: float = attrs.field(default=5, validator=_at_least(0))
    retry_after_cap: float = attrs.field(default=120.0, validator=_at_least(0))
    jitter: Callable[[], float] = attrs.field(default=random.random)


class RetryQuota:
    """What a client and its clones may still spend on repetitions."""

    __slots__ = ("remaining", "size")

    def __init__(self, size: float) -> None:
        self.size = self.remaining = size

    def spend(self, cost: float) -> bool:
        """Spend the cost of one repetition; return whether there was enough."""
        if cost > self.remaining:
            return False
        self.remaining -= cost
        return True

    def refund(self, amount: float) -> None:
        """Put back what a success returns."""
        self.remaining = min(self.size, self.remaining + amount)


class Retries:
    """The repetitions of one call."""

    __slots__ = ("_policy", "_quota", "_spent", "_steps")

    def __init__(self, policy: RetryPolicy, quota: RetryQuota) -> None:
        self._policy = policy
        self._quota = quota
        self._spent = 0.0
        from backoff import expo  # most processes start many times more often than a call fails

        self._steps = expo(base=policy.factor, max_value=_LARGEST_STEP)
        next(self._steps)  # backoff's generators want one send before the first value

    def wait(self, error: WxRevenueError, safety: Safety, attempt: int, remaining: float) -> float | None:
        """Return the seconds to wait before repeating the call.

        ``None`` when it is not repeated.
        """
        policy = self._policy
        if attempt >= policy.max_attempts or not error.retryable or (error.ambiguous and safety is Safety.UNSAFE):
            return None
        seconds = self._seconds(error)
        if seconds is None or seconds >= remaining:
            return None
        cost = policy.throttle_cost if is_throttling(error) else policy.cost
        if not self._quota.spend(cost):
            return None
        self._spent = cost
        return seconds

    def _seconds(self, error: WxRevenueError) -> float | None:
        policy = self._policy
        step: float = next(self._steps)
        asked: float | None = getattr(error, "retry_after", None)
        if asked is not None:
            return asked if asked <= policy.retry_after_cap else None
        base = policy.throttle_base if is_throttling(error) else policy.base
        return min(policy.cap, base * step) * min(1.0, max(0.0, policy.jitter()))  # nan counts as 0

    def succeeded(self) -> None:
        """Give back what the last repetition cost."""
        self._quota.refund(self._spent)
