"""What reports need: sums from the database, and the statements not paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from wxrevenue._base.calendar import HalfMonth
from wxrevenue._wire.totals import Totals
from wxrevenue.ams.settlement import SettlementStatus
from wxrevenue.ledger._texts import settlement_of
from wxrevenue.ledger._values import OwnerSum, StatusSum

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from wxrevenue.ams.settlement import Settlement
    from wxrevenue.ledger._pairing import Changed
    from wxrevenue.ledger._session import Session

    Place: TypeAlias = tuple[int, str]
    Sums: TypeAlias = dict[tuple[int, int | None], tuple[int, int]]
    """Rows and fen by half-month and status."""

_PART: Final = 1_000_000_000
_HIGH: Final = f"settled_revenue / {_PART}"
_LOW: Final = f"settled_revenue - settled_revenue / {_PART} * {_PART}"
_FEN: Final = f"SUM({_HIGH}), SUM({_LOW})"
"""A sum in two parts, neither of which exceeds 64 bits.

Databases end with an error where a sum does.
"""
_UNPAID: Final = "COALESCE(sett_status, 0) <> 5"
_UNPAID_FEN: Final = ", ".join(f"SUM(CASE WHEN {_UNPAID} THEN {part} ELSE 0 END)" for part in (_HIGH, _LOW))


def _whole(high: int | Decimal, low: int | Decimal) -> int:
    """Return the sum of two parts, which PostgreSQL sends as decimals."""
    return int(high) * _PART + int(low)


def sums(session: Session, owner: str | None, without: Iterable[str], span: tuple[int, int]) -> list[StatusSum]:
    """Return what half-months come to, by status: of one owner, or of all but some.

    What is left out is taken off the sums of all, in the same transaction: these are kept, for all
    owners together.
    """
    left_out = frozenset(without)
    if owner is not None:
        found = {} if owner in left_out else _sums_of(session, owner, span)
    else:
        found = _sums_of_all(session, span)
        for one in left_out:
            for key, (rows, fen) in _sums_of(session, one, span).items():
                found[key] = (found[key][0] - rows, found[key][1] - fen)
    return [
        StatusSum(HalfMonth.at(half), None if status is None else SettlementStatus(status), *found[half, status])
        for half, status in sorted(found, key=lambda key: (key[0], key[1] is not None, key[1]))
        if found[half, status][0]
    ]


def _sums_of(session: Session, owner: str, span: tuple[int, int]) -> Sums:
    found = session.run(
        f"SELECT half, sett_status, COUNT(*), {_FEN} FROM settlements"  # noqa: S608
        " WHERE owner = ? AND half BETWEEN ? AND ? GROUP BY half, sett_status",
        owner,
        *span,
    )
    return {(half, status): (rows, _whole(*parts)) for half, status, rows, *parts in found}


def _sums_of_all(session: Session, span: tuple[int, int]) -> Sums:
    found = session.run("SELECT half, has_status, status, rows_kept, high, low FROM sums WHERE half BETWEEN ? AND ?", *span)
    return {(half, status if known else None): (rows, _whole(*parts)) for half, known, status, rows, *parts in found}


def add_to_sums(session: Session, changed: Iterable[Changed]) -> None:
    """Take off the sums of all what rows were, and add what they are."""
    rows: dict[tuple[int, int | None], int] = {}
    fen: dict[tuple[int, int | None], int] = {}
    for half, before, after, _ in changed:
        if before is not None:
            key = half, before.status
            rows[key] = rows.get(key, 0) - 1
            fen[key] = fen.get(key, 0) - before.fen
        if after is not None:
            key = half, after.status
            rows[key] = rows.get(key, 0) + 1
            fen[key] = fen.get(key, 0) + after.fen
    session.run_many(
        "INSERT INTO sums (half, has_status, status, rows_kept, high, low) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (half, has_status, status) DO UPDATE SET rows_kept = sums.rows_kept + excluded.rows_kept,"
        " high = sums.high + excluded.high, low = sums.low + excluded.low",
        [
            (half, int(status is not None), status or 0, count, *divmod(fen[half, status], _PART))
            for (half, status), count in rows.items()
            if count or fen[half, status]
        ],
    )


def owner_sums(session: Session, after: str, until: int, limit: int) -> list[OwnerSum]:
    """Return what the next owners come to, up to a half-month."""
    kept = session.run(
        "SELECT owner, MIN(half), MAX(half), COUNT(*) FROM half_months WHERE owner > ? AND half <= ? GROUP BY owner ORDER BY owner LIMIT ?",
        after,
        until,
        limit,
    )
    if not kept:
        return []
    found = session.run(
        f"SELECT owner, COUNT(*), {_FEN}, {_UNPAID_FEN} FROM settlements"  # noqa: S608
        " WHERE owner > ? AND owner <= ? AND half <= ? GROUP BY owner",
        after,
        kept[-1][0],
        until,
    )
    amounts = {owner: (rows, _whole(*parts[:2]), _whole(*parts[2:])) for owner, rows, *parts in found}
    return [
        OwnerSum(owner, HalfMonth.at(first), HalfMonth.at(last), count, *amounts.get(owner, (0, 0, 0)))
        for owner, first, last, count in kept
    ]


def unpaid_after(session: Session, after: Place, until: int, limit: int) -> tuple[list[tuple[str, Settlement]], Place | None]:
    """Return unpaid statements of the next half-months, and the last of these.

    In place of the last half-month is ``None`` where there are no more.
    """
    found = session.run(
        "SELECT half, owner FROM half_months WHERE unpaid > 0 AND (half, owner) > (?, ?) AND half <= ? ORDER BY half, owner LIMIT ?",
        *after,
        until,
        limit,
    )
    rows: list[tuple[str, Settlement]] = []
    for half, owner in found:
        texts = session.run(
            f"SELECT content FROM settlements WHERE owner = ? AND half = ? AND {_UNPAID} ORDER BY sett_no, place",  # noqa: S608
            owner,
            half,
        )
        rows += [(owner, settlement_of(text)) for (text,) in texts]
    return rows, found[-1] if found else None


def totals_after(session: Session, after: str, limit: int) -> list[tuple[str, Totals]]:
    """Return the next owners and the newest header of each."""
    found = session.run(
        "SELECT owner, revenue_all, penalty_all, settled_revenue_all, body FROM totals WHERE owner > ? ORDER BY owner LIMIT ?", after, limit
    )
    return [(owner, Totals(*header)) for owner, *header in found]


def providers(session: Session) -> tuple[str, ...]:
    """Return the providers that were noted."""
    return tuple(row[0] for row in session.run("SELECT appid FROM providers ORDER BY appid"))


def record_provider(session: Session, appid: str) -> None:
    """Note that an owner is a provider."""
    session.run("INSERT INTO providers (appid) VALUES (?) ON CONFLICT (appid) DO NOTHING", appid)
