"""Workers that are killed or stopped.

Run it with ``python -m support.killed_workers KIND URL ROUNDS [IDLE]``.

Each round begins with an empty ledger and an empty Redis. Two workers fetch what a run of
``sync_by_workers`` queued; one of them is killed, or stopped for longer than it may be silent, at a
random moment; or Redis is killed and starts again from its log. What the ledger then has is
compared with what it has after a run that was left alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from typing import TYPE_CHECKING, Any, Final

from support.killed_sync import content, emptied, ended
from support.redis import RedisServer
from support.workers import SPAN, Provider, queue_at
from wxrevenue import open_ledger
from wxrevenue.fleet import _streaq
from wxrevenue.fleet.workers import FleetReport, sync_by_workers, work

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_PROGRAMS: Final = 12
_LATENCY: Final = 0.05
_WORK_S: Final = 0.5
"""Seconds that the work takes about, once it has begun."""
_LEASE: Final = 1.5
_LONGEST_S: Final = 300.0
"""Far longer than a round takes, on a machine that does much else as well."""


def _provider() -> Provider:
    return Provider(programs=_PROGRAMS, latency=_LATENCY)


async def _worked(url: str, path: str) -> None:
    provider, stop = _provider(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with queue_at(path, provider.appid) as queue, open_ledger(url) as ledger:
        await work(queue, provider.client, ledger, concurrency=4, lease=_LEASE, grace=5.0, stop=stop)


async def synced(url: str, path: str) -> FleetReport:
    """Queue the missing jobs, and wait for them."""
    provider = _provider()
    async with queue_at(path, provider.appid) as queue, open_ledger(url) as ledger:
        return await sync_by_workers(queue, ledger, provider.owners, *SPAN, pause=0.05)


def forked(work: Callable[[], Any]) -> int:
    """Run a coroutine in a child process, and return its number."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            asyncio.run(work())
            status = 0
        except BaseException:  # noqa: BLE001  (it must not go on as the parent)
            traceback.print_exc()
        os._exit(status)
    return child


@contextlib.contextmanager
def running_redis() -> Generator[RedisServer]:
    """Run a server with a log on its disk, which may be killed and started again."""
    with (
        tempfile.TemporaryDirectory(prefix="wxw-") as folder,
        RedisServer(folder, appendonly="yes", appendfsync="everysec") as server,
    ):
        yield server


def _begun(url: str) -> None:
    """Wait until a row was recorded."""

    async def found() -> int:
        async with open_ledger(url) as ledger:
            return (await ledger.progress()).half_months

    while not asyncio.run(found()):
        time.sleep(0.02)


def ended_soon(child: int) -> int:
    """Return how a child ended; kill it, and fail, if it takes far too long."""
    until = time.monotonic() + _LONGEST_S
    while time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    ended(child)
    raise AssertionError(f"a process did not end within {_LONGEST_S:.0f} s")


def round_of(url: str, server: RedisServer, trouble: Callable[[list[int], RedisServer], None]) -> tuple[list[str], float]:
    """Play a round.

    Return what the ledger has, and the seconds that it took after the trouble.
    """
    emptied(url)
    workers = [forked(lambda: _worked(url, server.path)) for _ in range(2)]
    run = forked(lambda: synced(url, server.path))
    try:
        trouble(workers, server)
        over = time.monotonic()
        assert ended_soon(run) == 0
        took = time.monotonic() - over
    finally:
        for worker in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGCONT)
                os.kill(worker, signal.SIGTERM)
    assert {ended_soon(worker) for worker in workers} <= {0, -signal.SIGKILL}
    return asyncio.run(content(url)), took


def _kill(workers: list[int], server: RedisServer) -> None:
    os.kill(workers[0], signal.SIGKILL)


def _stop(workers: list[int], server: RedisServer) -> None:
    os.kill(workers[0], signal.SIGSTOP)
    time.sleep(1.5 * _streaq.IDLE_S)
    os.kill(workers[0], signal.SIGCONT)


def _restart(workers: list[int], server: RedisServer) -> None:
    server.kill()
    time.sleep(0.5)
    server.start()


TROUBLES: Final = {"killed": _kill, "stopped": _stop, "restarted": _restart}


def played(kind: str, url: str, rounds: int) -> float:
    """Play rounds; return the most seconds that it took after the trouble."""
    chance: Any = random.Random(1)
    with running_redis() as server:
        expected, _ = round_of(url, server, lambda _, __: None)
        longest = 0.0
        for number in range(rounds):
            moment = chance.uniform(0.0, _WORK_S)

            def trouble(workers: list[int], server: RedisServer, moment: float = moment) -> None:
                _begun(url)
                time.sleep(moment)
                TROUBLES[kind](workers, server)

            found, took = round_of(url, server, trouble)
            assert found == expected, f"round {number}: {set(found) ^ set(expected)}"
            sys.stderr.write(f"round {number}: {took:.1f} s\n")
            longest = max(longest, took)
    return longest


if __name__ == "__main__":
    _streaq.IDLE_S = float(sys.argv[4]) if len(sys.argv) > 4 else _streaq.IDLE_S  # type: ignore[misc]
    sys.stdout.write(f"{played(sys.argv[1], sys.argv[2], int(sys.argv[3])):.1f}\n")
