"""Virtual time as the tests use it, and clocks that are not the loop's."""

from __future__ import annotations

import asyncio

from wxrevenue.testing import VirtualClock, run_virtual, virtual
from wxrevenue.testing._cancel import CancelAt
from wxrevenue.testing._virtual import START, VirtualLoop, settle

__all__ = ["CancelAt", "HandClock", "LeapingClock", "WallClock", "armed_timers", "now", "run_virtual", "settle", "virtual"]

WallClock = VirtualClock
"""Virtual time under the name that most tests use."""


def now() -> float:
    """Return the virtual seconds since the test began."""
    return asyncio.get_running_loop().time() - START


def armed_timers() -> int:
    """Return how many timers the running virtual loop still has."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop.timers()


class LeapingClock:
    """A clock of a user's own whose ``sleep`` moves the time at once."""

    def __init__(self, unix: float = 1_700_000_000.0) -> None:
        self.now = 0.0
        self.unix = unix
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """Return the seconds slept so far."""
        return self.now

    def time(self) -> float:
        """Return Unix seconds."""
        return self.unix + self.now

    async def sleep(self, seconds: float) -> None:
        """Move the time by so many seconds."""
        self.slept.append(seconds)
        self.now += max(0.0, seconds)
        await asyncio.sleep(0)


class HandClock:
    """A clock of a user's own that only :meth:`advance` moves."""

    def __init__(self, unix: float = 1_700_000_000.0) -> None:
        self.now = 0.0
        self.unix = unix
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        """Return the seconds advanced so far."""
        return self.now

    def time(self) -> float:
        """Return Unix seconds."""
        return self.unix + self.now

    async def sleep(self, seconds: float) -> None:
        """Wait until the time has been moved far enough."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sleeper = (self.now + seconds, woken)
        self._sleepers.append(sleeper)
        try:
            await woken
        finally:
            self._sleepers.remove(sleeper)

    @property
    def sleepers(self) -> int:
        """The number of sleeping tasks."""
        return len(self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Move the time, wake the callers that are due, and let all tasks run."""
        await settle()
        self.now += seconds
        for due, woken in tuple(self._sleepers):
            if due <= self.now and not woken.done():
                woken.set_result(None)
        await settle()
