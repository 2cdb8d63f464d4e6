"""Reading what was recorded, in pieces that each are one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from wxrevenue._base.calendar import HalfMonth
from wxrevenue._wire.totals import Totals
from wxrevenue.ledger._halves import change_key
from wxrevenue.ledger._texts import ad_of, settlement_of
from wxrevenue.ledger._times import utc
from wxrevenue.ledger._values import Change, ChangeKind, Progress

if TYPE_CHECKING:
    from wxrevenue.ams._ad_row import AdRow
    from wxrevenue.ams.settlement import Settlement
    from wxrevenue.ledger._session import Row, Session

    Place: TypeAlias = tuple[str, int]

PIECE: Final = 1_000
"""Rows, or half-months, of one piece."""
_KINDS: Final = {str(kind): frozenset({kind}) for kind in ChangeKind}


def progress(session: Session) -> Progress:
    """Return how far the ledger is."""
    ((half_months, unsettled, unpaid, newest),) = session.run(
        "SELECT COUNT(*), COUNT(CASE WHEN unsettled > 0 THEN 1 END), COUNT(CASE WHEN unpaid > 0 THEN 1 END), MAX(recorded_at)"
        " FROM half_months"
    )
    ((owners,),) = session.run("SELECT COUNT(*) FROM (SELECT DISTINCT owner FROM half_months) AS owners")
    return Progress(owners, half_months, unsettled, unpaid, None if newest is None else utc(newest), last_seq(session))


def last_seq(session: Session) -> int:
    """Return the number of the newest change; 0: there is none."""
    ((last,),) = session.run("SELECT value FROM counters WHERE name = 'seq'")
    found: int = last
    return found


def told(session: Session) -> int:
    """Return the number up to which programs were told of changes."""
    ((last,),) = session.run("SELECT value FROM counters WHERE name = 'told'")
    found: int = last
    return found


def totals(session: Session, owner: str) -> Totals | None:
    """Return the newest header of an owner's answers."""
    found = session.run("SELECT revenue_all, penalty_all, settled_revenue_all, body FROM totals WHERE owner = ?", owner)
    return Totals(*found[0]) if found else None


def changes_between(session: Session, after: int, until: int, limit: int) -> list[Change]:
    """Return the next changes, at most so many."""
    return [
        _change(row)
        for row in session.run(
            "SELECT seq, at, owner, half, sett_no, place, kinds, before, after FROM changes"
            " WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
            after,
            until,
            limit,
        )
    ]


def _change(row: Row) -> Change:
    seq, at, owner, half, number, place, kinds, before, after = row
    return Change(
        seq,
        utc(at),
        owner,
        HalfMonth.at(half),
        change_key(half, number, place),
        _KINDS.get(kinds) or frozenset(map(ChangeKind, kinds.split(","))),
        None if before is None else settlement_of(before),
        None if after is None else settlement_of(after),
    )


def settlements_after(
    session: Session, owner: str | None, after: Place, span: tuple[int, int]
) -> tuple[list[tuple[str, Settlement]], Place | None]:
    """Return the rows of the next half-months, whole, and the last of these.

    ``None``: there are no more.
    """
    where, values = _next(owner, after, span)
    found = session.run(f"SELECT owner, half FROM half_months WHERE {where} ORDER BY owner, half LIMIT ?", *values, PIECE)  # noqa: S608
    if not found:
        return [], None
    last = (found[-1][0], found[-1][1])
    rows = session.run(
        f"SELECT owner, content FROM settlements WHERE {where} AND (owner, half) <= (?, ?) ORDER BY owner, half, sett_no, place",  # noqa: S608
        *values,
        *last,
    )
    return [(row[0], settlement_of(row[1])) for row in rows], last


def _next(owner: str | None, after: Place, span: tuple[int, int]) -> tuple[str, tuple[object, ...]]:
    """Return the condition, and its values, of what comes after a half-month."""
    if owner is None:
        return "(owner, half) > (?, ?) AND half BETWEEN ? AND ?", (*after, *span)
    return "owner = ? AND half > ? AND half BETWEEN ? AND ?", (owner, after[1], *span)


def ads_after(
    session: Session, appid: str | None, after: tuple[str, str], span: tuple[str, str]
) -> tuple[list[Row], tuple[str, str] | None]:
    """Return the next days' rows of ad data, whole days, and the last of these.

    ``None``: there are no more.
    """
    if appid is None:
        where, values = "(appid, day) > (?, ?) AND day BETWEEN ? AND ?", (*after, *span)
    else:
        where, values = "appid = ? AND day > ? AND day BETWEEN ? AND ?", (appid, after[1], *span)
    found = session.run(f"SELECT DISTINCT appid, day FROM ads WHERE {where} ORDER BY appid, day LIMIT ?", *values, PIECE)  # noqa: S608
    if not found:
        return [], None
    last = (found[-1][0], found[-1][1])
    return session.run(
        f"SELECT appid, data FROM ads WHERE {where} AND (appid, day) <= (?, ?) ORDER BY appid, day, slot, place",  # noqa: S608
        *values,
        *last,
    ), last


def ad_rows(rows: list[Row]) -> list[tuple[str, AdRow]]:
    """Return Mini Programs and rows of ad data."""
    return [(row[0], ad_of(row[1])) for row in rows]
