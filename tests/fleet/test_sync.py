"""Bringing a ledger up to date: everything that is missing is fetched once.

This holds when owners fail, and when other runs do the same.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from support.fleet import Fleet
from support.provider import TODAY
from support.synced import SPAN, kept, ledger_in, sent, served
from support.virtual import virtual

from wxrevenue import (
    AgreementUnsignedError,
    ChangeKind,
    ConfigurationError,
    FetchJob,
    HalfMonth,
    LedgerError,
    RevenueClient,
    fetch,
    sync,
)

if TYPE_CHECKING:
    from pathlib import Path

    from wxrevenue import Change


def statement(session: Any, sql: str) -> Any:
    """Run a statement behind the ledger's back."""
    return session.run(sql)


@virtual
async def test_everything_is_fetched_once(tmp_path: Path) -> None:
    """After a run the ledger has what the server has.

    It has the provider's share and the Mini Programs', with header and provider.
    """
    fleet = Fleet()
    owners = [fleet.appid, *fleet.programs[:3]]
    async with ledger_in(tmp_path) as ledger:
        report = await sync(fleet.client, ledger, owners, *SPAN)
        assert (report.jobs, report.calls, report.failed) == (20, 20, ())
        assert sent(fleet) == 20
        assert await kept(ledger) == await served(fleet, owners)
        progress = await ledger.progress()
        assert (progress.owners, progress.half_months) == (4, 4 * 52)
        assert report.changes == Counter({ChangeKind.NEW: report.last_seq})
        assert progress.last_seq == report.last_seq
        totals = await ledger.totals(fleet.appid)
        page = await fleet.client.get_agency_settlement(*SPAN)
        assert totals == page.totals
        assert await ledger.providers() == (fleet.appid,)


@virtual
async def test_the_next_day(tmp_path: Path) -> None:
    """A further run asks only for what can still change.

    It tells what changed: amounts, numbers, payments.
    """
    fleet = Fleet()
    async with ledger_in(tmp_path) as ledger:
        await sync(fleet.client, ledger, [fleet.appid], *SPAN)
        before = sent(fleet)
        again = await sync(fleet.client, ledger, [fleet.appid], *SPAN)
        assert (again.changes, sent(fleet) - before) == (Counter(), 1)
        fleet.sandbox.today = TODAY.replace(month=12)
        later = await sync(fleet.client, ledger, [fleet.appid], *SPAN)
        assert later.changes[ChangeKind.STATUS] > 0
        assert not later.changes.keys() & {ChangeKind.NEW, ChangeKind.GONE}
        done = await sync(fleet.client, ledger, [fleet.appid], *SPAN)
        assert (done.jobs, done.calls) == (0, 0)
        everything = await sync(fleet.client, ledger, [fleet.appid], *SPAN, again=True)
        assert (everything.jobs, everything.changes) == (5, Counter())


@virtual
async def test_one_owner_that_fails(tmp_path: Path) -> None:
    """B-25: an owner that cannot be fetched is reported and stops no other.

    Nothing of it is recorded, and it is still missing.
    """
    fleet = Fleet()
    owners = [fleet.unsigned, fleet.programs[0]]
    async with ledger_in(tmp_path) as ledger:
        report = await sync(fleet.client, ledger, owners, *SPAN)
        assert report.jobs == 5
        assert {job.owner for job, _ in report.failed} == {fleet.unsigned}
        assert all(isinstance(error, AgreementUnsignedError) for _, error in report.failed)
        assert {owner for owner, _ in await kept(ledger)} == {fleet.programs[0]}
        assert len([job async for job in ledger.missing([fleet.unsigned], *SPAN)]) == 5
        assert await ledger.claim([job for job, _ in report.failed], limit=5), "a failed job was not given back"


@virtual
async def test_two_at_once_make_the_calls_of_one(tmp_path: Path) -> None:
    """Two runs side by side fetch each job once, the unsettled ones too.

    They end when everything is there.
    """
    fleet = Fleet(8)
    owners = [fleet.appid, *fleet.programs[:7]]
    async with ledger_in(tmp_path) as one, ledger_in(tmp_path) as other:
        reports = await asyncio.gather(
            sync(fleet.client, one, owners, *SPAN, concurrency=3), sync(fleet.client, other, reversed(owners), *SPAN, concurrency=3)
        )
        assert sent(fleet) == sum(report.calls for report in reports) == sum(report.jobs for report in reports) == 40
        assert await kept(one) == await served(fleet, owners)
        assert reports[0].changes + reports[1].changes == Counter({ChangeKind.NEW: (await one.progress()).last_seq})


