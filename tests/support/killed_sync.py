"""Runs of ``sync`` that are killed or stopped.

Run it with ``python -m support.killed_sync KIND URL ROUNDS [FOLDER]``.

Each round begins with an empty ledger. A child process fills it and is killed at a random moment;
another one, alive, finishes. What the ledger then has is compared with what it has after a run that
was left alone. Children are forked: nothing is open yet in the parent.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from support.provider import TODAY, SandboxTokens
from wxrevenue import MemoryTransport, RevenueClient, Sandbox, open_ledger, sync

if TYPE_CHECKING:
    from wxrevenue import HttpRequest, HttpResponse

SPAN: Final = ("2024-01-01", "2026-02-28")
LEASE: Final = 0.5
"""Seconds, for runs that are killed or stopped; the next one need not wait long."""
LONG_LEASE: Final = 60.0
"""Seconds, for runs that live.

A busy machine may renew a claim late, and a claim that ends costs a call.
"""
_START_S: Final = 1.0
"""Seconds until two runs begin together.

What one has recorded before the other begins, and what is not settled, the other asks for again.
"""
_LATENCY: Final = 0.002
_PROGRAMS: Final = 4


async def run(url: str, lease: float, calls: Path | None = None, begin: float = 0.0) -> None:
    """Bring a ledger up to date; write a byte for each call.

    Args:
        url: of the ledger.
        lease: in seconds.
        calls: the file that gets the bytes.
        begin: the Unix time before which it does not ask what is missing.
    """
    sandbox = Sandbox(seed=7, today=TODAY, programs=_PROGRAMS + 1)
    appid = sandbox.components[2]  # three statements a half-month, without numbers at first
    wire = sandbox.transport()

    async def carry(request: HttpRequest) -> HttpResponse:
        if calls is not None:
            with calls.open("ab") as file:
                file.write(b".")
        await asyncio.sleep(_LATENCY)
        return await wire.send(request, timeout=10.0)

    client = RevenueClient(SandboxTokens(sandbox, appid), appid, transport=MemoryTransport(carry))
    owners = [appid, *list(sandbox.programs(appid))[:_PROGRAMS]]
    async with open_ledger(url) as ledger:
        await asyncio.sleep(begin - time.time())
        report = await sync(client, ledger, owners, *SPAN, concurrency=4, lease=lease)
        assert not report.failed, report.failed


async def content(url: str) -> list[str]:
    """Return everything a ledger has, without times.

    The numbers of its changes must have no gap, and its sums must be those of its rows.
    """
    async with open_ledger(url) as ledger:
        changes = [change async for change in ledger.changes()]
        assert [change.seq for change in changes] == [*range(1, len(changes) + 1)]
        told = sorted(repr((one.owner, one.key, sorted(one.kinds), one.before, one.after)) for one in changes)
        progress = await ledger.progress()
        settlements = [one async for one in ledger.settlements()]
        added = Counter(one.month for _, one in settlements), sum(one.settled_revenue for _, one in settlements)
        sums = await ledger.sums()
        months: Counter[str] = Counter()
        for one in sums:
            months[f"{one.half_month.year}{one.half_month.month:02}"] += one.rows
        assert (months, sum(one.fen for one in sums)) == added
        rows = sorted(map(repr, settlements))
        return [*rows, *told, repr((progress.owners, progress.half_months, progress.unsettled, progress.unpaid))]


def forked(url: str, lease: float = LEASE, calls: Path | None = None, begin: float = 0.0) -> int:
    """Start a run in a child process, and return its number."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            asyncio.run(run(url, lease, calls, begin))
            status = 0
        except BaseException:  # noqa: BLE001  (it must not go on as the parent)
            traceback.print_exc()
        os._exit(status)
    return child


def emptied(url: str) -> None:
    """Remove all rows of a ledger."""
    if url.startswith("postgresql"):
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA IF EXISTS wxrevenue CASCADE")
        return
    for suffix in ("", "-wal", "-shm"):
        Path(url + suffix).unlink(missing_ok=True)


def ended(child: int) -> int:
    """Return the exit code of a child, or its signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def reference(url: str) -> tuple[list[str], float]:
    """Return what a ledger has after an undisturbed run, and the run's seconds."""
    emptied(url)
    began = time.monotonic()
    assert ended(forked(url)) == 0
    took = time.monotonic() - began
    return asyncio.run(content(url)), took


def killed(url: str, rounds: int, seed: int) -> int:
    """Kill so many runs, each at a random moment.

    Return how many were not over by then.
    """
    chance: Any = random.Random(seed)
    expected, longest = reference(url)
    count = 0
    for number in range(rounds):
        emptied(url)
        child = forked(url)
        time.sleep(chance.uniform(0.0, longest))
        os.kill(child, signal.SIGKILL)
        count += ended(child) == -signal.SIGKILL
        assert ended(forked(url)) == 0
        found = asyncio.run(content(url))
        assert found == expected, f"round {number}: {set(found) ^ set(expected)}"
    return count


def stop(child: int, url: str) -> None:
    """Stop a run, but not while it writes to a file.

    No other run could write to the file then. A server ends such a transaction.
    """
    pause(child)
    while not url.startswith("postgresql") and is_locked(url):
        os.kill(child, signal.SIGCONT)
        time.sleep(0.001)
        pause(child)


def pause(child: int) -> None:
    """Stop a run, and wait until it stands still, or has ended."""
    os.kill(child, signal.SIGSTOP)
    os.waitid(os.P_PID, child, os.WSTOPPED | os.WEXITED | os.WNOWAIT)


def is_locked(file: str) -> bool:
    """Return whether a run is writing to a file."""
    connection = sqlite3.connect(file, timeout=0.0, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return True
    finally:
        connection.close()
    return False


def stopped(url: str, rounds: int, seed: int) -> int:
    """Stop a run for longer than its lease.

    Let another one finish, and let the first one go on.
    """
    chance: Any = random.Random(seed)
    expected, longest = reference(url)
    count = 0
    for number in range(rounds):
        emptied(url)
        asyncio.run(content(url))  # it is there: a run that is stopped while it makes the tables keeps the other one from that
        child = forked(url)
        time.sleep(chance.uniform(0.2, 0.8) * longest)
        stop(child, url)
        status = ended(forked(url))
        os.kill(child, signal.SIGCONT)
        assert (status, ended(child)) == (0, 0), "one of the two runs failed: see above"
        count += 1
        found = asyncio.run(content(url))
        assert found == expected, f"round {number}: {set(found) ^ set(expected)}"
    return count


def together(url: str, rounds: int, folder: Path) -> int:
    """Let two runs go at once.

    Return by how many percent they make more calls than one, in the worst round.
    """
    expected, _ = reference(url)
    alone = folder / "alone"
    emptied(url)
    assert ended(forked(url, LONG_LEASE, alone)) == 0
    worst = 0.0
    for number in range(rounds):
        calls = folder / f"calls-{number}"
        emptied(url)
        begin = time.time() + _START_S
        assert [ended(child) for child in [forked(url, LONG_LEASE, calls, begin) for _ in range(2)]] == [0, 0]
        assert asyncio.run(content(url)) == expected
        worst = max(worst, calls.stat().st_size / alone.stat().st_size - 1)
    return round(100 * worst)


if __name__ == "__main__":
    kind, where, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    alone = {"killed": killed, "stopped": stopped}
    result = alone[kind](where, count, 1) if kind in alone else together(where, count, Path(sys.argv[4]))
    sys.stdout.write(f"{result}\n")
