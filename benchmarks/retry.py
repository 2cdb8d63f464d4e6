"""G8: what retries cost a call that needs none.

Fair because each side's figure is a difference: the same await with its retries less the same await
without. Ours is the engine's loop of attempts around an exchange that answers at once, less what
remains when the loop, its bookkeeping and the look at the retry quota are taken out; the rival's is
a no-op under ``backoff``'s decorator, less the bare no-op.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, cast

import attrs
import backoff

from benchmarks._measure import Outcome, awaited_microseconds, in_turns
from wxrevenue import GetShareRatio, RetryPolicy, StaticTokens
from wxrevenue._engine.call import Call
from wxrevenue._engine.clock import LOOP_CLOCK
from wxrevenue._engine.engine import Engine
from wxrevenue._wire.codec import decode_result
from wxrevenue.ams._service import AmsService

if TYPE_CHECKING:
    from wxrevenue._engine.service import BoundCall

LIMIT: Final = 0.15
LIMIT_ALONE: Final = 0.3
"""Microseconds."""


@attrs.define(eq=False, kw_only=True)
class AtOnce(Engine):
    """An engine whose every exchange succeeds at once."""

    async def _turn(self, call: Call[Any]) -> Any:  # noqa: ARG002
        return {"share_ratio": 40}

    async def attempts(self, call: Call[Any]) -> Any:
        """Go through the loop of attempts."""
        return await self._attempts(call)

    async def once(self, call: Call[Any]) -> Any:
        """Do what the loop does for a call that needs no retries, without it."""
        call.bound = cast("BoundCall", self.service.begin(call.request))
        outcome = await self._turn(call)
        return decode_result(call.request, outcome)


def engine() -> AtOnce:
    """Return an engine without a network."""
    absent = cast("Any", None)
    return AtOnce(
        service=AmsService("https://host", StaticTokens(component="fake-token"), "wx-benchmark"),
        transport=absent,
        limiter=None,
        clock=LOOP_CLOCK,
        retry=RetryPolicy(),
        timeout=10.0,
        deadline=30.0,
        on_event=None,
    )


async def bare() -> None:
    """Do nothing."""


@backoff.on_exception(backoff.expo, Exception, max_tries=3)
async def rival() -> None:
    """Do nothing, with retries."""


async def ours_added(engine: AtOnce, count: int) -> float:
    """Return the CPU time that retries add to one of our calls, in microseconds."""
    call = Call(GetShareRatio(appid="wx0123456789abcdef"), 0.0, 30.0)
    return await awaited_microseconds(lambda: engine.attempts(call), count) - await awaited_microseconds(lambda: engine.once(call), count)


async def rival_added(count: int) -> float:
    """Return the CPU time that ``backoff`` adds to a call, in microseconds."""
    return await awaited_microseconds(rival, count) - await awaited_microseconds(bare, count)


def run(*, quick: bool = False) -> list[Outcome]:
    """Measure."""
    rounds, count = (11, 1_000) if quick else (101, 3_000)
    ours = engine()
    with asyncio.Runner() as runner:
        found = in_turns(lambda: runner.run(ours_added(ours, count)), lambda: runner.run(rival_added(count)), rounds)
    return [
        found.outcome("G8", "retries per successful call / under backoff.on_exception", "µs", LIMIT),
        Outcome("G8", "retries per successful call / 0.3 µs", found.ours, LIMIT_ALONE, "µs", found.ours / LIMIT_ALONE, 1.0),
    ]
