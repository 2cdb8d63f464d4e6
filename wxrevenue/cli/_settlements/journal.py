"""The part file: pages as they were fetched.

It stands beside the export until that is whole, and ``--resume`` goes on from it.

The file's first line says whose pages these are. Every further line is a page with the cursor
behind it, or the end. A line that is not whole was being written when the run died: its page is
fetched again. Rows are kept as the server spelled them, so another format may be chosen then.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypedDict, cast

import orjson

from wxrevenue._base.file_errors import with_remedy
from wxrevenue._base.files import BINARY, NO_LINK, is_still_there, permissions, real_file, sync, sync_folder, try_lock
from wxrevenue._base.json_types import is_array, is_object
from wxrevenue._wire.codec import decode
from wxrevenue.ams.settlement import Settlement
from wxrevenue.errors import ConfigurationError
from wxrevenue.export._jsonl import encode, wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from wxrevenue._base.json_types import JsonObject

    class _Line(TypedDict, total=False):
        """What a line holds that keeps a page; other lines have neither."""

        rows: list[JsonObject]
        cursor: str | None


VERSION: Final = 1
_END: Final[Mapping[str, object]] = {"end": True}


class PartFile:
    """The pages fetched so far for one file.

    Args:
        out: the file to write in the end. The part file has its name, with ``.part`` behind it.
        query: what is asked, and of whom. A part file of anything else is not resumed.
        resume: go on with what an earlier run kept; else start anew.

    Raises:
        ConfigurationError: the journal belongs to another query, or another run is writing to it.
        OSError: it cannot be opened.
    """

    def __init__(self, out: Path, query: Mapping[str, object], *, resume: bool) -> None:
        target = real_file(out)
        self.path = target.with_name(f"{target.name}.part")
        self.rows = 0
        """Rows that are kept."""
        self.cursor: str | None = None
        """Behind the last of them."""
        self.complete = False
        """Nothing is left to be fetched."""
        self.discarded = 0
        """Rows of an earlier run that are not gone on with."""
        self._head = {"wxrevenue": "settlements", "version": VERSION, **query}
        self._file = _opened(self.path, permissions(target))
        try:
            self._start(resume=resume)
        except BaseException:
            self._file.close()
            raise

    def _start(self, *, resume: bool) -> None:
        kept = _whole(self._file.readline())
        if kept is not None and kept != self._head and resume:
            raise ConfigurationError(f"{self.path} belongs to another query; without --resume it is replaced")
        end = 0 if kept is None else self._skim()
        self.discarded = 0 if resume else self.rows
        if end and resume:
            self._file.truncate(end)
            self._file.seek(end)
        else:
            self.clear()

    def _skim(self) -> int:
        """Read how far the earlier run got; return where what can be gone on with ends."""
        end = self._file.tell()
        while not self.complete and (line := _whole(self._file.readline())) is not None:
            end = self._file.tell()
            self.complete = line == _END
            self.rows += len(line.get("rows", ()))
            self.cursor = line.get("cursor")
        return end if self.resumable else 0

    @property
    def resumable(self) -> bool:
        """Whether a later run can do with what is kept."""
        return self.complete or self.cursor is not None

    def clear(self) -> None:
        """Forget what is kept."""
        self._file.seek(0)
        self._file.truncate()
        self.rows, self.cursor, self.complete = 0, None, False
        self._write(self._head)

    def add(self, rows: Sequence[Settlement], cursor: str | None) -> None:
        """Keep a page, and where to go on behind it (``None``: nowhere).

        When this returns, the disk has it.
        """
        self._write({"rows": [wire(row) for row in rows], "cursor": cursor})
        self.rows += len(rows)
        self.cursor = cursor

    def end(self) -> None:
        """Note that there are no more pages."""
        self._write(_END)
        self.complete = True

    def settlements(self) -> Iterator[Settlement]:
        """Yield the rows that are kept.

        Raises:
            ConfigurationError: another program wrote into the part file.
        """
        self._file.seek(0)
        for line in self._file:
            yield from map(self._settlement, orjson.loads(line).get("rows", ()))

    def _settlement(self, value: JsonObject) -> Settlement:
        row = decode(Settlement, value)
        if isinstance(row, Settlement):
            return row
        raise ConfigurationError(f"{self.path} is damaged; without --resume it is replaced")

    def remove(self) -> None:
        """Delete the file: nothing is left to be resumed."""
        if sys.platform == "win32":
            self.close()
        self.path.unlink()  # before it is closed: then another process may have it

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _write(self, value: Mapping[str, object]) -> None:
        with with_remedy(self.path):
            self._file.write(encode(value))
            self._file.flush()
            sync(self._file.fileno(), self.path)


def _whole(line: bytes) -> _Line | None:
    """Return what a line holds, unless its writing was broken off."""
    with suppress(orjson.JSONDecodeError):
        value: object = orjson.loads(line)
        if line.endswith(b"\n") and is_object(value) and is_array(value.get("rows", [])):
            return cast("_Line", value)
    return None


def _opened(path: Path, mode: int) -> BinaryIO:
    """Return the file, made if need be. Until it is closed no other run gets it."""
    while True:
        with with_remedy(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | NO_LINK | BINARY, mode)
        file = os.fdopen(descriptor, "r+b")
        try:
            try_lock(descriptor, path)
            if is_still_there(path, descriptor):
                sync_folder(path.parent)
                return file
        except BlockingIOError:
            file.close()
            break
        except BaseException:
            file.close()
            raise
        file.close()
    raise ConfigurationError(f"{path}: another run is writing to it")
