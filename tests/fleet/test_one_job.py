"""A job that a queue hands out twice is fetched once, whenever the second looks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support.fleet import Fleet
from support.postgres import new_database
from support.synced import ledger_in, sent
from support.virtual import virtual

from wxrevenue import AgreementUnsignedError, Claim, FetchJob, HalfMonth, Ledger, fetch, open_ledger
from wxrevenue.ledger._sql_ledger import SqlLedger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from wxrevenue.ledger._session import Session

LEASE = 3.0
FIRST, LAST = HalfMonth(2025, 1, 1), HalfMonth(2025, 6, 2)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where an empty ledger is."""
    if request.param == "sqlite":
        return str(tmp_path / "revenue.db")
    return new_database(request.getfixturevalue("postgres_url"), "one_job")


@virtual
async def test_one_job(tmp_path: Path) -> None:
    """``fetch`` takes a job or its text; two at once make one call."""
    fleet = Fleet()
    job = FetchJob(fleet.programs[0], FIRST, LAST)
    async with ledger_in(tmp_path) as ledger:
        found = await asyncio.gather(fetch(fleet.client, ledger, job), fetch(fleet.client, ledger, str(job)))
        assert sorted(len(one.changes) for one in found) == [0, 12]
        assert (sent(fleet), [one.stale for one in found]) == (1, [False, False])
        assert await ledger.providers() == (fleet.appid,)
        assert not (await fetch(fleet.client, ledger, job)).changes
        assert sent(fleet) == 2
        with pytest.raises(AgreementUnsignedError):
            await fetch(fleet.client, ledger, f"{fleet.unsigned}/2025-01-1..2025-01-2")


def signalling(method: Callable[..., Awaitable[Any]], before: asyncio.Event, after: asyncio.Event) -> Callable[..., Awaitable[Any]]:
    """Return a method that says when it is called, waits, and then does its work."""

    async def called(*args: Any, **options: Any) -> Any:
        before.set()
        await after.wait()
        return await method(*args, **options)

    return called


async def test_a_second_that_looks_after_the_first_recorded(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second makes no call where the first has recorded and still holds it."""
    fleet, recorded, refused = Fleet(), asyncio.Event(), asyncio.Event()
    job = FetchJob(fleet.programs[0], FIRST, LAST)
    async with open_ledger(url) as one, open_ledger(url) as other:
        claim = other.claim

        async def claimed(jobs: list[FetchJob], *, limit: int, lease: float = 10.0) -> list[Claim]:
            found = await claim(jobs, limit=limit, lease=lease)
            refused.set()
            return found

        monkeypatch.setattr(one, "give_back", signalling(one.give_back, recorded, refused))
        monkeypatch.setattr(other, "claim", claimed)
        first = asyncio.create_task(fetch(fleet.client, one, job, lease=LEASE))
        await recorded.wait()
        second = await fetch(fleet.client, other, job, lease=LEASE)
        assert ((await first).stale, second.stale, second.changes) == (False, False, ())
        assert sent(fleet) == 1


async def test_a_second_whose_first_was_killed(url: str) -> None:
    """The second fetches where the first recorded nothing of late."""
    fleet = Fleet()
    job = FetchJob(fleet.programs[0], FIRST, LAST)
    async with open_ledger(url) as ledger:
        await fetch(fleet.client, ledger, job)
        await age(ledger, seconds=60)
        assert await ledger.claim([job], limit=1, lease=0.5)
        await fetch(fleet.client, ledger, job, lease=LEASE)
        assert sent(fleet) == 2


async def age(ledger: Ledger, seconds: int) -> None:
    """Let everything be recorded so much earlier."""
    assert isinstance(ledger, SqlLedger)

    def work(session: Session) -> None:
        session.run("UPDATE half_months SET recorded_at = recorded_at - ?", seconds * 1_000_000)

    await ledger.database.write(work)
