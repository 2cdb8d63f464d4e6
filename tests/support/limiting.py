"""What tests of limiters often do: close a scope, and queue callers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wxrevenue import RateLimiter, Turn, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

SCOPE = "account/-/action"
LONGEST_GAP = 0.05
"""Seconds at most between two callers of a limiter that has learned nothing."""
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
    """Let callers wait in this order.

    Return the names of those with a turn so far, and the tasks.
    """
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
