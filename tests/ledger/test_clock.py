"""A ledger's clock, which may be set forward and back at any time."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from support.virtual import virtual

from wxrevenue import FetchJob, HalfMonth, Totals, open_ledger
from wxrevenue.testing import VirtualClock

if TYPE_CHECKING:
    from pathlib import Path

HALF = HalfMonth(2024, 3, 1)
JOB = FetchJob("wx1", HALF, HALF)
YEAR = 365 * 86_400.0
BEIJING = dt.timezone(dt.timedelta(hours=8))


@virtual
async def test_a_claim_of_the_future(tmp_path: Path) -> None:
    """B-10: a claim made while the clock was a year ahead does not last a year.

    A small step of the clock costs no claim.
    """
    clock = VirtualClock()
    async with open_ledger(str(tmp_path / "revenue.db"), clock=clock) as ledger:
        (claim,) = await ledger.claim([JOB], limit=1, lease=10.0)
        clock.step(-9.0)
        assert not await ledger.claim([JOB], limit=1, lease=10.0)
        clock.step(-YEAR)
        (other,) = await ledger.claim([JOB], limit=1, lease=10.0)
        assert other.fence > claim.fence
        assert (await ledger.record_job(JOB, [], claim=claim)).stale
        assert not (await ledger.record_job(JOB, [], claim=other)).stale


@virtual
async def test_the_newest_header(tmp_path: Path) -> None:
    """B-10: a header recorded after the clock was set back is still the newest."""
    clock = VirtualClock()
    async with open_ledger(str(tmp_path / "revenue.db"), clock=clock) as ledger:
        await ledger.record("wx1", HALF, [], totals=Totals(1, 0, 0, None))
        clock.step(-YEAR)
        await ledger.record("wx1", HALF, [], totals=Totals(2, 0, 0, None))
        assert await ledger.totals("wx1") == Totals(2, 0, 0, None)


@pytest.mark.parametrize(("before", "jobs"), [(1, 0), (0, 1)])
@virtual
async def test_midnight_in_beijing(before: int, jobs: int, tmp_path: Path) -> None:
    """A half-month is a job from the first moment of the next one on, in Beijing.

    It does not matter where the machine is.
    """
    midnight = dt.datetime(2024, 3, 16, tzinfo=BEIJING).timestamp()
    clock = VirtualClock(midnight - before)
    async with open_ledger(str(tmp_path / "revenue.db"), clock=clock) as ledger:
        found: list[Any] = [job async for job in ledger.missing(["wx1"], "2024-03-01", "2024-03-31")]
        assert len(found) == jobs


async def test_the_last_day_that_there_is(tmp_path: Path) -> None:
    """A range may end with the last day of the calendar."""
    async with open_ledger(str(tmp_path / "revenue.db")) as ledger:
        span = ("2024-03-01", "9999-12-31")
        found = [job async for job in ledger.missing(["wx1"], *span, today=dt.date(2024, 3, 20))]
        assert found == [JOB]
        await ledger.record("wx1", HalfMonth(9999, 12, 1), [])
        found = [job async for job in ledger.missing(["wx1"], "9999-12-01", "9999-12-31", today=dt.date(9999, 12, 31))]
        assert found == [FetchJob("wx1", HalfMonth(9999, 12, 1), HalfMonth(9999, 12, 1))]
