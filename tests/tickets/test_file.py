"""Tickets in a file: private, whole, and safe among processes.

No other user reads the file, it is never half written, and processes do not disturb each other.
"""

# ruff: noqa: ASYNC230, ASYNC240  (tests look at the file between awaits)

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import io
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
from wxrevenue._base import file_errors, files
from wxrevenue.tickets import _file

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root gives files away")
PUSH_AS_USER = """
import asyncio, logging, os
from wxrevenue import FileTicketStore, Ticket

logging.basicConfig()
asyncio.run(asyncio.to_thread(int))  # imports what only root may read
os.setgroups([]), os.setegid(12345), os.seteuid(12345)
store = FileTicketStore({path!r})
try:
    asyncio.run(store.get())
except Exception as error:
    print(type(error).__name__)
print(asyncio.run(store.put(Ticket("fake-ticket-2", 1_700_000_600))))
print(asyncio.run(store.get()).value.reveal(), os.stat({path!r}).st_uid)
"""
OLD, NEW = Ticket("fake-ticket-1", 1_700_000_000), Ticket("fake-ticket-2", 1_700_000_600)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of the ticket."""
    return tmp_path / "ticket"


# -- who may read it -------------------------------------------------------------------------------


async def test_only_the_owner_can_read_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file and its lock are readable by their owner alone, whatever the umask.

    This holds from the moment they have a name.
    """
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


@pytest.mark.parametrize("mode", [0o660, 0o640, 0o604, 0o620, 0o601, 0o777])
async def test_a_file_that_others_reach(path: Path, mode: int, caplog: pytest.LogCaptureFixture) -> None:
    """K-24, F-01: a file that others may read or write is not believed.

    The next push replaces it, and the error says how to keep it private.
    """
    store = FileTicketStore(path)
    await store.put(NEW)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match=rf"mode {mode:o}\); the next push replaces it.*umask=077.*fsGroupChangePolicy") as caught:
        await store.get()
    assert await store.put(OLD) is True
    assert await store.get() == OLD
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "it is replaced now" in caplog.text
    assert_no_leak(caught.value, secrets=[OLD.value.reveal(), NEW.value.reveal()], caplog=caplog)


def test_a_file_of_somebody_else_is_refused() -> None:
    """F-02: a file of another user is refused, except one of root's."""
    mine: Any = SimpleNamespace(st_mode=stat.S_IFREG | 0o600, st_uid=os.geteuid())
    theirs: Any = SimpleNamespace(st_mode=stat.S_IFREG | 0o600, st_uid=os.geteuid() + 1)
    roots: Any = SimpleNamespace(st_mode=stat.S_IFREG | 0o600, st_uid=0)
    exposure = [_file._exposure(Path("ticket"), found) for found in (mine, theirs, roots)]  # pyright: ignore[reportPrivateUsage]
    assert exposure == [None, f"ticket belongs to another user ({os.geteuid() + 1})", None]


@ROOT
async def test_a_file_of_somebody_else_is_replaced(path: Path) -> None:
    """F-02: in the user's own folder the next push replaces another user's file.

    The new file belongs to the user.
    """
    store = FileTicketStore(path)
    await store.put(NEW)
    os.chown(path, 12345, 12345)
    with pytest.raises(ConfigurationError, match=r"belongs to another user \(12345\); the next push replaces it"):
        await store.get()
    assert await store.put(OLD)
    assert (await store.get(), path.stat().st_uid) == (OLD, os.geteuid())


@ROOT
def test_files_that_root_left(path: Path) -> None:
    """F-02: files that a run as root left in a user's folder stop no later push.

    This holds for the lock too. The log names the lock.
    """
    asyncio.run(FileTicketStore(path).put(OLD))
    os.chown(path.parent, 12345, 12345)
    for folder in path.parents[1:-2]:  # pytest's own, which are root's alone
        folder.chmod(0o711)
    script = PUSH_AS_USER.format(path=str(path))
    with started([sys.executable, "-c", script]) as pushing:
        said, logged = pushing.communicate(timeout=60)
    assert said.split() == ["PermissionError", "True", "fake-ticket-2", "12345"], logged
    assert "ticket.lock" in logged
    assert "delete it, if it is another user's" in logged
    assert sorted(name.name for name in path.parent.iterdir()) == ["ticket", "ticket.lock"]


def _link(path: Path) -> None:
    path.with_name("elsewhere").write_bytes(b"")
    path.symlink_to("elsewhere")


