"""What a sweep has done, in a file: a line of JSON for each outcome consumed."""

from __future__ import annotations

import asyncio
import copy
import logging
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Never

import attrs
import orjson

from wxrevenue._base import checks as _checks
from wxrevenue._base.file_errors import with_remedy
from wxrevenue._base.files import append_line, checked_path, is_still_there, real_file, sync, sync_folder, try_lock, unlock
from wxrevenue._base.printable import Printable
from wxrevenue.errors import ClientStateError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO
    from os import PathLike
    from pathlib import Path

_log = logging.getLogger("wxrevenue.sweeps")

_SYNC_EVERY: Final = 1.0
_PATIENCE: Final = 1.0
"""Seconds to wait for the file: a sweep just left may still end its calls."""
_LOOK_AGAIN: Final = 0.01
_OPENINGS: Final = (b'{"job":', b'{"query":')
"""How every line begins, also one cut short; the second is for the first line."""
_SYNTAX: Final = '{"job": "…", "done": true} or {"job": "…", "cursor": "…"}'


class Checkpoint(Printable):
    """A file that lets a restarted sweep skip what is done and resume half-done jobs.

    It holds one line of JSON for each outcome, ``{"job": key, "done": true}`` or
    ``{"job": key, "cursor": "…"}``. It holds no secret of this package.

    A line is written when the consumer comes back for the next outcome. If the process dies while
    the consumer works on an outcome, that outcome comes again: at least once, never lost. So store
    rows under their keys. Failed jobs are not written down; they are tried again. Lines survive the
    process at once. They are forced to the disk once a second and at the end: a power cut repeats a
    second's work at most. A last line that was cut short is dropped, and so are NUL bytes at the
    end.

    The file belongs to one query. The first line names it, ``{"query": "…"}``, and a sweep with
    another query is refused. A file without that line, such as one of an older version, is not
    checked. When all is done call :meth:`finish`: it deletes the file, so that the next sweep
    begins anew. How many jobs were skipped is in the log ``wxrevenue.sweeps``, as a warning if they
    were all.

    One sweep at a time may use a file, which it locks; it holds all keys of the file in memory.
    Where files have no locks, as on Windows, see to that yourself.

    Args:
        path: the file; it is made if need be, its folder is not.
        key: returns the ``str`` that stands for a job, the same in every run and different for
            every job. It ends up in the file: let no secret be in it. Not needed where jobs are
            ``str``.
        query: what is done with the jobs, such as ``"share ratio 40"``: a line of text, no secret.
            Ready-made sweeps such as :func:`sweep_settlements` name theirs.

    Raises:
        ConfigurationError: one of these is not allowed.
    """

    def __init__(self, path: str | PathLike[str], *, key: Callable[[Any], str] | None = None, query: str | None = None) -> None:
        self.path = checked_path("Checkpoint.path", path)
        self.key = _checks.plain_function("Checkpoint.key", key)
        self.query = None if query is None else _checks.text("Checkpoint.query", query)
        self.last = LastSweep()

    def __repr__(self) -> str:
        return f"Checkpoint({str(self.path)!r})"

    def finish(self, *, ignore_failed: bool = False) -> None:
        """Delete the file after a sweep that came to its end: the next one begins anew.

        Args:
            ignore_failed: delete it although jobs failed. The next sweep then does all jobs again,
                not only those.

        Raises:
            ClientStateError: jobs are open: no sweep with this object has come to its end, or some
                of its jobs failed. The file stays.
            ConfigurationError: ``ignore_failed`` is not a bool, or another sweep is using the file.
            OSError: the file cannot be deleted.
        """
        _checks.flag("Checkpoint.finish.ignore_failed", ignore_failed)
        if self.last.open_jobs is None:
            raise ClientStateError(f"{self.path}: jobs are open: no sweep with this checkpoint has come to its end")
        if self.last.open_jobs and not ignore_failed:
            raise ClientStateError(f"{self.path}: {self.last.open_jobs} jobs failed: sweep again, or finish(ignore_failed=True)")
        _delete(self.path)
        self.last.open_jobs = None

    def filled(self, query: str, key: Callable[[Never], str]) -> Checkpoint:
        """Return the same checkpoint with ``query`` and ``key`` where it has none yet."""
        other = copy.copy(self)
        other.query, other.key = self.query or query, self.key or key
        return other

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


@attrs.define
class LastSweep:
    """How the last sweep with a checkpoint ended."""

    open_jobs: int | None = None
    """Those that failed; ``None``: it has not come to its end."""


