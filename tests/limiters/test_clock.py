"""A limiter on a clock of a user's own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.fakes import Read, ams_client, answer, refusal
from support.limiting import LONGEST_GAP, SCOPE, closed, queue_up
from support.virtual import HandClock, LeapingClock, settle, virtual

from wxrevenue import ConfigurationError, LocalRateLimiter, NotSentError, QuotaExceededError, RetryPolicy, TooFastError, Verdict
from wxrevenue._engine.clock import LoopClock


async def test_a_clock_whose_sleep_moves_the_time() -> None:
    """The limiter needs only ``monotonic``, ``time`` and ``sleep`` of a user's clock."""
    clock = LeapingClock()
    client, transport = ams_client(refusal(1737), *[answer()] * 4, clock=clock, deadline=100.0)
    await asyncio.gather(*(client.send(Read()) for _ in range(3)))
    assert len(transport.requests) == 4
    assert 60 <= clock.now <= 60.2
    await client.aclose()


async def test_back_off_on_a_users_own_clock() -> None:
    """Back-offs sleep on the user's clock."""
    clock = LeapingClock()
    client, _ = ams_client(
        NotSentError(reason="connect"), NotSentError(reason="connect"), answer(), clock=clock, retry=RetryPolicy(jitter=lambda: 1.0)
    )
    await client.send(Read())
    assert clock.slept == pytest.approx([0.05, 0.1])


async def test_a_clock_moved_by_hand() -> None:
    """With a clock that is moved by hand, the gate opens when that clock says so."""
    clock = HandClock()
    limiter = LocalRateLimiter(clock=clock)
    await closed(limiter)
    got, tasks = await queue_up(limiter, "abc")
    await clock.advance(59.9)
    assert got == []
    await clock.advance(0.1)
    assert got == ["a"]
    (await tasks["a"]).report(Verdict.OK)
    await clock.advance(LONGEST_GAP)
    (await tasks["b"]).report(Verdict.OK)
    await clock.advance(LONGEST_GAP)
    assert got == ["a", "b", "c"]
    assert clock.sleepers == 0


async def test_a_cancelled_waiter_leaves_no_task_on_a_users_clock() -> None:
    """The limiter's sleeping task ends with its last waiter."""
    clock = HandClock()
    limiter = LocalRateLimiter(clock=clock)
    await closed(limiter)
    _, tasks = await queue_up(limiter, "ab")
    await settle()
    assert clock.sleepers
    for task in tasks.values():
        task.cancel()
    await settle()
    assert clock.sleepers == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


@virtual
async def test_waiters_expire_by_the_limiters_own_clock() -> None:
    """A waiter's time is measured by the limiter's clock, not the event loop's."""
    clock = HandClock()
    limiter = LocalRateLimiter(clock=clock)
    await closed(limiter)
    _, tasks = await queue_up(limiter, "ab", timeout=65)
    await clock.advance(60)
    probe = await tasks["a"]
    await asyncio.sleep(1_000)  # the loop's time, which is not asked
    assert not tasks["b"].done()
    await clock.advance(6)
    await asyncio.sleep(100)  # the loop only says when to look again
    assert tasks["b"].done()
    assert isinstance(tasks["b"].exception(), TooFastError)
    probe.release()


@virtual
async def test_a_clock_that_breaks() -> None:
    """An exception of a user's clock reaches the waiting call unchanged."""

    class Broken(HandClock):
        tries = 0

        async def sleep(self, seconds: float) -> None:
            self.tries += 1
            if self.tries > 9:
                await asyncio.sleep(1_000)
            raise LookupError("the clock broke")

    clock = Broken()
    limiter = LocalRateLimiter(clock=clock)
    await closed(limiter)
    with pytest.raises(LookupError):
        await asyncio.wait_for(limiter.acquire(SCOPE, timeout=100), 10)


class FailingClock(LoopClock):
    """The loop's clock, which fails as often as it is set to."""

    failures = 0

    def monotonic(self) -> float:
        """Return the time, or raise."""
        if self.failures:
            self.failures -= 1
            raise OSError("no time")
        return super().monotonic()


@virtual
async def test_a_clock_that_fails_while_a_probe_ends() -> None:
    """A turn ends whatever the clock raises, so that the next in line probes.

    No caller is blocked for ever.
    """
    clock = FailingClock()
    limiter = LocalRateLimiter(clock=clock)
    await closed(limiter)
    probe = await limiter.acquire(SCOPE, timeout=100.0)
    clock.failures = 1
    probe.release()
    (await limiter.acquire(SCOPE, timeout=1.0)).report(Verdict.OK)


@virtual
async def test_a_clock_that_fails_while_a_waiter_is_cancelled() -> None:
    """A cancelled caller gets its cancellation, not the clock's exception."""
    clock = FailingClock()
    limiter = LocalRateLimiter(clock=clock)
    await closed(limiter)
    _, tasks = await queue_up(limiter, "ab")
    clock.failures = 1
    tasks["a"].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks["a"]
    (await tasks["b"]).report(Verdict.OK)


@virtual
async def test_a_clock_that_fails_at_a_waiters_deadline() -> None:
    """The waiter whose time is up gets the clock's exception.

    Those behind it do not hang.
    """
    clock = FailingClock()
    limiter = LocalRateLimiter(clock=clock)
    await closed(limiter)
    probe = await limiter.acquire(SCOPE, timeout=100.0)
    waits = [asyncio.create_task(limiter.acquire(SCOPE, timeout=20.0)) for _ in range(2)]
    await asyncio.sleep(19.0)
    clock.failures = 1
    first, second = await asyncio.gather(*waits, return_exceptions=True)
    assert isinstance(first, OSError)
    assert isinstance(second, TooFastError)
    probe.release()


@virtual
async def test_a_wall_clock_that_fails_while_the_quota_is_found_spent() -> None:
    """A spent quota closes the scope although a user's clock fails.

    The clock cannot say how far midnight is.
    """

    class NoDate(LoopClock):
        def time(self) -> float:
            raise OSError("no date")

    limiter = LocalRateLimiter(clock=NoDate())
    turn = await limiter.acquire(SCOPE, timeout=0)
    turn.report(Verdict.QUOTA_SPENT)
    with pytest.raises(QuotaExceededError):
        await limiter.acquire(SCOPE, timeout=100)


@pytest.mark.parametrize("scope", [None, 7, b"scope", "", "a\nb"])
@virtual
async def test_scopes_that_are_none(scope: Any) -> None:
    """A scope is printable text, as every limiter's port says.

    Anything else is refused at once.
    """
    with pytest.raises(ConfigurationError, match=r"^scope: expected "):
        await LocalRateLimiter().acquire(scope, timeout=1)
