"""A provider whose ledger workers bring up to date.

It also has what tests ask of the queue.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from support.provider import TODAY, SandboxTokens
from wxrevenue import MemoryTransport, RevenueClient, Sandbox
from wxrevenue.fleet.workers import JobQueue, work

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from wxrevenue import HttpRequest, HttpResponse
    from wxrevenue.ledger import Ledger

SPAN: Final = ("2024-01-01", "2026-02-28")
KEY: Final = bytes(32)
PASSWORD: Final = "fake-redis-password"


class Provider:
    """A sandbox's provider, its client, and how many calls were made.

    Args:
        programs: how many Mini Programs have books.
        latency: seconds that a call takes.
    """

    def __init__(self, programs: int = 3, latency: float = 0.0) -> None:
        self.sandbox = Sandbox(seed=7, today=TODAY, programs=programs + 1)
        self.appid = self.sandbox.components[2]  # three statements a half-month, without numbers at first
        self.unsigned = self.sandbox.unsigned_program(self.appid)
        self._wire, self._latency = self.sandbox.transport(), latency
        self.calls = 0
        self.open = asyncio.Event()
        """An event; while it is cleared, calls hang."""
        self.open.set()
        self.client = RevenueClient(SandboxTokens(self.sandbox, self.appid), self.appid, transport=MemoryTransport(self._carry))
        self.owners = [self.appid, *list(self.sandbox.programs(self.appid))[:programs]]

    async def _carry(self, request: HttpRequest) -> HttpResponse:
        self.calls += 1
        await self.open.wait()
        await asyncio.sleep(self._latency)
        return await self._wire.send(request, timeout=10.0)


def queue_at(path: str, name: str) -> JobQueue:
    """Return a queue on a server; each test gives it a name of its own."""
    return JobQueue(f"unix://{path}", name, keys=KEY)


@contextlib.asynccontextmanager
async def working(queue: JobQueue, provider: Provider, ledger: Ledger, **options: float) -> AsyncGenerator[asyncio.Event]:
    """Run a worker until the end, or until the event is set."""
    stop = asyncio.Event()
    task = asyncio.create_task(work(queue, provider.client, ledger, concurrency=4, stop=stop, **options))
    try:
        yield stop
    finally:
        stop.set()
        await task


async def until(found: Callable[[], Awaitable[bool]]) -> None:
    """Wait until an asynchronous function returns true."""
    while not await found():  # noqa: ASYNC110  (what it waits for is in Redis, or in another process)
        await asyncio.sleep(0.01)
