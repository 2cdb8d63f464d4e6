"""The shared limiter does not ask Redis in vain."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from support.shared_limiter import SCOPE, Processes
from support.virtual import virtual

from benchmarks.limiter_sim.fleet import FleetCase, simulate
from wxrevenue import Rate, Verdict

if TYPE_CHECKING:
    from wxrevenue import RedisRateLimiter
    from wxrevenue.limiters._redis.scope import SharedScope


def inside(limiter: RedisRateLimiter) -> SharedScope:
    """Return what the limiter has of the scope."""
    private: Any = limiter
    scope: SharedScope = private._by_scope[SCOPE]
    return scope


@pytest.mark.parametrize(("age", "questions"), [(0.0, 0), (1.5, 1)], ids=["at once", "late"])
@virtual
async def test_what_comes_by_message_has_a_lease_of_its_own(age: float, questions: int) -> None:
    """A permit that a message brings is not renewed as soon as it comes.

    It is where the message took long: the lease began when the permit was granted.
    """
    fleet = Processes(rate=Rate(1_000, 60.0), lease=5.0)
    limiter = fleet.start()
    (await limiter.acquire(SCOPE, timeout=1.0)).report(Verdict.OK)
    await asyncio.sleep(10.0)  # nothing is held, nothing is asked
    scope = inside(limiter)
    view = scope.permits.view
    assert view is not None
    asked = fleet.model.scripts
    scope.exchange.pushed(attrs.evolve(view, granted=view.granted + 1, now=view.now + 10.0 - age))
    turn = limiter.take(SCOPE)
    assert turn is not None
    await asyncio.sleep(0.01)
    assert fleet.model.scripts - asked == questions
    await asyncio.sleep(1.1)  # a third of a lease
    assert fleet.model.scripts - asked == questions + 1
    turn.report(Verdict.OK)
    await fleet.end()


@pytest.mark.slow("simulates ten minutes of many processes")
@pytest.mark.parametrize("kind", ["extend", "bucket"])
def test_many_processes_take_two_scripts_a_call_at_most(kind: str) -> None:
    """Sixty-four processes on a small quota wait for messages, each once a window.

    They do not ask by themselves before.
    """
    went = simulate(FleetCase(kind, 100, processes=64), "shared")
    assert went.ended
    assert went.scripts <= 2.0 * went.calls
