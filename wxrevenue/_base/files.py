"""Files that are whole, private, locked and on the disk.

They are so as far as their file system allows. File systems of networks, containers and Windows
lack some of what a local disk has: fsync, locks, modes. What is missing is left out, and logged
once for each of them; it never costs a file. An ``OSError`` that does end the work keeps its class
and errno, and has a :class:`Remedy` as a note.
"""

from __future__ import annotations

import errno
import io
import os
import secrets
import stat
import sys
import threading
import time
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from wxrevenue._base.file_errors import FAULTS, Remedy, log_missing, with_remedy
from wxrevenue.errors import ConfigurationError

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Generator

NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
BINARY: Final = getattr(os, "O_BINARY", 0)
_ANY_MODE: Final = 0o666
_LOOK_AGAIN: Final = 0.01
_DATABASE: Final = b"SQLite format 3\0"
"""How every SQLite database begins."""
_unlockable = threading.Lock()
"""Keeps the threads of this process apart where there are no locks on files."""


def checked_path(where: str, path: str | os.PathLike[str]) -> Path:
    """Return the path of a file.

    Raises:
        ConfigurationError: it is not a path. No file is looked at.
    """
    plain: str | bytes = b""
    with suppress(TypeError):
        plain = os.fspath(path)
    if not isinstance(plain, str):
        kind = type(path).__name__
        raise ConfigurationError(f"{where}: expected a str or an os.PathLike of one, got {kind}")
    if not plain or "\0" in plain or not _can_be_a_name(plain):
        raise ConfigurationError(f"{where}: expected a file's name, without NUL, that this system can spell")
    return Path(plain)


def _can_be_a_name(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def real_file(path: Path) -> Path:
    """Return the file that a path leads to, behind any symbolic link.

    It need not exist.

    Raises:
        ConfigurationError: a folder, a device, a pipe or an SQLite database is there, which no file
            may replace: the database may be the ledger that the file is made from.
    """
    target = Path(os.path.realpath(path))
    found = _status(target)
    if found is not None and not stat.S_ISREG(found.st_mode):
        raise ConfigurationError(f"{path}: expected a regular file, or nothing yet")
    if found is not None and _is_database(target):
        raise ConfigurationError(f"{path}: expected a file that may be replaced, found an SQLite database, which may be a ledger")
    return target


def _is_database(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as file:  # one that cannot be read is told of when it is written
        return file.read(len(_DATABASE)) == _DATABASE
    return False


def permissions(path: Path) -> int:
    """Return a file's permissions.

    Where there is no file yet, return those that the umask is taken from.
    """
    found = _status(path)
    return _ANY_MODE if found is None else stat.S_IMODE(found.st_mode)


@contextmanager
def replacing(path: Path, *, mode: int | None = None, draft: Path | None = None) -> Generator[BinaryIO]:
    """Write a file within the block.

    It replaces ``path`` if the block ends well, else it is deleted. Once it has replaced ``path``
    it counts as written, whatever happens to its folder's fsync.

    Args:
        path: the file that is replaced, or made.
        mode: its permissions; by default those of the file that it replaces.
        draft: its name until then, which no file may have; by default a random one.

    Raises:
        OSError: it cannot be written; ``path`` is as it was.
    """
    draft = draft or path.with_name(f".wxrevenue-{secrets.token_hex(8)}.tmp")
    try:
        # closed without its buffer, which would still be written to a file given up
        with _new_file(draft, path, mode) as raw:
            file = io.BufferedWriter(raw)
            with with_remedy(path, only=FAULTS):  # what else comes out of the block may be about something else
                yield file
            with with_remedy(path):
                file.flush()
                sync(raw.fileno(), path)
        with with_remedy(path):
            draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    sync_folder(path.parent)


def _new_file(draft: Path, path: Path, mode: int | None) -> io.FileIO:
    """Return a new file with the permissions of the one it is to replace.

    It never has more permissions than that, not even for a moment.
    """
    wanted = permissions(path) if mode is None else mode
    with with_remedy(path):
        file = io.FileIO(draft, "xb", opener=lambda name, flags: os.open(name, flags, wanted))
    if mode is None and path.exists():
        try:
            draft.chmod(wanted)  # what the umask took away
        except OSError as error:
            log_missing("permissions", path, error, "its mount decides who may read it")
    return file


def append_line(file: io.FileIO, line: bytes, path: Path) -> None:
    """Write a whole line, or raise.

    Raises:
        OSError: the disk is full, or broken; a part of the line may be in the file.
    """
    with with_remedy(path):
        if file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def sync(descriptor: int, path: Path) -> None:
    """Force a file's content to the disk, if its file system can do that.

    Raises:
        OSError: the disk is full, or broken.
    """
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno in FAULTS:
            raise
        log_missing("fsync", path, error, "a power cut may take what was written last")


def sync_folder(folder: Path) -> None:
    """Let a new name in a folder survive a power cut, if that can be done.

    The file is there in any case.
    """
    if sys.platform == "win32":  # pragma: no cover
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        log_missing("fsync of folders", folder, error, "a power cut may bring the old file back")


def try_lock(descriptor: int, path: Path) -> bool:
    """Lock an open file until it is closed; return whether its file system has locks.

    Raises:
        BlockingIOError: it is locked already.
    """
    if sys.platform == "win32":  # pragma: no cover
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        log_missing("locks", path, error, "let no two processes write there")
        return False
    return True


def unlock(descriptor: int) -> None:
    """Unlock a file that is about to be closed.

    Closing alone would leave the lock with a child that was forked meanwhile.
    """
    if sys.platform != "win32":
        with suppress(OSError):  # no locks there
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def is_still_there(path: Path, descriptor: int) -> bool:
    """Return whether an open file still has its name.

    Its former holder may have deleted it.
    """
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), path.stat())
    return False


