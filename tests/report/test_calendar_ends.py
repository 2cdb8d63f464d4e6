"""Reports of any day and half-month of the calendar."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from support.report import LAST, PROVIDER, a_ledger, statement

from wxrevenue import ConfigurationError, HalfMonth, reconcile, render_html, write_statement

if TYPE_CHECKING:
    from pathlib import Path

openpyxl: Any = pytest.importorskip("openpyxl")
ENDS = [HalfMonth(1, 1, 1), HalfMonth(9999, 12, 2)]


@pytest.mark.parametrize("day", [date(2, 1, 1), date(9999, 11, 15), date(9999, 12, 31)])
@pytest.mark.parametrize("half", [LAST, *ENDS])
async def test_a_report_on_any_day(half: HalfMonth, day: date, tmp_path: Path) -> None:
    """A report is made on the calendar's last day, too.

    It may be of the calendar's first and last half-month.
    """
    async with a_ledger(tmp_path / "revenue.db") as ledger:
        await ledger.record(PROVIDER, half, [statement(half, 700, 1)])
        assert "7.00" in await render_html(ledger, today=day)


async def test_a_report_needs_days_before_it(tmp_path: Path) -> None:
    """A day before which no statement can be late is refused.

    The error names the first day that is allowed.
    """
    async with a_ledger(tmp_path / "revenue.db") as ledger:
        with pytest.raises(ConfigurationError, match=r"render_html\.today: expected a day from 0002-01-01 on"):
            await render_html(ledger, today=date(1, 12, 31))


@pytest.mark.parametrize("half", ENDS)
async def test_any_half_month(half: HalfMonth, tmp_path: Path) -> None:
    """The calendar's first and last half-month can be reconciled.

    They can have a statement, too.
    """
    async with a_ledger(tmp_path / "revenue.db") as ledger:
        await ledger.record_provider(PROVIDER)
        await ledger.record(PROVIDER, half, [statement(half, 700, 5, "N")])
        assert (await reconcile(ledger, half)).differences == ()
        await write_statement(ledger, half, tmp_path / "a.xlsx")
    assert openpyxl.load_workbook(tmp_path / "a.xlsx").worksheets[1]["C2"].value == "N"
