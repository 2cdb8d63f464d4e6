"""Tickets in a file that several processes write.

It is never half written, and they do not disturb each other.
"""

# ruff: noqa: ASYNC230  (tests look at the file between awaits)

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import stat
import sys
from pathlib import Path

import pytest
from support.processes import started
from support.tickets import NEW, OLD

from wxrevenue import FileTicketStore, Ticket
from wxrevenue.tickets import _file


async def test_a_writer_waits_for_the_other_and_looks_again(path: Path) -> None:
    """A writer waits while another process has the lock, then reads what it wrote.

    The newer ticket stays.
    """
    store = FileTicketStore(path)
    await store.put(Ticket("fake-ticket-0", 1.0))
    with Path(f"{path}.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        late = asyncio.create_task(store.put(OLD))
        await asyncio.sleep(0.05)
        assert not late.done()
        _file._replace(path, NEW, None)  # pyright: ignore[reportPrivateUsage]  (the other process, under its lock)
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert await late is False
    assert await store.get() == NEW


async def test_a_lock_that_never_opens(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer gives up if another process keeps the lock; readers need no lock."""
    monkeypatch.setattr(_file, "_PATIENCE", 0.05)
    store = FileTicketStore(path)
    await store.put(OLD)
    with Path(f"{path}.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError, match="another process has kept"):
            await store.put(NEW)
        assert await store.get() == OLD
    assert await store.put(NEW) is True


WRITER = """
import asyncio, sys
from wxrevenue import FileTicketStore, Ticket

async def main(path, first):
    store = FileTicketStore(path)
    for n in range(first, 200, 4):
        await store.put(Ticket(f"fake-ticket-{n:03}", 1000.0 + n))
        assert (await store.get()).created >= 1000.0 + n

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


ENDLESS = """
import asyncio, itertools, sys
from wxrevenue import FileTicketStore, Ticket

async def main(path):
    store = FileTicketStore(path)
    for name in itertools.cycle("xy"):
        await store.put(Ticket(f"fake-ticket-{name}", 1000.0))
        print(".", end="", flush=True)

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.slow("waits for four processes")
def test_four_processes(path: Path) -> None:
    """Four processes that write at once lose no ticket.

    Each always finds its own ticket or a newer one, and the newest remains.
    """
    with contextlib.ExitStack() as processes:
        writers = [processes.enter_context(started([sys.executable, "-c", WRITER, str(path), str(n)])) for n in range(4)]
        assert [writer.wait(60) for writer in writers] == [0] * 4
    assert asyncio.run(FileTicketStore(path).get()) == Ticket("fake-ticket-199", 1199.0)
    assert sorted(name.name for name in path.parent.iterdir()) == ["ticket", "ticket.lock"]


@pytest.mark.slow("kills a real process")
def test_a_killed_writer(path: Path) -> None:
    """A process that is killed while it writes leaves a whole ticket and no lock."""
    with started([sys.executable, "-c", ENDLESS, str(path)]) as writer:
        assert writer.stdout is not None
        assert writer.stdout.read(1) == "."  # it is writing now
        writer.kill()
    assert asyncio.run(FileTicketStore(path).get()) in {Ticket("fake-ticket-x", 1000.0), Ticket("fake-ticket-y", 1000.0)}
    assert asyncio.run(FileTicketStore(path).put(NEW)) is True


async def test_what_killed_writers_left(path: Path) -> None:
    """The next write removes a half ticket that a killed process left.

    This holds whatever its mode: no such files accumulate.
    """
    left = path.with_name("ticket.new")
    left.write_text("fake-tic")
    left.chmod(0o644)
    store = FileTicketStore(path)
    assert await store.get() is None
    assert await store.put(NEW)
    assert await store.get() == NEW
    assert {name.name: stat.S_IMODE(name.stat().st_mode) for name in path.parent.iterdir()} == {"ticket": 0o600, "ticket.lock": 0o600}


async def test_a_cancelled_writer_leaves_a_whole_file(path: Path) -> None:
    """Cancelling a put leaves the old ticket or the new one, and the lock free."""
    store = FileTicketStore(path)
    await store.put(OLD)
    late = asyncio.create_task(store.put(NEW))
    await asyncio.sleep(0)
    late.cancel()
    with pytest.raises(asyncio.CancelledError):
        await late
    assert await store.get() in {OLD, NEW}
    assert await store.put(NEW) is True
