"""What happens to processes and to Redis in a simulated fleet.

They are killed, stopped, or away. A seed decides when.
"""

from __future__ import annotations

import asyncio
import functools
import random
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from benchmarks.limiter_sim.fleet import Fleet, Process

_PAUSE: Final = 90.0


def _moment(fleet: Fleet) -> float:
    """Return when it happens: some time after the first minute."""
    return random.Random(fleet.case.seed).uniform(65.0, 400.0)  # noqa: S311  (not a key)


def _states(fleet: Fleet) -> list[dict[str, str]]:
    return [value for key, value in fleet.redis.data.items() if key.endswith(":state")]


def _named(fleet: Fleet, name: str) -> Process | None:
    found = [process for process in fleet.processes if name.startswith(f"{process.name}.") and not process.dead]
    return found[0] if found else None


def _kill_named(fleet: Fleet, field: str) -> None:
    """Kill the process that the books name, as soon as they name one.

    The books are looked at after every script.
    """

    def look() -> None:
        for state in _states(fleet):
            victim = _named(fleet, state[field]) if field in state else None
            if victim is not None:
                fleet.redis.watch = None
                victim.kill()

    fleet.redis.watch = look


async def probe_holder_killed(fleet: Fleet) -> None:
    """Kill the process that probes first, with its probe on the way."""
    _kill_named(fleet, "probe")


async def lock_holder_killed(fleet: Fleet) -> None:
    """Kill the process that is to draw the first lesson."""
    _kill_named(fleet, "lock_for")


async def lessee_killed(fleet: Fleet) -> None:
    """Kill the process with the most permits, at a moment in which one has any."""
    await asyncio.sleep(_moment(fleet))

    def look() -> None:
        holder = max(fleet.processes, key=lambda process: process.held)
        if holder.held:
            fleet.redis.watch = None
            holder.kill()

    fleet.redis.watch = look


async def half_paused(fleet: Fleet) -> None:
    """Have every second process stand still for a minute and a half."""
    await asyncio.sleep(_moment(fleet))
    stopped = fleet.processes[::2]
    for process in stopped:
        process.stop()
    await asyncio.sleep(_PAUSE)
    for process in stopped:
        process.go_on()


async def redis_away(fleet: Fleet, seconds: float = 30.0) -> None:
    """Make Redis unreachable for so long."""
    await asyncio.sleep(_moment(fleet))
    for process in fleet.processes:
        process.cut(away=True)
    await asyncio.sleep(seconds)
    for process in fleet.processes:
        process.cut(away=False)


TROUBLES: Final[dict[str, Callable[[Fleet], Awaitable[Any]]]] = {
    "probe holder killed": probe_holder_killed,
    "lessee killed": lessee_killed,
    "lock holder killed": lock_holder_killed,
    "half paused 90 s": half_paused,
    "Redis away 30 s": redis_away,
    "Redis away 120 s": functools.partial(redis_away, seconds=120.0),
}
"""By the names that the table has."""
