"""G5 and R5: what a turn costs when no caller waits and nothing is limited.

Ours is a whole turn (take, report how the call ended, release) in a scope that was called a while
already. It is set against aiolimiter as its documentation has it used (``async with``), against its
bare ``acquire``, and against what the others call a turn. Rivals learn nothing, so they have
nothing to report. Every limiter is allowed more than is asked of it: none has to wait.

The floor is a turn of the same methods that counts what is in flight, and no more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Final

from benchmarks._measure import NotInstalled, awaited_microseconds, in_turns, module
from wxrevenue import LocalRateLimiter, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks._measure import Row

Acquire = Callable[[], Awaitable[object]]
LIMIT: Final = 0.40
ENOUGH: Final = 10**9
"""Calls a minute that every limiter allows."""
_SCOPE: Final = "component/-/action"
_WARM: Final = 20_000
"""Turns after which a scope is no longer new."""
_OK: Final = Verdict.OK
"""As the client has it: to look a member up in its enum costs a fourth of a turn."""


async def ours(limiter: LocalRateLimiter | OnlyCounts, count: int) -> float:
    """Return the CPU time of one of our turns, in microseconds.

    It is written out as the client does it, without a function around it.
    """
    started = time.process_time()
    for _ in range(count):
        turn = limiter.take(_SCOPE) or await limiter.acquire(_SCOPE, timeout=30.0)
        turn.report(_OK)
        turn.release()
    return (time.process_time() - started) / count * 1e6


class Counted:
    """A turn that counts itself in flight, and no more."""

    __slots__ = ("limiter", "out")

    limiter: OnlyCounts
    out: bool

    def report(self, verdict: Verdict) -> None:  # noqa: ARG002  (as a turn's is called)
        """Count it out."""
        if self.out:
            self.out = False
            self.limiter.in_flight -= 1

    def release(self) -> None:
        """Count it out, if it was not reported."""
        if self.out:
            self.out = False
            self.limiter.in_flight -= 1


class OnlyCounts:
    """Gives turns of any scope that count themselves."""

    __slots__ = ("in_flight",)

    def __init__(self) -> None:
        self.in_flight = 0

    def take(self, scope: str) -> Counted:  # noqa: ARG002  (as a limiter's is called)
        """Return a turn."""
        self.in_flight += 1
        turn = Counted()
        turn.limiter = self
        turn.out = True
        return turn

    async def acquire(self, scope: str, *, timeout: float) -> Counted:  # noqa: ARG002  (likewise)
        """Return a turn."""
        return self.take(scope)


async def with_aiolimiter(count: int) -> float:
    """Return the same for aiolimiter, used as its documentation says."""
    from aiolimiter import AsyncLimiter

    limiter = AsyncLimiter(ENOUGH, 60)
    started = time.process_time()
    for _ in range(count):
        async with limiter:
            pass
    return (time.process_time() - started) / count * 1e6


def aiolimiter() -> Acquire:
    """Return ``aiolimiter``'s acquisition."""
    from aiolimiter import AsyncLimiter

    return AsyncLimiter(ENOUGH, 60).acquire


def pyrate_limiter() -> Acquire:
    """Return ``pyrate-limiter``'s acquisition, without its thread that tidies up.

    Only this thread's work counts.
    """
    from pyrate_limiter import Duration, InMemoryBucket, Limiter, Rate, SingleBucketFactory

    bucket = InMemoryBucket([Rate(ENOUGH, Duration.MINUTE)])
    return Limiter(SingleBucketFactory(bucket, schedule_leak=False)).try_acquire_async


def throttled_py() -> Acquire:
    """Return ``throttled-py``'s acquisition."""
    from throttled.asyncio import MemoryStore, Throttled, rate_limiter

    throttle = Throttled(key=_SCOPE, quota=rate_limiter.per_min(ENOUGH), store=MemoryStore())
    return throttle.limit


def limits() -> Acquire:
    """Return the hit of ``limits``, by the cheapest of its strategies.

    It counts, and does no more.
    """
    aio, items = module("limits.aio"), module("limits")
    limiter = aio.strategies.FixedWindowRateLimiter(aio.storage.MemoryStorage())
    return partial(limiter.hit, items.RateLimitItemPerMinute(ENOUGH), _SCOPE)


RIVALS: Final[Mapping[str, tuple[str, Callable[[], Acquire]]]] = {
    "aiolimiter's acquire": ("aiolimiter", aiolimiter),
    "pyrate-limiter's try_acquire_async": ("pyrate_limiter", pyrate_limiter),
    "throttled-py's limit": ("throttled", throttled_py),
    "limits' hit, a fixed window": ("limits", limits),
}
"""Which module's acquisition is measured, and its name in the table.

The first one is the goal's.
"""


def run(*, quick: bool = False) -> list[Row]:
    """Measure."""
    rounds, count = (11, 1_000) if quick else (101, 3_000)
    limiter = LocalRateLimiter()
    rows: list[Row] = []
    with asyncio.Runner() as runner:
        runner.run(ours(limiter, _WARM))

        def compare(goal: str, name: str, package: str, rival: Callable[[], float]) -> None:
            what = f"a turn / {name}"
            if module(package) is None:
                rows.append(NotInstalled(goal, what, package))
                return
            found = in_turns(lambda: runner.run(ours(limiter, count)), rival, rounds if goal == "G5" else min(rounds, 31))
            rows.append(found.outcome(goal, what, "µs", LIMIT if goal == "G5" else inf))

        def acquired(make: Callable[[], Acquire]) -> float:
            return runner.run(awaited_microseconds(make(), count))

        compare("G5", "async with aiolimiter", "aiolimiter", lambda: runner.run(with_aiolimiter(count)))
        if module("aiolimiter") is not None:
            bare = partial(acquired, aiolimiter)
            floor = in_turns(lambda: runner.run(ours(OnlyCounts(), count)), bare, min(rounds, 31))
            rows.append(floor.outcome("G5", "floor: a turn that only counts / aiolimiter's acquire", "µs", inf))
        for name, (package, make) in RIVALS.items():
            compare("G5" if make is aiolimiter else "R5", name, package, partial(acquired, make))
    return rows
