"""What tests of limiters do again and again: close a scope, have callers wait in line."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wxrevenue import RateLimiter, Turn, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

SCOPE = "account/-/action"
LONGEST_GAP = 0.05
"""Seconds between two callers whom a limiter that has learned nothing lets go, at most."""
MIDNIGHT = 1_700_064_000.0
"""A midnight in Beijing."""


async def closed(limiter: RateLimiter, verdict: Verdict = Verdict.TOO_FAST) -> None:
    """Close the scope."""
    turn = await limiter.acquire(SCOPE, timeout=1)
    turn.report(verdict)
    turn.release()


async def queue_up(
    limiter: RateLimiter, names: Iterable[str], *, timeout: float = 1_000.0
) -> tuple[list[str], dict[str, asyncio.Task[Turn]]]:
    """Have callers wait in this order; return who got a turn so far, and their tasks."""
    got: list[str] = []

    async def caller(name: str) -> Turn:
        turn = await limiter.acquire(SCOPE, timeout=timeout)
        got.append(name)
        return turn

    tasks: dict[str, asyncio.Task[Turn]] = {}
    for name in names:
        tasks[name] = asyncio.create_task(caller(name))
        await asyncio.sleep(0)
    return got, tasks
