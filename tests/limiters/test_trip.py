"""The trip of a turn through the limiter's parts.

Two parts are enough where no caller waits. A waiting part is never called back.
"""

from __future__ import annotations

from support.trips import Trace
from support.virtual import virtual

from wxrevenue import LocalRateLimiter, Rate, Verdict


async def turn(limiter: LocalRateLimiter) -> None:
    """Take a turn and end it."""
    taken = limiter.take("scope") or await limiter.acquire("scope", timeout=30.0)
    taken.report(Verdict.OK)
    taken.release()


@virtual
async def test_the_trip_of_a_free_turn() -> None:
    """Without waiters and recent refusals a turn has two rooms: limiter and turn."""
    limiter = LocalRateLimiter()
    for _ in range(200):  # from then on most answers are counted later, together
        await turn(limiter)
    traces = [await traced(limiter) for _ in range(3)]
    assert min((trace.rooms for trace in traces), key=len) == ["limiter", "turn"]


@virtual
async def test_the_trip_of_a_turn_that_is_waited_for() -> None:
    """A turn that comes later goes through the scope, its queue and its pacer.

    It goes back into no part that waits for it.
    """
    limiter = LocalRateLimiter(rate=Rate(calls=1, per=5.0))
    await turn(limiter)
    trace = await traced(limiter)
    assert {"limiter", "scope", "wait_queue", "fixed_rate", "turn"} <= {*trace.rooms}
    assert trace.returns == []


async def traced(limiter: LocalRateLimiter) -> Trace:
    """Return the parts of the limiter that a turn goes through."""
    trace = Trace("limiters")
    with trace.taken():
        await turn(limiter)
    return trace