@contextmanager
def locked(path: Path, *, patience: float) -> Generator[bool]:
    """Keep other processes and threads out of the block.

    Yield whether processes are kept out too. The lock is on a file of its own, which is made if
    need be, and stays. Where there is none (on Windows, on some file systems, or if the file is
    another user's) only threads are kept out.

    Args:
        path: the file to lock.
        patience: for how many seconds to wait while it is locked.

    Raises:
        ConfigurationError: it is a link.
        TimeoutError: it was locked all the time.
        OSError: it cannot be made.
    """
    descriptor = _opened_lock(path)
    if descriptor is None:
        with _unlockable:
            yield False
        return
    is_locked = False
    try:
        is_locked = _lock_in_time(descriptor, path, patience)
        with nullcontext() if is_locked else _unlockable:
            yield is_locked
    finally:
        if is_locked:
            unlock(descriptor)
        os.close(descriptor)


def _opened_lock(path: Path) -> int | None:
    """Return the file to lock, or ``None`` if it cannot be opened."""
    if sys.platform == "win32":  # pragma: no cover
        return None
    try:
        with with_remedy(path):
            return os.open(path, os.O_RDWR | os.O_CREAT | NO_LINK, 0o600)
    except PermissionError as error:
        log_missing("lock", path, error, "delete it, if it is another user's")
        return None
    except OSError as error:
        if not is_link(error):
            raise
    raise ConfigurationError(f"{path}: expected a file of its own, this is a link")


def _lock_in_time(descriptor: int, path: Path, patience: float) -> bool:
    until = time.monotonic() + patience
    while time.monotonic() < until:
        with suppress(BlockingIOError):
            return try_lock(descriptor, path)
        time.sleep(_LOOK_AGAIN)
    error = TimeoutError(f"another process has kept {path} locked for {patience:.0f} s")
    error.add_note(Remedy(f"{error}; end it if it hangs"))
    raise error


def is_link(error: OSError) -> bool:
    """Return whether opening a file failed because it is a link."""
    return error.errno in {errno.ELOOP, errno.EMLINK}


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None
