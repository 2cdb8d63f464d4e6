"""A client whose daily quota is spent."""

from __future__ import annotations

import asyncio

import pytest
from support.fakes import COMPONENT, Read, ams_client, answer, refusal
from support.limiting import MIDNIGHT
from support.virtual import WallClock, now, virtual

from wxrevenue import LocalRateLimiter, QuotaExceededError


@virtual
async def test_spent_quota_fails_at_once() -> None:
    """R-13: a spent daily quota surfaces at once, and is never retried.

    The error says when the next probe may go.
    """
    client, transport = ams_client(refusal(45009, "reach max api daily quota limit"), clock=WallClock(MIDNIGHT - 7_200), deadline=5_000.0)
    with pytest.raises(QuotaExceededError) as caught:
        await client.send(Read())
    assert (caught.value.retry_after, caught.value.attempts, caught.value.status) == (600, 1, 200)
    await asyncio.sleep(100)
    with pytest.raises(QuotaExceededError) as caught:
        await client.with_options(deadline=300.0).send(Read())
    error = caught.value
    assert (error.retry_after, error.code, error.status, error.attempts) == (500, 45009, 0, 1)
    assert len(transport.requests) == 1
    assert now() == 100


@virtual
async def test_reopen() -> None:
    """R-13: ``reopen(scope)`` lets all callers go whose deadline is not over."""
    limiter = LocalRateLimiter(clock=WallClock(MIDNIGHT - 7_200))
    client, transport = ams_client(refusal(45009), *[answer()] * 3, limiter=limiter, deadline=5_000.0)
    with pytest.raises(QuotaExceededError):
        await client.send(Read())
    calls = [asyncio.create_task(client.send(Read())) for _ in range(3)]
    await asyncio.sleep(10)
    assert len(transport.requests) == 1
    await limiter.reopen(f"{COMPONENT}/-/fake_read")
    await asyncio.gather(*calls)
    assert 10 <= now() < 11
