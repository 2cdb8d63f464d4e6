"""A ledger that an older release wrote is upgraded, with all that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.postgres import new_database

from wxrevenue import HalfMonth, LedgerError, Settlement, SettlementStatus, StatusSum, open_ledger
from wxrevenue.ledger import _schema
from wxrevenue.ledger._texts import settlement_text

if TYPE_CHECKING:
    from pathlib import Path

    from wxrevenue import Ledger

HALF = HalfMonth(2024, 3, 1)
LARGE = 2**62
ROWS = (
    ("wx1", SettlementStatus.PAID, 7),
    ("wx1", None, -1_000_000_001),
    ("wx2", SettlementStatus.PAID, LARGE),
    ("wx3", SettlementStatus.PAID, LARGE),
    ("wx3", SettlementStatus.SETTLED, -3),
)
"""Owner, status, fen."""


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where there is no ledger yet."""
    if request.param == "sqlite":
        return str(tmp_path / "revenue.db")
    return new_database(request.getfixturevalue("postgres_url"), "upgrade")


def settlement(status: SettlementStatus | None, fen: int) -> Settlement:
    """Return a statement."""
    return Settlement(month="202403", order=1, settled_revenue=fen, sett_status=status)


def recorded_earlier(session: Any) -> None:
    """Write the rows as the releases up to schema 2 did."""
    session.run_many(
        "INSERT INTO half_months (owner, half, as_of, fence, rows_kept, unsettled, unpaid, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(owner, HALF.ordinal, 1, 0, 2, 0, 1, 1) for owner in ("wx1", "wx2", "wx3")],
    )
    rows_recorded_earlier(session)


def rows_recorded_earlier(session: Any) -> None:
    """Write the statements alone."""
    session.run_many(
        "INSERT INTO settlements (owner, half, sett_no, place, sett_status, settled_revenue, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (owner, HALF.ordinal, "", place, None if status is None else int(status), fen, settlement_text(settlement(status, fen)))
            for place, (owner, status, fen) in enumerate(ROWS)
        ],
    )


async def upgraded(url: str, step: int, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """Return a ledger that was at an earlier step."""
    earlier = {number: statements for number, statements in _schema.steps().items() if number <= step}
    with monkeypatch.context() as older:
        older.setattr(_schema, "steps", lambda: earlier)
        async with open_ledger(url) as ledger:
            database: Any = ledger
            await database.database.write(recorded_earlier)
    return open_ledger(url)


@pytest.mark.parametrize("step", [1, 2])
async def test_what_an_earlier_release_kept(url: str, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was recorded under an earlier schema is there, and is added up.

    What is recorded since is added, and what it replaces taken off.
    """
    async with await upgraded(url, step, monkeypatch) as ledger:
        before = [
            StatusSum(HALF, None, 1, -1_000_000_001),
            StatusSum(HALF, SettlementStatus.SETTLED, 1, -3),
            StatusSum(HALF, SettlementStatus.PAID, 3, 2 * LARGE + 7),
        ]
        assert await ledger.sums() == before
        assert [(owner, row.sett_status, row.settled_revenue) async for owner, row in ledger.settlements()] == [*ROWS]
        found = await ledger.record("wx3", HALF, [settlement(SettlementStatus.PAID, LARGE)])
        assert [change.after for change in found.changes] == [None]
        await ledger.record("wx1", HALF, [settlement(SettlementStatus.PAID, 8), settlement(SettlementStatus.PAID, 9)])
        assert await ledger.sums() == [StatusSum(HALF, SettlementStatus.PAID, 4, 2 * LARGE + 17)]
        await ledger.record_provider("wx1")
        assert await ledger.providers() == ("wx1",)


async def test_an_earlier_release_that_goes_on(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of an earlier release that is still open records nothing more.

    It would not keep the sums.
    """
    async with await upgraded(url, 2, monkeypatch) as ledger:
        database: Any = ledger
        with pytest.raises(LedgerError, match="data"):
            await database.database.write(rows_recorded_earlier)
        assert sum([1 async for _ in ledger.settlements()]) == len(ROWS)
