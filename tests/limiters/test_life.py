"""LocalRateLimiter from its making to its end."""

from __future__ import annotations

from typing import Any

import pytest
from support.limiting import SCOPE, closed, queue_up
from support.virtual import armed_timers, now, settle, virtual

from wxrevenue import ConfigurationError, LocalRateLimiter, RateLimiter, Verdict


def test_it_is_a_rate_limiter() -> None:
    """LocalRateLimiter has the port's shape, and needs no running loop to be made."""
    assert isinstance(LocalRateLimiter(), RateLimiter)


@pytest.mark.parametrize("cooldown", [0, -1, True, "60", float("inf"), float("nan"), None])
def test_cooldowns_that_make_no_sense(cooldown: Any) -> None:
    """A cool-down is a positive, finite number of seconds."""
    with pytest.raises(ConfigurationError, match=r"LocalRateLimiter\.cooldown"):
        LocalRateLimiter(cooldown)


@virtual
async def test_a_scope_never_refused_costs_nothing() -> None:
    """In an open scope a caller with no time left gets its turn, without a timer."""
    limiter = LocalRateLimiter()
    for verdict in (Verdict.OK, Verdict.UNKNOWN):
        turn = await limiter.acquire(SCOPE, timeout=0.0)
        turn.report(verdict)
        await turn.again(timeout=0.0)
        turn.release()
    assert now() == 0
    assert armed_timers() == 0


@virtual
async def test_refused_in_the_moment_of_its_cancellation() -> None:
    """A waiter that is refused and cancelled in the same moment is cancelled.

    Nothing is logged as an error.
    """
    limiter = LocalRateLimiter(cooldown=60)
    await closed(limiter)
    _, tasks = await queue_up(limiter, "a")
    await limiter.aclose()
    tasks["a"].cancel()
    await settle()
    assert tasks["a"].cancelled()


@virtual
async def test_closing_leaves_no_timer() -> None:
    """A closed limiter has no timer, with or without waiters."""
    limiter = LocalRateLimiter()
    await closed(limiter)
    _, tasks = await queue_up(limiter, "abc")
    await limiter.aclose()
    await settle()
    assert armed_timers() == 0
    assert all(task.exception() for task in tasks.values())
