"""PostgreSQL through a pool of connections, each used by one thread."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, LiteralString, TypeVar, cast

import psycopg
from psycopg import errors as pg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool, PoolTimeout

from wxrevenue._base.secret import STARS, Secret
from wxrevenue._base.tasks import made_in_a_thread, whole
from wxrevenue.errors import ConfigurationError, LedgerError
from wxrevenue.ledger._postgres.patience import PatientConnection, SilentServerError
from wxrevenue.ledger._postgres.session import PostgresSession, translated_step
from wxrevenue.ledger._schema import SCHEMA_TABLE, is_current, migrate
from wxrevenue.ledger._session import no_ledger, opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg.rows import TupleRow

    from wxrevenue.ledger._session import Session

T = TypeVar("T")
PATIENCE_S: Final = 30.0
"""Seconds to wait for a connection."""
MOST_CONNECTIONS: Final = 8
_ATTEMPTS: Final = 5
_SCHEMA: Final = "wxrevenue"
"""The schema of the tables, beside whatever else the database holds."""
_LOCK: Final = 0x77787265
"""The key under which one process at a time brings the schema up to date."""
_LONGEST_SILENCE_MS: Final = 5_000
"""Milliseconds after which the server ends a transaction that is silent.

A process that was stopped, or whose machine is gone, must not keep its locks.
"""
_LONGEST_LOCK_MS: Final = 30_000
"""Milliseconds to wait for another transaction."""
_PASSING: Final = (psycopg.OperationalError, pg.IdleInTransactionSessionTimeout)
_READ: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITE: Final = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"


class PostgresDatabase:
    """A database of PostgreSQL.

    Args:
        url: ``postgresql://…``, as libpq reads it.
        patience: seconds to wait for a connection.
        make: make the tables if they are missing.

    Raises:
        ConfigurationError: libpq cannot read the URL.
    """

    def __init__(self, url: Secret, patience: float = PATIENCE_S, *, make: bool = True) -> None:
        self._url, self._patience, self._make = url, patience, make
        self._password, self.name = _parts(url)
        self._pool: ConnectionPool[PatientConnection] | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._pid = 0

    async def open(self) -> None:
        """Connect, and bring the schema up to date."""
        self._pool = await made_in_a_thread(self._opened, ConnectionPool[PatientConnection].close)
        self._threads = ThreadPoolExecutor(MOST_CONNECTIONS, "wxrevenue-ledger")
        self._pid = os.getpid()

    async def read(self, work: Callable[[Session], T]) -> T:
        """Run a function on what was committed when it began."""
        return await self._run(_READ, work)

    async def write(self, work: Callable[[Session], T]) -> T:
        """Run a function in a transaction.

        An await that is cancelled may be too late to stop it.
        """
        return await self._run(_WRITE, work)

    async def aclose(self) -> None:
        """Finish what is under way, and disconnect.

        A caller that is cancelled still waits for that.
        """
        end = self._ending()
        if end is not None:
            await whole(asyncio.to_thread(end))

    def abandon(self) -> None:
        """Have a thread do the same, where nothing can be awaited any more."""
        end = self._ending()
        if end is not None:
            threading.Thread(target=end, name="wxrevenue-ledger-closing").start()

    def _ending(self) -> Callable[[], None] | None:
        """Take no more work; return what finishes the rest and disconnects."""
        threads, pool, self._threads = self._threads, self._pool, None
        if threads is None or pool is None or self._pid != os.getpid():
            return None

        def end() -> None:
            threads.shutdown()
            pool.close()

        return end

    async def _run(self, begin: str, work: Callable[[Session], T]) -> T:
        threads = opened(self._threads, self._pid)
        return await asyncio.get_running_loop().run_in_executor(threads, self._repeated, begin, work)

    # -- in threads --------------------------------------------------------------------------------

    def _opened(self) -> ConnectionPool[PatientConnection]:
        options: dict[str, Any] = {"connect_timeout": round(self._patience), "client_encoding": "UTF8"}
        try:
            with PatientConnection.connect(self._url.reveal(), **options) as connection, connection.transaction():
                self._prepare(connection)
            pool = ConnectionPool(
                self._url.reveal(),
                connection_class=PatientConnection,
                kwargs=options,
                open=False,
                min_size=1,
                max_size=MOST_CONNECTIONS,
                timeout=self._patience,
                configure=_configure,
            )
            pool.open()
        except psycopg.Error as error:
            failure = self._failed(error)
        else:
            return pool
        raise failure

    def _prepare(self, connection: psycopg.Connection[TupleRow]) -> None:
        session = PostgresSession(connection)
        session.run(_WRITE)  # else who waits for another that makes the tables does not see them, where the database says so
        ((encoding,),) = session.run("SHOW server_encoding")
        if encoding != "UTF8":
            raise ConfigurationError(f"{self.name}: expected a database with the encoding UTF8, got {encoding}")
        if self._is_current(session):
            return
        _set_limits(connection, is_local=True)
        session.run("SELECT pg_advisory_xact_lock(?)", _LOCK)
        if not session.run("SELECT 1 FROM pg_namespace WHERE nspname = ?", _SCHEMA):
            session.run(f"CREATE SCHEMA {_SCHEMA}")
        session.run(f"SET LOCAL search_path TO {_SCHEMA}")
        migrate(session, self.name, translated_step)

    def _is_current(self, session: Session) -> bool:
        """Return whether nothing has to be made.

        Then a role that may only read can open the ledger.
        """
        ((known,),) = session.run("SELECT to_regclass(?)", f"{_SCHEMA}.{SCHEMA_TABLE}")
        if known is None and not self._make:
            raise no_ledger(self.name)
        if known is None:
            return False
        session.run(f"SET LOCAL search_path TO {_SCHEMA}")
        return is_current(session, self.name)

    def _repeated(self, begin: str, work: Callable[[Session], T]) -> T:
        """Run a transaction, again if it ended for a reason that passes.

        Also where it may have been committed: what a ledger writes may be written twice.
        """
        found = self._once(begin, work)
        for _ in range(_ATTEMPTS - 1):
            if not isinstance(found, _Failed) or not found.passes:
                break
            self._without_broken()
            found = self._once(begin, work)
        if isinstance(found, _Failed):
            raise found.error
        return found

    def _without_broken(self) -> None:
        """Have the pool replace broken connections.

        The server may have ended others, too, while they were idle.
        """
        if self._pool is not None:
            self._pool.check()

    def _once(self, begin: str, work: Callable[[Session], T]) -> T | _Failed:
        committing = False
        pool = cast("ConnectionPool[PatientConnection]", self._pool)
        try:
            with pool.connection() as connection, connection.transaction():
                connection.execute(cast("LiteralString", begin))  # type: ignore[redundant-cast]
                value = work(PostgresSession(connection))
                committing = begin is _WRITE
        except psycopg.Error as error:
            failure = self._failed(error)
            is_silent = isinstance(error, (PoolTimeout, SilentServerError))
            failure.ambiguous = committing and isinstance(error, psycopg.OperationalError) and not isinstance(error, pg.TransactionRollback)
            return _Failed(failure, passes=failure.retryable and not is_silent)
        return value

    def _failed(self, error: psycopg.Error) -> LedgerError:
        """Return our error for one of psycopg's, without the password."""
        text = str(error).strip() or type(error).__name__
        said = " ".join(text.replace(self._password, STARS).split() if self._password else text.split())
        full = isinstance(error, pg.DiskFull)
        message = f"{self.name}: the disk is full; nothing was recorded, and nothing lost: make room" if full else f"{self.name}: {said}"
        return LedgerError(message, retryable=isinstance(error, _PASSING))


