"""A web application that streams rows.

A reader that hangs up in the middle leaves no task, no walk and no connection behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import gc
import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from support.serving import serve_asgi

from wxrevenue import AiohttpTransport, RevenueClient, sweep
from wxrevenue.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wxrevenue import HttpRequest, HttpResponse, Outcome

EVER = ("2019-01-01", "2025-12-31")
TODAY = dt.date(2025, 6, 20)
READERS = 30


def line(row: Any) -> str:
    """Return a row as the application streams it.

    It has enough beside it to fill the buffers.
    """
    return json.dumps({"fen": row.settled_revenue, "beside": "x" * 2000}) + "\n"


async def walked(client: RevenueClient) -> AsyncIterator[str]:
    """Stream a walk; nothing closes it but the response."""
    async for row in client.iter_agency_settlement(*EVER, page_size=5, prefetch=4):
        yield line(row)


async def swept(client: RevenueClient) -> AsyncIterator[str]:
    """Stream a sweep over walks."""
    outcome: Outcome[Any, Any]
    async for outcome in sweep(lambda _: client.iter_agency_settlement(*EVER, page_size=5), range(8), concurrency=4):
        for row in outcome.result():
            yield line(row)


SERVERS = ("RequestHandler", "LifespanOn")
"""What runs as long as a server, or as a connection that the sandbox keeps open."""


def streaming() -> set[asyncio.Task[Any]]:
    """Return the tasks under way, but for the servers' own."""
    return {task for task in asyncio.all_tasks() if not any(name in repr(task.get_coro()) for name in SERVERS)}


class Stalling:
    """Reaches the sandbox over real connections, while it may."""

    def __init__(self) -> None:
        self._inner = AiohttpTransport()
        self.answers = asyncio.Event()
        self.answers.set()

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Send, or wait until answers come again."""
        await self.answers.wait()
        return await self._inner.send(request, timeout=timeout)

    async def aclose(self) -> None:
        """Let the connections go."""
        await self._inner.aclose()


async def reader(url: str, wanted: int) -> asyncio.StreamWriter:
    """Ask, and read so many bytes of the answer; return the connection."""
    host, port = url.removeprefix("http://").split("/")[0].split(":")
    answer, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    await answer.readexactly(wanted)
    return writer


async def none_left(before: set[asyncio.Task[Any]]) -> None:
    """Wait until no other task is under way than before."""
    async with asyncio.timeout(20):
        while streaming() - before:
            gc.collect()
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("rows", [walked, swept])
async def test_hung_up(rows: Any) -> None:
    """C-18, C-19: when readers hang up at any byte, everything they began ends.

    WeChat is silent meanwhile. No task is destroyed, and the client works on.
    """
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context["message"]))
    app, chance, transport = FastAPI(), random.Random(7), Stalling()
    sandbox = Sandbox(today=TODAY, seed=1)
    (appid, *_) = sandbox.components
    async with (
        sandbox.serve() as base_url,
        contextlib.aclosing(transport),
        RevenueClient(sandbox.tokens(appid), appid, base_url=base_url, transport=transport) as client,
    ):
        app.get("/")(lambda: StreamingResponse(rows(client)))
        async with serve_asgi(app, "/") as url:
            before = asyncio.all_tasks()
            connections = await asyncio.gather(*(reader(url, chance.randrange(1, 60_000)) for _ in range(READERS)))
            transport.answers.clear()
            for connection in connections:
                connection.transport.abort()
            try:
                await none_left(before)
            finally:
                transport.answers.set()
            assert len(await client.iter_agency_settlement(*EVER).collect()) > READERS
    gc.collect()
    await asyncio.sleep(0)
    assert told == []
