"""What SQLite's errors mean, and what to do about them.

SQLite calls many of them "disk I/O error" or "unable to open database file". Python does not hand
on the number of the system's error, so the place of the file is looked at.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path
from typing import Final

from wxrevenue.errors import ConfigurationError, LedgerError

_ROOM: Final = 65_536
"""Bytes that SQLite needs beside a file: an index of 32 KiB, and a page or two."""
_AS_SUCH: Final = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
"""Codes of errors that tell no cause."""
_OWNER: Final = "make this user the owner of the file and its folder"
_THERE: Final = "let the user who runs this write there"
_UNKNOWN: Final = "SQLite could not open it"
_COPY: Final = "or copy the ledger, and the -wal file beside it, to read it"
_BOTH: Final = f"let the user who runs this write to both, {_COPY}"


def is_missing(path: Path) -> bool:
    """Return whether there is certainly no such file."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # SQLite's own error says more
        return False
    return False


def is_busy(error: sqlite3.Error) -> bool:
    """Return whether another process, or another connection, has a lock."""
    return _code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def failed(name: str, error: sqlite3.Error) -> LedgerError | ConfigurationError:
    """Return our error for one of SQLite's, in the file of this name."""
    code = _code(error)
    if is_busy(error):
        return LedgerError(f"{name}: another process kept it locked; nothing was recorded", retryable=True)
    if code == sqlite3.SQLITE_NOTADB:
        return ConfigurationError(f"{name}: expected an SQLite database, found another file")
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_FSYNC:
        found = LedgerError(f"{name}: the disk did not confirm what was written: it may be recorded, or not")
        found.ambiguous = True
        return found
    if code == sqlite3.SQLITE_FULL or (code in _AS_SUCH and _is_full(Path(name))):
        return LedgerError(f"{name}: the disk is full; nothing was recorded, and nothing lost: make room", retryable=True)
    if code == sqlite3.SQLITE_READONLY:
        return LedgerError(f"{name}: the file or its folder must not be written to; {_BOTH}; nothing was recorded")
    said = _why_not_opened(Path(name)) if code == sqlite3.SQLITE_CANTOPEN else str(error)
    return LedgerError(f"{name}: {said}; nothing was recorded")


def _is_full(path: Path) -> bool:
    """Return whether the disk has no room for what SQLite writes beside a file."""
    try:
        return shutil.disk_usage(path.parent).free < _ROOM
    except OSError:
        return False


def _why_not_opened(path: Path) -> str:
    folder = path.parent
    if not os.access(folder, os.F_OK) or not folder.is_dir():
        return "its folder is missing; make the folder first"
    if not os.access(folder, os.X_OK):
        return f"the user who runs this may not enter its folder; {_OWNER}"
    if path.is_dir():
        return "it is a folder"
    may_write = os.access(folder, os.W_OK)
    if not path.exists():
        return _UNKNOWN if may_write else f"its folder must not be written to; {_THERE}, or choose another"
    return _why_not_read(path, may_write=may_write and os.access(path, os.W_OK))


def _why_not_read(path: Path, *, may_write: bool) -> str:
    if not os.access(path, os.R_OK):
        return f"the user who runs this may not read it; {_OWNER}"
    if may_write:
        return _UNKNOWN
    return f"SQLite writes beside a ledger also to read it, and its folder must not be written to; {_THERE}, {_COPY}"
