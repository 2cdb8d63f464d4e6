"""Clients of a sandbox, in process and over real HTTP."""

from __future__ import annotations

import datetime as dt
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from wxrevenue import (
    FundsDistributionClient,
    RetryPolicy,
    RevenueClient,
    StaticVerifier,
)
from wxrevenue.sandbox import Mishap, Sandbox, Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

TODAY = dt.date(2025, 6, 20)
EVER = ("2019-01-01", "2025-12-31")
QUICK = RetryPolicy(base=0.001, throttle_base=0.001)
PATIENT = RetryPolicy(base=0.001, throttle_base=0.001, max_attempts=8)
ORDER = "fake-order-0001"


def always(mishap: Mishap) -> Trouble:
    """Return the trouble in which this fault happens to every call."""
    rates: dict[str, Any] = {mishap.value: 1.0}
    return Trouble(**rates)


@asynccontextmanager
async def wire(sandbox: Sandbox, over_http: bool) -> AsyncGenerator[dict[str, Any], None]:  # noqa: FBT001
    """Return the settings by which a client reaches the sandbox."""
    if not over_http:
        yield {"transport": sandbox.transport(), "retry": QUICK}
        return
    async with sandbox.serve() as base_url:
        yield {"base_url": base_url, "retry": QUICK}


@asynccontextmanager
async def revenue(sandbox: Sandbox, over_http: bool, number: int = 0, **options: Any) -> AsyncGenerator[RevenueClient, None]:  # noqa: FBT001
    """Return a client of one of the sandbox's providers."""
    appid = sandbox.components[number]
    async with wire(sandbox, over_http) as settings, RevenueClient(sandbox.tokens(appid), appid, **settings, **options) as client:
        yield client


@asynccontextmanager
async def funds(sandbox: Sandbox, over_http: bool, *, serial: int = 1, **options: Any) -> AsyncGenerator[FundsDistributionClient, None]:  # noqa: FBT001
    """Return a client of the sandbox's merchant.

    It knows the public key of WeChat Pay (1) or its certificate (0).
    """
    merchant = sandbox.merchant
    known = StaticVerifier(dict([list(merchant.platform_keys.items())[serial]]))
    async with wire(sandbox, over_http) as settings:
        both = {**settings, **options}
        async with FundsDistributionClient(merchant.mchid, merchant.serial_no, merchant.private_key, verifier=known, **both) as client:
            yield client
