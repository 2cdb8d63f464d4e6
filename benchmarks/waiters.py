"""G6 and R6: ten thousand callers wait, and then nine of ten give up.

All limiters allow the same, and all are on virtual time, so a drain shows what a limiter's rule
loses, not how fast the machine is. Ours is told the rate; how it learns one is the simulation's
subject (``benchmarks.limiter_sim.__main__``).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

import attrs

from benchmarks._measure import NotInstalled, Outcome, module
from benchmarks.limiter_sim.world import now, run_virtual
from wxrevenue import LocalRateLimiter, Rate, Verdict

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from benchmarks._measure import Row

Acquire = Callable[[], Awaitable[object]]
Make = Callable[[int], Acquire]
"""Makes a limiter for a rate of calls per second.

One second's worth may leave at once.
"""
WAITERS: Final = 10_000
SECONDS: Final = 10
"""For how many seconds of the rate calls wait.

One second's worth may leave at once.
"""
GIVE_UP: Final = 0.9
DRAIN_LIMIT: Final = 1.03
_SCOPE: Final = "component/-/action"


@attrs.frozen
class Drain:
    """How a queue emptied.

    Args:
        seconds: until the last waiter was served.
        ideal: the seconds that the rate asks for.
        displaced: by how many places at most a waiter was served too early or too late.
    """

    seconds: float
    ideal: float
    displaced: int


def ours(rate: int) -> Acquire:
    """Return a whole turn of our limiter."""
    limiter = LocalRateLimiter(rate=Rate(rate, 1.0))

    async def turn() -> None:
        turn = await limiter.acquire(_SCOPE, timeout=1e6)
        turn.report(Verdict.OK)
        turn.release()

    return turn


def aiolimiter(rate: int) -> Acquire:
    """Return ``aiolimiter``'s acquisition."""
    from aiolimiter import AsyncLimiter

    return AsyncLimiter(rate, 1.0).acquire


def pyrate_limiter(rate: int) -> Acquire:
    """Return ``pyrate-limiter``'s acquisition, its clock on virtual time."""
    from pyrate_limiter import AbstractClock, InMemoryBucket, Limiter, Rate, SingleBucketFactory

    class Clock(AbstractClock):
        def now(self) -> int:
            return round(now() * 1e3)

    class Bucket(InMemoryBucket):
        _clock = Clock()

    return Limiter(SingleBucketFactory(Bucket([Rate(rate, 1_000)]), schedule_leak=False)).try_acquire_async


def throttled_py(rate: int) -> Acquire:
    """Return ``throttled-py``'s acquisition."""
    from throttled.asyncio import MemoryStore, RateLimiterType, Throttled, rate_limiter

    quota = rate_limiter.per_sec(rate, burst=rate)
    return Throttled(key=_SCOPE, using=RateLimiterType.GCRA.value, quota=quota, store=MemoryStore(), timeout=1e6).limit


RIVALS: Final[Mapping[str, tuple[str, Make]]] = {
    "aiolimiter": ("aiolimiter", aiolimiter),
    "pyrate-limiter": ("pyrate_limiter", pyrate_limiter),
    "throttled-py": ("throttled", throttled_py),
}
"""Which module's limiter is measured, and its name in the table.

``limits`` is missing: it lets no caller wait.
"""


def drained(make: Make, waiters: int) -> Drain:
    """Queue half of the callers, and the others while the queue empties.

    Return how they all got through.
    """
    return _in_virtual_time(_drained(make, waiters))


def after_cancelling(make: Make, waiters: int) -> Drain:
    """Queue callers, most of which give up; return how the others got through."""
    return _in_virtual_time(_after_cancelling(make, waiters))


def _in_virtual_time(main: Coroutine[Any, Any, Drain]) -> Drain:
    if module("throttled") is None:
        return run_virtual(main)
    with mock.patch("throttled.utils.now_mono_f", now):  # its clock cannot be handed in
        return run_virtual(main)


