"""A clock for tests on any event loop: waits pass at once, the nearest first."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from typing import Final

from wxrevenue.errors import ConfigurationError

_SETTLES_S: Final = 0.001
"""Real seconds that other tasks may run before the nearest wait is over."""


class SkippingClock:
    """A ``Clock`` whose time moves only when something waits.

    Each wait passes as soon as the other tasks had their turn. Give the clock to a client as
    ``clock=`` and to a sandbox as ``now=clock.time, sleep=clock.sleep``. Waits end in the order of
    their times, so that a deadline comes before a pause that is longer. (Timeouts of a network are
    real: they are the loop's.) ``virtual`` and ``VirtualClock`` go further: they need an event loop
    of their own.

    Args:
        unix: the Unix time, in seconds, at which it starts.
    """

    def __init__(self, unix: float = 1_700_000_000.0) -> None:
        self._unix = unix
        self._now = 0.0
        self._waits: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._is_due = False

    @property
    def waited(self) -> float:
        """The seconds that have passed since the clock was made."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds that have passed."""
        return self._now

    def time(self) -> float:
        """Return Unix seconds."""
        return self._unix + self._now

    def advance(self, seconds: float) -> None:
        """Let time pass: waits that end within it are over.

        Raises:
            ConfigurationError: ``seconds`` is negative, or no number.
        """
        if type(seconds) not in {int, float} or not 0 <= seconds < float("inf"):
            raise ConfigurationError("SkippingClock.advance: expected a finite number of seconds, 0 or more")
        until = self._now + seconds
        while self._waits and self._waits[0][0] <= until:
            self._end_nearest()
        self._now = until

    async def sleep(self, seconds: float) -> None:
        """Wait until that much time has passed, which takes none."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        over = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waits, (self._now + seconds, next(self._numbers), over))
        self._look_again()
        await over

    def _look_again(self) -> None:
        if self._waits and not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_later(_SETTLES_S, self._skip)

    def _skip(self) -> None:
        self._is_due = False
        while self._waits and self._waits[0][2].done():  # the waiter gave up
            heapq.heappop(self._waits)
        if self._waits:
            self._end_nearest()
        self._look_again()

    def _end_nearest(self) -> None:
        due, _, over = heapq.heappop(self._waits)
        if not over.done():
            self._now = max(self._now, due)
            over.set_result(None)
