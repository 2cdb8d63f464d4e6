"""The conformance suite of ledgers, on every ledger of the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wxrevenue import open_ledger
from wxrevenue.testing import LedgerCase, ledger_cases

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("case", ledger_cases(), ids=str)
async def test_sqlite(case: LedgerCase, tmp_path: Path) -> None:
    """A ledger in a file passes every case."""
    await case.run(lambda: open_ledger(str(tmp_path / "revenue.db")))


@pytest.mark.parametrize("case", ledger_cases(), ids=str)
async def test_postgres(case: LedgerCase, postgres_url: str) -> None:
    """A ledger in PostgreSQL passes every case."""
    await case.run(lambda: open_ledger(postgres_url))


def test_cases_say_what_holds() -> None:
    """Every case has a name of its own and says what holds."""
    cases = ledger_cases()
    assert all(case.says and case.name for case in cases)
    assert len({str(case) for case in cases}) == len(cases)
