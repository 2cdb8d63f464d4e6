"""Tickets in a file: nobody else reads it, it is never half written, and processes do not get in each other's way."""

# ruff: noqa: ASYNC230, ASYNC240  (tests look at the file between awaits)

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import stat
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from support.leaks import assert_no_leak
from support.processes import started

from wxrevenue import ConfigurationError, FileTicketStore, Ticket, TokenUnavailableError
from wxrevenue.tickets import _file

if TYPE_CHECKING:
    from collections.abc import Callable

OLD, NEW = Ticket("fake-ticket-1", 1_700_000_000), Ticket("fake-ticket-2", 1_700_000_600)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the ticket goes."""
    return tmp_path / "ticket"


# -- who may read it -----------------------------------------------------------------------------------------------


async def test_only_the_owner_can_read_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the umask, the file is readable by its owner alone, from the moment it has a name, and so is the lock."""
    modes: list[int] = []
    fsync = os.fsync

    def look(descriptor: int) -> None:
        modes.append(os.fstat(descriptor).st_mode)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    before = os.umask(0)
    try:
        await FileTicketStore(path).put(OLD)
    finally:
        os.umask(before)
    assert stat.S_IMODE(modes[0]) == 0o600
    assert {name.name: stat.S_IMODE(name.stat().st_mode) for name in path.parent.iterdir()} == {"ticket": 0o600, "ticket.lock": 0o600}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o777])
async def test_a_file_that_others_reach_is_refused(path: Path, mode: int) -> None:
    """K-24: a file that others may read or write is neither believed nor overwritten; the error says what to do."""
    store = FileTicketStore(path)
    await store.put(OLD)
    path.chmod(mode)
    for work in (store.get(), store.put(NEW)):
        with pytest.raises(ConfigurationError, match="chmod 600") as caught:
            await work
        assert_no_leak(caught.value, secrets=[OLD.value.reveal(), NEW.value.reveal()])
    path.chmod(0o600)
    assert await store.get() == OLD


def test_a_file_of_somebody_else_is_refused() -> None:
    """A file that another user owns is refused, but for one of root's."""
    mine: Any = SimpleNamespace(st_mode=stat.S_IFREG | 0o600, st_uid=os.geteuid())
    theirs: Any = SimpleNamespace(st_mode=stat.S_IFREG | 0o600, st_uid=os.geteuid() + 1)
    roots: Any = SimpleNamespace(st_mode=stat.S_IFREG | 0o600, st_uid=0)
    _file._check_private(Path("ticket"), mine)  # pyright: ignore[reportPrivateUsage]
    _file._check_private(Path("ticket"), roots)  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        _file._check_private(Path("ticket"), theirs)  # pyright: ignore[reportPrivateUsage]


def _link(path: Path) -> None:
    path.with_name("elsewhere").write_bytes(b"")
    path.symlink_to("elsewhere")


@pytest.mark.parametrize("make", [_link, Path.mkdir, os.mkfifo], ids=["link", "folder", "pipe"])
async def test_what_is_no_plain_file_is_refused(path: Path, make: Callable[[Path], None]) -> None:
    """A link, a folder or a pipe in the file's place is refused, neither followed, waited for nor replaced."""
    make(path)
    before = path.lstat()
    for work in (FileTicketStore(path).get(), FileTicketStore(path).put(OLD)):
        with pytest.raises(ConfigurationError, match="expected a file"):
            await work
    assert path.lstat().st_ino == before.st_ino


@pytest.mark.parametrize("given", ["", b"ticket", None, 7, "a\0b"])
def test_paths_that_are_none(given: Any) -> None:
    """A path is a text or a Path; nothing is looked up before the first await."""
    with pytest.raises(ConfigurationError, match=r"FileTicketStore\.path"):
        FileTicketStore(given)


