"""Recording half-months: rows, changes and progress in one transaction."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue.ams.settlement import SettlementStatus
from wxrevenue.ledger._pairing import NEW, KeptRow, kept_row, known_of, paired
from wxrevenue.ledger._recorded import recorded
from wxrevenue.ledger._session import any_of
from wxrevenue.ledger._sums import add_to_sums
from wxrevenue.ledger._texts import column_text, settlement_of
from wxrevenue.ledger._values import Recorded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from wxrevenue._wire.totals import Totals
    from wxrevenue.ledger._pairing import Changed
    from wxrevenue.ledger._session import Row, Session
    from wxrevenue.ledger._values import ChangeKind, Claim

_SETTLED, _PAID = int(SettlementStatus.SETTLED), int(SettlementStatus.PAID)
STALE = Recorded((), stale=True)
_OF_SPAN: Final = "owner = ? AND half BETWEEN ? AND ?"
_TOTALS: Final = (
    "INSERT INTO totals (owner, as_of, revenue_all, penalty_all, settled_revenue_all, body) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (owner) DO UPDATE SET as_of = excluded.as_of, revenue_all = excluded.revenue_all,"
    " penalty_all = excluded.penalty_all, settled_revenue_all = excluded.settled_revenue_all, body = excluded.body"
)


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


def record(session: Session, answer: Answer) -> Recorded:
    """Record an answer, unless it is older than what is kept."""
    return record_all(session, [answer])[0]


def record_all(session: Session, answers: Sequence[Answer]) -> list[Recorded]:
    """Record answers one after the other, in as few statements as can be."""
    return [found for some in _apart(answers) for found in _record_together(session, some)]


def _apart(answers: Sequence[Answer]) -> Iterator[list[Answer]]:
    """Yield the answers in runs of which no two are about one half-month."""
    some: list[Answer] = []
    seen: dict[str, set[int]] = {}
    for answer in answers:
        halves = seen.get(answer.owner, ())
        if some and (answer.as_of is not None or some[0].as_of is not None or not answer.rows.keys().isdisjoint(halves)):
            yield some
            some, seen = [], {}
        some.append(answer)
        seen.setdefault(answer.owner, set()).update(answer.rows)
    if some:
        yield some


def _record_together(session: Session, answers: Sequence[Answer]) -> list[Recorded]:
    for answer in answers:
        session.lock(answer.owner)
    held, known = _held(session, answers), _half_months(session, answers)
    current: list[_Current] = []
    for answer in answers:
        halves = known.get(answer.owner, {})
        kept = {half: halves[half] for half in answer.rows if half in halves} if halves else {}
        if answer.claim in held and not any(_is_newer(as_of, fence, answer) for as_of, fence in kept.values()):
            current.append(_Current(answer, kept))
    now = session.now()
    _pair(session, current)
    _write_half_months(session, current, now)
    _write_rows(session, current)
    _write_totals(session, [one.answer for one in current], now)
    found = dict(zip((id(one.answer) for one in current), _write_changes(session, current, now), strict=True))
    return [found.get(id(answer), STALE) for answer in answers]


@attrs.frozen
class _Current:
    """An answer that is not older than what is kept."""

    answer: Answer
    kept: Mapping[int, tuple[int, int]]
    """When the answer of each half-month recorded before was true, and its fence."""
    changed: list[Changed] = attrs.field(factory=list["Changed"])
    """The rows that are not what they were."""


def _held(session: Session, answers: Sequence[Answer]) -> set[Claim | None]:
    """Return the claims of jobs that no other program has claimed since, and ``None``."""
    claims = [answer.claim for answer in answers if answer.claim is not None]
    spans = [(claim.job.owner, claim.job.first.ordinal, claim.job.last.ordinal) for claim in claims]
    found = any_of(session, "SELECT fence FROM claims WHERE {} FOR UPDATE", "owner = ? AND first = ? AND last = ?", spans)
    fences = {fence for (fence,) in found}  # no two claims have one fence
    return {None, *(claim for claim in claims if claim.fence in fences)}


def _half_months(session: Session, answers: Sequence[Answer]) -> dict[str, dict[int, tuple[int, int]]]:
    """Return when the answer of each recorded half-month was true, and its fence.

    They are by owner, and then by half-month; those recorded before.
    """
    found: dict[str, dict[int, tuple[int, int]]] = {}
    for owner, half, as_of, fence in any_of(
        session, "SELECT owner, half, as_of, fence FROM half_months WHERE {}", _OF_SPAN, [answer.span for answer in answers]
    ):
        found.setdefault(owner, {})[half] = as_of, fence
    return found


def _is_newer(as_of: int, fence: int, answer: Answer) -> bool:
    if answer.claim is not None and fence > answer.claim.fence:
        return True
    return answer.as_of is not None and as_of > answer.as_of


def _pair(session: Session, current: Sequence[_Current]) -> None:
    """Find out which rows are not what they were."""
    spans = [one.answer.span for one in current if one.kept]
    old: dict[tuple[str, int], list[KeptRow]] = {}
    for owner, half, number, place, data in any_of(
        session, "SELECT owner, half, sett_no, place, content FROM settlements WHERE {}", _OF_SPAN, spans
    ):
        old.setdefault((owner, half), []).append(kept_row(number, place, settlement_of(data), data))
    for answer, known, changed in ((one.answer, one.kept, one.changed) for one in current):
        for half, came in answer.rows.items():
            kept = old.get((answer.owner, half)) if known else None
            if kept is None and len(came) == 1:  # as in nearly every first answer
                changed.append((half, None, came[0], NEW))
                continue
            changed += [(half, *pair, kinds) for pair in paired(kept or (), came) if (kinds := pair.kinds)]


def _write_half_months(session: Session, current: Sequence[_Current], now: int) -> None:
    rows: list[Row] = []
    for answer, kept in ((one.answer, one.kept) for one in current):
        owner, claim, true = answer.owner, answer.claim, now if answer.as_of is None else answer.as_of
        new = true, 0
        for half, came in answer.rows.items():
            as_of, fence = kept.get(half, new)
            if claim is not None:
                fence = claim.fence
            unsettled = unpaid = 0
            for one in came:
                if (status := one.status) != _PAID:
                    unpaid += 1
                    unsettled += not _SETTLED <= (status or 0) <= _PAID
            rows.append((owner, half, max(as_of, true), fence, len(came), unsettled, unpaid, now))
    session.run_many(
        "INSERT INTO half_months (owner, half, as_of, fence, rows_kept, unsettled, unpaid, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (owner, half) DO UPDATE SET as_of = excluded.as_of, fence = excluded.fence, rows_kept = excluded.rows_kept,"
        " unsettled = excluded.unsettled, unpaid = excluded.unpaid, recorded_at = excluded.recorded_at",
        rows,
    )


def _write_rows(session: Session, current: Sequence[_Current]) -> None:
    gone: list[Row] = []
    new: list[Row] = []
    for one in current:
        owner = one.answer.owner
        for half, before, after, _ in one.changed:
            if before is not None:
                gone.append((owner, half, before.number, before.place))
            if after is not None:
                number, place, _, data, status, fen = after
                new.append((owner, half, number, place, status, fen, data))
    session.run_many("DELETE FROM settlements WHERE owner = ? AND half = ? AND sett_no = ? AND place = ?", gone)
    session.run_many(
        "INSERT INTO settlements (owner, half, sett_no, place, sett_status, settled_revenue, content) VALUES (?, ?, ?, ?, ?, ?, ?)", new
    )


def _write_totals(session: Session, answers: Sequence[Answer], now: int) -> None:
    """Write the headers.

    One that is true now is the newest of its owner, also after the clock went back.
    """
    rows = {
        answer.owner: (
            answer.owner,
            now if answer.as_of is None else answer.as_of,
            totals.revenue_all,
            totals.penalty_all,
            totals.settled_revenue_all,
            None if totals.body is None else column_text(totals.body),
        )
        for answer in answers
        if (totals := answer.totals) is not None
    }
    is_newest = not answers or answers[0].as_of is None  # an answer that may not be is recorded alone
    session.run_many(_TOTALS if is_newest else f"{_TOTALS} WHERE totals.as_of <= excluded.as_of", rows.values())


def _write_changes(session: Session, current: Sequence[_Current], now: int) -> Iterator[Recorded]:
    """Write the changes, numbered, and yield what was recorded of each answer.

    The counter is locked until the commit: a number is committed before any larger one. Only the
    sums are locked behind it, in whatever order, for no other writer has come that far.
    """
    count = sum(len(one.changed) for one in current)
    if not count:
        return iter([Recorded((), stale=False)] * len(current))
    ((last,),) = session.run("UPDATE counters SET value = value + ? WHERE name = 'seq' RETURNING value", count)
    add_to_sums(session, [changed for one in current for changed in one.changed])
    seq = last - count
    rows: list[Row] = []
    found: list[Recorded] = []
    for one in current:
        owner = one.answer.owner
        found.append(recorded(seq, now, owner, one.changed))
        for half, before, after, kinds in one.changed:
            seq += 1
            number, place, _, data, _, _ = known_of(before, after)
            was, became = None if before is None else before.data, None if after is None else data
            rows.append((seq, now, owner, half, number, place, _text_of(kinds), was, became))
    session.run_many(
        "INSERT INTO changes (seq, at, owner, half, sett_no, place, kinds, before, after) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
    )
    return iter(found)


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
