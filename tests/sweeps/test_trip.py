"""The modules that a job passes through: none calls back into a waiting one."""

from __future__ import annotations

from support.trips import Trace
from support.virtual import virtual

from wxrevenue import sweep


async def double(job: int) -> int:
    """Return twice the job's number, as a call."""
    return 2 * job


@virtual
async def test_the_trip_of_a_job() -> None:
    """An outcome in the middle of a sweep passes six modules, calling back into none."""
    async with sweep(double, range(6), concurrency=1) as outcomes:
        for _ in range(3):
            await anext(outcomes)
        trace = Trace("sweeps")
        with trace.taken():
            outcome = await anext(outcomes)
    assert outcome.value == 6
    assert sorted(trace.rooms) == ["_jobs", "_outcome", "_postponed", "_results", "_sweep", "_workers"]
    assert trace.returns == []
