"""A web application: one client for all requests, errors as HTTP statuses.

Set the variables of first_call.py. pip install fastapi uvicorn. Then:
uvicorn fastapi_app:app, and open /ratio/wx…
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from wxrevenue import (
    ConfigurationError,
    DeadlineExceededError,
    QuotaExceededError,
    RevenueClient,
    TooFastError,
    WxRevenueError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Keep one client for the application: it holds the connections and the limiter."""
    async with RevenueClient.from_env(deadline=10) as app.state.revenue:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/ratio/{appid}")
async def ratio(appid: str) -> dict[str, str]:
    """Tell which split is in force."""
    client: RevenueClient = app.state.revenue
    found = await client.get_share_ratio(appid)
    return {"provider": str(found.share_ratio), "merchant": str(found.merchant_ratio)}


@app.exception_handler(WxRevenueError)
async def failed(_: Request, error: WxRevenueError) -> JSONResponse:
    """Answer an error of any route; its text holds no secret."""
    headers = {}
    if isinstance(error, ConfigurationError):
        status = 422  # what was asked for is not allowed
    elif isinstance(error, TooFastError | QuotaExceededError):
        status, headers = 503, {"Retry-After": str(round(error.retry_after or 60))}
    else:
        status = 504 if isinstance(error, DeadlineExceededError) else 502
    return JSONResponse({"error": str(error)}, status, headers)