@pytest.mark.parametrize("make", [_link, Path.mkdir, os.mkfifo], ids=["link", "folder", "pipe"])
async def test_what_is_no_plain_file_is_refused(path: Path, make: Callable[[Path], None]) -> None:
    """A link, a folder or a pipe in the file's place is refused.

    It is neither followed, waited for nor replaced.
    """
    make(path)
    before = path.lstat()
    for work in (FileTicketStore(path).get(), FileTicketStore(path).put(OLD)):
        with pytest.raises(ConfigurationError, match="expected a file"):
            await work
    assert path.lstat().st_ino == before.st_ino


@pytest.mark.parametrize("given", ["", b"ticket", None, 7, "a\0b"])
def test_paths_that_are_none(given: Any) -> None:
    """A path is a ``str`` or a ``Path``; nothing is looked up before the first await."""
    with pytest.raises(ConfigurationError, match=r"FileTicketStore\.path"):
        FileTicketStore(given)


async def test_the_path_does_not_move(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path stays relative to the folder where the store was made."""
    monkeypatch.chdir(path.parent)
    store = FileTicketStore("ticket")
    monkeypatch.chdir("/")
    await store.put(OLD)
    assert path.exists()


# -- what is in it ---------------------------------------------------------------------------------


async def test_the_file_is_versioned_json(path: Path) -> None:
    """The file is JSON with a version, for other programs and later releases."""
    await FileTicketStore(path).put(OLD)
    assert orjson.loads(path.read_bytes()) == {"version": 1, "created": 1_700_000_000, "ticket": "fake-ticket-1"}


TORN = [
    b"",
    b'{"version":1,"created":1700000000,"ticket":"fake-tick',
    b'{"version":2,"created":1700000000,"ticket":"fake-ticket-1"}',
    b'{"version":1,"created":"1700000000","ticket":"fake-ticket-1"}',
    b'{"version":1,"created":1700000000000,"ticket":"fake-ticket-1"}',
    b'{"version":1,"created":1700000000,"ticket":""}',
    b'{"version":1,"created":1700000000,"ticket":["fake-ticket-1"]}',
    b'{"version":1,"ticket":"fake-ticket-1"}',
    b'["fake-ticket-1"]',
    b"fake-ticket-1\n",
    b"\xff\xfe\x00" * 50_000,
]


@pytest.mark.parametrize("content", TORN, ids=range(len(TORN)))
async def test_a_damaged_file_heals(path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """K-21: a file without a readable ticket is an error.

    The error shows nothing of the file, and the next push replaces it.
    """
    path.write_bytes(content)
    path.chmod(0o600)
    store = FileTicketStore(path)
    with pytest.raises(TokenUnavailableError, match="holds no ticket") as caught:
        await store.get()
    assert await store.put(NEW) is True
    assert await store.get() == NEW
    assert "holds no ticket" in caplog.text
    assert_no_leak(caught.value, secrets=["fake-tick"], caplog=caplog)


# -- when writing fails ----------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["fsync", "replace"])
async def test_a_write_that_fails_changes_nothing(path: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full or broken, the old ticket stays.

    The error is the operating system's, and no part of the new file is left.
    """

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
    """A missing folder is not made: the operating system's error comes through.

    Reading finds no ticket.
    """
    store = FileTicketStore(path / "deeper" / "ticket")
    assert await store.get() is None
    with pytest.raises(FileNotFoundError) as caught:
        await store.put(OLD)
    assert_no_leak(caught.value, secrets=[OLD.value.reveal()])


async def test_a_folder_that_is_none(path: Path) -> None:
    """A path through a file gives the operating system's error, too."""
    path.touch()
    with pytest.raises(NotADirectoryError):
        await FileTicketStore(path / "ticket").get()


# -- file systems that lack something --------------------------------------------------------------


def failing(code: int, when: Callable[[int], bool] = lambda _: True) -> Callable[..., Any]:
    """Return a system call that fails for some file descriptors."""
    real = os.fsync

    def call(descriptor: int, *_: object) -> None:
        if when(descriptor):
            raise OSError(code, os.strerror(code))
        real(descriptor)

    return call


def is_folder(descriptor: int) -> bool:
    """Return whether a file descriptor is a folder's."""
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


@pytest.fixture(autouse=True)
def _nothing_logged_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test see the logs that come once for each file system."""
    monkeypatch.setattr(file_errors, "_logged", set[tuple[str, int]]())


LACKING = [errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.EROFS]


@pytest.mark.parametrize("code", [*LACKING, errno.EIO, errno.EBADF])
async def test_folders_that_cannot_be_synced(
    path: Path, code: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """F-03: a ticket in its place counts as stored, even if its folder's fsync fails.

    The failure is logged once.
    """
    monkeypatch.setattr(os, "fsync", failing(code, is_folder))
    store = FileTicketStore(path)
    assert await store.put(OLD) is True
    assert await store.put(NEW) is True
    assert await store.get() == NEW
    assert caplog.text.count(f"no fsync of folders there ({errno.errorcode[code]}): a power cut may bring the old file back") == 1


@pytest.mark.parametrize("code", LACKING)
async def test_files_that_cannot_be_synced(
    path: Path, code: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """F-03: a file system without any fsync keeps tickets all the same."""
    monkeypatch.setattr(os, "fsync", failing(code))
    assert await FileTicketStore(path).put(OLD) is True
    assert await FileTicketStore(path).get() == OLD
    assert "no fsync there" in caplog.text


@pytest.mark.parametrize("code", [*LACKING, errno.ENOLCK, errno.EACCES, errno.EIO])
async def test_no_locks(path: Path, code: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """F-04: without file locks the threads of a process still take turns.

    No extra file is left, and the missing lock is logged once.
    """
    monkeypatch.setattr(fcntl, "flock", failing(code))
    store = FileTicketStore(path)
    tickets = [Ticket(f"fake-ticket-{number}", 1000.0 + number) for number in range(20)]
    assert True in await asyncio.gather(*(store.put(ticket) for ticket in tickets))
    assert await store.get() == tickets[-1]
    assert sorted(name.name for name in path.parent.iterdir()) == ["ticket", "ticket.lock"]
    assert caplog.text.count(f"no locks there ({errno.errorcode[code]}): let no two processes write there") == 1


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.EBUSY, "mount its folder, not the file"),
        (errno.EROFS, "mount it writable"),
        (errno.ENOSPC, "make room"),
        (errno.EDQUOT, "make room"),
        (errno.EACCES, "make this user the owner of the file and its folder"),
        (errno.EIO, "see the system's log"),
    ],
)
async def test_a_failure_says_what_to_do(path: Path, code: int, remedy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-05, F-06: the system's error passes unchanged, with a note on what to do.

    The old ticket stays, and is the only file.
    """
    store = FileTicketStore(path)
    await store.put(OLD)

    def fail(*_args: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match=os.strerror(code)) as caught:
        await store.put(NEW)
    assert caught.value.errno == code
    assert [note.startswith(f"{path}: ") and remedy in note for note in caught.value.__notes__] == [True]
    assert await store.get() == OLD
    assert sorted(name.name for name in path.parent.iterdir()) == ["ticket", "ticket.lock"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is always full")
async def test_a_full_disk_shows_no_ticket(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-06: a write that the disk refuses shows no ticket.

    The ticket is neither in the error nor in its traceback.
    """

    def on_full_disk(*_: object) -> io.FileIO:
        return io.FileIO("/dev/full", "wb")

    def is_private(*_: object) -> None:
        return None

    monkeypatch.setattr(files, "_new_file", on_full_disk)
    monkeypatch.setattr(_file, "_exposure", is_private)
    with pytest.raises(OSError, match="No space left") as caught:
        await FileTicketStore(path).put(NEW)
    assert_no_leak(caught.value, secrets=[NEW.value.reveal()])


async def test_no_permissions(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-07: where every file is open for others, no ticket is written.

    The error comes before the write, and says how to mount the folder.
    """
    real = os.open

    def opened(name: Any, flags: int, mode: int = 0o777, **options: Any) -> int:
        descriptor = real(name, flags, mode, **options)
        if flags & os.O_CREAT:
            os.fchmod(descriptor, 0o755)
        return descriptor

    monkeypatch.setattr(os, "open", opened)
    with pytest.raises(ConfigurationError, match=r"mode 755\), as every new file there; .*umask=077") as caught:
        await FileTicketStore(path).put(NEW)
    assert [name.name for name in path.parent.iterdir()] == ["ticket.lock"]
    assert_no_leak(caught.value, secrets=[NEW.value.reveal()])


async def test_the_draft_of_somebody_else(path: Path) -> None:
    """F-02: a foreign file with the name of the draft stops no write.

    The draft is the file a ticket is written to first. Here the foreign one cannot be removed.
    """
    path.with_name("ticket.new").mkdir()
    assert await FileTicketStore(path).put(NEW)
    assert await FileTicketStore(path).get() == NEW


# -- several processes -----------------------------------------------------------------------------


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