@virtual
async def test_a_writer_that_is_late(tmp_path: Path) -> None:
    """A run that was stopped beyond its lease records nothing over the other's work.

    It looks again.
    """
    fleet = Fleet()
    async with ledger_in(tmp_path) as ledger:
        theirs: list[Any] = []
        held: Any = fleet
        wire: Any = held._wire

        class Stopped:
            """The way to the server, during whose first answer another process takes over."""

            async def send(self, request: Any, *, timeout: float) -> Any:
                answer = await wire.send(request, timeout=timeout)
                if not theirs:
                    ledger_: Any = ledger
                    await ledger_.database.write(partial(statement, sql="UPDATE claims SET until = 0"))
                    jobs = [FetchJob(fleet.appid, HalfMonth(2025, 1, 1), HalfMonth(2025, 1, 2))]
                    theirs.extend(await ledger.claim(jobs, limit=1, lease=0.01))
                    assert theirs
                return answer

        held._wire = Stopped()
        report = await sync(fleet.client, ledger, [fleet.appid], "2025-01-01", "2025-01-31")
        assert (report.jobs, report.calls, report.failed) == (1, 2, ())
        assert len(await kept(ledger)) == report.last_seq == 2


@virtual
async def test_changes_are_told(tmp_path: Path) -> None:
    """B-24: ``on_change`` is called for each change after its commit, in order.

    If a run ends before it could call it, the next run does.
    """
    fleet = Fleet()
    told: list[Change] = []

    def broken(change: Change) -> None:
        told.append(change)
        if len(told) == 30:
            raise LookupError("fake")

    async with ledger_in(tmp_path) as ledger:
        with pytest.raises(LookupError):
            await sync(fleet.client, ledger, fleet.programs[:3], *SPAN, on_change=broken)
        report = await sync(fleet.client, ledger, fleet.programs[:3], *SPAN, on_change=told.append)
        assert {change.seq for change in told} == {*range(1, report.last_seq + 1)}
        tail = [change.seq for change in told[30:]]
        assert tail == sorted(tail)
        told.clear()
        await sync(fleet.client, ledger, fleet.programs[:3], *SPAN, on_change=told.append)
        assert told == []


@virtual
async def test_runs_that_tell_nobody(tmp_path: Path) -> None:
    """B-24: changes of a run without a listener go to the next run with one.

    A run that is started by hand has no listener, for example.
    """
    fleet = Fleet()
    told: list[Change] = []
    async with ledger_in(tmp_path) as ledger:
        await sync(fleet.client, ledger, fleet.programs[:1], *SPAN, on_change=told.append)
        first = len(told)
        byhand = await sync(fleet.client, ledger, fleet.programs[:2], *SPAN)
        assert byhand.last_seq > first == len(told) > 0
        await sync(fleet.client, ledger, fleet.programs[:2], *SPAN, on_change=told.append)
        assert [change.seq for change in told] == [*range(1, byhand.last_seq + 1)]


@virtual
async def test_a_broken_ledger_ends_it(tmp_path: Path) -> None:
    """B-14: when the ledger's database fails the run ends with that error.

    What was recorded stays.
    """
    fleet = Fleet()
    async with ledger_in(tmp_path) as ledger:
        inner: Any = ledger
        ((pages,),) = await inner.database.write(partial(statement, sql="PRAGMA page_count"))
        await inner.database.write(partial(statement, sql=f"PRAGMA max_page_count = {pages + 12}"))
        with pytest.raises(LedgerError, match="the disk is full"):
            await sync(fleet.client, ledger, fleet.programs[:3], *SPAN)
        assert (await ledger.progress()).half_months % 4 == 0


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"concurrency": 0}, "concurrency"),
        ({"lease": 0}, "lease"),
        ({"on_change": 7}, "on_change"),
        ({"on_change": asyncio.sleep}, "on_change.*plain function"),
        ({"lease": 1e10}, "lease"),
        ({"owners": "wx1"}, "owners"),
        ({"start": "2026-03-01"}, "end"),
        ({"start": "2026-3-1"}, "start"),
        ({"ledger": object()}, "ledger"),
        ({"again": 1}, "again"),
    ],
)
@virtual
async def test_what_is_refused(change: dict[str, Any], name: str, tmp_path: Path) -> None:
    """A wrong argument is refused by its name, before anything is sent.

    So is a client without an appid.
    """
    fleet = Fleet()
    async with ledger_in(tmp_path) as ledger:
        given: dict[str, Any] = {"client": fleet.client, "ledger": ledger, "owners": ["wx1"], "start": SPAN[0], "end": SPAN[1], **change}
        with pytest.raises(ConfigurationError, match=name):
            await sync(given.pop("client"), given.pop("ledger"), given.pop("owners"), given.pop("start"), given.pop("end"), **given)
        with pytest.raises(ConfigurationError, match="component_appid"):
            await sync(RevenueClient("fake-token"), ledger, ["wx1"], *SPAN)
        with pytest.raises(ConfigurationError, match="job"):
            await fetch(fleet.client, ledger, 7)  # type: ignore[arg-type]
        assert not fleet.actions
