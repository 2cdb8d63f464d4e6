"""A provider of many Mini Programs, in a sandbox.

The sandbox's clock follows the loop's virtual time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.provider import TODAY, SandboxTokens
from support.virtual import WallClock
from wxrevenue import MemoryTransport, RevenueClient, Sandbox

if TYPE_CHECKING:
    from wxrevenue import HttpRequest, HttpResponse


class Fleet:
    """A sandbox, a client of one of its providers, and what that client sent."""

    def __init__(self, programs: int = 4, number: int = 0, *, tokens: Any = None, **options: Any) -> None:
        self.clock = WallClock()
        self.sandbox = Sandbox(seed=7, programs=programs, today=TODAY, now=self.clock.time, **options)
        self.appid = self.sandbox.components[number]
        self.programs = self.sandbox.programs(self.appid)
        self.unsigned = self.sandbox.unsigned_program(self.appid)
        self.in_flight = self.most_in_flight = 0
        self.actions: list[str] = []
        """The requests that were sent, by action."""
        self.log: list[str] = []
        """Starts and ends of calls in order: ``> action``, ``< action``."""
        self._wire = self.sandbox.transport()
        self.transport = MemoryTransport(self._carry)
        self.client = RevenueClient(
            tokens or SandboxTokens(self.sandbox, self.appid), self.appid, transport=self.transport, clock=self.clock
        )

    def calls(self, action: str, outcome: str = "ok") -> int:
        """Return how many calls of an action had this outcome."""
        return self.sandbox.calls[action, outcome]

    async def _carry(self, request: HttpRequest) -> HttpResponse:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        action = request.url.partition("action=")[2].partition("&")[0]
        self.actions.append(action)
        self.log.append(f"> {action}")
        try:
            return await self._wire.send(request, timeout=10.0)
        finally:
            self.log.append(f"< {action}")
            self.in_flight -= 1
