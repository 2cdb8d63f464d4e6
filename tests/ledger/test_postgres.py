"""The ledger in PostgreSQL.

Tested are what its URL shows, its place, its order, and connections that break.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any, cast

import psycopg
import pytest
from support.leaks import assert_no_leak
from support.postgres import new_database

from wxrevenue import ConfigurationError, HalfMonth, LedgerError, Settlement, open_ledger
from wxrevenue.ledger._postgres import database
from wxrevenue.ledger._recording import record
from wxrevenue.ledger._sql_ledger import SqlLedger

HALF = HalfMonth(2024, 3, 1)
PASSWORD = "fake-password-1"


def row(amount: int = 100) -> Settlement:
    """Return a settlement of the half-month."""
    return Settlement(month="202403", order=1, settled_revenue=amount)


def kill_others(url: str) -> None:
    """End every connection to a database but this one."""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.parametrize("where", ["127.0.0.1:1/x", "none.invalid/x", "/x?host=/nowhere"])
async def test_no_password_is_shown(where: str) -> None:
    """B-23: where no server answers the error names the host.

    Neither the error nor the ledger shows the password.
    """
    url = f"postgresql://wx:{PASSWORD}@{where}"
    ledger = open_ledger(url)
    with pytest.raises(LedgerError, match="postgresql://") as caught:
        await ledger.__aenter__()
    assert caught.value.retryable
    assert_no_leak(caught.value, repr(ledger), str(caught.value), secrets=[PASSWORD])


@pytest.mark.parametrize("rest", ["/x?unknown=1", "/%zz"])
def test_urls_that_libpq_cannot_read(rest: str) -> None:
    """A URL that libpq cannot read is refused at once, without its password."""
    with pytest.raises(ConfigurationError, match=r"open_ledger\.url") as caught:
        open_ledger(f"postgresql://wx:{PASSWORD}@h{rest}")
    assert_no_leak(caught.value, secrets=[PASSWORD])


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without psycopg the error says what to install."""
    for name in [name for name in sys.modules if name.startswith(("psycopg", "wxrevenue.ledger._postgres"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'wxrevenue\[postgres\]'") as caught:
        open_ledger(f"postgresql://wx:{PASSWORD}@h/x")
    assert_no_leak(caught.value, secrets=[PASSWORD])


async def test_a_schema_of_its_own(postgres_url: str) -> None:
    """A table of the same name that stands in the database already is left alone."""
    url = new_database(postgres_url, "shared")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE settlements (mine TEXT)")
    async with open_ledger(url) as ledger, open_ledger(url) as other:
        assert len((await ledger.record("wx1", HALF, [row()])).changes) == 1
        assert [one.settled_revenue async for _, one in other.settlements()] == [100]
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM settlements").fetchall() == [(0,)]


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
async def test_opened_by_many_at_once(isolation: str, postgres_url: str) -> None:
    """Of many processes that open an empty database one makes the tables.

    The others see them, whatever the database's transactions see by default.
    """
    url = new_database(postgres_url, "many")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(cast("Any", f"ALTER DATABASE many SET default_transaction_isolation = '{isolation}'"))
    ledgers = [open_ledger(url) for _ in range(5)]
    await asyncio.gather(*(ledger.__aenter__() for ledger in ledgers))
    await asyncio.gather(*(ledger.record(f"wx{n}", HALF, [row()]) for n, ledger in enumerate(ledgers)))
    assert (await ledgers[0].progress()).last_seq == 5
    await asyncio.gather(*(ledger.__aexit__(None, None, None) for ledger in ledgers))


async def test_a_newer_schema(postgres_url: str) -> None:
    """B-16: A ledger that a newer release wrote is refused."""
    url = new_database(postgres_url, "newer")
    async with open_ledger(url):
        pass
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO wxrevenue.wxrevenue_schema (step) VALUES (999)")
    with pytest.raises(ConfigurationError, match="schema 999"):
        await open_ledger(url).__aenter__()


async def test_a_late_commit_is_not_skipped(postgres_url: str) -> None:
    """B-05: a reader skips no number of a transaction that commits late.

    Until it commits, no later number is committed.
    """
    url = new_database(postgres_url, "late")
    async with open_ledger(url) as ledger, open_ledger(url) as other:
        assert isinstance(ledger, SqlLedger)
        numbered, go_on = threading.Event(), threading.Event()

        def slow(session: Any) -> Any:
            found = record(session, answer_of())
            numbered.set()
            assert go_on.wait(10)
            return found

        late = asyncio.create_task(ledger.database.write(slow))
        await asyncio.to_thread(numbered.wait, 10)
        early = asyncio.create_task(other.record("wx2", HALF, [row(2)]))
        done, _ = await asyncio.wait([early], timeout=0.1)
        assert not done
        assert [change async for change in other.changes()] == []
        go_on.set()
        assert [change.seq for change in (await late).changes + (await early).changes] == [1, 2]
        assert [change.seq async for change in other.changes()] == [1, 2]


def hurry(session: Any) -> None:
    """Let the server end this silent transaction much sooner.

    The server ends others after 5 s, and that is checked.
    """
    assert session.run("SHOW idle_in_transaction_session_timeout") == [("5s",)]
    session.run("SELECT set_config('idle_in_transaction_session_timeout', '100', true)")


async def test_a_process_that_falls_silent(postgres_url: str) -> None:
    """B-12: a process that stops inside a transaction does not block others for long.

    When it continues it begins the transaction again.
    """
    url = new_database(postgres_url, "silent")
    async with open_ledger(url) as ledger, open_ledger(url) as other:
        assert isinstance(ledger, SqlLedger)
        numbered, go_on = threading.Event(), threading.Event()

        def stopped(session: Any) -> Any:
            found = record(session, answer_of())
            if not numbered.is_set():
                hurry(session)
                numbered.set()
                assert go_on.wait(10)
            return found

        silent = asyncio.create_task(ledger.database.write(stopped))
        await asyncio.to_thread(numbered.wait, 10)
        assert [change.seq for change in (await other.record("wx2", HALF, [row(2)])).changes] == [1]
        go_on.set()
        assert [change.seq for change in (await silent).changes] == [2]


async def test_a_process_that_falls_silent_at_first(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """B-12: a process that stops while it makes the tables does not block others.

    Another process makes them.
    """
    url = new_database(postgres_url, "silent_first")
    begun, go_on = threading.Event(), threading.Event()
    of_database: Any = database
    migrate = of_database.migrate

    def stopped(*args: Any) -> None:
        migrate(*args)
        if not begun.is_set():
            hurry(args[0])
            begun.set()
            assert go_on.wait(10)

    monkeypatch.setattr(database, "migrate", stopped)
    silent = asyncio.create_task(open_ledger(url).__aenter__())
    await asyncio.to_thread(begun.wait, 10)
    async with open_ledger(url) as ledger:
        assert (await ledger.progress()).last_seq == 0
    go_on.set()
    with pytest.raises(LedgerError):
        await silent


def answer_of() -> Any:
    """Return what :meth:`Ledger.record` would record."""
    from wxrevenue.ledger._arguments import answer_of as made

    return made("wx1", HALF, [row(1)], totals=None, as_of=None, claim=None)


async def test_connections_that_break(postgres_url: str) -> None:
    """B-18: a call finds another connection when the server has ended the pool's."""
    url = new_database(postgres_url, "breaks")
    async with open_ledger(url) as ledger:
        await ledger.record("wx1", HALF, [row(1)])
        for amount in (2, 3):
            await asyncio.to_thread(kill_others, url)
            assert len((await ledger.record("wx1", HALF, [row(amount)])).changes) == 1
            await asyncio.to_thread(kill_others, url)
            assert (await ledger.progress()).last_seq == amount


async def test_a_broken_transaction_is_begun_again(postgres_url: str) -> None:
    """After a deadlock that the server breaks, the transaction is begun again.

    A deadlock that lasts is an error.
    """
    async with open_ledger(new_database(postgres_url, "deadlock")) as ledger:
        assert isinstance(ledger, SqlLedger)
        tries: list[int] = []

        def work(_: Any) -> int:
            tries.append(1)
            if len(tries) < 3:
                raise psycopg.errors.DeadlockDetected("fake")
            return 7

        assert await ledger.database.write(work) == 7

        def broken(_: Any) -> None:
            raise psycopg.errors.DeadlockDetected("fake")

        with pytest.raises(LedgerError, match="fake"):
            await ledger.database.write(broken)


async def test_a_full_disk(postgres_url: str) -> None:
    """B-14: the error says that the disk is full, and nothing of the call is recorded."""
    async with open_ledger(new_database(postgres_url, "full_disk")) as ledger:
        assert isinstance(ledger, SqlLedger)

        def full(session: Any) -> None:
            record(session, answer_of())
            raise psycopg.errors.DiskFull("fake")

        with pytest.raises(LedgerError, match="the disk is full; nothing was recorded, and nothing lost"):
            await ledger.database.write(full)
        assert (await ledger.progress()).last_seq == 0
