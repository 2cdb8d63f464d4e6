"""A rate that the user states: its arithmetic, and how a limiter keeps to it."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from support.limiting import SCOPE, closed
from support.virtual import HandClock, now, settle, virtual

from wxrevenue import ConfigurationError, LocalRateLimiter, Rate, TooFastError, Verdict
from wxrevenue.limiters._quota.fixed_rate import Gcra

THROTTLED = [
    # at, calls, remaining, reset after, retry after; None: let through, infinity: never
    (0.0, 6, 5, 0.0, math.inf),
    (0.0, 1, 4, 1.0, None),
    (0.0, 1, 3, 2.0, None),
    (0.0, 1, 2, 3.0, None),
    (0.0, 1, 1, 4.0, None),
    (0.0, 1, 0, 5.0, None),
    (0.0, 1, 0, 5.0, 1.0),
    (3.0, 1, 2, 3.0, None),
    (3.1, 1, 1, 3.9, None),
    (4.0, 1, 1, 4.0, None),
    (8.0, 1, 4, 1.0, None),
    (9.5, 1, 4, 1.0, None),
    (9.5, 0, 4, 1.0, None),
    (9.5, 2, 2, 3.0, None),
    (9.5, 5, 2, 3.0, 3.0),
    (15.0, 6, 5, 0.0, math.inf),
]
"""One call a second, five at once.

The figures are those of throttled/throttled (MIT), ``TestRateLimit`` in ``rate_test.go`` at
9e814f2.
"""


def test_the_arithmetic() -> None:
    """R-24: the arithmetic gives the figures of a published table, row by row.

    The rows are a burst at the start, refills, and calls that are too many.
    """
    gcra = Gcra(Rate(1, 1.0, 5))
    for row, (at, calls, remaining, reset_after, retry_after) in enumerate(THROTTLED):
        wait = gcra.when(at, calls) - at
        if retry_after is None:
            assert wait <= 1e-9, row
            gcra.take(at, calls)
        else:
            assert wait == pytest.approx(retry_after), row
        assert gcra.remaining(at) == remaining, row
        assert gcra.reset_after(at) == pytest.approx(reset_after), row


def test_a_rate_by_its_fields() -> None:
    """A rate is per minute, and its burst is all of it, unless stated otherwise."""
    assert Rate(100) == Rate(calls=100, per=60.0, burst=100)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"calls": 0}, "calls"),
        ({"calls": 1.5}, "calls"),
        ({"calls": True}, "calls"),
        ({"calls": "100"}, "calls"),
        ({"calls": 1, "per": 0}, "per"),
        ({"calls": 1, "per": math.inf}, "per"),
        ({"calls": 1, "per": "60"}, "per"),
        ({"calls": 1, "burst": 0}, "burst"),
        ({"calls": 1, "burst": 2.0}, "burst"),
    ],
)
def test_rates_that_make_no_sense(fields: dict[str, Any], name: str) -> None:
    """A rate that makes no sense is an error that names the field."""
    with pytest.raises(ConfigurationError, match=rf"Rate\.{name}: expected"):
        Rate(**fields)


def test_something_else_than_a_rate() -> None:
    """A limiter takes a ``Rate`` and nothing like it."""
    with pytest.raises(ConfigurationError, match=r"LocalRateLimiter\.rate: expected a Rate, got int"):
        LocalRateLimiter(rate=100)  # type: ignore[arg-type]


async def moments(limiter: LocalRateLimiter, calls: int) -> list[float]:
    """Return when so many callers at once get their turns."""
    gone: list[float] = []

    async def caller() -> None:
        turn = await limiter.acquire(SCOPE, timeout=1_000)
        gone.append(now())
        turn.report(Verdict.OK)
        turn.release()

    await asyncio.gather(*(caller() for _ in range(calls)))
    return gone


@virtual
async def test_a_burst_then_evenly() -> None:
    """R-24: a new limiter allows the whole burst and then spaces calls evenly.

    A rest fills the burst again.
    """
    limiter = LocalRateLimiter(rate=Rate(60, 60.0, 3))
    assert await moments(limiter, 6) == pytest.approx([0, 0, 0, 1, 2, 3])
    await asyncio.sleep(2)
    assert await moments(limiter, 4) == pytest.approx([5, 5, 6, 7])


@virtual
async def test_every_scope_has_the_rate_to_itself() -> None:
    """One scope's burst takes nothing from another's."""
    limiter = LocalRateLimiter(rate=Rate(1))
    for scope in ("one/-/x", "other/-/x"):
        (await limiter.acquire(scope, timeout=0)).release()
    assert now() == 0


@virtual
async def test_who_comes_too_late_hears_at_once() -> None:
    """A caller whose place comes after its deadline is refused at once.

    The error says when it would have come.
    """
    limiter = LocalRateLimiter(rate=Rate(60, 60.0, 1))
    waiting = asyncio.create_task(moments(limiter, 4))
    await settle()
    with pytest.raises(TooFastError) as caught:
        await limiter.acquire(SCOPE, timeout=3.5)
    assert caught.value.retry_after == pytest.approx(4)
    assert now() == 0
    await waiting


@virtual
async def test_a_refusal_under_a_stated_rate() -> None:
    """A refusal under a stated rate closes the gate too.

    A probe goes, and then the rate holds as before.
    """
    limiter = LocalRateLimiter(rate=Rate(60, 60.0, 2))
    await closed(limiter)
    assert await moments(limiter, 4) == pytest.approx([60, 60, 61, 62])


@virtual
async def test_a_cancelled_caller_takes_nothing_from_the_rate() -> None:
    """Nine of ten waiters that give up leave their places to the others at once."""
    limiter = LocalRateLimiter(rate=Rate(60, 60.0, 1))
    (await limiter.acquire(SCOPE, timeout=0)).release()
    tasks = [asyncio.create_task(moments(limiter, 1)) for _ in range(20)]
    await settle()
    for task in tasks[:18]:
        task.cancel()
    gone = [await task for task in tasks[18:]]
    assert [moment for [moment] in gone] == pytest.approx([1, 2])


async def test_a_clock_that_goes_backwards() -> None:
    """R-22: a clock set back neither refills anything nor lengthens a wait.

    It is set back in a machine that is restored, for example.
    """
    clock = HandClock()
    clock.now = 10_000.0
    limiter = LocalRateLimiter(rate=Rate(60, 60.0, 1), clock=clock)
    (await limiter.acquire(SCOPE, timeout=0)).release()
    clock.now = 0.0
    with pytest.raises(TooFastError) as caught:
        await limiter.acquire(SCOPE, timeout=0)
    assert caught.value.retry_after == pytest.approx(1)
    await clock.advance(1)
    (await limiter.acquire(SCOPE, timeout=0)).release()
