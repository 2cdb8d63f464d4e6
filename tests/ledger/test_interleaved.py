"""Writers, claims, cancellations and a reader, interleaved at random.

The changes tell everything that the ledger keeps.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from support.postgres import new_database

from wxrevenue import Change, FetchJob, HalfMonth, Ledger, Settlement, SettlementStatus, open_ledger

if TYPE_CHECKING:
    from pathlib import Path

HALVES = [HalfMonth(2024, 3, 1).shifted(number) for number in range(6)]
OWNERS = [f"wx{number}" for number in range(4)]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where an empty ledger is."""
    if request.param == "sqlite":
        return str(tmp_path / "revenue.db")
    return new_database(request.getfixturevalue("postgres_url"), "interleaved")


def some_rows(chance: Any, halves: list[HalfMonth]) -> list[Settlement]:
    """Return rows of half-months, many of them without numbers and of equal amounts."""
    return [
        Settlement(
            f"{half.year}{half.month:02}",
            half.order,
            chance.choice([100, 200, 300]),
            sett_no=chance.choice([None, None, "A", "B"]),
            sett_status=SettlementStatus(chance.choice([1, 2, 5])),
        )
        for half in halves
        for _ in range(chance.randrange(4))
    ]


async def write(chance: Any, ledgers: list[Ledger]) -> None:
    """Record a half-month, or a job under a claim.

    The claim's lease may be over, and its caller may be gone.
    """
    ledger, owner, first = chance.choice(ledgers), chance.choice(OWNERS), chance.randrange(6)
    halves = HALVES[first : first + chance.randint(1, 3)]
    if chance.random() < 0.4:
        await ledger.record(owner, halves[0], some_rows(chance, halves[:1]))
        return
    job = FetchJob(owner, halves[0], halves[-1])
    for claim in await ledger.claim([job], limit=1, lease=chance.choice([0.001, 5.0])):
        recording = asyncio.create_task(ledger.record_job(job, some_rows(chance, halves), claim=claim))
        if chance.random() < 0.1:
            await asyncio.sleep(0)
            recording.cancel()
        await asyncio.gather(recording, return_exceptions=True)
        if chance.random() < 0.8:
            await ledger.give_back(claim)


async def read(ledger: Ledger, seen: list[Change]) -> None:
    """Read the changes after the last one that was seen."""
    async for change in ledger.changes(seen[-1].seq if seen else 0):
        assert change.seq == len(seen) + 1
        seen.append(change)


@pytest.mark.parametrize("seed", range(3))
async def test_changes_tell_everything(url: str, seed: int) -> None:
    """B-05: a reader that continues after the last number sees each change once.

    The sum of the changes is what the ledger keeps.
    """
    chance, seen = random.Random(seed), list[Change]()
    async with open_ledger(url) as one, open_ledger(url) as other:

        async def writer() -> None:
            for _ in range(20):
                await write(chance, [one, other])

        writing = asyncio.gather(*(writer() for _ in range(6)))
        while not writing.done():
            await read(chance.choice([one, other]), seen)
            await asyncio.sleep(0)
        await writing
        await read(one, seen)
        told = Counter[tuple[str, str]]()
        for change in seen:
            if change.before is not None:
                told[change.owner, repr(change.before)] -= 1
                assert told[change.owner, repr(change.before)] >= 0
            if change.after is not None:
                told[change.owner, repr(change.after)] += 1
        kept = Counter([(owner, repr(row)) async for owner, row in one.settlements()])
        assert len(seen) > 50
        assert +told == kept
