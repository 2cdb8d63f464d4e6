"""Which half-months have to be fetched, as jobs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue._base.calendar import HalfMonth
from wxrevenue.ledger._values import LONGEST_JOB, FetchJob

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from wxrevenue.ledger._session import Session

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
        ended = [half.ordinal for half in halves if half.end < today]
        first = halves[0].ordinal
        closed = [half.ordinal for half in halves if today - half.end > _ASKED_AGAIN]
        return cls(first, ended[-1] if ended else first - 1, closed[-1] if closed else first - 1, again, since)


def missing_jobs(session: Session, owners: Iterable[str], wanted: Wanted) -> list[FetchJob]:
    """Return what has to be fetched of these owners, the oldest of each first."""
    return [job for owner in owners for job in _jobs(owner, _missing(session, owner, wanted))]


def _missing(session: Session, owner: str, wanted: Wanted) -> list[int]:
    """Return the ordinals of an owner's half-months that have to be fetched."""
    halves = range(wanted.first, wanted.last + 1)
    if not halves:
        return []
    found = session.run(
        "SELECT half FROM half_months WHERE owner = ? AND half BETWEEN ? AND ?"
        " AND (recorded_at > ? OR (? = 0 AND unpaid = 0 AND (rows_kept > 0 OR half <= ?)))",
        owner,
        wanted.first,
        wanted.last,
        wanted.since,
        int(wanted.again),
        wanted.closed,
    )
    if len(found) == len(halves):
        return []
    done = {row[0] for row in found}
    return [half for half in halves if half not in done]


def _jobs(owner: str, halves: Sequence[int]) -> Iterator[FetchJob]:
    """Yield jobs of neighbouring half-months."""
    begin = 0
    for end in range(1, len(halves) + 1):
        if end == len(halves) or halves[end] != halves[end - 1] + 1 or end - begin == LONGEST_JOB:
            yield FetchJob(owner, HalfMonth.at(halves[begin]), HalfMonth.at(halves[end - 1]))
            begin = end
