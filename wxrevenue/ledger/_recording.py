"""Recording half-months: rows, changes and progress in one transaction."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import attrs

from wxrevenue._base.calendar import HalfMonth
from wxrevenue.ams.settlement import SettlementStatus
from wxrevenue.ledger._pairing import KeptRow, Pair, paired
from wxrevenue.ledger._texts import column_text, settlement_of
from wxrevenue.ledger._times import utc
from wxrevenue.ledger._values import Change, Recorded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from wxrevenue._wire.totals import Totals
    from wxrevenue.ledger._session import Row, Session
    from wxrevenue.ledger._values import ChangeKey, ChangeKind, Claim

_SETTLED, _PAID = int(SettlementStatus.SETTLED), int(SettlementStatus.PAID)
STALE = Recorded((), stale=True)


@attrs.frozen
class Answer:
    """What is to be recorded: whole half-months of one owner, oldest first."""

    owner: str
    rows: dict[int, list[KeptRow]]
    """By the ordinal of the half-month, oldest first."""
    totals: Totals | None
    as_of: int | None
    """When it was true, in microseconds of Unix time; ``None``: now."""
    claim: Claim | None

    @property
    def span(self) -> tuple[str, int, int]:
        """The owner, and the ordinals of the first and the last half-month."""
        halves = [*self.rows]
        return self.owner, halves[0], halves[-1]


class Changed(NamedTuple):
    """A row of a half-month that is not what it was."""

    half: int
    pair: Pair
    kinds: frozenset[ChangeKind]


def record(session: Session, answer: Answer) -> Recorded:
    """Record an answer, unless it is older than what is kept."""
    session.lock(answer.owner)
    if answer.claim is not None and not _is_held(session, answer.claim):
        return STALE
    kept = _half_months(session, answer)
    if any(_is_newer(as_of, fence, answer) for as_of, fence in kept.values()):
        return STALE
    now = session.now()
    changed = [Changed(half, pair, kinds) for half, pair in _pairs(session, answer, kept) if (kinds := pair.kinds)]
    _write_half_months(session, answer, kept, now)
    _write_rows(session, answer.owner, changed)
    _write_totals(session, answer, now)
    return Recorded(_write_changes(session, answer.owner, changed, now), stale=False)


def _is_held(session: Session, claim: Claim) -> bool:
    """Return whether no other program has claimed the job since."""
    job = claim.job
    found = session.run(
        "SELECT fence FROM claims WHERE owner = ? AND first = ? AND last = ? FOR UPDATE", job.owner, job.first.ordinal, job.last.ordinal
    )
    return found == [(claim.fence,)]


def _half_months(session: Session, answer: Answer) -> dict[int, tuple[int, int]]:
    """Return when the answer of each recorded half-month was true, and its fence.

    They are by the half-month's ordinal; those recorded before.
    """
    found = session.run("SELECT half, as_of, fence FROM half_months WHERE owner = ? AND half BETWEEN ? AND ?", *answer.span)
    return {half: (as_of, fence) for half, as_of, fence in found}


def _is_newer(as_of: int, fence: int, answer: Answer) -> bool:
    if answer.claim is not None and fence > answer.claim.fence:
        return True
    return answer.as_of is not None and as_of > answer.as_of


def _pairs(session: Session, answer: Answer, kept: Collection[int]) -> Iterator[tuple[int, Pair]]:
    old: dict[int, list[KeptRow]] = {}
    if kept:
        where = "SELECT half, sett_no, place, data FROM settlements WHERE owner = ? AND half BETWEEN ? AND ?"
        for half, number, place, data in session.run(where, *answer.span):
            old.setdefault(half, []).append(KeptRow(number, place, settlement_of(data), data))
    for half, came in answer.rows.items():
        for pair in paired(old.get(half, ()), came):
            yield half, pair


def _write_half_months(session: Session, answer: Answer, kept: Mapping[int, tuple[int, int]], now: int) -> None:
    true = now if answer.as_of is None else answer.as_of
    rows: list[Row] = []
    for half, came in answer.rows.items():
        as_of, fence = kept.get(half, (true, 0))
        fence = fence if answer.claim is None else answer.claim.fence
        statuses = [one.row.sett_status or 0 for one in came]
        unsettled, unpaid = sum(not _SETTLED <= one <= _PAID for one in statuses), sum(one != _PAID for one in statuses)
        rows.append((answer.owner, half, max(as_of, true), fence, len(came), unsettled, unpaid, now))
    session.run_many(
        "INSERT INTO half_months (owner, half, as_of, fence, rows_kept, unsettled, unpaid, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (owner, half) DO UPDATE SET as_of = excluded.as_of, fence = excluded.fence, rows_kept = excluded.rows_kept,"
        " unsettled = excluded.unsettled, unpaid = excluded.unpaid, recorded_at = excluded.recorded_at",
        rows,
    )


def _write_rows(session: Session, owner: str, changed: Sequence[Changed]) -> None:
    former = [(owner, half, pair.before.number, pair.before.place) for half, pair, _ in changed if pair.before is not None]
    session.run_many("DELETE FROM settlements WHERE owner = ? AND half = ? AND sett_no = ? AND place = ?", former)
    session.run_many(
        "INSERT INTO settlements (owner, half, sett_no, place, sett_status, settled_revenue, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [_columns(owner, half, pair.after) for half, pair, _ in changed if pair.after is not None],
    )


def _columns(owner: str, half: int, one: KeptRow) -> Row:
    status = None if one.row.sett_status is None else int(one.row.sett_status)
    return owner, half, one.number, one.place, status, one.row.settled_revenue, one.data


def _write_totals(session: Session, answer: Answer, now: int) -> None:
    if answer.totals is None:
        return
    totals = answer.totals
    session.run(
        "INSERT INTO totals (owner, as_of, revenue_all, penalty_all, settled_revenue_all, body) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (owner) DO UPDATE SET as_of = excluded.as_of, revenue_all = excluded.revenue_all,"
        " penalty_all = excluded.penalty_all, settled_revenue_all = excluded.settled_revenue_all, body = excluded.body"
        " WHERE totals.as_of <= excluded.as_of OR ? = 1",
        answer.owner,
        now if answer.as_of is None else answer.as_of,
        totals.revenue_all,
        totals.penalty_all,
        totals.settled_revenue_all,
        None if totals.body is None else column_text(totals.body),
        int(answer.as_of is None),  # the newest, also after the clock went back
    )


def _write_changes(session: Session, owner: str, changed: Sequence[Changed], now: int) -> tuple[Change, ...]:
    """Write the changes, numbered.

    The counter is locked last and until the commit: a number is committed before any larger one.
    """
    if not changed:
        return ()
    ((last,),) = session.run("UPDATE counters SET value = value + ? WHERE name = 'seq' RETURNING value", len(changed))
    at = utc(now)
    rows: list[Row] = []
    found: list[Change] = []
    for seq, (half, pair, kinds) in enumerate(changed, last - len(changed) + 1):
        known, before, after = pair.known, pair.before, pair.after
        number, place, half_month = known.number, known.place, HalfMonth.at(half)
        was, row = (None, None) if before is None else (before.data, before.row)
        data, became = (None, None) if after is None else (after.data, after.row)
        rows.append((seq, now, owner, half, number, place, _text_of(kinds), was, data))
        found.append(Change(seq, at, owner, half_month, change_key(half_month, number, place), kinds, row, became))
    session.run_many(
        "INSERT INTO changes (seq, at, owner, half, sett_no, place, kinds, before, after) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
    )
    return tuple(found)


def note_told(session: Session, seq: int) -> int:
    """Note up to which change programs were told, and return it.

    The highest number counts.
    """
    session.run("UPDATE counters SET value = ? WHERE name = 'told' AND value < ?", seq, seq)
    ((last,),) = session.run("SELECT value FROM counters WHERE name = 'told'")
    found: int = last
    return found


@functools.lru_cache
def _text_of(kinds: frozenset[ChangeKind]) -> str:
    return ",".join(sorted(kinds))


def change_key(half: HalfMonth, number: str, place: int) -> ChangeKey:
    """Return the key of a row as a change has it."""
    return *_month_of(half), number, place


@functools.lru_cache
def _month_of(half: HalfMonth) -> tuple[str, int]:
    return f"{half.year:04}{half.month:02}", half.order
