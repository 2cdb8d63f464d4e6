"""Which half-months have to be fetched, as jobs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue._base.calendar import HalfMonth
from wxrevenue.ledger._session import padded
from wxrevenue.ledger._values import LONGEST_JOB, FetchJob

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from wxrevenue.ledger._session import Row, Session

OWNERS_AT_ONCE: Final = 200
_ASKED_AGAIN: Final = timedelta(days=60)
"""How long after the end of a half-month a statement may still come.

One that was empty is asked again for so long.
"""


@attrs.frozen
class Wanted:
    """Which half-months are asked about."""

    first: int
    """The ordinal of the first."""
    last: int
    """The ordinal of the last that has ended; before the first, if none has."""
    closed: int
    """The ordinal of the last that is complete if it was recorded empty."""
    again: bool
    """Those that are paid, too."""
    since: int
    """What was recorded after this time is not asked for, in microseconds."""

    @classmethod
    def within(cls, halves: Sequence[HalfMonth], today: date, *, again: bool, since: int) -> Wanted:
        """Return what is asked of these half-months on a day."""
        first = halves[0].ordinal
        ended = next((half.ordinal for half in reversed(halves) if half.end < today), first - 1)
        closed = next((half.ordinal for half in reversed(halves) if today - half.end > _ASKED_AGAIN), first - 1)
        return cls(first, ended, closed, again, since)


def missing_jobs(session: Session, owners: Sequence[str], wanted: Wanted) -> list[FetchJob]:
    """Return what has to be fetched of these owners, the oldest of each first."""
    halves = range(wanted.first, wanted.last + 1)
    if not halves:
        return []
    counts: dict[str, int] = dict(_of_done(session, "owner, COUNT(*)", " GROUP BY owner", owners, wanted))
    partly = [owner for owner in owners if 0 < counts.get(owner, 0) < len(halves)]
    done: set[tuple[str, int]] = {(owner, half) for owner, half in _of_done(session, "owner, half", "", partly, wanted)}
    jobs: list[FetchJob] = []
    for owner in owners:
        if (count := counts.get(owner, 0)) < len(halves):
            jobs += _jobs(owner, [half for half in halves if (owner, half) not in done] if count else halves)
    return jobs


def _of_done(session: Session, what: str, group: str, owners: Sequence[str], wanted: Wanted) -> list[Row]:
    """Return something of the half-months that need not be fetched, of all owners."""
    if not owners:
        return []
    many = padded(owners)
    return session.run(
        f"SELECT {what} FROM half_months WHERE owner IN ({', '.join('?' * len(many))}) AND half BETWEEN ? AND ?"  # noqa: S608
        f" AND (recorded_at > ? OR (? = 0 AND unpaid = 0 AND (rows_kept > 0 OR half <= ?))){group}",
        *many,
        wanted.first,
        wanted.last,
        wanted.since,
        int(wanted.again),
        wanted.closed,
    )


def _jobs(owner: str, halves: Sequence[int]) -> Iterator[FetchJob]:
    """Yield jobs of neighbouring half-months."""
    begin = 0
    for end in range(1, len(halves) + 1):
        if end == len(halves) or halves[end] != halves[end - 1] + 1 or end - begin == LONGEST_JOB:
            yield FetchJob(owner, HalfMonth.at(halves[begin]), HalfMonth.at(halves[end - 1]))
            begin = end
