"""A file that is whole or not there."""

from __future__ import annotations

import io
import os
import secrets
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Generator

_READ_AND_WRITE = 0o666


def checked_path(where: str, path: str | os.PathLike[str]) -> Path:
    """Return the path of a file to write.

    Raises:
        ConfigurationError: it is no path at all. No file is looked at.
    """
    plain: str | bytes = b""
    with suppress(TypeError):
        plain = os.fspath(path)
    if not isinstance(plain, str):
        raise ConfigurationError(f"{where}: expected a str or an os.PathLike of one, got {type(path).__name__}")
    if not plain or "\0" in plain:
        raise ConfigurationError(f"{where}: expected a file's name, without NUL")
    return Path(plain)


def real_file(path: Path) -> Path:
    """Return the file that a path leads to, behind any symbolic link; it need not exist.

    Raises:
        ConfigurationError: a folder, a device or a pipe is there, which no file may replace.
    """
    target = Path(os.path.realpath(path))
    found = _status(target)
    if found is not None and not stat.S_ISREG(found.st_mode):
        raise ConfigurationError(f"{path}: expected a regular file, or nothing yet")
    return target


@contextmanager
def replacing(path: Path) -> Generator[BinaryIO]:
    """Write a file within the block; it takes the place of ``path`` when the block ends well, and vanishes otherwise.

    Raises:
        ConfigurationError: ``path`` is no regular file.
        OSError: it cannot be written.
    """
    target = real_file(path)
    draft = target.with_name(f".wxrevenue-{secrets.token_hex(8)}.tmp")
    try:
        with _created(draft, like=target) as raw:  # closed without its buffer, which would still be written to a file given up
            file = io.BufferedWriter(raw)
            yield file
            file.flush()
            os.fsync(raw.fileno())
        draft.replace(target)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    _sync_folder(target.parent)


def _created(draft: Path, *, like: Path) -> io.FileIO:
    """Return a new file with the permissions of the one it is to replace, at no time with more."""
    mode = permissions(like)

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags, mode)

    file = io.FileIO(draft, "xb", opener=opener)
    if like.exists():
        draft.chmod(mode)  # what the umask took away
    return file


def permissions(path: Path) -> int:
    """Return a file's permissions; for one that is not there yet, those that the umask is taken from."""
    found = _status(path)
    return _READ_AND_WRITE if found is None else stat.S_IMODE(found.st_mode)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power cut, where the system lets one open a folder."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
