"""A transaction of SQLite."""

from __future__ import annotations

import functools
import re
import sqlite3
import time
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wxrevenue.ledger._session import Row, Session

T = TypeVar("T")
_VALUES: Final = re.compile(r"VALUES (\([?, ]+\))")
_EXACT_ROWS: Final = 16
"""Of one statement; there are statements of each smaller number of rows."""
_MOST_ROWS: Final = 256
"""Of one statement.

Each number of rows is a statement of its own, and a connection keeps so many: above
``_EXACT_ROWS`` it is a power of two.
"""
STATEMENTS: Final = 256
"""That a connection keeps."""


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
        self._most_parameters = connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)

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
        if not _VALUES.search(sql):
            self.connection.executemany(sql, values)
            return
        most = min(_MOST_ROWS, self._most_parameters // len(values[0]))
        begin = 0
        while (left := len(values) - begin) > 0:
            count = left if left <= min(_EXACT_ROWS, most) else 1 << min(left, most).bit_length() - 1
            some = values[begin : begin + count]
            self.connection.execute(_of_rows(sql, count), [*chain.from_iterable(some)])
            begin += count

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
