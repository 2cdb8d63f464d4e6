"""What type checkers must infer of a ledger and of ``sync``.

It also has what they must refuse. It is never run: mypy and pyright read it. A wrong call carries
an ignore; when a checker stops objecting to the call, the ignore becomes unused, and that is an
error.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import assert_type

from wxrevenue import (
    AdRow,
    Change,
    ChangeKind,
    Claim,
    FetchJob,
    HalfMonth,
    Ledger,
    Progress,
    RatioStatus,
    Recorded,
    RevenueClient,
    Settlement,
    SyncReport,
    Totals,
    fetch,
    open_ledger,
    sync,
)

HALF = HalfMonth(2024, 3, 1)


async def ledgers_give_what_they_keep(rows: list[Settlement]) -> None:
    """Infer the types of opening, recording and reading."""
    assert_type(open_ledger("revenue.db"), Ledger)
    async with open_ledger("postgresql:///revenue?host=/run/postgresql") as ledger:
        recorded = assert_type(await ledger.record("wx1", HALF, rows, as_of=datetime.now(UTC)), Recorded)
        assert_type(recorded.changes, tuple[Change, ...])
        assert_type(recorded.changes[0].kinds, frozenset[ChangeKind])
        assert_type(recorded.changes[0].before, Settlement | None)
        assert_type(ledger.changes(after=0, limit=10), AsyncIterator[Change])
        assert_type(ledger.settlements(owner="wx1"), AsyncIterator[tuple[str, Settlement]])
        assert_type(ledger.ads("wx1", "2024-03-01", date(2024, 3, 2)), AsyncIterator[tuple[str, AdRow]])
        assert_type(ledger.ratios(), AsyncIterator[tuple[datetime, RatioStatus]])
        assert_type(await ledger.totals("wx1"), Totals | None)
        assert_type(await ledger.progress(), Progress)
        assert_type(await ledger.told(), int)


async def claims_are_taken_and_given_back(ledger: Ledger) -> None:
    """Infer jobs of what is missing, and claims of jobs.

    Infer ``None`` where a claim has passed to another worker.
    """
    jobs = [assert_type(job, FetchJob) async for job in ledger.missing(["wx1"], "2024-01-01", date(2024, 12, 31))]
    claims = assert_type(await ledger.claim(jobs, limit=10, lease=10.0), list[Claim])
    assert_type(await ledger.renew(claims[0]), Claim | None)
    assert_type(await ledger.record_job(jobs[0], [], claim=claims[0]), Recorded)
    assert_type(await ledger.give_back(claims[0]), None)


async def sync_reports(client: RevenueClient, ledger: Ledger, owners: AsyncIterator[str]) -> None:
    """Owners may come from any iterable; a listener is a plain function."""
    report = assert_type(await sync(client, ledger, owners, "2024-01-01", date(2024, 12, 31), on_change=print), SyncReport)
    assert_type(report.changes[ChangeKind.NEW], int)
    assert_type(await fetch(client, ledger, "wx1/2024-01-1..2024-06-2"), Recorded)


async def what_is_refused(client: RevenueClient, ledger: Ledger) -> None:
    """Refuse half-months as strings, a forgotten claim, and a ledger that is a path."""
    await ledger.record("wx1", "2024-03-1", [])  # type: ignore[arg-type]
    await ledger.record_job(FetchJob("wx1", HALF, HALF), [])  # type: ignore[call-arg]
    await sync(client, "revenue.db", ["wx1"], "2024-01-01", "2024-12-31")  # type: ignore[arg-type]
    await fetch(client, ledger, HALF)  # type: ignore[arg-type]
