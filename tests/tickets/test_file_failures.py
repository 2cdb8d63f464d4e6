"""Tickets in a file where writing fails, or the file system lacks something."""

# ruff: noqa: ASYNC240  (tests look at the file between awaits)

from __future__ import annotations

import asyncio
import errno
import fcntl
import io
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.leaks import assert_no_leak
from support.tickets import NEW, OLD

from wxrevenue import ConfigurationError, FileTicketStore, Ticket
from wxrevenue._base import file_errors, files
from wxrevenue.tickets import _file

if TYPE_CHECKING:
    from collections.abc import Callable


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
