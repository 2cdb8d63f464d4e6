"""One of the processes of ``token_processes``.

It reads what to do from its input, a line of JSON each, and answers likewise.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any, Final

from wxrevenue import (
    AiohttpTransport,
    ComponentTokens,
    MemoryTicketStore,
    RedisTokenStore,
    RevenueClient,
    Ticket,
    WxRevenueError,
)
from wxrevenue._engine.clock import LoopClock

if TYPE_CHECKING:
    from wxrevenue import HttpRequest, HttpResponse

_PAUSE: Final = 0.02
"""Seconds between the calls of one caller."""


class Ahead(LoopClock):
    """A clock that can be put forward."""

    def __init__(self) -> None:
        self.by = 0.0

    def monotonic(self) -> float:
        """Return the loop's time, and by how much it was put forward."""
        return super().monotonic() + self.by


class Slow(AiohttpTransport):
    """Lets answers arrive late."""

    late = 0.0

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Send, and hold the answer back."""
        answer = await super().send(request, timeout=timeout)
        await asyncio.sleep(self.late)
        return answer


class Worker:
    """The callers of one process."""

    def __init__(self, client: RevenueClient, component: str) -> None:
        self._client = client
        self._component = component
        self.took: list[float] = []
        self.failures = 0

    async def call_until(self, end: float) -> None:
        """Call again and again."""
        loop = asyncio.get_running_loop()
        while (begun := loop.time()) < end:
            try:
                await self._client.get_share_ratio(self._component)
            except WxRevenueError:
                self.failures += 1
            self.took.append(loop.time() - begun)
            await asyncio.sleep(_PAUSE)


async def _heard() -> Any:
    line = await asyncio.to_thread(sys.stdin.readline)
    return json.loads(line) if line else None


def _say(message: Any) -> None:
    print(json.dumps(message), flush=True)


async def main() -> None:
    """Do what is said until the input ends."""
    settings = await _heard()
    clock, slow, tickets = Ahead(), Slow(), MemoryTicketStore()
    slow.late = settings["slow"]
    component, url = settings["component"], settings["url"]
    await tickets.put(Ticket(*settings["ticket"]))
    store = RedisTokenStore(settings["redis"], timeout=settings["timeout"])
    tokens = ComponentTokens(component, settings["secret"], tickets=tickets, store=store, transport=slow, base_url=url, clock=clock)
    async with store, tokens, RevenueClient(tokens, base_url=url) as client:
        _say("ready")
        while (order := await _heard()) is not None:
            clock.by += order["age"]
            worker = Worker(client, component)
            end = asyncio.get_running_loop().time() + order["seconds"]
            await asyncio.gather(*(worker.call_until(end) for _ in range(settings["callers"])))
            _say({"took": worker.took, "failures": worker.failures})
    await slow.aclose()


if __name__ == "__main__":
    asyncio.run(main())
