"""G5: what a turn costs when nobody waits and nothing is limited.

Ours is a whole turn (take, report how the call ended, release) in a scope that was called a while already. It is set against
aiolimiter as its documentation has it used (``async with``), against its bare ``acquire``, and against what the others call a
turn. Rivals learn nothing, so they have nothing to report. Every limiter is allowed more than is asked of it: none has to wait.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from aiolimiter import AsyncLimiter
from pyrate_limiter import Duration, InMemoryBucket, Limiter, Rate, SingleBucketFactory
from throttled.asyncio import MemoryStore, Throttled, rate_limiter

from benchmarks._measure import Outcome, awaited_microseconds, in_turns
from wxrevenue import LocalRateLimiter, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

Acquire = Callable[[], Awaitable[object]]
LIMIT: Final = 0.40
ENOUGH: Final = 10**9
"""Calls a minute that every limiter allows."""
_SCOPE: Final = "component/-/action"
_WARM: Final = 20_000
"""Turns after which a scope is no news any more."""


async def ours(limiter: LocalRateLimiter, count: int) -> float:
    """Return the CPU time of one of our turns, in microseconds; written out as the client does it, without a function around it."""
    started = time.process_time()
    for _ in range(count):
        turn = limiter.take(_SCOPE) or await limiter.acquire(_SCOPE, timeout=30.0)
        turn.report(Verdict.OK)
        turn.release()
    return (time.process_time() - started) / count * 1e6


async def with_aiolimiter(count: int) -> float:
    """Return the same for aiolimiter, used as its documentation says."""
    limiter = AsyncLimiter(ENOUGH, 60)
    started = time.process_time()
    for _ in range(count):
        async with limiter:
            pass
    return (time.process_time() - started) / count * 1e6


def aiolimiter() -> Acquire:
    """Return ``aiolimiter``'s acquisition."""
    return AsyncLimiter(ENOUGH, 60).acquire


def pyrate_limiter() -> Acquire:
    """Return ``pyrate-limiter``'s acquisition, without its thread that tidies up: only this thread's work counts."""
    bucket = InMemoryBucket([Rate(ENOUGH, Duration.MINUTE)])
    return Limiter(SingleBucketFactory(bucket, schedule_leak=False)).try_acquire_async


def throttled_py() -> Acquire:
    """Return ``throttled-py``'s acquisition."""
    throttle = Throttled(key=_SCOPE, quota=rate_limiter.per_min(ENOUGH), store=MemoryStore())
    return throttle.limit


RIVALS: Final[Mapping[str, Callable[[], Acquire]]] = {
    "aiolimiter's acquire": aiolimiter,
    "pyrate-limiter's try_acquire_async": pyrate_limiter,
    "throttled-py's limit": throttled_py,
}


def run(*, quick: bool = False) -> list[Outcome]:
    """Measure."""
    rounds, count = (11, 1_000) if quick else (101, 3_000)
    limiter = LocalRateLimiter()
    outcomes: list[Outcome] = []
    with asyncio.Runner() as runner:
        runner.run(ours(limiter, _WARM))

        def compare(name: str, rival: Callable[[], float]) -> None:
            mine, theirs, ratio = in_turns(lambda: runner.run(ours(limiter, count)), rival, rounds)
            outcomes.append(Outcome("G5", f"a turn / {name}", mine, theirs, "µs", ratio, LIMIT))

        compare("async with aiolimiter", lambda: runner.run(with_aiolimiter(count)))
        for name, make in RIVALS.items():
            compare(name, lambda make=make: runner.run(awaited_microseconds(make(), count)))  # type: ignore[misc]
    return outcomes
