"""Settlements and ad data for statements."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from wxrevenue import HalfMonth, Settlement, SettlementStatus, SlotRevenue, Totals

if TYPE_CHECKING:
    from wxrevenue import Ledger

MARCH = HalfMonth(2024, 3, 1)
TODAY = date(2024, 4, 20)
BANNER, VIDEO = "SLOT_ID_WEAPP_BANNER", "SLOT_ID_WEAPP_REWARD_VIDEO"
TENCENT = "深圳市腾讯计算机系统有限公司"


def row(
    fen: int, status: int | None = 5, number: str | None = None, half: HalfMonth = MARCH, *, slots: dict[str, int] | None = None
) -> Settlement:
    """Return a settlement; slots by name."""
    found = [SlotRevenue(name, amount) for name, amount in (slots or {}).items()]
    state = None if status is None else SettlementStatus(status)
    return Settlement(f"{half.year}{half.month:02}", half.order, fen, date(2024, 3, 25), None, state, number, 0, found)


async def filled(ledger: Ledger) -> None:
    """Record a provider, two Mini Programs and every state.

    One statement of January is unpaid.
    """
    header = Totals(1_000, 0, 900, TENCENT)
    await ledger.record_provider("wxp")
    await ledger.record("wxp", MARCH, [row(30, 2, "P1", slots={BANNER: 10, VIDEO: 20})], totals=header)
    rows = [row(-5, None), row(100, 1, slots={BANNER: 100}), row(200, 3, "A3"), row(7, 9, "A9", slots={"=1+1": 7}), row(29, 4, "A4")]
    await ledger.record("wxa", MARCH, rows, totals=header)
    await ledger.record("wxb", MARCH, [row(1_000, 5, "B5", slots={VIDEO: 1_000})])
    january = HalfMonth(2024, 1, 2)
    await ledger.record("wxb", january, [row(4_000, 4, "B1", january), row(1, 5, "B2", january)])
