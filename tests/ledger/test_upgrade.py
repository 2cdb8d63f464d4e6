"""A ledger that an older release wrote is upgraded, with all that it holds."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from wxrevenue import HalfMonth, Settlement, SettlementStatus, StatusSum, open_ledger
from wxrevenue.ledger import _schema

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

HALF = HalfMonth(2024, 3, 1)


async def test_a_ledger_of_the_first_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was recorded under the first schema is added up after the upgrade.

    What was recorded since is there too.
    """
    first = {1: _schema.steps()[1]}
    path = str(tmp_path / "revenue.db")
    with monkeypatch.context() as older:
        older.setattr(_schema, "steps", lambda: first)
        async with open_ledger(path) as ledger:
            row = Settlement(month="202403", order=1, settled_revenue=7, sett_status=SettlementStatus.PAID)
            await ledger.record("wx1", HALF, [row])
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT MAX(step) FROM wxrevenue_schema").fetchone() == (1,)
    async with open_ledger(path) as ledger:
        assert await ledger.sums() == [StatusSum(HALF, SettlementStatus.PAID, 1, 7)]
        await ledger.record_provider("wx1")
        assert await ledger.providers() == ("wx1",)
