"""The retry quota: what repetitions cost, and what successes give back."""

from __future__ import annotations

import asyncio

import pytest
from support.fakes import Read, ams_client, answer
from support.retrying import FULL, SAFE, UNSAFE, busy
from support.virtual import now, virtual

from wxrevenue import (
    RetryPolicy,
    ServerBusyError,
)
from wxrevenue._engine.retry import Retries, RetryQuota
from wxrevenue._wire.codes import api_error


def test_quota_over_one_call() -> None:
    """R-01: 500, 486, 472, and 486 after the success."""
    quota = RetryQuota(500)
    retries = Retries(FULL, quota)
    assert quota.remaining == 500
    assert retries.wait(busy(), SAFE, 1, 30) == pytest.approx(0.05)
    assert quota.remaining == 486
    assert retries.wait(busy(), SAFE, 2, 30) == pytest.approx(0.1)
    assert quota.remaining == 472
    retries.succeeded()
    assert quota.remaining == 486


def test_throttling_costs_less() -> None:
    """R-14: a repetition after throttling costs 5."""
    quota = RetryQuota(500)
    Retries(FULL, quota).wait(api_error("", code=-1, status=200), SAFE, 1, 30)
    assert quota.remaining == 495


def test_quota_comes_back_one_by_one_and_never_above_its_size() -> None:
    """Each first-time success returns 1, up to the size."""
    quota = RetryQuota(10)
    assert quota.spend(4)
    for _ in range(9):
        quota.refund(1)
    assert quota.remaining == 10


def test_refused_repetitions_cost_nothing() -> None:
    """A failure that is not repeated costs no quota."""
    quota = RetryQuota(500)
    assert Retries(FULL, quota).wait(busy(), UNSAFE, 1, 30) is None
    assert Retries(FULL, quota).wait(busy(), SAFE, 3, 30) is None
    assert Retries(FULL, quota).wait(busy(), SAFE, 1, 0.01) is None
    assert quota.remaining == 500


@virtual
async def test_an_empty_quota_fails_at_once() -> None:
    """R-02: when the quota is spent, the error surfaces without a wait."""
    policy = RetryPolicy(quota=20, jitter=lambda: 1.0)
    client, transport = ams_client(answer(b"", 500), answer(b"", 500), answer(b"", 500), retry=policy)
    with pytest.raises(ServerBusyError) as caught:
        await client.send(Read())
    assert caught.value.attempts == 2  # 20 - 14 leaves 6: not enough for another
    started = now()
    with pytest.raises(ServerBusyError):
        await client.send(Read())
    assert now() == started
    assert len(transport.requests) == 3


@virtual
async def test_successes_refill_the_quota_for_later_calls() -> None:
    """A call that succeeds at the first attempt gives 1 back to the quota.

    So repetitions become possible again.
    """
    policy = RetryPolicy(quota=14, jitter=lambda: 0.0)
    client, transport = ams_client(answer(b"", 500), answer(b"", 500), answer(), *[answer()] * 14, answer(b"", 500), answer(), retry=policy)
    with pytest.raises(ServerBusyError):
        await client.send(Read())
    for _ in range(15):
        await client.send(Read())
    await client.send(Read())
    assert len(transport.requests) == 19


@virtual
async def test_concurrent_calls_and_clones_share_the_quota() -> None:
    """R-03: the quota is the client's: what one call or clone spends, another lacks."""
    policy = RetryPolicy(quota=28, jitter=lambda: 1.0)
    client, transport = ams_client(handler=lambda _: answer(b"", 500), retry=policy)
    clone = client.with_options(timeout=3.0)
    ends = await asyncio.gather(*(one.send(Read()) for one in (client, clone, client, clone)), return_exceptions=True)
    assert all(isinstance(end, ServerBusyError) for end in ends)
    assert len(transport.requests) == 4 + 2


@virtual
async def test_concurrent_successes_return_what_they_spent() -> None:
    """R-03: two calls that each failed once and then succeeded restore the quota.

    It is enough for two more.
    """
    fails = iter([True, True, False, False] * 3)
    policy = RetryPolicy(quota=28, jitter=lambda: 1.0)
    client, _ = ams_client(handler=lambda _: answer(b"", 500) if next(fails) else answer(), retry=policy)
    for _ in range(3):
        await asyncio.gather(client.send(Read()), client.send(Read()))
    assert next(fails, None) is None
