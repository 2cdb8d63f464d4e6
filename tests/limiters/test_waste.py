"""The limiter wastes little on servers that count in other ways.

They do not count in bursts of a minute.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
from collections import deque
from typing import TYPE_CHECKING

import pytest
from support.virtual import now, virtual

from wxrevenue import HttpResponse, LocalRateLimiter, MemoryTransport, RevenueClient, TooFastError, Verdict, sweep

if TYPE_CHECKING:
    from collections.abc import Callable

SCOPE = "account/-/action"
WINDOW = 60.0


@pytest.fixture(autouse=True)
def _same_pauses() -> None:
    """Make the random widening of pauses the same in every run."""
    random.seed(1)


def fixed(quota: int, phase: float = 0.0) -> Callable[[], bool]:
    """Return a server that counts whole minutes, from a phase unknown to callers."""
    counts: dict[int, int] = {}

    def admits() -> bool:
        window = math.floor((now() - phase) / WINDOW)
        counts[window] = counts.get(window, 0) + 1
        return counts[window] <= quota

    return admits


def sliding(quota: int, window: float) -> Callable[[], bool]:
    """Return a server that admits so many calls within any window of that length."""
    log: deque[float] = deque()

    def admits() -> bool:
        while log and log[0] <= now() - window:
            log.popleft()
        if len(log) < quota:
            log.append(now())
            return True
        return False

    return admits


def extending(quota: int, window: float) -> Callable[[], bool]:
    """Return the same server, but every call too many blocks all others.

    The block lasts for a window's length.
    """
    inner, blocked = sliding(quota, window), 0.0

    def admits() -> bool:
        nonlocal blocked
        if now() >= blocked and inner():
            return True
        blocked = now() + window
        return False

    return admits


def spaced(gap: float, burst: int) -> Callable[[], bool]:
    """Return a server that wants a gap between calls, but allows a burst ahead."""
    due = 0.0

    def admits() -> bool:
        nonlocal due
        if now() < due - (burst - 1) * gap - 1e-9:
            return False
        due = max(due, now()) + gap
        return True

    return admits


class Load:
    """Callers that call as fast as they may.

    Args:
        admits: the server.
        latency: seconds of a call.
        timeout: seconds that a caller waits for its turn.
    """

    def __init__(self, admits: Callable[[], bool], latency: float, timeout: float = 1e7) -> None:
        self.limiter = LocalRateLimiter()
        self.accepted: list[float] = []
        self.refused: list[float] = []
        self.unsent = 0
        self._admits = admits
        self._latency = latency
        self._timeout = timeout

    async def call(self, scope: str = SCOPE) -> None:
        """Make one call until it is accepted, or refused unsent."""
        try:
            turn = await self.limiter.acquire(scope, timeout=self._timeout)
            while True:
                await asyncio.sleep(self._latency / 2)
                accepted = self._admits()
                (self.accepted if accepted else self.refused).append(now())
                await asyncio.sleep(self._latency / 2)
                turn.report(Verdict.OK if accepted else Verdict.TOO_FAST)
                if accepted:
                    return
                await turn.again(timeout=self._timeout)
        except TooFastError:
            self.unsent += 1

    async def last(self, callers: int, seconds: float) -> None:
        """Have so many callers call for so long."""

        async def caller() -> None:
            while True:
                await self.call()

        tasks = [asyncio.create_task(caller()) for _ in range(callers)]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def between(self, start: float, end: float) -> int:
        """Return how many calls were accepted then."""
        return sum(start <= moment < end for moment in self.accepted)


@pytest.mark.parametrize(("demand", "phase"), [(1.05, 0.0), (1.2, 0.0), (1.3, 0.0), (1.1, 29.0), (1.2, 29.0), (1.2, 37.0)])
@virtual
async def test_hardly_more_demand_than_a_window_allows(demand: float, phase: float) -> None:
    """R-26: a window that one caller fills in most of a minute is not a bucket.

    Taken for one, it would be half used for ever.
    """
    load = Load(fixed(100, phase), WINDOW / (100 * demand))
    await load.last(1, 30 * WINDOW)
    assert load.between(10 * WINDOW, 30 * WINDOW) >= 20 * 100 / 1.1
    assert len(load.refused) <= 6


@pytest.mark.parametrize("phase", [22.0, 24.0, 26.0])
@virtual
async def test_a_first_test_that_meets_two_windows(phase: float) -> None:
    """A window that ends during the first test is not taken for a bucket.

    A bucket that fills at once would be given one call at a time.
    """
    load = Load(fixed(400, phase), 0.5)
    await load.last(60, 8 * WINDOW)
    assert load.between(4 * WINDOW, 8 * WINDOW) >= 4 * 400 / 1.1
    assert len(load.refused) <= 80


@pytest.mark.parametrize("server", [sliding, extending])
@pytest.mark.parametrize("window", [61.0, 65.0, 90.0])
@virtual
async def test_a_window_longer_than_the_cooldown(window: float, server: Callable[[int, float], Callable[[], bool]]) -> None:
    """R-27: after ten windows the limiter knows a window longer than its cool-down.

    Calls count for longer than the cool-down.
    """
    load = Load(server(100, window), 0.02)
    await load.last(50, 30 * window)
    assert load.between(10 * window, 30 * window) >= 20 * 100 / 1.25
    assert len(load.refused) <= 100
    [row] = load.limiter.snapshot()["lanes"]
    assert row["span"] <= 1.3 * window


@pytest.mark.parametrize(("gap", "burst"), [(0.06, 1), (0.6, 1), (0.3, 2)])
@virtual
async def test_calls_that_a_server_spaces(gap: float, burst: int) -> None:
    """R-28: no call is refused unsent for want of a place that a test may win.

    Nearly all are served.
    """
    load, jobs = Load(spaced(gap, burst), 0.02, timeout=300.0), iter(range(300))

    async def caller() -> None:
        for _ in jobs:
            await load.call()

    await asyncio.gather(*(caller() for _ in range(16)))
    assert load.unsent <= 30


@virtual
async def test_a_sweep_over_a_server_of_small_bursts() -> None:
    """R-29: jobs that are put off come back in time to measure a bucket.

    Their calls measure how fast it fills.
    """
    admits = spaced(0.06, 100)

    async def handler(_request: object) -> HttpResponse:
        await asyncio.sleep(0.02)
        return HttpResponse(200, {}, b'{"share_ratio":40}' if admits() else b'{"ret":1737}')

    async with RevenueClient("a-token", component_appid="wx", transport=MemoryTransport(handler)) as client:
        async for outcome in sweep(client.get_share_ratio, [f"wx{number}" for number in range(2_000)], concurrency=16):
            assert outcome.error is None
    assert now() <= 2 * (2_000 - 100) * 0.06


@virtual
async def test_scopes_that_share_a_quota_go_on_doing_so() -> None:
    """R-30: what scopes learned together outlives the first answer after a restart."""
    one, other = "wx1/a", "wx1/b"

    async def call(limiter: LocalRateLimiter, scope: str, verdict: Verdict) -> None:
        turn = await limiter.acquire(scope, timeout=1e6)
        turn.report(verdict)

    limiter = LocalRateLimiter()
    for scope in (one, other, one):
        await call(limiter, scope, Verdict.TOO_FAST)
    for number in range(30):
        await call(limiter, (one, other)[number % 2], Verdict.OK)
    await call(limiter, one, Verdict.TOO_FAST)
    await call(limiter, one, Verdict.OK)
    [before] = limiter.snapshot()["lanes"]
    restored = LocalRateLimiter()
    restored.restore(json.loads(json.dumps(limiter.snapshot())))
    await call(restored, one, Verdict.OK)
    [after] = restored.snapshot()["lanes"]
    assert (sorted(after["scopes"]), after["budget"]) == ([one, other], before["budget"])


@pytest.mark.parametrize("server", [sliding, extending])
@virtual
async def test_a_crowd_of_scopes_on_one_quota(server: Callable[[int, float], Callable[[], bool]]) -> None:
    """R-36: sixteen scopes that are refused at once learn one quota together.

    They are taken for users of one quota.
    """
    load, jobs = Load(server(100, WINDOW), 0.02), iter(range(1_000))

    async def caller() -> None:
        for number in jobs:
            await load.call(f"account/-/action-{number % 16}")

    await asyncio.gather(*(caller() for _ in range(200)))
    assert len(load.refused) <= 150
    assert now() <= 1.2 * 9 * WINDOW
    [row] = load.limiter.snapshot()["lanes"]
    assert (len(row["scopes"]), row["budget"]) == (16, 100)


@virtual
async def test_a_crowd_of_scopes_with_a_quota_each() -> None:
    """R-36: scopes that were merged by mistake finish hardly later."""
    load, jobs = Load(lambda: True, 0.02), iter(range(1_600))
    servers = {f"account/-/action-{number}": Load(sliding(20, WINDOW), 0.02) for number in range(16)}
    for own in servers.values():
        own.limiter = load.limiter

    async def caller() -> None:
        for number in jobs:
            scope = f"account/-/action-{number % 16}"
            await servers[scope].call(scope)

    await asyncio.gather(*(caller() for _ in range(200)))
    assert now() <= 1.5 * 4 * WINDOW
    assert sum(len(own.refused) for own in servers.values()) <= 320


@virtual
async def test_ever_new_scopes_on_one_quota() -> None:
    """R-36: a scope new to an account whose quota is spent waits with the others.

    Hardly one is refused at its first call.
    """
    load, jobs = Load(sliding(100, WINDOW), 0.02), iter(range(1_000))

    async def caller() -> None:
        for number in jobs:
            await load.call(f"account/wx{number}/action")

    await asyncio.gather(*(caller() for _ in range(16)))
    assert len(load.refused) <= 40
    assert now() <= 1.15 * 9 * WINDOW
    for other in ("account/wx-new/other", "other/wx-new/action"):
        (await load.limiter.acquire(other, timeout=0.1)).release()


@virtual
async def test_ever_new_scopes_of_several_actions_on_one_quota() -> None:
    """R-36: new scopes wait at the others' gate where two actions share the quota."""
    load, jobs = Load(sliding(100, WINDOW), 0.02), iter(range(500))

    async def caller() -> None:
        for number in jobs:
            await load.call(f"account/wx{number}/list")
            await load.call(f"account/wx{number}/check")

    await asyncio.gather(*(caller() for _ in range(16)))
    assert len(load.refused) <= 60
    assert now() <= 1.15 * 9 * WINDOW


@virtual
async def test_ever_new_scopes_with_a_quota_each() -> None:
    """R-36: new scopes are not held back by scopes with a spent quota of their own.

    Those share a gate by mistake.
    """
    load = Load(lambda: True, 0.02)
    servers: dict[int, Load] = {}

    async def many(number: int) -> None:
        own = servers[number] = Load(sliding(20, WINDOW), 0.02)
        own.limiter = load.limiter
        for _ in range(30):
            await own.call(f"account/wx{number}/action")

    busy = [asyncio.create_task(many(number)) for number in range(16)]
    await asyncio.sleep(2.0)
    assert sum(len(own.refused) for own in servers.values()) >= 16
    started = now()
    for number in range(200):
        await load.call(f"account/new{number}/action")
    assert now() - started <= 200 * 0.02 + 0.1
    await asyncio.gather(*busy)
