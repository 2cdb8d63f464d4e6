"""The time of a rate limiter, whatever the clock it was given does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from wxrevenue._engine.clock import margin

if TYPE_CHECKING:
    from wxrevenue.ports import Clock


class LimiterClock:
    """A clock that never runs backwards and always answers.

    Args:
        source: where the time comes from.
    """

    __slots__ = ("_lag", "_latest", "source")

    def __init__(self, source: Clock) -> None:
        self.source = source
        self._latest = float("-inf")
        self._lag = 0.0

    def now(self) -> float:
        """Return monotonic seconds.

        Where the source runs backwards, as in a machine that is restored, this stands still
        instead.
        """
        now = self.source.monotonic() + self._lag
        if now < self._latest:
            self._lag += self._latest - now
            return self._latest
        self._latest = now
        return now

    def now_or_last(self) -> float:
        """Return :meth:`now`, or the last that was told where a user's clock fails.

        A turn must end all the same.
        """
        try:
            return self.now()
        except Exception:  # noqa: BLE001  (whatever it is: whoever asks for the next turn is told)
            return self._latest

    def margin(self) -> float:
        """Return the seconds by which a pause is longer.

        See :func:`wxrevenue._engine.clock.margin`.
        """
        return margin(self.source)

    def is_virtual(self) -> bool:
        """Return whether the time is not the machine's own."""
        return not self.margin()

    def unix(self) -> float:
        """Return Unix seconds."""
        return self.source.time()

    def unix_or_system(self) -> float:
        """Return :meth:`unix`, or the system's wall clock where a user's fails.

        A gate must close, and open, all the same.
        """
        try:
            return self.unix()
        except Exception:  # noqa: BLE001  (as above)
            return time.time()