class _Failed:
    """How a transaction failed, and whether it may be begun again."""

    def __init__(self, error: LedgerError, *, passes: bool) -> None:
        self.error, self.passes = error, passes


def _configure(connection: psycopg.Connection[TupleRow]) -> None:
    _set_limits(connection, is_local=False)
    connection.execute("SELECT set_config('search_path', %s, false)", (_SCHEMA,))
    connection.commit()


def _set_limits(connection: psycopg.Connection[TupleRow], *, is_local: bool) -> None:
    """Limit how long a transaction may be silent, and wait for another.

    The limits hold for one transaction, or for all.
    """
    settings = {"idle_in_transaction_session_timeout": _LONGEST_SILENCE_MS, "lock_timeout": _LONGEST_LOCK_MS}
    for name, value in settings.items():
        connection.execute("SELECT set_config(%s, %s, %s)", (name, f"{value}", is_local))


def _parts(url: Secret) -> tuple[str, str]:
    """Return the password of a URL, and a name without it."""
    try:
        found = conninfo_to_dict(url.reveal())
    except psycopg.Error:
        found = None
    if found is None:
        raise ConfigurationError("open_ledger.url: expected a URL of PostgreSQL as libpq reads it")
    host = found.get("host") or found.get("hostaddr") or ""
    return str(found.get("password") or ""), f"postgresql://{host}/{found.get('dbname') or ''}"
