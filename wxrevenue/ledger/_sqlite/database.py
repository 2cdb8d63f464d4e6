"""SQLite in two threads: one that writes, one that reads what was committed."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from wxrevenue._base.tasks import made_in_a_thread, whole
from wxrevenue.errors import ConfigurationError
from wxrevenue.ledger._schema import SCHEMA_TABLE, is_current, migrate
from wxrevenue.ledger._session import no_ledger, opened
from wxrevenue.ledger._sqlite.failures import failed, is_busy, is_missing
from wxrevenue.ledger._sqlite.gathering import Gathering
from wxrevenue.ledger._sqlite.place import check_place, check_version
from wxrevenue.ledger._sqlite.session import STATEMENTS, SqliteSession, translated
from wxrevenue.ledger._sqlite.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wxrevenue.ledger._session import Session

T = TypeVar("T")
PATIENCE_S: Final = 30.0
"""Seconds to wait for another process that writes."""
_PAUSE_S: Final = 0.02


class SqliteDatabase:
    """A ledger's file.

    Args:
        path: the file.
        patience: seconds to wait for another process that writes.
        make: make the file if it is missing; its folder is not made.
    """

    def __init__(self, path: Path, patience: float = PATIENCE_S, *, make: bool = True) -> None:
        self.name = str(path)
        self._path, self._patience, self._make = path, patience, make
        self._writer: Writer | None = None
        self._gathering: Gathering | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._reader: SqliteSession | None = None
        self._pid = 0

    async def open(self) -> None:
        """Open the file, and bring its schema up to date."""
        check_version()
        connection = await made_in_a_thread(self._connected, sqlite3.Connection.close)
        self._readers = ThreadPoolExecutor(1, "wxrevenue-ledger-reader")
        self._writer = Writer(SqliteSession(connection), self.name)
        self._gathering = Gathering(self._writer)
        self._pid = os.getpid()

    async def read(self, work: Callable[[Session], T]) -> T:
        """Run a function on what was committed."""
        readers = opened(self._readers, self._pid)
        return await asyncio.get_running_loop().run_in_executor(readers, self._read, work)

    async def write(self, work: Callable[[Session], T]) -> T:
        """Run a function in a transaction.

        An await that is cancelled may be too late to stop it.
        """
        writer, gathering = opened(self._writer, self._pid), opened(self._gathering, self._pid)
        if gathering.loop is asyncio.get_running_loop():
            return await gathering.call(work)
        alone = Gathering(writer)  # aclose() does not know of it: nothing may wait here
        answer = alone.call(work)
        alone.flush()
        return await answer

    async def aclose(self) -> None:
        """Commit what is under way, and close the file.

        A caller that is cancelled still waits for that.
        """
        writer = self._end()
        if writer is not None:
            await whole(asyncio.to_thread(writer.join))

    def abandon(self) -> None:
        """Have the threads do the same, where nothing can be awaited any more."""
        self._end()

    def _end(self) -> Writer | None:
        """Tell the threads to close what they have, the last one the file.

        Return the thread that writes.
        """
        writer, readers, self._writer, self._readers = self._writer, self._readers, None, None
        gathering, self._gathering = self._gathering, None
        if writer is None or readers is None or gathering is None or self._pid != os.getpid():
            return None
        gathering.flush()
        writer.end_after(readers.submit(self._close_reader))
        readers.shutdown(wait=False)
        return writer

    # -- in threads --------------------------------------------------------------------------------

    def _connected(self) -> sqlite3.Connection:
        check_place(self._path)
        if not self._make and is_missing(self._path):
            raise no_ledger(self.name)
        until = time.monotonic() + self._patience
        while True:
            try:
                return self._connect(self._prepare)
            except sqlite3.Error as error:
                failure = failed(self.name, error)
                again = is_busy(error) and time.monotonic() < until
            if not again:
                raise failure
            time.sleep(_PAUSE_S)  # SQLite itself does not wait where two processes make one file a WAL

    def _connect(self, prepare: Callable[[sqlite3.Connection], object]) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=self._patience, isolation_level=None, check_same_thread=False, cached_statements=STATEMENTS
        )
        try:
            connection.execute("PRAGMA synchronous = FULL")
            prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        session = SqliteSession(connection)
        session.within("BEGIN", self._check)  # first of all: another program's database stays as it is
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise ConfigurationError(f"{self.name}: expected a file system where SQLite can use WAL, got journal mode {mode!r}")
        if not session.within("BEGIN", self._check):  # else it is opened although another process writes
            session.within("BEGIN IMMEDIATE", partial(migrate, name=self.name, translated=translated))

    def _check(self, session: Session) -> bool:
        """Return whether the file is a ledger that lacks nothing.

        Raises:
            ConfigurationError: it is another program's, or there is none and none is to be made.
        """
        names = {row[0] for row in session.run("SELECT name FROM sqlite_master")}
        if SCHEMA_TABLE in names:
            return is_current(session, self.name)
        if names:
            raise ConfigurationError(f"{self.name}: expected a ledger, or a new file; found another program's SQLite database")
        if not self._make:
            raise no_ledger(self.name)
        return False

    def _read(self, work: Callable[[Session], T]) -> T:
        try:
            if self._reader is None:
                self._reader = SqliteSession(self._connect(_as_it_is))
            return self._reader.within("BEGIN", work)
        except sqlite3.Error as error:
            failure = failed(self.name, error)
        raise failure

    def _close_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.connection.close()


def _as_it_is(_: sqlite3.Connection) -> None:
    """Prepare nothing: the first writer did so."""
