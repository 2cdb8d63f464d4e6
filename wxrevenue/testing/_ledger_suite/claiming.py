"""Claims: one process fetches a job, and the others leave it alone.

A late writer is told so.
"""

from __future__ import annotations

import asyncio
from typing import Final

from wxrevenue._base.calendar import HalfMonth
from wxrevenue.testing._ledger_suite.case import FIRST, SECOND, SHORT, LedgerCase, LedgerScene, row
from wxrevenue.testing._ledger_suite.recording import refused
from wxrevenue.testing._suite import Suite

CASES: Final = Suite(LedgerCase)


@CASES()
async def a_claim_keeps_others_away(scene: LedgerScene) -> None:
    """A job that is claimed belongs to no other process.

    Nor does one that shares a half-month with it.
    """
    one, other = await scene.ledger(), await scene.ledger()
    claim = await scene.claimed(one, scene.job())
    assert claim.job == scene.job()
    overlapping = [scene.job(), scene.job(FIRST, FIRST), scene.job(SECOND, HalfMonth(2024, 4, 1))]
    assert await other.claim(overlapping, limit=9) == await one.claim(overlapping, limit=9) == []
    beside = [scene.job(HalfMonth(2024, 4, 1), HalfMonth(2024, 4, 2)), scene.job(owner=scene.named("b"))]
    assert [found.job for found in await other.claim([scene.job(), *beside], limit=9)] == beside


@CASES()
async def as_many_as_allowed(scene: LedgerScene) -> None:
    """No more jobs are claimed than allowed, in the order in which they were given."""
    ledger = await scene.ledger()
    jobs = [scene.job(owner=scene.named(name)) for name in "cab"]
    assert [claim.job for claim in await ledger.claim(jobs, limit=2)] == jobs[:2]
    assert [claim.job for claim in await ledger.claim(jobs, limit=2)] == jobs[2:]


@CASES()
async def given_back(scene: LedgerScene) -> None:
    """A job that was given back can be claimed at once, under a higher fence."""
    ledger = await scene.ledger()
    first = await scene.claimed(ledger, scene.job())
    await ledger.give_back(first)
    second = (await ledger.claim([scene.job()], limit=1))[0]
    assert second.fence > first.fence
    await ledger.give_back(first)
    assert await ledger.claim([scene.job()], limit=1) == [], "an old claim gave back a newer one"


@CASES()
async def a_lease_that_ends(scene: LedgerScene) -> None:
    """B-09: When a lease is over another process may claim the job.

    The first one can neither renew its claim nor record.
    """
    one, other = await scene.ledger(), await scene.ledger()
    first = await scene.claimed(one, scene.job(), SHORT)
    second = await scene.claimed(other, scene.job())
    assert second.fence > first.fence
    assert await one.renew(first) is None
    late = await one.record_job(scene.job(), [row(1)], claim=first)
    assert (late.stale, late.changes) == (True, ())
    assert (await one.record(scene.owner, FIRST, [row(1)], claim=first)).stale
    assert not (await other.record_job(scene.job(), [row(2)], claim=second)).stale
    await other.give_back(second)
    assert (await one.record_job(scene.job(), [row(1)], claim=first)).stale, "the fence was forgotten"
    assert await scene.kept(one) == [row(2)]


@CASES()
async def renewed_in_time(scene: LedgerScene) -> None:
    """A claim that is renewed lasts.

    One whose lease ended counts as long as no other process claimed the job.
    """
    ledger = await scene.ledger()
    claim = await scene.claimed(ledger, scene.job(), SHORT)
    await asyncio.sleep(2 * SHORT)
    renewed = await ledger.renew(claim)
    assert renewed is not None
    assert renewed.until > claim.until
    assert not (await ledger.record_job(scene.job(), [row()], claim=claim)).stale


@CASES()
async def a_whole_job(scene: LedgerScene) -> None:
    """A job is recorded in one step.

    So are its empty half-months, and those rows of it that are gone.
    """
    ledger = await scene.ledger()
    job = scene.job(FIRST, HalfMonth(2024, 4, 1))
    await ledger.record(scene.owner, SECOND, [row(5, half=SECOND)])
    claim = await scene.claimed(ledger, job)
    recorded = await ledger.record_job(job, [row(1), row(2)], claim=claim)
    assert [sorted(change.kinds) for change in recorded.changes] == [["new"], ["new"], ["gone"]]
    assert await scene.missing(ledger, "2024-03-01", "2024-04-15", "2024-07-20") == ["2024-03-1..2024-03-1"]


@CASES()
async def rows_beside_the_job(scene: LedgerScene) -> None:
    """What does not belong to the claimed job is refused; nothing is written.

    These are rows outside of the job, a claim of another job and a half-month outside of the claim.
    """
    ledger = await scene.ledger()
    claim = await scene.claimed(ledger, scene.job(FIRST, FIRST))
    await refused(ledger.record_job(claim.job, [row(half=SECOND)], claim=claim))
    await refused(ledger.record_job(scene.job(), [], claim=claim))
    await refused(ledger.record(scene.owner, SECOND, [], claim=claim))
    await refused(ledger.record(scene.named("b"), FIRST, [], claim=claim))
    await refused(ledger.claim([claim.job], limit=0))
    await refused(ledger.claim([claim.job], limit=1, lease=0.0))
    assert await scene.changes(ledger) == []


@CASES()
async def claimed_once(scene: LedgerScene) -> None:
    """B-13: Of many that claim the same jobs at once each job goes to one."""
    ledgers = [await scene.ledger(), await scene.ledger()]
    jobs = [scene.job(owner=scene.named(f"o{number}")) for number in range(20)]
    found = await asyncio.gather(*(ledgers[n % 2].claim(jobs, limit=3) for n in range(10)))
    claims = [claim for claims in found for claim in claims]
    assert sorted(str(claim.job) for claim in claims) == sorted(map(str, jobs))
    assert len({claim.fence for claim in claims}) == len(jobs)
