"""Measures how fast a server's bucket fills: calls go ever faster until one is refused."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wxrevenue.limiters._quota.answer_log import AnswerLog

_FASTER: Final = 1.5
"""By how much the calls go faster within one period, or from one call to the next if these are further apart."""
_PERIOD: Final = 2.0


class Refill:
    """Spaces calls ever closer.

    Args:
        gap: seconds between calls at first.
        empty: when the bucket was empty, if that is known.
        answered: how many calls were accepted since then.
    """

    __slots__ = ("_answered", "_last", "_since", "gap")

    def __init__(self, gap: float, empty: float = math.inf, answered: int = 0) -> None:
        self.gap = gap
        self._since = empty
        self._answered = answered
        self._last = -math.inf

    def on_sent(self, now: float, before: float) -> None:
        """Note that a call left. Only one that waited for its time makes the next come sooner."""
        if now - before <= 2 * self.gap:
            self.gap /= _FASTER ** min(1.0, self.gap / _PERIOD)

    def on_accepted(self, now: float) -> None:
        """Note that a call was accepted."""
        self._answered += 1
        self._last = now

    def rate(self, log: AnswerLog, burst: int) -> float:
        """Return the calls a second that the bucket was seen to fill by, at least. ``burst`` is how many it can hold."""
        best = self._answered / (self._last - self._since) if self._last > self._since else 0.0
        counted = 0
        for start, calls in log.backwards():
            counted += calls
            if start < self._last and counted - burst >= max(1, burst / 10):  # fewer may be an error in the burst
                best = max(best, (counted - burst) / (self._last - start))
        return best
