"""Claims: which program fetches which job, by the database's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue.ledger._times import SECOND, utc
from wxrevenue.ledger._values import Claim

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxrevenue.ledger._session import Session
    from wxrevenue.ledger._values import FetchJob


_HELD: Final = "SELECT fence FROM claims WHERE owner = ? AND first <= ? AND last >= ? AND until > ? AND until <= ? + 2 * lease"
"""Finds the claim that holds a job.

A claim that ends later than any could was made before the clock was set back. It is not waited for.
"""


def claim(session: Session, jobs: Sequence[FetchJob], limit: int, lease: float) -> list[Claim]:
    """Claim the first jobs of which no half-month is claimed, as many as allowed."""
    session.run("UPDATE counters SET value = value WHERE name = 'fence'")  # one at a time: what overlaps is seen
    now, claims = session.now(), list[Claim]()
    for job in jobs:
        if len(claims) == limit:
            break
        if (found := _claimed(session, job, now, round(lease * SECOND))) is not None:
            claims.append(found)
    return claims


def _claimed(session: Session, job: FetchJob, now: int, lease: int) -> Claim | None:
    span = (job.owner, job.last.ordinal, job.first.ordinal)
    if session.run(_HELD, *span, now, now):
        return None
    session.run("DELETE FROM claims WHERE owner = ? AND first <= ? AND last >= ?", *span)
    ((fence,),) = session.run("UPDATE counters SET value = value + 1 WHERE name = 'fence' RETURNING value")
    session.run(
        "INSERT INTO claims (owner, first, last, fence, lease, until) VALUES (?, ?, ?, ?, ?, ?)",
        job.owner,
        job.first.ordinal,
        job.last.ordinal,
        fence,
        lease,
        now + lease,
    )
    return Claim(job, fence, utc(now + lease))


def renew(session: Session, held: Claim) -> Claim | None:
    """Let a claim last for another lease from now on.

    Return ``None`` if the job was claimed by another meanwhile.
    """
    now = session.now()
    found = session.run(
        "UPDATE claims SET until = ? + lease WHERE owner = ? AND first = ? AND last = ? AND fence = ? RETURNING until", now, *_key(held)
    )
    return attrs.evolve(held, until=utc(found[0][0])) if found else None


def give_back(session: Session, held: Claim) -> None:
    """Let others claim the job."""
    session.run("DELETE FROM claims WHERE owner = ? AND first = ? AND last = ? AND fence = ?", *_key(held))


def _key(held: Claim) -> tuple[str, int, int, int]:
    return held.job.owner, held.job.first.ordinal, held.job.last.ordinal, held.fence
