"""LocalRateLimiter's queue of waiters.

Tested are how fast it moves, which waiters it refuses, and what it leaves behind.
"""

from __future__ import annotations

import asyncio
import itertools

import pytest
from support.limiting import LONGEST_GAP, SCOPE, closed, queue_up
from support.virtual import armed_timers, now, settle, virtual

from wxrevenue import LocalRateLimiter, TooFastError, Verdict


@virtual
async def test_the_line_moves_on() -> None:
    """The callers behind an accepted probe follow at most 50 ms apart.

    Nothing is learned by then. They leave no timer.
    """
    limiter = LocalRateLimiter()
    await closed(limiter)
    went: list[float] = []

    async def call() -> None:
        turn = await limiter.acquire(SCOPE, timeout=100)
        went.append(now())
        turn.report(Verdict.OK)
        turn.release()

    await asyncio.gather(*(call() for _ in range(50)))
    assert went[0] == pytest.approx(60)
    assert max(later - earlier for earlier, later in itertools.pairwise(went)) <= LONGEST_GAP + 1e-6
    await asyncio.sleep(1)
    assert armed_timers() == 0


@virtual
async def test_cancelled_waiters_leave_no_timer() -> None:
    """R-10: when every waiter was cancelled no timer and no task is left."""
    limiter = LocalRateLimiter()
    await closed(limiter)
    _, tasks = await queue_up(limiter, "abc")
    for task in tasks.values():
        task.cancel()
    await settle()
    assert all(task.cancelled() for task in tasks.values())
    assert armed_timers() == 0


@virtual
async def test_cancelled_just_before_its_turn() -> None:
    """R-10: a waiter that is cancelled when the gate opens is passed over.

    Its task has not ended yet.
    """
    limiter = LocalRateLimiter()
    await closed(limiter)
    got, tasks = await queue_up(limiter, "ab")
    tasks["a"].cancel()
    await limiter.reopen(SCOPE)  # before the task had a chance to go
    await asyncio.sleep(1)
    assert tasks["a"].cancelled()
    assert got == ["b"]


@virtual
async def test_a_turn_that_comes_at_the_last_moment() -> None:
    """A waiter whose turn comes in the moment its time is up gets the turn."""
    limiter = LocalRateLimiter()
    await closed(limiter)
    (await limiter.acquire(SCOPE, timeout=60 + 5e-10)).release()
    assert now() == pytest.approx(60)


@virtual
async def test_those_behind_a_long_line_hear_at_once() -> None:
    """A caller too far behind for its deadline is refused at once.

    It does not wait for the deadline.
    """
    limiter = LocalRateLimiter()
    await closed(limiter)
    _, tasks = await queue_up(limiter, map(str, range(1_000)))
    with pytest.raises(TooFastError):
        await limiter.acquire(SCOPE, timeout=61)
    assert now() == 0
    for task in tasks.values():
        task.cancel()


@virtual
async def test_who_goes_again_is_ahead_of_those_who_came_later() -> None:
    """Whether a refused call can go in time depends on its own place.

    It does not depend on the length of the line behind it.
    """
    limiter = LocalRateLimiter()
    await closed(limiter)
    got, tasks = await queue_up(limiter, map(str, range(1_000)))
    await asyncio.sleep(60)
    probe = await tasks["0"]
    probe.report(Verdict.TOO_FAST)
    await probe.again(timeout=61)
    assert now() == pytest.approx(120)
    assert got == ["0"]
    for task in tasks.values():
        task.cancel()


@virtual
async def test_reopen_while_a_probe_is_out() -> None:
    """After ``reopen`` the others go when the probe is back at the latest.

    It does not matter how the probe ended.
    """
    limiter = LocalRateLimiter()
    await closed(limiter)
    _, tasks = await queue_up(limiter, "ab")
    await asyncio.sleep(60)
    probe = await tasks["a"]
    await limiter.reopen(SCOPE)
    probe.release()
    await tasks["b"]
    assert now() == pytest.approx(60, abs=1)
