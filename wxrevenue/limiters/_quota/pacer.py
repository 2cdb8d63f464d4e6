"""What a scope needs of the object that tells when its next call may leave.

No clock, no I/O. Times are seconds on one clock that never runs backwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from wxrevenue.limiters._quota.state import Plain


class Pacer(Protocol):
    """Tells when the next call may leave; a limiter behind a gate that is open."""

    in_flight: int
    """Calls that left and were not answered yet."""
    limit: int
    """Calls in flight below which the next may leave without asking :meth:`when`.

    0: always ask.
    """
    deferred: int
    """Accepted calls that may be counted later, together.

    0: tell :meth:`on_answered` of each.
    """

    @property
    def longer_window(self) -> float:
        """The seconds that a window lasts if they are more than was supposed, else 0."""
        ...

    def when(self, now: float) -> float:
        """Return when the next call may leave; a time not after ``now`` means at once."""
        ...

    def earliest(self, ahead: int, now: float) -> float:
        """Return a time before which a caller with so many ahead of it cannot leave."""
        ...

    def after(self, ahead: int, start: float) -> float:
        """Return the same for a pause that ends at ``start``."""
        ...

    def on_sent(self, now: float) -> None:
        """Note that a call leaves."""
        ...

    def on_unused(self) -> None:
        """Take back a permission that was not used."""
        ...

    def on_answered(self, now: float, *, accepted: bool) -> None:
        """Note that a call was answered, or given up.

        The server may have counted it all the same.
        """
        ...

    def on_refused(self, now: float) -> None:
        """Note that a call was refused."""
        ...

    def on_reopened(self, now: float) -> None:
        """Note that a pause is over."""
        ...

    def count_deferred(self, now: float) -> None:
        """Count the calls that were answered since the clock was last asked.

        Close the fast path.
        """
        ...

    def allow_fast_path(self, now: float) -> None:
        """Let the next calls go without asking, if nothing is known against it.

        No call waits.
        """
        ...

    def useless(self, now: float) -> bool:
        """Return whether nothing would be lost if this were made anew."""
        ...

    def dump(self, shift: float = 0.0) -> Plain:
        """Return everything that is known as plain data.

        Its times are ``shift`` seconds later.
        """
        ...
