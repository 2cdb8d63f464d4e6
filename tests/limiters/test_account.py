"""A quota of a whole account: one scope's calls are not another one's budget."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from support.virtual import now, virtual

from wxrevenue import LocalRateLimiter, Verdict
from wxrevenue.sandbox import Quota
from wxrevenue.sandbox._quota import Meters
from wxrevenue.testing import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENT = 1e6
QUOTA = 100


async def call_all(limiter: LocalRateLimiter, scope: str, calls: int, admits: Callable[[], bool]) -> None:
    """Have so many calls of a scope accepted, sixteen at a time."""
    left = iter(range(calls))

    async def caller() -> None:
        for _ in left:
            turn = await limiter.acquire(scope, timeout=PATIENT)
            await asyncio.sleep(0.02)
            while not admits():
                turn.report(Verdict.TOO_FAST)
                await turn.again(timeout=PATIENT)
                await asyncio.sleep(0.02)
            turn.report(Verdict.OK)

    await asyncio.gather(*(caller() for _ in range(16)))


def account(per: Any) -> Callable[[str], bool]:
    """Return a server that counts an account's calls."""
    meters, quota = Meters(), Quota(QUOTA, 60.0, "sliding", per)
    return lambda action: meters.admit(quota, "wx", action, now())


def budget(limiter: LocalRateLimiter, scope: str) -> Any:
    """Return what the limiter believes to be a scope's quota."""
    (row,) = [row for row in limiter.snapshot()["lanes"] if row["scopes"] == [scope]]
    return row["budget"]


@virtual
async def test_a_window_that_another_scope_spent() -> None:
    """A refusal that another scope's calls led to teaches no budget.

    The next windows are used to the full.
    """
    limiter, server = LocalRateLimiter(clock=VirtualClock()), account("component")
    await call_all(limiter, "wx/-/one", 70, lambda: server("one"))
    begun = now()
    await call_all(limiter, "wx/-/other", 30 + 3 * QUOTA, lambda: server("other"))
    assert budget(limiter, "wx/-/other") == QUOTA
    assert now() - begun < 5 * 60.0


@virtual
async def test_a_window_that_another_account_used() -> None:
    """Another account's calls are no reason to doubt the first count."""
    limiter, server = LocalRateLimiter(clock=VirtualClock()), account("action")
    await call_all(limiter, "wx1/-/one", 70, lambda: server("one"))
    await call_all(limiter, "wx2/-/other", QUOTA + 1, lambda: server("other"))
    assert budget(limiter, "wx2/-/other") == QUOTA


@virtual
async def test_scopes_that_are_refused_together() -> None:
    """Scopes that are refused together learn their shares of the quota at once."""
    limiter, server = LocalRateLimiter(clock=VirtualClock()), account("component")
    await asyncio.gather(*(call_all(limiter, f"wx/-/{name}", 60, lambda: server("any")) for name in ("one", "other")))
    shares = [budget(limiter, f"wx/-/{name}") for name in ("one", "other")]
    assert None not in shares
    assert sum(shares) == QUOTA
