"""Opening and closing a ledger, which happen once at a time, and whole.

A caller may be cancelled meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from support.postgres import new_database

from wxrevenue import ClientStateError, ConfigurationError, HalfMonth, LedgerError, Settlement, open_ledger
from wxrevenue.ledger._open import existing_ledger
from wxrevenue.ledger._sql_ledger import SqlLedger
from wxrevenue.ledger._sqlite.failures import failed

if TYPE_CHECKING:
    from collections.abc import Coroutine

HALF = HalfMonth(2024, 3, 1)


def row(amount: int = 100) -> Settlement:
    """Return a settlement of the half-month."""
    return Settlement(month="202403", order=1, settled_revenue=amount)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where an empty ledger is."""
    if request.param == "sqlite":
        return str(tmp_path / "revenue.db")
    return new_database(request.getfixturevalue("postgres_url"), "opening")


async def test_it_is_opened_once_at_a_time(url: str) -> None:
    """B-21: a ledger that is open, or being opened, is refused and stays open.

    After its end it may be opened again.
    """
    ledger = open_ledger(url)
    found = await asyncio.gather(ledger.__aenter__(), ledger.__aenter__(), return_exceptions=True)
    assert sorted(type(one).__name__ for one in found) == ["ClientStateError", "SqlLedger"]
    with pytest.raises(ClientStateError, match="open already"):
        async with ledger:
            pass
    await ledger.record("wx1", HALF, [row()])
    await ledger.__aexit__(None, None, None)
    async with ledger:
        assert (await ledger.progress()).last_seq == 1


async def test_one_that_could_not_be_opened(tmp_path: Path) -> None:
    """B-21: A ledger that could not be opened may be tried again."""
    ledger = open_ledger(str(tmp_path / "folder" / "revenue.db"))
    with pytest.raises(LedgerError):
        await ledger.__aenter__()
    (tmp_path / "folder").mkdir()
    async with ledger:
        assert (await ledger.progress()).last_seq == 0


async def test_a_file_that_two_processes_make(tmp_path: Path) -> None:
    """B-21: a process that opens a file while another process makes it waits.

    SQLite itself does not wait there.
    """
    path = tmp_path / "revenue.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    opening = asyncio.create_task(open_ledger(str(path)).__aenter__())
    await asyncio.sleep(0.1)
    assert not opening.done()
    other.execute("COMMIT")
    ledger = await opening
    assert (await ledger.progress()).last_seq == 0
    await ledger.__aexit__(None, None, None)
    other.close()


