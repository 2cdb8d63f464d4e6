"""A web application: one client for all requests, errors as HTTP statuses.

Set the variables of first_call.py. pip install fastapi uvicorn. Then:
uvicorn fastapi_app:app, and open /ratio/wx…
"""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from wxrevenue import RevenueClient, ShareRatio, WxRevenueError, http_status

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Keep one client for the application: it holds the connections and the limiter."""
    async with RevenueClient.from_env(deadline=10) as app.state.revenue:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/ratio/{appid}")
async def ratio(appid: str) -> ShareRatio:
    """Return which split is in force."""
    client: RevenueClient = app.state.revenue
    return await client.get_share_ratio(appid)


@app.exception_handler(WxRevenueError)
async def failed(_: Request, error: WxRevenueError) -> JSONResponse:
    """Answer an error of any route: 400, 403, 409, 502, 503 or 504.

    The text of an error holds no secret, but it names hosts: it goes to the log, what to do to the
    caller.
    """
    logging.getLogger("app").warning("%s", error)
    wait = getattr(error, "retry_after", None)
    headers = {"Retry-After": f"{wait:.0f}"} if wait else None
    return JSONResponse({"error": error.solution}, http_status(error), headers)
