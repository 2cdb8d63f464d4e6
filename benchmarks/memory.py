"""G11: the memory of a sweep over a million rows of two thousand accounts.

Counted is what the process grows by, at its peak, from the moment when everything is loaded and one
account was swept. So the other 63 connections count. In a process of its own, on the server of G9,
with the collector as Python sets it.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Final

from benchmarks._apart import apart
from benchmarks._books import PAGES, ROWS, books
from benchmarks._measure import Outcome
from benchmarks._resident import MEGABYTE, peak, resident
from wxrevenue import AiohttpTransport, RevenueClient, sweep

if TYPE_CHECKING:
    from wxrevenue import Paginator, Settlement

ACCOUNTS: Final = 2_000
SLOTS: Final = 64
LIMIT: Final = 16.0
"""Megabytes."""
LIMIT_OF_GROWTH: Final = 1.25
"""How many times the memory ten times the accounts may take.

It is flat, but for what chance adds to a peak.
"""


async def megabytes(base_url: str, accounts: int) -> float:
    """Sweep; return by how much this process has grown at its peak."""
    transport = AiohttpTransport(limit=SLOTS)
    client = RevenueClient("fake-token", "wx-benchmark", base_url, transport=transport)

    def walk(number: int) -> Paginator[Settlement]:
        account = client.with_options(tokens=f"fake-token-{number}", component_appid=f"wx{number}")
        return account.iter_agency_settlement("2000-01-01", "2024-12-31", page_size=ROWS)

    found = 0
    async for outcome in sweep(walk, [0], concurrency=1):
        outcome.result()
    before = resident()
    async for outcome in sweep(walk, range(accounts), concurrency=SLOTS):
        found += len(outcome.result())
    grown = peak() - before
    assert found == accounts * PAGES * ROWS
    await client.aclose()
    await transport.aclose()
    return grown / MEGABYTE


def run(*, quick: bool = False) -> list[Outcome]:
    """Measure."""
    accounts = 200 if quick else ACCOUNTS
    with books() as base_url:
        all_of_them, tenth = apart(__name__, base_url, accounts), apart(__name__, base_url, accounts // 10)
    rows = accounts * PAGES * ROWS
    return [
        Outcome("G11", f"peak memory of a sweep over {rows:,} rows / {LIMIT:g} MB", all_of_them, LIMIT, "MB", all_of_them / LIMIT, 1.0),
        Outcome("G11", "the same / that of a tenth of the accounts", all_of_them, tenth, "MB", all_of_them / tenth, LIMIT_OF_GROWTH),
    ]


if __name__ == "__main__":
    print(asyncio.run(megabytes(sys.argv[1], int(sys.argv[2]))))
