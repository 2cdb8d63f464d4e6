"""The newest ticket, in a file for all processes of one user on one machine."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, TypedDict

import orjson

from wxrevenue._base.file_errors import with_remedy
from wxrevenue._base.files import BINARY, NO_LINK, checked_path, is_link, locked, replacing
from wxrevenue._base.printable import Printable
from wxrevenue._wire.stored import Ticket
from wxrevenue.errors import ConfigurationError, TokenUnavailableError

if TYPE_CHECKING:
    Found: TypeAlias = Ticket | ConfigurationError | TokenUnavailableError | OSError | None
    """A ticket, what is wrong with a file that a push can replace, or no file."""

    class _Content(TypedDict):
        """What a file holds, if this release wrote it."""

        version: int
        ticket: str
        created: float


_log = logging.getLogger("wxrevenue.tickets")
_VERSION: Final = 1
_LARGEST: Final = 64 * 1024
_LATEST: Final = 1e12
"""Seconds (Unix time) that no push can reach.

A later time, in milliseconds say, would keep every ticket out.
"""
_PRIVATE: Final = 0o600
_PATIENCE: Final = 2.0
"""Seconds to wait for another process that is writing."""
_READ: Final = os.O_RDONLY | NO_LINK | getattr(os, "O_NONBLOCK", 0) | BINARY  # a pipe must not block
_HEALED: Final = "the next push replaces it"
_REMOUNTED: Final = "if a mount did this, mount with uid=… and umask=077; in Kubernetes set fsGroupChangePolicy: OnRootMismatch"


class FileTicketStore(Printable):
    """Keeps the ticket in a file that other users cannot read.

    The file is made with mode 0600, and replaced in one step after its content reached the disk: a
    reader sees the old ticket or the new one, whenever the machine stops. Writers take turns by a
    lock on a second file beside it, named ``….lock``: the newest ticket wins among processes too.
    What is being written is named ``….new``. Windows has neither such modes nor such locks: there,
    choose a folder of your own and let one process receive the pushes. Reading and writing happen
    in a thread.

    A file that others may read or write (a remount may do that), or that is another user's (other
    than root's), is refused by ``get`` with ``ConfigurationError``, and replaced by the next push.
    One that holds no ticket gives ``TokenUnavailableError`` until then. A link, a folder or a pipe
    is refused by both. What the operating system says (``OSError``: no such folder, disk full)
    passes unchanged, with a note that says what to do. Locks and fsync that a file system does not
    have are done without, and logged once (logger ``wxrevenue.files``).

    Args:
        path: the file, in a folder that exists; mount the folder, not the file, into a container.
            Keep one for each component.

    Raises:
        ConfigurationError: the path is not a ``str`` or a ``Path``.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        name = checked_path("FileTicketStore.path", path)
        self._path = Path(os.path.abspath(name))  # noqa: PTH100  (a process may change its folder later, and links stay as they are)

    async def get(self) -> Ticket | None:
        """Return the newest ticket, or ``None`` while there is no file."""
        return await asyncio.to_thread(_get, self._path)

    async def put(self, ticket: Ticket) -> bool:
        """Keep the ticket unless a newer one is kept; return whether it was kept.

        Afterwards it survives a power cut.
        """
        return await asyncio.to_thread(_put, self._path, ticket)

    def __repr__(self) -> str:
        return f"FileTicketStore({str(self._path)!r})"


def _get(path: Path) -> Ticket | None:
    found = _look(path)
    if isinstance(found, Exception):
        raise found
    return found


def _put(path: Path, ticket: Ticket) -> bool:
    with locked(path.with_name(f"{path.name}.lock"), patience=_PATIENCE) as alone:
        kept = _look(path)
        if isinstance(kept, Exception):
            _log.warning("%s: it is replaced now", kept)
        elif kept is not None and kept.created > ticket.created:
            return False
        if kept != ticket:
            _replace(path, ticket, _free_draft(path) if alone else None)
    return True


def _look(path: Path) -> Found:
    """Return what is in the file's place.

    Raises:
        ConfigurationError: it is not a plain file.
    """
    try:
        with with_remedy(path):
            descriptor = _opened(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return error
    try:
        found = os.fstat(descriptor)
        exposure = _exposure(path, found)
        return ConfigurationError(f"{exposure}; {_HEALED}; {_REMOUNTED}") if exposure else _read(path, descriptor)
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    try:
        return os.open(path, _READ)
    except OSError as error:
        if not is_link(error):
            raise
    raise ConfigurationError(f"{path}: expected a file of its own, this is a link")


def _exposure(path: Path, found: os.stat_result) -> str | None:
    """Return which other users may reach a file.

    Raises:
        ConfigurationError: it is none.
    """
    if not stat.S_ISREG(found.st_mode):
        raise ConfigurationError(f"{path}: expected a file, this is something else")
    if sys.platform == "win32":  # pragma: no cover
        return None
    if found.st_uid not in {os.geteuid(), 0}:
        return f"{path} belongs to another user ({found.st_uid})"
    if found.st_mode & 0o077:
        return f"others may read or write {path} (mode {stat.S_IMODE(found.st_mode):o})"
    return None


def _read(path: Path, descriptor: int) -> Ticket | TokenUnavailableError | OSError:
    try:
        with with_remedy(path):
            content = os.read(descriptor, _LARGEST)
    except OSError as error:
        return error
    return _parsed(content) or TokenUnavailableError(f"{path} holds no ticket that this release can read; {_HEALED}")


def _parsed(raw: bytes) -> Ticket | None:
    """Return the ticket that a file holds.

    It raises nothing: a traceback would show the content.
    """
    try:
        found: _Content = orjson.loads(raw)
        is_ours = found["version"] == _VERSION and found["created"] < _LATEST
        return Ticket(found["ticket"], found["created"]) if is_ours else None
    except (ValueError, TypeError, LookupError):
        return None


def _free_draft(path: Path) -> Path | None:
    """Return the name of a ticket's draft, if the name is free.

    The only writer removes a draft that was left there.
    """
    draft = path.with_name(f"{path.name}.new")
    try:
        draft.unlink(missing_ok=True)  # left by a process that was killed
    except OSError:
        return None
    return draft


def _replace(path: Path, ticket: Ticket, draft: Path | None) -> None:
    with replacing(path, mode=_PRIVATE, draft=draft) as file:
        exposure = _exposure(path, os.fstat(file.fileno()))
        if exposure:  # it was made for its owner alone: what is written there is never private
            raise ConfigurationError(f"{exposure}, as every new file there; {_REMOUNTED}")
        file.write(orjson.dumps({"version": _VERSION, "created": ticket.created, "ticket": ticket.value.reveal()}))
