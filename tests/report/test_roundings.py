"""Reconciling amounts that were rounded day by day."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from support.report import LAST, PROVIDER, statement

from wxrevenue import AdRow, CheckKind, RatioState, RatioStatus, SlotRevenue, open_ledger, reconcile

if TYPE_CHECKING:
    from pathlib import Path

DAYS = [LAST.start + dt.timedelta(days) for days in range(15)]


class _BeforeIt:
    """A clock that stands still, before the half-month."""

    def monotonic(self) -> float:
        """Return zero."""
        return 0.0

    def time(self) -> float:
        """Return a day of May."""
        return dt.datetime(2024, 5, 1, tzinfo=dt.UTC).timestamp()

    async def sleep(self, seconds: float) -> None:
        """Return at once."""


@pytest.mark.parametrize("with_ads", [True, False])
@pytest.mark.parametrize(("ratio", "each"), [("40", 1), ("60", 1), ("99", 50), ("33.3", 2), ("0.4", 100)])
async def test_each_day_was_rounded(ratio: str, each: int, *, with_ads: bool, tmp_path: Path) -> None:
    """A share that differs by the roundings of its days is right.

    All may err to one side. One that differs by more is found.
    """
    agency = round(each * Decimal(ratio) / 100)
    programs, share = 15 * (each - agency), 15 * agency
    async with open_ledger(str(tmp_path / "revenue.db"), clock=_BeforeIt()) as ledger:
        await ledger.record_provider(PROVIDER)
        await ledger.record_ratios([RatioStatus("wxa", Decimal(50), None, Decimal(ratio), RatioState.IN_FORCE, None)])
        for day in DAYS if with_ads else ():
            row = AdRow(date=day, ad_slot="S", income=each, publisher_income=each - agency, agency_income=agency)
            await ledger.record_ads("wxa", day, [row])
        await ledger.record("wxa", LAST, [statement(LAST, programs, 5, "N", slot_revenue=[SlotRevenue("S", programs)])])
        for more in (0, 100_000):
            await ledger.record(PROVIDER, LAST, [statement(LAST, share + more, 5, "P")])
            found = [one.what for one in (await reconcile(ledger, LAST)).differences]
            assert (CheckKind.SHARE in found, CheckKind.RATIO in found) == (more > 0, False)
