"""The ledger in a file: where it may be, and what it waits for.

A failure loses nothing.
"""

# ruff: noqa: ASYNC240  (tests look at the file between awaits)

from __future__ import annotations

import asyncio
import os
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.virtual import virtual

from wxrevenue import ClientStateError, ConfigurationError, FetchJob, HalfMonth, LedgerError, Settlement, open_ledger
from wxrevenue.ledger._sql_ledger import SqlLedger
from wxrevenue.ledger._sqlite import database, place
from wxrevenue.testing import VirtualClock

HALF = HalfMonth(2024, 3, 1)


def row(amount: int = 100, **more: Any) -> Settlement:
    """Return a settlement of the half-month."""
    return Settlement(month="202403", order=1, settled_revenue=amount, **more)


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Return the path of a ledger."""
    return str(tmp_path / "revenue.db")


async def kept(ledger: Any) -> list[int]:
    """Return the amounts that a ledger has."""
    return [one.settled_revenue async for _, one in ledger.settlements()]


# -- where -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["revenue.db", "revenue.sqlite", "sqlite:///{}", "sqlite:///rel.db"])
async def test_names_of_files(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that ends in .db or .sqlite and an SQLite URL name the same ledger.

    Relative paths do too.
    """
    monkeypatch.chdir(tmp_path)
    async with open_ledger(name.format(tmp_path / "my revenue.db")) as ledger:
        await ledger.record("wx1", HALF, [row()])
    assert len([*tmp_path.glob("*.db"), *tmp_path.glob("*.sqlite")]) == 1


@pytest.mark.parametrize("url", ["revenue", "mysql://u:fake-password@h/x", "sqlite://", "sqlite:///", "sqlite://host/x.db", "", 7, None])
def test_urls_that_are_refused(url: Any) -> None:
    """Any other name is refused before anything is opened.

    A password in it is not shown.
    """
    with pytest.raises(ConfigurationError, match=r"open_ledger\.url: expected") as caught:
        open_ledger(url)
    assert "fake-password" not in str(caught.value)


async def test_it_is_opened_when_it_is_entered(file: str) -> None:
    """Making a ledger does no I/O.

    A ledger that is not open, or closed, says so.
    """
    ledger: Any = open_ledger(file)
    assert not Path(file).exists()
    with pytest.raises(ClientStateError, match="async with"):
        await ledger.progress()
    async with ledger:
        pass
    with pytest.raises(ClientStateError, match="async with"):
        await ledger.record("wx1", HALF, [])
    assert not Path(f"{file}-wal").exists()


async def test_a_missing_folder(tmp_path: Path) -> None:
    """A folder that is missing is an error that names the file."""
    with pytest.raises(LedgerError, match=r"none/revenue\.db"):
        async with open_ledger(str(tmp_path / "none" / "revenue.db")):
            pass


async def test_another_file(file: str) -> None:
    """B-17: a file that is not a database is refused, and stays as it is."""
    Path(file).write_text("month,order\n" * 1000)
    with pytest.raises(ConfigurationError, match="expected an SQLite database"):
        async with open_ledger(file):
            pass
    assert Path(file).read_text() == "month,order\n" * 1000


async def test_a_newer_file(file: str) -> None:
    """B-16: a ledger that a newer release wrote is refused.

    The error has both schemas' numbers.
    """
    async with open_ledger(file):
        pass
    with sqlite3.connect(file) as connection:
        connection.execute("INSERT INTO wxrevenue_schema (step) VALUES (999)")
    connection.close()
    with pytest.raises(ConfigurationError, match=r"schema 999.*upgrade wxrevenue"):
        async with open_ledger(file):
            pass


