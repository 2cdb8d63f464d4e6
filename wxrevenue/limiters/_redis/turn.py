"""Permission to send one request, granted inside Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue.limiters._local.turn import LocalTurn
from wxrevenue.ports import Verdict

if TYPE_CHECKING:
    from wxrevenue.limiters._quota.pacer import Pacer
    from wxrevenue.limiters._redis.permits import Pass, Permits


class SharedTurn(LocalTurn):
    """Permission to send one request of a scope; see :class:`wxrevenue.ports.Turn`."""

    __slots__ = ("left", "permits")
    out: Pacer | None

    def __init__(self) -> None:
        self.left: Pass | None = None
        """What it left with; ``None`` while Redis is away."""
        self.permits: Permits | None = None

    def report(self, verdict: Verdict) -> None:
        """Say how the request ended."""
        if self.out is not None:
            self.out = None
            self.limiter.current(self).turn_ended(self, verdict)

    def release(self) -> None:
        """End the turn."""
        self.report(Verdict.UNKNOWN)
