"""A transaction of PostgreSQL."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final, LiteralString, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

    from psycopg import Connection
    from psycopg.rows import TupleRow

    from wxrevenue.ledger._session import Row


OWNERS: Final = 0x77787266
"""The first half of the keys under which owners are locked."""


_TOGETHER: Final = 100
_VALUES: Final = re.compile(r"VALUES (\([?, ]+\))")


@functools.cache
def translated(sql: str) -> str:
    """Return a statement in PostgreSQL's words."""
    return sql.replace("?", "%s")


@functools.cache
def translated_step(sql: str) -> str:
    """Return a statement of the schema in PostgreSQL's words.

    Texts sort by their bytes, as in SQLite.
    """
    for theirs, ours in ((", WITHOUT ROWID", ""), (") STRICT", ")"), (" INTEGER", " BIGINT"), (" TEXT", ' TEXT COLLATE "C"')):
        sql = sql.replace(theirs, ours)
    return sql


class PostgresSession:
    """A connection inside a transaction, used by one thread at a time.

    Args:
        connection: of psycopg.
    """

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection
        self.moment: int | None = None

    def now(self) -> int:
        """Return the server's time.

        It is that of this moment, not of the transaction's beginning.
        """
        if self.moment is not None:
            return self.moment
        ((found,),) = self.run("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)")
        return cast("int", found)

    def lock(self, owner: str) -> None:
        """Lock an owner, also one of whom there is no row that could be locked."""
        self.run("SELECT pg_advisory_xact_lock(?, hashtext(?))", OWNERS, owner)

    def run(self, sql: str, *values: object) -> list[Row]:
        """Run a statement and return its rows."""
        cursor = self._connection.execute(cast("LiteralString", translated(sql)), values)  # type: ignore[redundant-cast]
        return cursor.fetchall() if cursor.description is not None else []

    def run_many(self, sql: str, rows: Iterable[Row]) -> None:
        """Run a statement for each row of values, a hundred inserts as one.

        Not in a pipeline (``executemany``): behind one the server does not count how long a
        transaction is silent.
        """
        values = [*rows]
        if _VALUES.search(sql) is None:
            for row in values:
                self.run(sql, *row)
            return
        for begin in range(0, len(values), _TOGETHER):
            some = values[begin : begin + _TOGETHER]
            self.run(_of_many(sql, len(some)), *(value for row in some for value in row))


@functools.lru_cache
def _of_many(sql: str, count: int) -> str:
    """Return an insert of so many rows."""
    return _VALUES.sub(lambda found: "VALUES " + ", ".join([found[1]] * count), sql)
