"""A turn of the shared limiter without an await.

It comes from the permits that its process holds, and only where nobody waits.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from support.shared_limiter import PATIENT, SCOPE, Processes
from support.virtual import virtual

from wxrevenue import InstantLimiter, Rate, RedisRateLimiter, Verdict

if TYPE_CHECKING:
    import pytest

    from wxrevenue.limiters._redis.scope import SharedScope


def inside(limiter: RedisRateLimiter) -> SharedScope:
    """Return what the limiter has of the scope."""
    private: Any = limiter
    scope: SharedScope = private._by_scope[SCOPE]
    return scope


async def with_permits(fleet: Processes, calls: int) -> RedisRateLimiter:
    """Return a limiter with permits: the callers who asked left before they came.

    They come while another's question is on its way, so that one question asks for all of them.
    Tasks that start at once would ask for the first alone.
    """
    limiter = fleet.start()
    (await limiter.acquire(SCOPE, timeout=1.0)).report(Verdict.OK)
    await asyncio.sleep(0.01)
    way = fleet.model.delay
    ahead = asyncio.ensure_future(limiter.acquire(SCOPE, timeout=PATIENT))
    await asyncio.sleep(way)
    callers = [asyncio.ensure_future(limiter.acquire(SCOPE, timeout=PATIENT)) for _ in range(calls)]
    (await ahead).report(Verdict.OK)
    await asyncio.sleep(way)
    for caller in callers:
        caller.cancel()
    await asyncio.sleep(0.01)
    assert inside(limiter).permits.stock == calls
    return limiter


def stated() -> Processes:
    """Return processes to be, whose quota is stated."""
    return Processes(rate=Rate(1_000, 60.0))


@virtual
async def test_what_is_held_is_taken() -> None:
    """Each permit that is held is one turn, and its report counts.

    Without permits there is none.
    """
    fleet = stated()
    limiter = await with_permits(fleet, 3)
    assert isinstance(limiter, InstantLimiter)
    turns = [limiter.take(SCOPE) for _ in range(4)]
    assert [turn is not None for turn in turns] == [True, True, True, False]
    assert limiter.take("wx-component/-/another") is None
    assert limiter.held == 3
    for turn in turns[:3]:
        assert turn is not None
        turn.report(Verdict.OK)
    await asyncio.sleep(0.5)
    assert (limiter.held, fleet.state["out"]) == (0, "0")
    await fleet.end()


@virtual
async def test_nothing_is_taken_past_a_waiter() -> None:
    """Where a caller waits nothing is taken: one that came later is not first."""
    fleet = stated()
    limiter = await with_permits(fleet, 2)
    inside(limiter).permits.width = 1
    assert limiter.take(SCOPE) is not None
    waiting = asyncio.ensure_future(limiter.acquire(SCOPE, timeout=PATIENT))
    await asyncio.sleep(0)
    inside(limiter).permits.width = 2
    assert inside(limiter).permits.stock == 1
    assert limiter.take(SCOPE) is None
    waiting.cancel()
    await fleet.end()


@virtual
async def test_nothing_is_taken_that_expired() -> None:
    """Permits whose lease ended while their process stood still are not taken."""
    fleet = stated()
    limiter = await with_permits(fleet, 2)
    fleet.clients[0].stopped = asyncio.Event()
    inside(limiter).exchange._idle_since = float("inf")  # pyright: ignore[reportPrivateUsage]
    inside(limiter).permits.valid_until = asyncio.get_running_loop().time() + 0.001
    await asyncio.sleep(0.002)
    assert inside(limiter).permits.stock == 2
    assert limiter.take(SCOPE) is None
    await fleet.end()


@virtual
async def test_nothing_is_taken_beside_a_probe() -> None:
    """A probe's permit is not taken, and none is while the gate is closed."""
    fleet = stated()
    limiter = await with_permits(fleet, 2)
    inside(limiter).permits.probe = True
    assert limiter.take(SCOPE) is None
    inside(limiter).permits.probe = False
    inside(limiter).gate.closed = True
    assert limiter.take(SCOPE) is None
    inside(limiter).gate.closed = False
    assert limiter.take(SCOPE) is not None
    await fleet.end()


@virtual
async def test_nothing_is_taken_while_redis_is_away() -> None:
    """While Redis is away every call awaits its turn, and so it does after closing."""
    fleet = stated()
    limiter = await with_permits(fleet, 2)
    fleet.clients[0].away = True
    await asyncio.sleep(1.0)
    turn = await limiter.acquire(SCOPE, timeout=PATIENT)
    assert inside(limiter).is_away
    permits = inside(limiter).permits
    permits.stock, permits.in_flight, permits.valid_until = 1, 0, float("inf")
    assert limiter.take(SCOPE) is None
    turn.report(Verdict.OK)
    fleet.clients[0].away = False
    await fleet.end()
    assert limiter.take(SCOPE) is None


async def test_nothing_is_taken_in_another_loop_or_process(redis_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On another loop, and in a forked child, nothing is taken: ``acquire`` says why."""
    async with RedisRateLimiter(f"unix://{redis_path}", rate=Rate(1_000)) as limiter:
        (await limiter.acquire(SCOPE, timeout=5.0)).report(Verdict.OK)
        permits = inside(limiter).permits
        permits.stock, permits.width, permits.valid_until = 3, 10, float("inf")

        async def take() -> object:
            return limiter.take(SCOPE)

        assert await asyncio.to_thread(asyncio.run, take()) is None
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: 1)
            child.setattr("wxrevenue._engine.lifetime._process", 1)
            assert limiter.take(SCOPE) is None
        assert limiter.take(SCOPE) is not None