def test_an_sqlite_that_is_too_old() -> None:
    """An SQLite without STRICT tables is refused, and the error names its version."""
    with pytest.raises(ConfigurationError, match=r"SQLite 3\.36\.9 is too old: a ledger needs 3\.37\.0"):
        place.check_version((3, 36, 9))
    place.check_version()


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_network_file_systems(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """B-17: a network file system is refused by its name.

    A path below it may have blanks. The disk beside it is accepted.
    """
    shared, mounts = tmp_path / "on a server", tmp_path / "mounts"
    shared.mkdir()
    mounts.write_text(f"/dev/vda / ext4 rw 0 0\nh:/x {str(shared).replace(' ', chr(92) + '040')} {kind} rw 0 0\n")
    monkeypatch.setattr(place, "file_system", partial(file_system, mounts=mounts))
    with pytest.raises(ConfigurationError, match=f"network file system '{kind}'; use PostgreSQL"):
        place.check_place(shared / "revenue.db")
    place.check_place(tmp_path / "revenue.db")


def test_network_file_systems_of_a_mac(tmp_path: Path) -> None:
    """B-17: on macOS whatever ``mount`` does not call local is refused.

    Of two mounts the inner one counts.
    """
    text = (
        "/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)\n"
        "//anna@nas.local/my%20share on /Volumes/my share (smbfs, nodev, nosuid, mounted by anna)\n"
        "nas:/x on /Volumes/x (nfs, nodev)\nmap auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)\n"
        "/dev/disk5 on /Volumes/my share/disk (hfs, local)\nnot a mount\n"
    )
    assert place.mounts_of_a_mac(text) == {
        "/": "apfs",
        "/Volumes/my share": "smbfs",
        "/Volumes/x": "nfs",
        "/System/Volumes/Data/home": "remote",
        "/Volumes/my share/disk": "hfs",
    }


def test_a_file_that_is_a_mount(tmp_path: Path) -> None:
    """B-17: a single file mounted from a network file system counts as being on it.

    A container mounts it.
    """
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/vda / ext4 rw 0 0\nh:/x {tmp_path / 'revenue.db'} nfs4 rw 0 0\n")
    assert place.file_system(tmp_path / "revenue.db", mounts) == "nfs4"


file_system = place.file_system


async def test_how_it_is_written(file: str) -> None:
    """The file is in WAL mode, each commit reaches the disk, and tables are STRICT."""
    async with open_ledger(file) as ledger:
        assert isinstance(ledger, SqlLedger)
        modes = await ledger.database.write(lambda session: [session.run(f"PRAGMA {name}") for name in ("journal_mode", "synchronous")])
        assert modes == [[("wal",)], [(2,)]]
        tables = await ledger.database.read(lambda session: session.run("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
    assert [name for name, sql in tables if not sql.endswith(("STRICT", "STRICT, WITHOUT ROWID"))] == ["wxrevenue_schema"]


# -- trouble ---------------------------------------------------------------------------------------


async def test_another_writer_is_waited_for(file: str) -> None:
    """B-15: While another process writes a call waits; then it is recorded."""
    async with open_ledger(file) as ledger:
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        recording = asyncio.create_task(ledger.record("wx1", HALF, [row()]))
        assert (await ledger.progress()).half_months == 0
        assert not recording.done()
        other.execute("ROLLBACK")
        other.close()
        assert len((await recording).changes) == 1


async def test_a_lock_without_end(file: str) -> None:
    """B-15: a lock that outlasts the deadline is an error that may be repeated.

    Nothing is recorded.
    """
    ledger = SqlLedger(database.SqliteDatabase(Path(file), patience=0.05), file)
    async with ledger:
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match="another process kept it locked") as caught:
            await ledger.record("wx1", HALF, [row()])
        assert caught.value.retryable
        other.execute("ROLLBACK")
        other.close()
        await ledger.record("wx1", HALF, [row(7)])
        assert await kept(ledger) == [7]


async def test_a_full_disk(file: str) -> None:
    """B-14: the error says that the disk is full, and what was recorded stays.

    The same call succeeds when there is room.
    """
    async with open_ledger(file) as ledger:
        assert isinstance(ledger, SqlLedger)
        await ledger.record("wx1", HALF, [row(1)])
        ((pages,),) = await ledger.database.write(lambda session: session.run("PRAGMA page_count"))
        await ledger.database.write(lambda session: session.run(f"PRAGMA max_page_count = {pages}"))
        many = [row(number, zone="x" * 500) for number in range(200)]
        with pytest.raises(LedgerError, match="the disk is full; nothing was recorded, and nothing lost"):
            await ledger.record("wx1", HALF, many)
        assert (await kept(ledger), (await ledger.progress()).last_seq) == ([1], 1)
        await ledger.database.write(lambda session: session.run("PRAGMA max_page_count = 1000000"))
        assert len((await ledger.record("wx1", HALF, many)).changes) == 200


async def test_one_that_fails_takes_no_other_with_it(file: str) -> None:
    """Calls that are committed together succeed or fail each for itself."""
    async with open_ledger(file) as ledger:
        assert isinstance(ledger, SqlLedger)

        def broken(_: Any) -> None:
            raise LookupError("fake")

        def wrong(session: Any) -> None:
            session.run("INSERT INTO half_months (owner) VALUES ('wx9')")

        records = [ledger.record(f"wx{n}", HALF, [row(n)]) for n in range(3)]
        found = await asyncio.gather(
            records[0], ledger.database.write(broken), records[1], ledger.database.write(wrong), records[2], return_exceptions=True
        )
        assert [type(one).__name__ for one in found] == ["Recorded", "LookupError", "Recorded", "LedgerError", "Recorded"]
        assert await kept(ledger) == [0, 1, 2]


async def test_a_cancelled_call(file: str) -> None:
    """A call that is cancelled leaves the ledger as usable as before."""
    async with open_ledger(file) as ledger:
        recording = asyncio.create_task(ledger.record("wx1", HALF, [row(1)]))
        await asyncio.sleep(0)
        recording.cancel()
        await asyncio.gather(recording, return_exceptions=True)
        await ledger.record("wx1", HALF, [row(2)])
        assert await kept(ledger) == [2]


async def test_what_is_under_way_is_committed_at_the_end(file: str) -> None:
    """Leaving the block waits for what was begun."""
    async with open_ledger(file) as ledger:
        begun = [asyncio.create_task(ledger.record(f"wx{n}", HALF, [row(n)])) for n in range(200)]
        await asyncio.sleep(0)
    assert {len((await one).changes) for one in begun} == {1}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
async def test_a_forked_child(file: str) -> None:
    """B-22: In a forked child the ledger says that it has to be opened there."""
    async with open_ledger(file) as ledger:
        child = os.fork()
        if not child:  # pragma: no cover  (another process)
            call = ledger.progress()
            try:
                call.send(None)
            except ClientStateError:
                os._exit(0)
            os._exit(1)
        _, status = await asyncio.to_thread(os.waitpid, child, 0)
        assert os.waitstatus_to_exitcode(status) == 0


@virtual
async def test_a_clock_of_ones_own(tmp_path: Path) -> None:
    """With ``clock=`` changes, leases and dates go by its time, also in virtual time."""
    clock = VirtualClock()
    async with open_ledger(str(tmp_path / "revenue.db"), clock=clock) as ledger:
        recorded = await ledger.record("wx1", HALF, [row()])
        assert recorded.changes[0].at.timestamp() == clock.time()
        job = FetchJob("wx1", HALF, HALF)
        assert await ledger.claim([job], limit=1, lease=1_000.0)
        await clock.sleep(999.0)
        assert not await ledger.claim([job], limit=1)
        await clock.sleep(2.0)
        assert await ledger.claim([job], limit=1)
        jobs = [one async for one in ledger.missing(["wx2"], "2023-11-01", "2024-03-01")]
        assert jobs == []  # the clock begins on 14 November 2023
