"""The sandbox over HTTP, for a client that is to use real connections."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from wxrevenue.sandbox._core import Core


@asynccontextmanager
async def serve(core: Core, sleep: Callable[[float], Awaitable[None]], *, host: str, port: int) -> AsyncGenerator[str, None]:
    """Serve until the block ends; the value is the base URL."""

    async def handle(request: web.Request) -> web.Response:
        answer = core.handle(request.method, request.raw_path, request.headers, await request.read())
        await sleep(answer.latency)
        if answer.drop is not None and request.transport is not None:
            request.transport.abort()
        return web.Response(status=answer.status or 500, headers=answer.headers, body=answer.body)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    # No access log: it would print the tokens in the URLs.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield f"http://{f'[{host}]' if ':' in host else host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
