"""G17: workbooks of 10^5 rows, of settlements and of a half-month's statement.

The limits are seconds that a process of its own computes (it waits for nothing else), and by how
many megabytes it grows from a tenth of the rows to all of them: memory is flat. A settlement has
three slots, as most have, and so six rows of a statement: an invoice, one that is not paid, one of
its state, and three of slots.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from datetime import date
from typing import TYPE_CHECKING, Final

from benchmarks._apart import apart
from benchmarks._measure import Outcome
from benchmarks._resident import MEGABYTE, peak
from wxrevenue import HalfMonth, Settlement, SettlementStatus, SlotRevenue, Totals, export, open_ledger, write_statement

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS: Final = 100_000
ROWS_OF_A_SETTLEMENT: Final = {"exported": 1, "stated": 6}
"""Rows of a workbook for each settlement."""
_SECONDS: Final = 10.0
_MEGABYTES: Final = 50.0
_HALF: Final = HalfMonth(2024, 3, 1)
_SLOTS: Final = ("SLOT_ID_WEAPP_BANNER", "SLOT_ID_WEAPP_REWARD_VIDEO", "SLOT_ID_WEAPP_INTERSTITIAL")


def settlements(count: int) -> Iterator[Settlement]:
    """Yield so many settlements of one half-month."""
    for number in range(count):
        slots = [SlotRevenue(name, 12_345 * number + place) for place, name in enumerate(_SLOTS)]
        fen = sum(slot.slot_settled_revenue for slot in slots)
        status = SettlementStatus(2 + number % 4)
        text = f"TOSS-ST-SDay-{number}"
        yield Settlement("202403", 1, fen, date(2024, 3, 25), "2024年3月1日至15日", status, text, 0, slots)


async def fill(path: str, count: int) -> None:
    """Write a ledger of so many Mini Programs, a settlement each."""
    async with open_ledger(path) as ledger:
        header = Totals(10**12, 0, 10**12, "深圳市腾讯计算机系统有限公司")
        rows = settlements(count)
        for begin in range(0, count, 500):
            owners = [f"wx{number:016x}" for number in range(begin, min(begin + 500, count))]
            await asyncio.gather(*(ledger.record(owner, _HALF, [next(rows)], totals=header) for owner in owners))


async def exported(folder: str, count: int) -> dict[str, float]:
    """Return the seconds of ``to_excel``, and the megabytes that the process ever had."""
    began = time.process_time()
    assert await export.to_excel(settlements(count), f"{folder}/rows.xlsx") == count
    return {"seconds": time.process_time() - began, "megabytes": peak() / MEGABYTE}


async def stated(folder: str, count: int) -> dict[str, float]:
    """Return the seconds of ``write_statement``, and the process's peak in megabytes."""
    path = f"{folder}/revenue.db"
    apart("benchmarks.workbooks", "fill", path, count)  # in a process of its own, so that its memory is not counted
    async with open_ledger(path) as ledger:
        began = time.process_time()
        await write_statement(ledger, _HALF, f"{folder}/statement.xlsx", today=date(2024, 4, 20))
        return {"seconds": time.process_time() - began, "megabytes": peak() / MEGABYTE}


def run(*, quick: bool = False) -> list[Outcome]:
    """Measure."""
    count = ROWS // 10 if quick else ROWS
    limit = _SECONDS * count / ROWS
    outcomes: list[Outcome] = []
    for what, name in (("exported", "to_excel"), ("stated", "write_statement")):
        settled = count // ROWS_OF_A_SETTLEMENT[what]
        tenth, whole = apart(__name__, what, settled // 10), apart(__name__, what, settled)
        growth = whole["megabytes"] - tenth["megabytes"]
        outcomes += [
            Outcome(
                "G17",
                f"{name}, {settled:,} settlements, {count:,} rows / limit",
                whole["seconds"],
                limit,
                "s",
                whole["seconds"] / limit,
                1.0,
            ),
            Outcome("G17", "its memory beyond that of a tenth / limit", growth, _MEGABYTES, "MB", growth / _MEGABYTES, 1.0),
        ]
    return outcomes


def _main(what: str, *arguments: str) -> dict[str, float]:
    if what == "fill":
        asyncio.run(fill(arguments[0], int(arguments[1])))
        return {}
    with tempfile.TemporaryDirectory() as folder:
        work = exported if what == "exported" else stated
        return asyncio.run(work(folder, int(arguments[0])))


if __name__ == "__main__":
    print(json.dumps(_main(*sys.argv[1:])))
