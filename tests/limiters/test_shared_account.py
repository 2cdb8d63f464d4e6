"""A quota of a whole account, on several processes.

One scope's calls are not another one's budget.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support.shared_limiter import PATIENT, Processes
from support.virtual import now, virtual

from wxrevenue import Verdict
from wxrevenue.sandbox import Quota
from wxrevenue.sandbox._quota import Meters

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue import RedisRateLimiter

QUOTA = 100
PROCESSES = 4


async def call_all(limiters: list[RedisRateLimiter], scope: str, calls: int, admits: Callable[[], bool], latency: float = 0.02) -> int:
    """Have so many calls of a scope accepted, four at a time in each process.

    Returned is how many were refused.
    """
    left, refused = iter(range(calls)), 0

    async def caller(limiter: RedisRateLimiter) -> None:
        nonlocal refused
        for _ in left:
            turn = await limiter.acquire(scope, timeout=PATIENT)
            await asyncio.sleep(latency)
            while not admits():
                refused += 1
                turn.report(Verdict.TOO_FAST)
                await turn.again(timeout=PATIENT)
                await asyncio.sleep(latency)
            turn.report(Verdict.OK)

    await asyncio.gather(*(caller(limiter) for limiter in limiters for _ in range(4)))
    return refused


def account(per: Any) -> Callable[[str], bool]:
    """Return a server that counts an account's calls."""
    meters, quota = Meters(), Quota(QUOTA, 60.0, "sliding", per)
    return lambda action: meters.admit(quota, "wx", action, now())


def budget(fleet: Processes, limiter: Any, scope: str) -> int:
    """Return what all processes believe to be a scope's quota."""
    (state,) = [value for key, value in fleet.model.data.items() if key.endswith(f":{limiter._by_scope[scope].group}:state")]
    return int(state.get("budget", 0))


@virtual
async def test_a_window_that_another_scope_spent() -> None:
    """A refusal that another scope's calls led to teaches no budget to any process.

    The next windows are used to the full.
    """
    fleet, server = Processes(), account("component")
    limiters = [fleet.start() for _ in range(PROCESSES)]
    assert await call_all(limiters, "wx/-/one", 70, lambda: server("one")) == 0
    begun = now()
    refused = await call_all(limiters, "wx/-/other", 30 + 3 * QUOTA, lambda: server("other"))
    took = now() - begun
    known = budget(fleet, limiters[0], "wx/-/other")
    await fleet.end()
    assert (known, took < 5 * 60.0, refused <= 10) == (QUOTA, True, True), (known, took, refused)


@virtual
async def test_a_window_that_another_account_used() -> None:
    """Another account's calls are no reason to doubt the first count."""
    fleet, server = Processes(), account("action")
    limiters = [fleet.start() for _ in range(PROCESSES)]
    await call_all(limiters, "wx1/-/one", 70, lambda: server("one"))
    await call_all(limiters, "wx2/-/other", QUOTA + 1, lambda: server("other"))
    assert budget(fleet, limiters[0], "wx2/-/other") == QUOTA
    await fleet.end()


@virtual
async def test_calls_of_a_window_ago() -> None:
    """Calls of another scope that are older than a window are no reason either."""
    fleet, server = Processes(), account("component")
    limiters = [fleet.start() for _ in range(PROCESSES)]
    await call_all(limiters, "wx/-/one", 70, lambda: server("one"))
    await asyncio.sleep(61.0)
    await call_all(limiters, "wx/-/other", QUOTA + 1, lambda: server("other"))
    assert budget(fleet, limiters[0], "wx/-/other") == QUOTA
    await fleet.end()


@pytest.mark.parametrize(("latency", "ahead"), [(0.02, 0.0), (0.3, 5.1)])
@virtual
async def test_scopes_that_are_refused_together(latency: float, ahead: float) -> None:
    """Scopes that are refused together learn their shares of the quota at once.

    So they do where the first waits for nothing more when the other is refused.
    """
    fleet, server = Processes(), account("component")
    limiters = [fleet.start() for _ in range(PROCESSES)]
    other = asyncio.ensure_future(call_all(limiters, "wx/-/other", 70, lambda: server("any"), latency))
    await asyncio.sleep(ahead)
    await call_all(limiters, "wx/-/one", 70, lambda: server("any"))
    await other
    shares = [budget(fleet, limiters[0], f"wx/-/{name}") for name in ("one", "other")]
    await fleet.end()
    assert 0 not in shares
    assert sum(shares) == QUOTA
