"""The queue of waiters by itself: its order, and what it keeps."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.limiting import closed, queue_up
from support.virtual import now, settle, virtual

from wxrevenue import LocalRateLimiter
from wxrevenue.limiters._local.turn import LocalTurn
from wxrevenue.limiters._local.wait_queue import Waiter, WaitQueue

if TYPE_CHECKING:
    from collections.abc import Iterable

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.integers(0, 3), st.integers(1, 5)),
        st.tuples(st.sampled_from(["leave", "cancel"]), st.integers(0, 99), st.just(0)),
        st.tuples(st.sampled_from(["first", "urgent"]), st.just(0), st.just(0)),
    ),
    max_size=200,
)
"""Who comes is so many places earlier than the last, and has so much time."""


def waiter(sequence: int, deadline: float, scope: str = "a") -> Waiter:
    """Return a caller that is in no queue yet."""
    turn = LocalTurn()
    turn.sequence, turn.scope, turn.out = sequence, scope, None
    return Waiter(turn, deadline)


def kept() -> int:
    """Return how many waiters there are in memory."""
    gc.collect()
    return sum(isinstance(one, Waiter) for one in gc.get_objects())


def sequences(waiters: Iterable[Waiter]) -> list[int]:
    """Return the places of waiters."""
    return [one.turn.sequence for one in waiters]


@given(steps=STEPS)
def test_a_queue_is_sorted_both_ways(steps: list[tuple[str, int, int]]) -> None:
    """Whatever comes and leaves, the first and the most urgent are told.

    A caller whose wait was cancelled counts until it is passed over.
    """
    with asyncio.Runner() as runner:
        runner.run(_sorted_both_ways(steps))


async def _sorted_both_ways(steps: list[tuple[str, int, int]]) -> None:
    queue, there = WaitQueue(), list[Waiter]()
    for number, (step, which, seconds) in enumerate(steps):
        if step == "come":
            there.append(waiter(1_000 * (number - which) + number, float(number + 10 * seconds)))
            queue.push(there[-1])
        elif step == "leave" and there:
            queue.remove(there.pop(which % len(there)))
        elif step == "cancel" and there:
            there.pop(which % len(there)).woken.cancel()
        elif step == "first":
            assert queue.first() is min(there, key=lambda one: one.turn.sequence, default=None)
        elif step == "urgent":
            urgent = queue.most_urgent()
            assert (urgent and urgent.deadline) == min((one.deadline for one in there), default=None)
    assert sequences(one for one in queue if not one.woken.done()) == sorted(sequences(there))
    while there:
        there.remove(first := min(there))
        assert queue.first() is first
        queue.remove(first)
    assert queue.first() is None
    assert queue.most_urgent() is None
    assert len(queue) == 0


async def test_who_was_taken_out_is_not_in_line_any_more() -> None:
    """Callers that go on in another queue are in that one only.

    The others keep their places.
    """
    queue, other = WaitQueue(), WaitQueue()
    for sequence, scope in enumerate("aabba"):
        queue.push(waiter(sequence, 9.0 - sequence, scope))
    for one in queue.take("a"):
        other.push(one)
    assert sequences(queue) == [2, 3]
    assert sequences(other) == [0, 1, 4]
    assert [len(queue), len(other)] == [2, 3]
    for line, expected in ((queue, [2, 3]), (other, [0, 1, 4])):
        for sequence in expected:
            first = line.first()
            assert first is not None
            assert first.turn.sequence == sequence
            line.remove(first)
        assert line.most_urgent() is None


@pytest.mark.parametrize(("place", "deadline"), [(1, -1.0), (-1, 1.0)], ids=["behind", "ahead"])
async def test_who_left_is_not_kept(place: int, deadline: float) -> None:
    """While one caller waits long, few of the many that left meanwhile are kept.

    Neither their order nor their deadlines keep them.
    """
    before, queue = kept(), WaitQueue()
    queue.push(waiter(0, -5_000.0))
    for number in range(1, 2_000):
        one = waiter(place * number, deadline * number)
        queue.push(one)
        queue.remove(one)
        del one
    assert kept() - before < 200
    assert len(queue) == 1


async def test_who_is_served_in_order_is_let_go_at_once() -> None:
    """Of callers who are served one after the other, none stays behind in memory."""
    before, queue = kept(), WaitQueue()
    for sequence in range(1_000):
        queue.push(waiter(sequence, 100.0))
    for _ in range(900):
        first = queue.first()
        assert first is not None
        queue.remove(first)
        del first
    assert kept() - before == 100


@virtual
async def test_a_long_line_sets_no_timer_for_each_caller() -> None:
    """A thousand callers behind a closed gate set two timers.

    One is for when it opens, one for their deadline.
    """
    limiter, loop = LocalRateLimiter(), asyncio.get_running_loop()
    await closed(limiter)
    with mock.patch.object(loop, "call_at", wraps=loop.call_at) as call_at:
        _, tasks = await queue_up(limiter, map(str, range(1_000)))
        assert call_at.call_count == 2
    for task in tasks.values():
        task.cancel()
    await settle()


@virtual
async def test_a_shorter_deadline_behind_longer_ones_is_kept() -> None:
    """Whoever has least time hears first, wherever it stands."""
    limiter = LocalRateLimiter()
    await closed(limiter)
    _, patient = await queue_up(limiter, "abc", timeout=500.0)
    ended: dict[str, float] = {}

    async def hurried(name: str, timeout: float) -> None:
        try:
            await limiter.acquire("account/-/action", timeout=timeout)
        finally:
            ended[name] = now()

    probe_goes_at = 60.0
    short = [asyncio.create_task(hurried(name, timeout)) for name, timeout in (("d", 90.0), ("e", 70.0), ("f", 80.0))]
    await asyncio.sleep(probe_goes_at + 40.0)  # the probe is out all the time, and nobody follows it
    assert ended == {"d": 90.0, "e": 70.0, "f": 80.0}
    await asyncio.gather(*short, return_exceptions=True)
    for task in patient.values():
        task.cancel()
    await settle()
