"""LocalRateLimiter among random callers, servers and cancellations.

No caller is forgotten, and nothing stays behind.
"""

from __future__ import annotations

import asyncio
import json
import random

import pytest
from support.limiting import MIDNIGHT
from support.virtual import WallClock, armed_timers, virtual

from wxrevenue import LocalRateLimiter, QuotaExceededError, Rate, TooFastError, Turn, Verdict

WINDOW = 30.0
FOREVER = 1e6
LATE = 0.001


class Server:
    """Takes so many calls of a scope within any half minute, and slowly.

    It loses some answers, and sometimes says that the daily quota is spent.
    """

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.quota = chance.choice([3, 20, 100, 10**6])
        self.latency = chance.choice([0.0, 0.02, 0.5, 5.0])
        self.lost = chance.choice([0.0, 0.1, 0.5])
        self.spent = chance.choice([0.0, 0.0, 0.002])
        self.taken: dict[str, list[float]] = {}

    async def ask(self, scope: str) -> Verdict:
        """Make one call."""
        now = asyncio.get_running_loop().time()
        recent = self.taken[scope] = [moment for moment in self.taken.get(scope, []) if moment > now - WINDOW]
        verdict = Verdict.TOO_FAST if len(recent) >= self.quota else Verdict.OK
        if verdict is Verdict.OK:
            recent.append(now)
        await asyncio.sleep(self.latency * (0.5 + self.chance.random()))
        if self.chance.random() < self.spent:
            return Verdict.QUOTA_SPENT
        return Verdict.UNKNOWN if self.chance.random() < self.lost else verdict


class Crowd:
    """Callers of a few scopes of one account."""

    def __init__(self, seed: int, rate: Rate | None) -> None:
        self.chance = random.Random(seed)
        self.rate = rate
        self.cooldown = self.chance.choice([5.0, 30.0, 60.0])
        self.clock = WallClock(MIDNIGHT - 86_400 * self.chance.random())
        self.limiter = self.limiter_like_it()
        self.server = Server(self.chance)
        self.scopes = [f"account/{number}/action" for number in range(self.chance.choice([1, 2, 5]))]
        self.tasks: list[asyncio.Task[None]] = []

    def limiter_like_it(self) -> LocalRateLimiter:
        """Return a new limiter of the same settings."""
        return LocalRateLimiter(self.cooldown, self.rate, self.clock)

    async def call(self) -> None:
        """Do as a client does; some calls crash.

        The caller must not be kept longer than it said.
        """
        loop, scope = asyncio.get_running_loop(), self.chance.choice(self.scopes)
        deadline = loop.time() + self.chance.choice([0.5, 10.0, 45.0, 100.0, 1_000.0, FOREVER])
        try:
            turn = await self.limiter.acquire(scope, timeout=deadline - loop.time())
            try:
                await self._send(turn, scope, deadline)
            finally:
                turn.release()
        except (TooFastError, QuotaExceededError):
            assert loop.time() <= deadline + LATE

    async def _send(self, turn: Turn, scope: str, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            assert loop.time() <= deadline + LATE
            verdict = await self.server.ask(scope)
            if self.chance.random() < 0.05:
                return  # a crash
            turn.report(verdict)
            if verdict is not Verdict.TOO_FAST or loop.time() >= deadline:
                return
            await turn.again(timeout=deadline - loop.time())

    async def come(self) -> None:
        """Start callers one after the other.

        Meanwhile some give up, and a scope is reopened by hand.
        """
        for _ in range(self.chance.choice([30, 100, 300])):
            self.tasks.append(asyncio.create_task(self.call()))
            if self.chance.random() < 0.2:
                await asyncio.sleep(self.chance.choice([0.0, 0.01, 1.0, 20.0]))
            if self.chance.random() < 0.1:
                self.chance.choice(self.tasks).cancel()
            if self.chance.random() < 0.01:
                await self.limiter.reopen(self.chance.choice(self.scopes))

    async def works(self) -> None:
        """Check that every scope can be used."""
        for scope in self.scopes:
            turn = await self.limiter.acquire(scope, timeout=FOREVER)
            turn.report(Verdict.OK)
            turn.release()


async def lives_through(seed: int, rate: Rate | None = None) -> None:
    """Play one random run; a second limiter takes over the first one's snapshot."""
    random.seed(seed)  # by which the limiter spreads its pauses
    crowd = Crowd(seed, rate)
    await crowd.come()
    await asyncio.wait(crowd.tasks, timeout=FOREVER)
    ends = await asyncio.gather(*crowd.tasks, return_exceptions=True)
    odd = [end for end in ends if end is not None and not isinstance(end, asyncio.CancelledError)]
    assert not odd, odd
    await crowd.works()
    saved = json.loads(json.dumps(crowd.limiter.snapshot()))
    await crowd.limiter.aclose()
    assert armed_timers() == 0
    crowd.limiter = crowd.limiter_like_it()
    crowd.limiter.restore(saved)
    await crowd.works()
    await crowd.limiter.aclose()


@pytest.mark.parametrize("seed", [*range(30), 72, 114, 127, 201, 342, 377])
@virtual
async def test_nobody_is_forgotten(seed: int) -> None:
    """R-10, R-11: every caller ends by its deadline, in a turn or in a refusal.

    The scopes work afterwards, and no timer is left.
    """
    await lives_through(seed)


@pytest.mark.parametrize("seed", range(5))
@virtual
async def test_nobody_is_forgotten_at_a_stated_rate(seed: int) -> None:
    """R-10, R-11: the same holds under a rate that the user stated."""
    await lives_through(seed, Rate(20, 30.0, 5))
