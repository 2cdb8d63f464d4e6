"""What a sweep has done, in a file: one line of JSON for each outcome that the consumer is through with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import orjson

from wxrevenue._base import checks as _checks
from wxrevenue._base.file_errors import with_remedy
from wxrevenue._base.files import append_line, checked_path, sync, sync_folder
from wxrevenue._base.printable import Printable
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO
    from os import PathLike
    from pathlib import Path

_SYNC_EVERY: Final = 1.0
_OPENING: Final = b'{"job":'
"""How every line begins, also one that was cut short."""
_SYNTAX: Final = '{"job": "…", "done": true} or {"job": "…", "cursor": "…"}'


class Checkpoint(Printable):
    """A file that makes a restarted sweep skip what is done and resume what was half-done.

    It holds one line of JSON for each outcome, ``{"job": key, "done": true}`` or ``{"job": key, "cursor": "…"}``, and no secret
    of ours. A line is written when the consumer comes back for the next outcome: an outcome that it was still working on
    when the process died comes again (at least once, never lost), so store rows under their keys. Failed jobs are not written
    down; they are tried again. Lines survive the process at once; they are forced to the disk once a second and at the end, so that
    a power cut repeats a second's work at most. A last line that was cut short is dropped, and so are NUL bytes at the end. To
    begin anew, delete the file.

    One sweep at a time may use a file. It holds all keys of the file in memory.

    Args:
        path: the file; it is made if need be, its folder is not.
        key: returns the ``str`` that stands for a job, the same in every run and different for every job; it ends up in the
            file, so let no secret be in it. Not needed where jobs are ``str``.

    Raises:
        ConfigurationError: one of these is not allowed.
    """

    def __init__(self, path: str | PathLike[str], *, key: Callable[[Any], str] | None = None) -> None:
        self.path = checked_path("Checkpoint.path", path)
        self.key: Callable[[Any], str] | None = _checks.function("Checkpoint.key", key)

    def __repr__(self) -> str:
        return f"Checkpoint({str(self.path)!r})"

    def keyed(self, key: Callable[[Any], str]) -> Checkpoint:
        """Return the same checkpoint, with ``key`` if it has no key function yet."""
        return self if self.key is not None else Checkpoint(self.path, key=key)

    def key_of(self, job: object) -> str:
        """Return a job's key.

        Raises:
            ConfigurationError: there is none.
        """
        if self.key is not None:
            return _checks.text("Checkpoint.key: what it returns", self.key(job))
        if not isinstance(job, str):
            raise ConfigurationError(f"Checkpoint.key: jobs of type {type(job).__name__} need a function that names them")
        return _checks.text("a job that is its own key", job)


class CheckpointFile:
    """An open checkpoint."""

    def __init__(self, file: FileIO, path: Path, states: dict[str, str | None]) -> None:
        self._file = file
        self._path = path
        self._states = states
        self._synced = asyncio.get_running_loop().time()

    @classmethod
    async def opened(cls, path: Path) -> CheckpointFile:
        """Read the file and drop a line that was cut short.

        Raises:
            ConfigurationError: it is no checkpoint.
            OSError: it cannot be read or written.
        """
        with with_remedy(path):
            file = path.open("a+b", buffering=0)
        try:
            return cls(file, path, await asyncio.to_thread(_read, file, path))
        except BaseException:
            file.close()
            raise

    def state_of(self, key: str) -> tuple[bool, str | None]:
        """Return whether a job is done, and else from which cursor it is resumed. To be asked once for each job."""
        if key not in self._states:
            return False, None
        cursor = self._states.pop(key)
        return cursor is None, cursor

    async def append(self, key: str, cursor: str | None) -> None:
        """Write down that a job is done, or at which cursor it is."""
        line = orjson.dumps({"job": key, "done": True} if cursor is None else {"job": key, "cursor": cursor}) + b"\n"
        append_line(self._file, line, self._path)
        now = asyncio.get_running_loop().time()
        if now - self._synced >= _SYNC_EVERY:
            self._synced = now
            await asyncio.to_thread(self._sync)

    def close(self) -> None:
        """Force the lines to the disk and close the file."""
        with self._file:
            self._sync()

    def _sync(self) -> None:
        with with_remedy(self._path):
            sync(self._file.fileno(), self._path)


def _read(file: FileIO, path: Path) -> dict[str, str | None]:
    """Return what the file's lines say, and cut off a last one that is not whole."""
    file.seek(0)
    written = file.readall()
    if not written:
        sync_folder(path.parent)  # lest a power cut take the whole file
    kept = _without_nuls(written)
    *lines, rest = kept.split(b"\n")
    entries = dict(_entry(path, number, line) for number, line in enumerate(lines, 1))
    if not rest.startswith(_OPENING[: len(rest)]):
        raise _foreign(path, len(lines) + 1)  # before anything is cut off: the file may be somebody else's
    if len(written) > len(kept) - len(rest):
        file.truncate(len(kept) - len(rest))
    return entries


def _without_nuls(written: bytes) -> bytes:
    """Return what was written without a tail of NULs: a power cut may leave those in place of the last lines."""
    kept = written.rstrip(b"\0\n")
    tail = written[len(kept) :]
    return kept + b"\n" * tail.startswith(b"\n") if b"\0" in tail else written


def _entry(path: Path, number: int, line: bytes) -> tuple[str, str | None]:
    """Return the key that a line is about, and its cursor; ``None`` means done."""
    try:
        found: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        found = None
    match found:
        case {"job": str(key), "done": True}:
            return key, None
        case {"job": str(key), "cursor": str(cursor)}:
            return key, cursor
        case _:
            raise _foreign(path, number)


def _foreign(path: Path, number: int) -> ConfigurationError:
    return ConfigurationError(f"{path}, line {number}: expected {_SYNTAX}; is it a checkpoint?")
