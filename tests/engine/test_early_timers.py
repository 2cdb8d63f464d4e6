"""Timers of an event loop may fire early, and waits are still long enough.

A wait that a server asked for is never cut short.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from wxrevenue import HttpResponse, LocalRateLimiter, MemoryTransport, RevenueClient
from wxrevenue._engine.clock import LOOP_CLOCK, MARGIN_S, LoopClock, margin
from wxrevenue.testing import VirtualClock, run_virtual

if TYPE_CHECKING:
    from wxrevenue import HttpRequest

ASKED = 0.05
"""Seconds that the server asks to wait for."""


class EarlyLoop(asyncio.SelectorEventLoop):
    """A loop whose timers fire a millisecond early."""

    def call_at(self, when: float, *args: Any, **options: Any) -> asyncio.TimerHandle:  # type: ignore[override]
        """Fire early."""
        return super().call_at(when - 0.001, *args, **options)


async def waited(first: HttpResponse) -> float:
    """Return the real seconds between a first answer and the request after it."""
    times: list[float] = []

    def serve(_request: HttpRequest) -> HttpResponse:
        times.append(time.monotonic())
        return first if len(times) == 1 else HttpResponse(200, {}, b'{"share_ratio":40}')

    limiter = LocalRateLimiter(cooldown=ASKED)
    async with RevenueClient("a-token", component_appid="wx", transport=MemoryTransport(serve), limiter=limiter) as client:
        await client.get_share_ratio("wx1")
    return times[1] - times[0]


@pytest.mark.parametrize(
    "first",
    [HttpResponse(200, {}, b'{"ret":1737}'), HttpResponse(429, {"Retry-After": str(ASKED)}, b"")],
    ids=["a cool-down", "Retry-After"],
)
def test_a_loop_whose_timers_fire_early(first: HttpResponse) -> None:
    """R-32: a wait does not end before the server's clock says so.

    It is a cool-down or a Retry-After.
    """
    with asyncio.Runner(loop_factory=EarlyLoop) as runner:
        assert runner.run(waited(first)) >= ASKED


async def test_back_offs_have_a_margin() -> None:
    """R-32: a Retry-After is waited for a little longer than asked for."""
    slept: list[float] = []

    class Recorded(LoopClock):
        async def sleep(self, seconds: float) -> None:
            slept.append(seconds)

    answers = iter([HttpResponse(429, {"Retry-After": str(ASKED)}, b""), HttpResponse(200, {}, b'{"share_ratio":40}')])
    transport = MemoryTransport(lambda _request: next(answers))
    async with RevenueClient("a-token", component_appid="wx", transport=transport, clock=Recorded()) as client:
        await client.get_share_ratio("wx1")
    assert slept == [pytest.approx(ASKED + MARGIN_S)]


def test_time_that_is_not_real_is_exact() -> None:
    """R-32: in virtual time, and on a user's own clock, a pause is exact."""

    class OwnClock:
        def monotonic(self) -> float:
            return 0.0

        def time(self) -> float:
            return 0.0

        async def sleep(self, seconds: float) -> None:
            raise NotImplementedError

    async def margins() -> tuple[float, float, float]:
        return margin(LOOP_CLOCK), margin(VirtualClock()), margin(OwnClock())

    assert run_virtual(margins()) == (0.0, 0.0, 0.0)
    assert asyncio.run(margins()) == (MARGIN_S, MARGIN_S, 0.0)
    assert margin(LOOP_CLOCK) == MARGIN_S
