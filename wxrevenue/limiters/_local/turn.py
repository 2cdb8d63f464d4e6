"""Leave to send one request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue.ports import Verdict

if TYPE_CHECKING:
    from wxrevenue.limiters._local.scope import Lane

_OK = Verdict.OK


class LocalTurn:
    """Leave to send one request of a scope; see :class:`wxrevenue.ports.Turn`. Whoever makes one fills it in."""

    __slots__ = ("lane", "out", "scope", "ticket")

    lane: Lane
    out: bool
    """Whether it began and has not ended."""
    scope: str
    ticket: int
    """Its place in every queue."""

    @property
    def closed_for(self) -> float:
        """The seconds until the scope is tried again."""
        return self.lane.current(self).closed_for()

    async def report(self, verdict: Verdict) -> None:
        """Say how the request ended."""
        if self.out:
            self.out = False
            pace = self.lane.pace
            if pace.lump and verdict is _OK:  # nobody waits and nothing was ever refused: no need to ask the clock
                pace.lump -= 1
                pace.in_flight -= 1
            else:
                self.lane.current(self).ended(self, verdict)

    async def again(self, *, timeout: float) -> None:
        """Wait for leave to send once more, ahead of everyone who came later."""
        self.release()
        self.lane = self.lane.current(self)
        await self.lane.wait(self, timeout)

    def release(self) -> None:
        """End the turn."""
        if self.out:
            self.out = False
            self.lane.current(self).ended(self, Verdict.UNKNOWN)