async def test_the_path_does_not_move(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path means the folder the process was in when the store was made."""
    monkeypatch.chdir(path.parent)
    store = FileTicketStore("ticket")
    monkeypatch.chdir("/")
    await store.put(OLD)
    assert path.exists()


# -- what is in it -------------------------------------------------------------------------------------------------


async def test_the_file_is_versioned_json(path: Path) -> None:
    """What is in the file can be read by other programs, and by later releases."""
    await FileTicketStore(path).put(OLD)
    assert orjson.loads(path.read_bytes()) == {"version": 1, "created": 1_700_000_000, "ticket": "fake-ticket-1"}


TORN = [
    b"",
    b'{"version":1,"created":1700000000,"ticket":"fake-tick',
    b'{"version":2,"created":1700000000,"ticket":"fake-ticket-1"}',
    b'{"version":1,"created":"1700000000","ticket":"fake-ticket-1"}',
    b'{"version":1,"created":1700000000,"ticket":""}',
    b'{"version":1,"created":1700000000,"ticket":["fake-ticket-1"]}',
    b'{"version":1,"ticket":"fake-ticket-1"}',
    b'["fake-ticket-1"]',
    b"fake-ticket-1\n",
    b"\xff\xfe\x00" * 50_000,
]


@pytest.mark.parametrize("content", TORN, ids=range(len(TORN)))
async def test_a_damaged_file_heals(path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """K-21: a file without a ticket that can be read says so, showing nothing of it, and the next push replaces it."""
    path.write_bytes(content)
    path.chmod(0o600)
    store = FileTicketStore(path)
    with pytest.raises(TokenUnavailableError, match="holds no ticket") as caught:
        await store.get()
    assert await store.put(NEW) is True
    assert await store.get() == NEW
    assert "holds no ticket" in caplog.text
    assert_no_leak(caught.value, secrets=["fake-tick"], caplog=caplog)


# -- when writing fails --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["fsync", "replace"])
async def test_a_write_that_fails_changes_nothing(path: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full or broken the error is the operating system's, the old ticket is there, and no scrap is left."""

    def fail(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    store = FileTicketStore(path)
    await store.put(OLD)
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space left") as caught:
        await store.put(NEW)
    assert_no_leak(caught.value, secrets=[NEW.value.reveal()])
    assert await store.get() == OLD
    assert sorted(name.name for name in path.parent.iterdir()) == ["ticket", "ticket.lock"]


async def test_a_folder_that_is_missing(path: Path) -> None:
    """No folder is made: the operating system's error comes through, and reading finds nothing."""
    store = FileTicketStore(path / "deeper" / "ticket")
    assert await store.get() is None
    with pytest.raises(FileNotFoundError) as caught:
        await store.put(OLD)
    assert_no_leak(caught.value, secrets=[OLD.value.reveal()])


async def test_a_folder_that_is_none(path: Path) -> None:
    """A path that leads through a file is the operating system's error, too."""
    path.touch()
    with pytest.raises(NotADirectoryError):
        await FileTicketStore(path / "ticket").get()


# -- several processes ---------------------------------------------------------------------------------------------


async def test_a_writer_waits_for_the_other_and_looks_again(path: Path) -> None:
    """A writer waits while another process has the lock, and then sees what that one wrote: the newer ticket stays."""
    store = FileTicketStore(path)
    await store.put(Ticket("fake-ticket-0", 1.0))
    with Path(f"{path}.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        late = asyncio.create_task(store.put(OLD))
        await asyncio.sleep(0.05)
        assert not late.done()
        _file._replace(path, NEW)  # pyright: ignore[reportPrivateUsage]  (the other process, under its lock)
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert await late is False
    assert await store.get() == NEW


async def test_a_lock_that_never_opens(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer gives up on a process that hangs with the lock; readers need no lock."""
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


def test_four_processes(path: Path) -> None:
    """Four processes that write at once lose nothing: each always finds its own ticket or a newer one, and the newest remains."""
    with contextlib.ExitStack() as processes:
        writers = [processes.enter_context(started([sys.executable, "-c", WRITER, str(path), str(n)])) for n in range(4)]
        assert [writer.wait(60) for writer in writers] == [0] * 4
    assert asyncio.run(FileTicketStore(path).get()) == Ticket("fake-ticket-199", 1199.0)
    assert sorted(name.name for name in path.parent.iterdir()) == ["ticket", "ticket.lock"]


def test_a_killed_writer(path: Path) -> None:
    """A process that is killed while it writes leaves a whole ticket and no lock."""
    with started([sys.executable, "-c", ENDLESS, str(path)]) as writer:
        assert writer.stdout is not None
        assert writer.stdout.read(1) == "."  # it is writing now
        writer.kill()
    assert asyncio.run(FileTicketStore(path).get()) in {Ticket("fake-ticket-x", 1000.0), Ticket("fake-ticket-y", 1000.0)}
    assert asyncio.run(FileTicketStore(path).put(NEW)) is True


async def test_what_killed_writers_left(path: Path) -> None:
    """The half of a ticket that a killed process left, whatever its mode, is gone with the next one: nothing heaps up."""
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
