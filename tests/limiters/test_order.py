"""Waiting in line: properties that always hold.

They hold for every sequence of callers, refusals and cancellations.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.limiting import SCOPE, closed, queue_up
from support.virtual import HandClock, LeapingClock, armed_timers, now, run_virtual, settle, virtual

from wxrevenue import LocalRateLimiter, Rate, TooFastError, Turn, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

VERDICTS = [Verdict.OK, Verdict.UNKNOWN, Verdict.TOO_FAST, None]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.integers(0, 2)),
        st.tuples(st.just("cancel"), st.integers(0, 30)),
        st.tuples(st.just("end"), st.sampled_from(range(len(VERDICTS)))),
        st.tuples(st.just("sleep"), st.sampled_from([0, 1, 50, 61, 200])),
        st.tuples(st.just("reopen"), st.integers(0, 2)),
    ),
    max_size=40,
)


class Crowd:
    """Callers of three scopes at one limiter."""

    def __init__(self, limiter: LocalRateLimiter) -> None:
        self.limiter = limiter
        self.came: dict[int, list[int]] = {0: [], 1: [], 2: []}
        self.went: dict[int, list[int]] = {0: [], 1: [], 2: []}
        self.held: list[Turn] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, scope: int) -> None:
        """Start one more caller."""
        self.tasks.append(asyncio.create_task(self._caller(scope, len(self.tasks))))
        await asyncio.sleep(0)

    async def _caller(self, scope: int, number: int) -> None:
        self.came[scope].append(number)
        turn = await self.limiter.acquire(f"tenant-{scope}/-/x", timeout=1e6)
        self.went[scope].append(number)
        self.held.append(turn)

    async def step(self, what: str, value: int) -> None:
        """Apply one step."""
        if what == "come":
            await self.come(value)
        elif what == "cancel" and self.tasks:
            self.tasks[value % len(self.tasks)].cancel()
        elif what == "end" and self.held:
            turn, verdict = self.held.pop(0), VERDICTS[value]
            if verdict is not None:
                turn.report(verdict)
            turn.release()
        elif what == "sleep":
            await asyncio.sleep(value)
        elif what == "reopen":
            await self.limiter.reopen(f"tenant-{value}/-/x")

    async def drain(self) -> None:
        """Let all remaining callers through."""
        for _ in range(10_000):
            while self.held:
                turn = self.held.pop()
                turn.report(Verdict.OK)
                turn.release()
            await settle()
            if all(task.done() for task in self.tasks):
                return
            await asyncio.sleep(0 if self.held else 1)
        raise AssertionError("somebody never got a turn")


async def _lives_through(steps: Sequence[tuple[str, int]], limiter: LocalRateLimiter) -> None:
    crowd = Crowd(limiter)
    for what, value in steps:
        await crowd.step(what, value)
    await crowd.drain()
    for scope, went in crowd.went.items():
        assert went == [number for number in crowd.came[scope] if not crowd.tasks[number].cancelled()]
    assert armed_timers() == 0


@pytest.mark.slow("simulates crowds of callers")
@settings(max_examples=150)
@given(STEPS)
def test_every_caller_goes_in_its_turn(steps: list[tuple[str, int]]) -> None:
    """R-10, R-11, R-23: every other caller gets a turn, in order within a scope.

    Calls may be refused, lost or cancelled. No timer is left.
    """
    run_virtual(_lives_through(steps, LocalRateLimiter()))


@settings(max_examples=50)
@given(STEPS)
def test_every_caller_goes_at_a_stated_rate(steps: list[tuple[str, int]]) -> None:
    """R-10, R-11, R-23: the same holds under a rate that the user stated."""
    run_virtual(_lives_through(steps, LocalRateLimiter(rate=Rate(60, 60.0, 2))))


@pytest.mark.slow("queues ten thousand callers")
@virtual
async def test_ten_thousand_waiters_one_timer() -> None:
    """Ten thousand waiters are served in order of arrival behind two timers.

    One of the two watches the deadlines.
    """
    limiter = LocalRateLimiter()
    await closed(limiter)
    got, tasks = await queue_up(limiter, map(str, range(10_000)), timeout=1e6)
    assert armed_timers() == 2
    await limiter.reopen(SCOPE)
    for task in tasks.values():
        turn = await task
        turn.report(Verdict.OK)
        turn.release()
    assert got == list(map(str, range(10_000)))
    assert armed_timers() == 0


@virtual
async def test_nine_of_ten_give_up() -> None:
    """R-10: when nine of ten waiters are cancelled the others lose no time.

    Nothing of the cancelled ones stays behind.
    """
    limiter = LocalRateLimiter(rate=Rate(60, 60.0, 1))
    (await limiter.acquire(SCOPE, timeout=0)).release()
    got, tasks = await queue_up(limiter, map(str, range(1_000)), timeout=1e6)
    for number, task in enumerate(tasks.values()):
        if number % 10:
            task.cancel()
    await settle()
    await asyncio.sleep(100.5)
    assert got == [str(number) for number in range(0, 1_000, 10)]
    assert armed_timers() == 0


@virtual
async def test_a_hot_tenant_beside_a_quiet_one() -> None:
    """R-23: a scope with two hundred waiting callers takes nothing from another one."""
    limiter = LocalRateLimiter(rate=Rate(60, 60.0, 1))
    _, tasks = await queue_up(limiter, map(str, range(200)))
    for second in range(10):
        (await limiter.acquire("quiet/-/x", timeout=0)).release()
        await asyncio.sleep(1)
        assert now() == second + 1
    for task in tasks.values():
        task.cancel()


@virtual
async def test_deadlines_of_waiters_that_cannot_know() -> None:
    """Waiters behind calls without answers get TooFastError when their time is up.

    The most urgent one gets it first.
    """
    limiter = LocalRateLimiter(rate=None)
    held = [await limiter.acquire(SCOPE, timeout=0) for _ in range(3)]
    ends: list[tuple[float, float]] = []

    async def caller(timeout: float) -> None:
        with pytest.raises(TooFastError):
            await limiter.acquire(SCOPE, timeout=timeout)
        ends.append((timeout, now()))

    await asyncio.gather(*(caller(timeout) for timeout in (0.6, 0.2, 0.4)))
    assert [timeout for timeout, _ in ends] == [0.2, 0.4, 0.6]
    assert [moment for _, moment in ends] == pytest.approx([0.2, 0.4, 0.6])
    assert armed_timers() == 0
    for turn in held:
        turn.release()


async def test_the_gate_on_a_clock_that_goes_backwards() -> None:
    """R-22: a clock set back does not keep a gate closed for longer.

    It stays closed no longer than the rest of the cool-down.
    """
    clock = HandClock()
    clock.now = 10_000.0
    limiter = LocalRateLimiter(clock=clock)
    await closed(limiter)
    for at in (10_020.0, 5.0):
        clock.now = at
        with pytest.raises(TooFastError) as caught:
            await limiter.acquire(SCOPE, timeout=1)
        assert caught.value.retry_after == pytest.approx(40)
    await clock.advance(40)
    (await limiter.acquire(SCOPE, timeout=0)).release()


async def test_a_leaping_clock_times_nobody_out() -> None:
    """A leaping clock of a user's own ends no caller's wait before its deadline.

    Its ``sleep`` leaps, so the gate's time passes at once.
    """
    clock = LeapingClock()
    limiter = LocalRateLimiter(clock=clock)
    await closed(limiter)
    turns = await asyncio.gather(*(limiter.acquire(SCOPE, timeout=300) for _ in range(1)))
    assert 60 <= clock.now < 61
    for turn in turns:
        turn.release()
