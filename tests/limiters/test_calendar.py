"""A spent quota waits for a time of the calendar.

The wall clock decides, also after a machine slept.
"""

from __future__ import annotations

import asyncio

import pytest
from support.limiting import MIDNIGHT, SCOPE, closed
from support.virtual import WallClock, now, virtual

from wxrevenue import LocalRateLimiter, QuotaExceededError, Verdict

HOUR = 3_600.0


@virtual
async def test_a_machine_that_slept_past_midnight() -> None:
    """R-31: a caller is let through after a machine slept past midnight.

    Monotonic time stood still, and the wall clock did not.
    """
    clock = WallClock(MIDNIGHT - HOUR)
    limiter = LocalRateLimiter(clock=clock)
    await closed(limiter, Verdict.QUOTA_SPENT)
    await asyncio.sleep(5)
    clock.step(8 * HOUR)
    (await limiter.acquire(SCOPE, timeout=0)).report(Verdict.OK)
    (await limiter.acquire(SCOPE, timeout=0)).report(Verdict.OK)


@virtual
async def test_who_waits_while_the_machine_sleeps() -> None:
    """R-31: a caller in the queue goes soon after the machine wakes.

    It does not wait for the end of the timer that was set before.
    """
    clock = WallClock(MIDNIGHT - HOUR)
    limiter = LocalRateLimiter(clock=clock)
    await closed(limiter, Verdict.QUOTA_SPENT)
    waiting = asyncio.create_task(limiter.acquire(SCOPE, timeout=2 * HOUR))
    await asyncio.sleep(5)
    clock.step(8 * HOUR)
    woke = now()
    (await waiting).report(Verdict.OK)
    assert now() - woke <= 15.0


@virtual
async def test_a_sleep_within_the_day() -> None:
    """R-31: the next probe is due by the wall clock too.

    Refused again, it waits for the next ten minutes.
    """
    clock = WallClock(MIDNIGHT - 3 * HOUR)
    limiter = LocalRateLimiter(clock=clock)
    await closed(limiter, Verdict.QUOTA_SPENT)
    clock.step(HOUR)
    await closed(limiter, Verdict.QUOTA_SPENT)
    with pytest.raises(QuotaExceededError) as caught:
        await limiter.acquire(SCOPE, timeout=30)
    assert caught.value.retry_after == pytest.approx(600, abs=0.01)


@virtual
async def test_a_wall_clock_that_is_set_back() -> None:
    """R-31: a wall clock that is set back makes no pause longer than ten minutes."""
    clock = WallClock(MIDNIGHT - HOUR)
    limiter = LocalRateLimiter(clock=clock)
    await closed(limiter, Verdict.QUOTA_SPENT)
    clock.step(-20 * HOUR)
    (await limiter.acquire(SCOPE, timeout=700)).release()
    assert now() == pytest.approx(600, abs=0.01)


@virtual
async def test_too_fast_while_the_quota_is_spent() -> None:
    """R-31: the pause after a 1737 does not follow the calendar, and is not longer."""
    clock = WallClock(MIDNIGHT - 100.0)
    limiter = LocalRateLimiter(clock=clock)
    await closed(limiter, Verdict.QUOTA_SPENT)
    clock.step(HOUR)
    turn = await limiter.acquire(SCOPE, timeout=0)
    turn.report(Verdict.TOO_FAST)
    await turn.again(timeout=100)
    assert now() == pytest.approx(60, abs=0.01)
    turn.release()


@virtual
async def test_a_second_probe_within_one_pause() -> None:
    """R-35: a probe without a verdict is not forgotten when the next one goes."""
    limiter = LocalRateLimiter(clock=WallClock())
    for _ in range(20):
        (await limiter.acquire(SCOPE, timeout=1e6)).report(Verdict.OK)
    await closed(limiter)
    (await limiter.acquire(SCOPE, timeout=100)).release()
    (await limiter.acquire(SCOPE, timeout=100)).release()
    [row] = limiter.snapshot()["lanes"]
    assert sum(calls for _, calls in row["recent"]) == 2
