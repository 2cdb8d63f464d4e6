"""What a failing file system means.

Some features can be done without. For the other errors there is something to do.
"""

from __future__ import annotations

import errno
import logging
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Mapping
    from pathlib import Path

_log = logging.getLogger("wxrevenue.files")

FAULTS: Final = frozenset({errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.ESTALE, errno.EBADF})
"""Error numbers of an fsync that was tried and failed.

With any other error a file system says that it has no fsync.
"""
_OWNER: Final = (
    "another program has it open, or the user who runs this may not write there"
    if sys.platform == "win32"
    else "the user who runs this may not do that; make this user the owner of the file and its folder"
)
_REMEDIES: Final[Mapping[int, str]] = {
    errno.EBUSY: "it is a mount point, which no rename replaces; mount its folder, not the file",
    errno.EROFS: "its file system is mounted read-only; mount it writable, or choose another",
    errno.ENOSPC: "its disk is full; make room, or choose another",
    errno.EDQUOT: "its owner's disk quota is used up; make room, or choose another disk",
    errno.EACCES: _OWNER,
    errno.EPERM: _OWNER,
    errno.ENOENT: "its folder is missing; make the folder first",
    errno.ENOTDIR: "a part of its path is a file; correct the path",
    errno.EIO: "its disk, or the server that it is on, reports a fault; see the system's log",
    errno.ESTALE: "its network mount is stale; mount it again",
    errno.EMFILE: "this process has too many files open; raise its limit (ulimit -n)",
}
_logged: set[tuple[str, int]] = set()
"""What is missing, and on which device."""


class Remedy(str):
    """A note on an ``OSError``: which file, what is wrong, and what to do.

    It holds no secret.
    """

    __slots__ = ()

    @classmethod
    def on(cls, error: BaseException) -> tuple[Remedy, ...]:
        """Return the remedies that an error has as notes."""
        return tuple(note for note in getattr(error, "__notes__", ()) if isinstance(note, cls))


@contextmanager
def with_remedy(path: Path, *, only: Collection[int] = _REMEDIES) -> Generator[None]:
    """Add what to do to an ``OSError`` that ends the block.

    Only errors with one of those numbers get it.
    """
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0) if error.errno in only else None
        if remedy and not Remedy.on(error):
            error.add_note(Remedy(f"{path}: {remedy}"))
        raise


def log_missing(what: str, path: Path, error: OSError, consequence: str) -> None:
    """Log once for each file system what it lacks."""
    with suppress(OSError):
        known = (what, path.parent.stat().st_dev)
        if known not in _logged:
            _logged.add(known)
            code = errno.errorcode.get(error.errno or 0, "?")
            _log.warning("%s: no %s there (%s): %s", path, what, code, consequence)
