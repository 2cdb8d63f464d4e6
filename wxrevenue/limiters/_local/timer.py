"""A scope's timer for its next call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wxrevenue._engine.clock import call_later

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.limiters._local.clock import LimiterClock

_CALENDAR_LOOK_S: Final = 10.0
"""Seconds after which the wall clock is looked at again: a machine may have slept."""


class Timer:
    """Calls back once, at a time on a rate limiter's clock.

    Every caller that comes, and every turn that ends, sets it anew, nearly always for the time that
    it is set for already. So only another time costs anything.

    Args:
        clock: the clock.
    """

    __slots__ = ("_at", "_clock", "_off")

    def __init__(self, clock: LimiterClock) -> None:
        self._clock = clock
        self._at = 0.0
        self._off: Callable[[], object] | None = None

    def set(self, at: float, now: float, callback: Callable[[BaseException | None], None], *, calendar: bool) -> None:
        """Call back at that time, which may be never, and at no other.

        Args:
            at: when.
            now: the time.
            callback: is told what the clock raised, if it did.
            calendar: the time depends on the wall clock: call sooner, to look at that again.
        """
        if at == self._at and self._off is not None and not calendar:
            return
        self.off()
        if at < float("inf"):
            self._at = at
            self._off = call_later(self._clock.source, min(at - now, _CALENDAR_LOOK_S) if calendar else at - now, callback)

    def off(self) -> None:
        """Do not call back; what was called does this first."""
        if self._off is not None:
            self._off()
            self._off = None
