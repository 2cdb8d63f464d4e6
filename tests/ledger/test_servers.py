"""Servers of PostgreSQL that are paused, set up differently, or give few rights."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import psycopg
import pytest
from support.postgres import new_database

from wxrevenue import ConfigurationError, HalfMonth, LedgerError, Settlement, open_ledger
from wxrevenue.ledger._postgres import patience
from wxrevenue.ledger._sql_ledger import SqlLedger

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

HALF = HalfMonth(2024, 3, 1)


def row(amount: int = 100) -> Settlement:
    """Return a settlement of the half-month."""
    return Settlement(month="202403", order=1, settled_revenue=amount)


@contextmanager
def pausing() -> Generator[Callable[[Any], None]]:
    """Yield a function that pauses a session's server process; resume it at the end."""
    paused: list[int] = []

    def pause(session: Any) -> None:
        ((pid,),) = session.run("SELECT pg_backend_pid()")
        paused.append(pid)
        os.kill(pid, signal.SIGSTOP)

    try:
        yield pause
    finally:
        for pid in paused:
            os.kill(pid, signal.SIGCONT)
    assert len(paused) == 1


async def test_a_server_that_is_paused(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """B-19: a call ends in time when the server stops in the middle of it.

    The server is not asked five times.
    """
    async with open_ledger(new_database(postgres_url, "paused")) as ledger:
        assert isinstance(ledger, SqlLedger)
        monkeypatch.setattr(patience, "LONGEST_ANSWER_S", 0.2)
        with pausing() as pause, pytest.raises(LedgerError, match="no answer within") as caught:
            await ledger.database.write(lambda session: (pause(session), session.run("SELECT 1")))
        assert caught.value.retryable
        monkeypatch.undo()
        assert len((await ledger.record("wx1", HALF, [row()])).changes) == 1


async def test_a_server_that_is_paused_at_the_end(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """B-19: where the answer to the commit does not come the error is ambiguous.

    It is unknown whether the commit is recorded.
    """
    async with open_ledger(new_database(postgres_url, "paused")) as ledger:
        assert isinstance(ledger, SqlLedger)
        monkeypatch.setattr(patience, "LONGEST_ANSWER_S", 0.2)
        with pausing() as pause, pytest.raises(LedgerError) as caught:
            await ledger.database.write(pause)
        assert caught.value.ambiguous


async def test_another_encoding(postgres_url: str) -> None:
    """B-20: a database that cannot hold Chinese is refused by its encoding.

    That is before anything is made.
    """
    url = new_database(postgres_url, "ascii", "ENCODING 'SQL_ASCII' TEMPLATE template0")
    with pytest.raises(ConfigurationError, match="expected a database with the encoding UTF8, got SQL_ASCII"):
        await open_ledger(url).__aenter__()


async def test_another_encoding_of_the_client(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """B-20: the environment's client encoding changes nothing."""
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    async with open_ledger(new_database(postgres_url, "latin")) as ledger:
        await ledger.record("wx1", HALF, [Settlement(month="202403", order=1, settled_revenue=1, zone="2024年", sett_no="号")])
        assert [(one.zone, one.sett_no) async for _, one in ledger.settlements()] == [("2024年", "号")]


async def test_a_role_that_may_only_read(postgres_url: str) -> None:
    """B-20: a role that may only read the tables opens a ledger and reads it.

    Recording is refused by the server.
    """
    url = new_database(postgres_url, "readers")
    async with open_ledger(url) as ledger:
        await ledger.record("wx1", HALF, [row()])
    with psycopg.connect(url, autocommit=True) as connection:
        rights = "GRANT USAGE ON SCHEMA wxrevenue TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA wxrevenue TO reader"
        connection.execute(cast("Any", f"DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN; {rights}"))
    try:
        async with open_ledger(url.replace("postgres@", "reader@")) as ledger:
            assert len([change async for change in ledger.changes()]) == 1
            with pytest.raises(LedgerError, match="permission denied"):
                await ledger.record("wx1", HALF, [])
    finally:
        await asyncio.to_thread(without_role, url)


def without_role(url: str) -> None:
    """Remove the role."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP OWNED BY reader")
        connection.execute("DROP ROLE reader")
