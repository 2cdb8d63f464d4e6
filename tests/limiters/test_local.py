"""Every rate limiter of the package passes the conformance suite."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from benchmarks.limiter_sim.redis_model import RedisClient, RedisModel, virtual_unix
from wxrevenue import LocalRateLimiter, RedisRateLimiter
from wxrevenue.testing import LimiterCase, VirtualClock, limiter_cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis

    from wxrevenue import RateLimiter


def through_redis(*, cooldown: float, clock: VirtualClock) -> RedisRateLimiter:
    """Return the shared limiter on a model of Redis in virtual time.

    The model runs the script's own text.
    """
    return RedisRateLimiter(cast("Redis", RedisClient(RedisModel(virtual_unix()))), cooldown=cooldown, clock=clock)


LIMITERS: dict[str, Callable[..., RateLimiter]] = {"local": LocalRateLimiter, "redis": through_redis}


@pytest.mark.parametrize("case", limiter_cases(), ids=str)
@pytest.mark.parametrize("make", LIMITERS.values(), ids=LIMITERS)
def test_conforms(make: Callable[..., RateLimiter], case: LimiterCase) -> None:
    """A rate limiter does what the case says."""
    case.run(make)