class CheckpointFile:
    """An open checkpoint, locked until it is closed."""

    def __init__(self, file: FileIO, checkpoint: Checkpoint, states: dict[str, str | None]) -> None:
        self._file = file
        self._path = checkpoint.path
        self._last = checkpoint.last
        self._last.open_jobs = None
        self._states = states
        self._skipped = self._begun = 0
        self._synced = asyncio.get_running_loop().time()

    @classmethod
    async def opened(cls, checkpoint: Checkpoint) -> CheckpointFile:
        """Lock and read the file, and drop a line that was cut short.

        In a new file the query is named.

        Raises:
            ConfigurationError: it is not a checkpoint, another query's, or in use by another sweep.
            OSError: it cannot be read or written.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + _PATIENCE
        while (file := _locked(checkpoint.path)) is None:
            if loop.time() >= until:
                raise _in_use(checkpoint.path)
            await asyncio.sleep(_LOOK_AGAIN)
        try:
            return cls(file, checkpoint, await asyncio.to_thread(_read, file, checkpoint.path, checkpoint.query))
        except BaseException:
            file.close()
            raise

    def state_of(self, key: str) -> tuple[bool, str | None]:
        """Return whether a job is done, and else from which cursor it is resumed.

        To be asked once for each job.
        """
        cursor = self._states.pop(key, "")
        self._skipped += cursor is None
        self._begun += cursor is not None
        return cursor is None, cursor or None

    async def append(self, key: str, cursor: str | None) -> None:
        """Write down that a job is done, or at which cursor it is."""
        line = orjson.dumps({"job": key, "done": True} if cursor is None else {"job": key, "cursor": cursor}) + b"\n"
        append_line(self._file, line, self._path)
        now = asyncio.get_running_loop().time()
        if now - self._synced >= _SYNC_EVERY:
            self._synced = now
            await asyncio.to_thread(self._sync)

    def close(self, *, open_jobs: int | None) -> None:
        """Force the lines to the disk and close the file.

        Args:
            open_jobs: how many jobs failed; ``None``: the sweep has not come to its end.
        """
        if self._skipped:
            level = logging.INFO if self._begun else logging.WARNING
            _log.log(level, "%d jobs skipped, done according to %s", self._skipped, self._path)
        with self._file:
            self._sync()
            unlock(self._file.fileno())
        self._last.open_jobs = open_jobs

    def _sync(self) -> None:
        with with_remedy(self._path):
            sync(self._file.fileno(), self._path)


def _locked(path: Path) -> FileIO | None:
    """Return the file, made if need be and locked; ``None``: another sweep has it."""
    with with_remedy(path):
        file = path.open("a+b", buffering=0)
    try:
        with suppress(BlockingIOError):
            try_lock(file.fileno(), path)
            if is_still_there(path, file.fileno()):
                return file
    except BaseException:
        file.close()
        raise
    file.close()
    return None


def _delete(path: Path) -> None:
    target = real_file(path)
    if not target.exists():
        return
    file = _locked(target)
    if file is None:
        raise _in_use(path)
    with file, with_remedy(path):
        if sys.platform == "win32":  # pragma: no cover
            file.close()
        target.unlink()  # while it is locked, lest another sweep has it by then
    sync_folder(target.parent)


def _in_use(path: Path) -> ConfigurationError:
    return ConfigurationError(f"{path}: another sweep is using it, here or in another process; leave a sweep by `async with`")


def _read(file: FileIO, path: Path, query: str | None) -> dict[str, str | None]:
    """Return what the file's lines say, and cut off a last one that is not whole.

    Nothing is cut off or written before the whole file was checked: it may be another program's.
    """
    file.seek(0)
    written = file.readall()
    if not written:
        sync_folder(path.parent)  # lest a power cut take the whole file
    kept = _without_nuls(written)
    *lines, rest = kept.split(b"\n")
    named = _query_of(lines[0]) if lines else None
    first = 0 if named is None else 1
    entries = dict(_entry(path, number, line) for number, line in enumerate(lines[first:], first + 1))
    if not any(rest.startswith(opening[: len(rest)]) for opening in _OPENINGS[: 1 if lines else 2]):
        raise _foreign(path, len(lines) + 1)
    if named not in {None, query}:
        raise _other_query(path, named, query)
    if len(written) > len(kept) - len(rest):
        file.truncate(len(kept) - len(rest))
    if query is not None and not lines:
        append_line(file, orjson.dumps({"query": query}) + b"\n", path)
    return entries


def _query_of(line: bytes) -> str | None:
    """Return the query that a file's first line names; ``None``: it names none."""
    with suppress(orjson.JSONDecodeError):
        match orjson.loads(line):
            case {"query": str(query)}:
                return query
            case _:
                pass
    return None


def _other_query(path: Path, named: str | None, query: str | None) -> ConfigurationError:
    wanted = "this sweep has none" if query is None else f"this sweep has the query {query!r}"
    return ConfigurationError(f"{path} holds the query {named!r}, {wanted}: take another file, or delete this one")


def _without_nuls(written: bytes) -> bytes:
    """Return what was written without a tail of NULs, which a power cut may leave."""
    kept = written.rstrip(b"\0\n")
    tail = written[len(kept) :]
    return kept + b"\n" * tail.startswith(b"\n") if b"\0" in tail else written


def _entry(path: Path, number: int, line: bytes) -> tuple[str, str | None]:
    """Return the key that a line is about, and its cursor; ``None`` means done."""
    try:
        found: object = orjson.loads(line)
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
