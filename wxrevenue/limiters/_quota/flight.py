"""How many calls may be in flight, and for how long missing answers count.

They hold up the next call meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wxrevenue.limiters._quota.inference import QuotaEstimate

_START: Final = 3
"""Calls of an unknown scope that may be in flight at first.

This holds until :data:`_SHARE` were accepted.
"""
_SHARE: Final = 10
"""One in so many of the calls accepted may be in flight."""
_MISSING_ANSWER_S: Final = 1.0
"""Seconds after which a missing answer does not hold up the next call.

Less if the window is shorter than a minute.
"""
_NO_ANSWER_S: Final = 0.7
"""Seconds without any answer after which calls are not held back.

This is for a scope that was never refused: its server is slow, or the calls wait for one another.
As above, less if the window is shorter.
"""
_NO_ANSWER_GAP_S: Final = 0.005
"""Seconds between these."""


def most_in_flight(estimate: QuotaEstimate, proven: int, *, measuring: bool) -> int:
    """Return how many calls may be in flight.

    ``proven`` calls a span were accepted.
    """
    if estimate.budget is not None:
        return max(1, (proven if measuring else min(estimate.budget, proven)) // _SHARE)
    if proven >= _SHARE or estimate.small:
        return max(1, -(-proven // _SHARE))
    return min(_START, _SHARE - proven)


def held_until(blocked_at: float, sent_at: float, window: float, *, never_refused: bool) -> float:
    """Return when a call may leave although no answer came.

    It is held back since ``blocked_at``.
    """
    if never_refused:
        return max(blocked_at + min(_NO_ANSWER_S, window / 60), sent_at + _NO_ANSWER_GAP_S)
    return blocked_at + min(_MISSING_ANSWER_S, window / 60)