async def test_whoever_is_cancelled_while_it_closes(url: str) -> None:
    """B-21: a block that is cancelled at its end closes the ledger first.

    It leaves when all that was begun is recorded.
    """
    ledger: Any = open_ledger(url)
    await ledger.__aenter__()
    begun = [asyncio.create_task(ledger.record(f"wx{n}", HALF, [row(n)])) for n in range(100)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(ledger.__aexit__(None, None, None))
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert {len((await one).changes) for one in begun} == {1}
    assert not os.path.exists(f"{url}-wal")  # noqa: ASYNC240, PTH110  (a moment)
    async with ledger:
        assert (await ledger.progress()).last_seq == 100


async def test_a_block_that_is_thrown_away(url: str) -> None:
    """B-21: the threads close the ledger of a block that is thrown away.

    Its coroutine is closed, as its loop's end may do, and so it cannot await.
    """
    inside = asyncio.Event()
    ledgers: list[Any] = []

    async def block() -> None:
        async with open_ledger(url) as ledger:
            await ledger.record("wx1", HALF, [row()])
            ledgers.append(ledger)
            inside.set()
            await Forever()

    running: Coroutine[Any, Any, None] = block()
    task = asyncio.create_task(driven(running, inside))
    await task
    running.close()
    with pytest.raises(ClientStateError):
        await ledgers[0].progress()
    async with ledgers[0]:
        assert (await ledgers[0].progress()).last_seq == 1


class Forever:
    """An awaitable that never ends."""

    def __await__(self) -> Any:
        while True:
            yield None


async def driven(coroutine: Coroutine[Any, Any, None], until: asyncio.Event) -> None:
    """Await a coroutine as a task does, until something has happened."""

    class Step:
        def __await__(self) -> Any:
            yield from coroutine.__await__()

    class Some:
        def __await__(self) -> Any:
            steps = Step().__await__()
            while not until.is_set():
                yield next(steps)

    await Some()


async def test_opened_while_another_program_writes(tmp_path: Path) -> None:
    """B-15: a ledger that is up to date is read while another program locks it.

    It is opened meanwhile too.
    """
    file = str(tmp_path / "revenue.db")
    async with open_ledger(file) as ledger:
        await ledger.record("wx1", HALF, [row()])
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with open_ledger(file) as ledger:
        assert len([change async for change in ledger.changes()]) == 1
    other.execute("ROLLBACK")
    other.close()


async def test_a_file_that_may_not_be_written(tmp_path: Path) -> None:
    """B-17: where the file may only be read the error says so.

    What it has can be read.
    """
    async with open_ledger(str(tmp_path / "revenue.db")) as ledger:
        assert isinstance(ledger, SqlLedger)
        await ledger.record("wx1", HALF, [row()])
        await ledger.database.write(lambda session: session.run("SELECT 1"))
        connection: Any = ledger.database
        connection._writer._session.connection.execute("PRAGMA query_only = 1")
        with pytest.raises(LedgerError, match=r"revenue\.db: the file or its folder must not be written to; "):
            await ledger.record("wx1", HALF, [])
        assert len([one async for one in ledger.settlements()]) == 1


async def test_a_disk_that_does_not_confirm(tmp_path: Path) -> None:
    """B-14: where the disk does not confirm a commit the error is ambiguous.

    It is unknown whether the commit is recorded.
    """
    async with open_ledger(str(tmp_path / "revenue.db")) as ledger:
        assert isinstance(ledger, SqlLedger)

        def unconfirmed(_: Any) -> None:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise error

        with pytest.raises(LedgerError, match="did not confirm") as caught:
            await ledger.database.write(unconfirmed)
        assert caught.value.ambiguous


async def test_another_programs_database(tmp_path: Path) -> None:
    """B-17: another program's SQLite database is refused, and stays as it is.

    It gets no tables, and keeps its journal mode.
    """
    file = tmp_path / "other.db"
    with closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE users (id INTEGER)")
        other.commit()
    written = file.read_bytes()
    with pytest.raises(ConfigurationError, match=r"other\.db: expected a ledger, or a new file; found another program's"):
        async with open_ledger(str(file)):
            pass
    assert file.read_bytes() == written


async def test_a_ledger_that_is_only_read(url: str) -> None:
    """B-17: where a ledger is only to be read none is made of what is none."""
    with pytest.raises(ConfigurationError, match="there is no such ledger; `wxrevenue sync` makes one"):
        async with existing_ledger(url):
            pass
    if not url.startswith("postgresql"):
        assert not Path(url).exists()  # noqa: ASYNC240  (a moment)
        Path(url).touch()  # noqa: ASYNC240
        with pytest.raises(ConfigurationError, match="there is no such ledger"):
            async with existing_ledger(url):
                pass
    async with open_ledger(url) as ledger:
        await ledger.record("wx1", HALF, [row()])
    async with existing_ledger(url) as ledger:
        assert (await ledger.progress()).last_seq == 1


CANNOT = sqlite3.SQLITE_CANTOPEN
PLACES: dict[str, tuple[int, str]] = {
    "none/revenue.db": (CANNOT, "its folder is missing; make the folder first"),
    "folder.db": (CANNOT, "it is a folder"),
    "revenue.db": (CANNOT, "SQLite could not open it"),
    "revenue.sqlite": (sqlite3.SQLITE_IOERR_READ, "fake"),
}


@pytest.mark.parametrize("name", PLACES)
def test_why_it_cannot_be_opened(name: str, tmp_path: Path) -> None:
    """B-17: an error of SQLite's that tells no cause is told with what can be seen."""
    (tmp_path / "folder.db").mkdir()
    error = sqlite3.OperationalError("fake")
    error.sqlite_errorcode, said = PLACES[name]
    found = failed(str(tmp_path / name), error)
    assert str(found).startswith(f"{tmp_path / name}: {said}; nothing was recorded")
    assert not found.retryable


@pytest.mark.parametrize("code", [CANNOT, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_FULL])
def test_a_full_disk_that_sqlite_calls_something_else(code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """B-14: a ledger that is opened on a full disk says so, and may be tried again.

    SQLite calls what it cannot write beside the file an I/O error.
    """
    monkeypatch.setattr(shutil, "disk_usage", Mock(return_value=SimpleNamespace(free=4096)))
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    found = failed(str(tmp_path / "revenue.db"), error)
    assert "the disk is full; nothing was recorded, and nothing lost" in str(found)
    assert found.retryable


async def test_a_link_that_leads_to_itself(tmp_path: Path) -> None:
    """B-17: a symbolic link without an end is an error of the ledger's."""
    file = tmp_path / "revenue.db"
    file.symlink_to(file)
    with pytest.raises(LedgerError, match=r"revenue\.db: SQLite could not open it"):
        async with open_ledger(str(file)):
            pass
