"""Slots are the same in the report, the statement and the chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.report import LAST, PROVIDER, TODAY, a_ledger, fen_of, parsed, statement, table

from wxrevenue import SlotRevenue, render_html, write_statement
from wxrevenue.cli._settlements.charts import NO_SLOT, Sums

if TYPE_CHECKING:
    from pathlib import Path

openpyxl: Any = pytest.importorskip("openpyxl")
BANNER = "SLOT_ID_WEAPP_BANNER"


async def test_blanks_make_no_slots(tmp_path: Path) -> None:
    """Blanks around an id make no other slot, and an id of blanks is no id.

    Each page has two slots, with the same sums.
    """
    slots = {BANNER: 1_000, f" {BANNER} ": 200, "": 30, " ": 4, None: 5}
    row = statement(LAST, 1_239, 5, "N", slot_revenue=[SlotRevenue(slot, fen) for slot, fen in slots.items()])
    async with a_ledger(tmp_path / "revenue.db") as ledger:
        await ledger.record_provider(PROVIDER)
        await ledger.record(PROVIDER, LAST, [row])
        page = parsed(await render_html(ledger, lang="en", today=TODAY))
        await write_statement(ledger, LAST, tmp_path / "a.xlsx", lang="en", today=TODAY)
    assert [(name, fen_of(fen)) for name, fen, *_ in table(page, "The provider's revenue by slot")[1:]] == [
        ("banner", 1_200),
        ("slot not named", 39),
    ]
    book = openpyxl.load_workbook(tmp_path / "a.xlsx", data_only=True)
    assert [book[name].cell(book[name].max_row, 2).value for name in book.sheetnames[-2:]] == [12, 0.39]
    assert book.sheetnames[-2:] == ["banner", "slot not named"]
    sums = Sums()
    sums.add(row)
    assert sums.by_slot == {BANNER: 1_200, NO_SLOT: 39}
