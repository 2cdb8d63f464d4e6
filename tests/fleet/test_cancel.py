"""The reader of a fleet's rows is cancelled at every await."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from support.fleet import Fleet
from support.virtual import CancelAt, run_virtual, settle

from wxrevenue import RatioChange, RatioPlan, apply_ratios, open_publishers, ratio_status, switch_covers
from wxrevenue.sandbox import Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

LONGEST = 60


def plan(fleet: Fleet) -> RatioPlan:
    """Return a plan with the default and all custom ratios."""
    return RatioPlan(tuple(RatioChange(appid, None, Decimal(40)) for appid in (None, *fleet.programs)), 0)


JOBS: dict[str, Callable[[Fleet], AsyncGenerator[Any]]] = {
    "ratio_status": lambda fleet: ratio_status(fleet.client, fleet.programs, concurrency=2),
    "apply_ratios": lambda fleet: apply_ratios(fleet.client, plan(fleet), concurrency=2),
    "open_publishers": lambda fleet: open_publishers(fleet.client, fleet.programs, concurrency=2),
    "switch_covers": lambda fleet: switch_covers(fleet.client, fleet.programs, 1, concurrency=2),
}


@pytest.mark.parametrize("name", JOBS)
@pytest.mark.parametrize("code", [None, 1737])
def test_nothing_is_left_behind(name: str, code: int | None) -> None:
    """Wherever it is cancelled, no task and no call is left.

    The same client does the rest.
    """

    async def read(fleet: Fleet) -> int:
        count = 0
        async with aclosing(JOBS[name](fleet)) as rows:
            async for _ in rows:
                count += 1
                await asyncio.sleep(0.1)
        return count

    async def cancelled_at(step: int) -> bool:
        fleet = Fleet(trouble=Trouble(latency=0.05))
        fleet.sandbox.next(None, code)
        attempt = CancelAt(read(fleet), step)
        try:
            await attempt
        except asyncio.CancelledError:
            assert attempt.reached
        task = asyncio.current_task()
        assert task is not None
        while task.cancelling():
            task.uncancel()
        await settle()
        assert asyncio.all_tasks() == {task}
        assert fleet.in_flight == 0
        assert await read(fleet) == len(fleet.programs) + (name == "apply_ratios")
        return attempt.reached

    count = 0
    while run_virtual(cancelled_at(count)):
        count += 1
        assert count < LONGEST
    assert count >= 1 + 4  # the first row is awaited, and each is worked on
