"""Claims: which program fetches which job, by the database's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue.ledger._session import any_of
from wxrevenue.ledger._times import SECOND, utc
from wxrevenue.ledger._values import Claim

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxrevenue.ledger._session import Session
    from wxrevenue.ledger._values import FetchJob


_OVERLAP: Final = "owner = ? AND first <= ? AND last >= ?"
_PIECE: Final = 64
"""Jobs that are looked at together."""


def claim(session: Session, jobs: Sequence[FetchJob], limit: int, lease: float) -> list[Claim]:
    """Claim the first jobs of which no half-month is claimed, as many as allowed."""
    session.run("UPDATE counters SET value = value WHERE name = 'fence'")  # one at a time: what overlaps is seen
    now, seconds, claims = session.now(), round(lease * SECOND), list[Claim]()
    for begin in range(0, len(jobs), _PIECE):
        if len(claims) < limit:
            free = _free(session, jobs[begin : begin + _PIECE], limit - len(claims), now)
            claims += _claimed(session, free, now, seconds)
    return claims


def _free(session: Session, jobs: Sequence[FetchJob], limit: int, now: int) -> list[FetchJob]:
    """Return the first jobs that nobody holds, and delete the claims that have ended.

    A claim that ends later than any could was made before the clock was set back. It is not waited
    for.
    """
    spans = [(job.owner, job.last.ordinal, job.first.ordinal) for job in jobs]
    found = any_of(session, "SELECT owner, first, last, until, lease FROM claims WHERE {}", _OVERLAP, spans)
    taken: dict[str, list[tuple[int, int]]] = {}
    for owner, first, last, until, lease in found:
        if now < until <= now + 2 * lease:
            taken.setdefault(owner, []).append((first, last))
    free: list[FetchJob] = []
    for job in jobs:
        first, last = job.first.ordinal, job.last.ordinal
        others = taken.setdefault(job.owner, [])
        if len(free) < limit and not any(begun <= last and ended >= first for begun, ended in others):
            free.append(job)
            others.append((first, last))
    if len(found) > sum(map(len, taken.values())) - len(free):
        over = [(job.owner, job.last.ordinal, job.first.ordinal) for job in free]
        session.run_many(f"DELETE FROM claims WHERE {_OVERLAP}", over)  # noqa: S608
    return free


def _claimed(session: Session, jobs: Sequence[FetchJob], now: int, lease: int) -> list[Claim]:
    if not jobs:
        return []
    ((last,),) = session.run("UPDATE counters SET value = value + ? WHERE name = 'fence' RETURNING value", len(jobs))
    until = now + lease
    claims = [Claim(job, fence, utc(until)) for fence, job in enumerate(jobs, last - len(jobs) + 1)]
    session.run_many(
        "INSERT INTO claims (owner, first, last, fence, lease, until) VALUES (?, ?, ?, ?, ?, ?)",
        [(*_key(claim), lease, until) for claim in claims],
    )
    return claims


def renew(session: Session, held: Claim) -> Claim | None:
    """Let a claim last for another lease from now on.

    Return ``None`` if the job was claimed by another meanwhile.
    """
    now = session.now()
    found = session.run(
        "UPDATE claims SET until = ? + lease WHERE owner = ? AND first = ? AND last = ? AND fence = ? RETURNING until", now, *_key(held)
    )
    return attrs.evolve(held, until=utc(found[0][0])) if found else None


def give_back(session: Session, claims: Sequence[Claim]) -> None:
    """Let others claim the jobs."""
    any_of(session, "DELETE FROM claims WHERE {}", "owner = ? AND first = ? AND last = ? AND fence = ?", [*map(_key, claims)])


def _key(held: Claim) -> tuple[str, int, int, int]:
    return held.job.owner, held.job.first.ordinal, held.job.last.ordinal, held.fence
