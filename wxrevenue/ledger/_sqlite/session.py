"""A transaction of SQLite."""

from __future__ import annotations

import functools
import re
import time
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

    from wxrevenue.ledger._session import Row, Session

T = TypeVar("T")
_VALUES: Final = re.compile(r"VALUES (\([?, ]+\))")
_MOST_PARAMETERS: Final = 900
"""Of one statement: some builds of SQLite take 999."""
_MOST_ROWS: Final = 32
"""Of one statement.

Each number of rows is a statement of its own, and a connection keeps 128.
"""


@functools.cache
def translated(sql: str) -> str:
    """Return a statement without what other databases need.

    A writer of SQLite is alone.
    """
    return sql.replace(" FOR UPDATE", "")


@functools.lru_cache
def _of_rows(sql: str, count: int) -> str:
    """Return an INSERT of one row as that of several."""
    return _VALUES.sub(lambda found: "VALUES " + ", ".join([found[1]] * count), sql)


class SqliteSession:
    """A connection, used by one thread.

    Args:
        connection: in autocommit mode.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.moment: int | None = None

    def now(self) -> int:
        """Return the time; SQLite has no clock but this machine's."""
        return time.time_ns() // 1_000 if self.moment is None else self.moment

    def lock(self, owner: str) -> None:
        """Do nothing: a writer is alone."""

    def run(self, sql: str, *values: object) -> list[Row]:
        """Run a statement and return its rows."""
        return self.connection.execute(translated(sql), values).fetchall()

    def run_many(self, sql: str, rows: Iterable[Row]) -> None:
        """Run a statement for each row of values.

        Rows are inserted many at a time. The interpreter's lock is given up for each statement, and
        who wants it back from a busy event loop waits for up to five milliseconds.
        """
        values = [*rows]
        if not values:
            return
        most = min(_MOST_ROWS, _MOST_PARAMETERS // len(values[0])) if _VALUES.search(sql) else 0
        if not most:
            self.connection.executemany(sql, values)
            return
        for begin in range(0, len(values), most):
            some = values[begin : begin + most]
            self.connection.execute(_of_rows(sql, len(some)), [value for row in some for value in row])

    def within(self, begin: str, work: Callable[[Session], T]) -> T:
        """Run a function in a transaction; one that fails leaves nothing behind."""
        self.connection.execute(begin)
        try:
            found = work(self)
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
        return found