async def _drained(make: Make, waiters: int) -> Drain:
    queue = await _Queue.begun(make, waiters)
    chance = random.Random(1)  # noqa: S311  (arrivals)
    arrivals = [0.0] * (waiters // 2) + sorted(chance.uniform(0.0, SECONDS / 2) for _ in range(waiters // 2))
    for arrival in arrivals:
        await asyncio.sleep(max(0.0, arrival - queue.seconds))
        queue.join()
    return await queue.end(waiters)


async def _after_cancelling(make: Make, waiters: int) -> Drain:
    queue = await _Queue.begun(make, waiters)
    tasks = [queue.join() for _ in range(waiters)]
    await asyncio.sleep(0)
    for task in random.Random(1).sample(tasks, round(waiters * GIVE_UP)):  # noqa: S311  (anybody)
        task.cancel()
    return await queue.end(waiters - round(waiters * GIVE_UP))


class _Queue:
    """Callers at a limiter, and the order in which they are served.

    The limiter has just let a second's worth go.
    """

    def __init__(self, take: Acquire, rate: int) -> None:
        self._take = take
        self._rate = rate
        self._began = now()
        self._tasks: list[asyncio.Task[None]] = []
        self._served: list[int] = []

    @classmethod
    async def begun(cls, make: Make, waiters: int) -> _Queue:
        """Make a limiter for the rate that suits so many, and take what may leave at once."""
        rate = waiters // SECONDS
        take = make(rate)
        for _ in range(rate):
            await take()
        return cls(take, rate)

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return now() - self._began

    def join(self) -> asyncio.Task[None]:
        """Queue up."""
        task = asyncio.create_task(self._wait(len(self._tasks)))
        self._tasks.append(task)
        return task

    async def end(self, expected: int) -> Drain:
        """Wait until every caller that did not give up is served."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        assert len(self._served) >= expected
        return Drain(self.seconds, expected / self._rate, displaced(self._served))

    async def _wait(self, place: int) -> None:
        await self._take()
        self._served.append(place)


def displaced(served: Sequence[int]) -> int:
    """Return by how many places at most a caller was served out of turn."""
    due = {place: turn for turn, place in enumerate(sorted(served))}
    return max(abs(turn - due[place]) for turn, place in enumerate(served))


def run(*, quick: bool = False) -> list[Row]:
    """Measure."""
    waiters = 1_000 if quick else WAITERS
    mine, after = drained(ours, waiters), after_cancelling(ours, waiters)
    out_of_turn = max(mine.displaced, after.displaced)
    many, few = f"{waiters:,} waiters", f"{waiters:,} waiters, {GIVE_UP:.0%} cancelled"
    rows: list[Row] = [
        _drain("G6", f"{many}: drain / ideal", mine.seconds, mine.ideal),
        _drain("G6", f"{few}: drain / ideal", after.seconds, after.ideal),
        Outcome("G6", f"{many}: places out of turn / none", out_of_turn, 0, "", out_of_turn, 0.0),
    ]
    for name, (package, make) in RIVALS.items():
        if module(package) is None:
            rows.append(NotInstalled("R6", f"{many}: drain / {name}", package))
            continue
        theirs, left = drained(make, waiters), after_cancelling(make, waiters)
        rows += [
            _displaced(f"{many}: places out of turn / {name}", mine.displaced, theirs.displaced),
            _drain("R6", f"{many}: drain / {name}", mine.seconds, theirs.seconds),
            _drain("R6", f"{few}: drain / {name}", after.seconds, left.seconds),
        ]
    return rows


def _drain(goal: str, what: str, ours: float, rival: float) -> Outcome:
    return Outcome(goal, what, ours, rival, "s", ours / rival, DRAIN_LIMIT)


def _displaced(what: str, ours: int, rival: int) -> Outcome:
    return Outcome("R6", what, ours, rival, "", ours / max(1, rival), 0.0)
