"""The newest ticket, in a file for all processes of one user on one machine."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import sys
from pathlib import Path
from typing import Any, Final

import orjson

from wxrevenue._base.files import BINARY, NO_LINK, checked_path, is_link, locked, replacing
from wxrevenue.errors import ConfigurationError, TokenUnavailableError
from wxrevenue.ports import Ticket

_log = logging.getLogger("wxrevenue.tickets")
_VERSION: Final = 1
_LARGEST: Final = 64 * 1024
_PATIENCE: Final = 2.0
"""Seconds to wait for another process that is writing."""
_READ: Final = os.O_RDONLY | NO_LINK | getattr(os, "O_NONBLOCK", 0) | BINARY  # a pipe must not block


class FileTicketStore:
    """Keeps the ticket in a file that nobody else can read.

    The file is made with mode 0600, and replaced in one step after its content reached the disk: whoever reads it sees the old
    ticket or the new one, whenever the machine stops. Writers take turns by a lock on a second file beside it, named
    ``….lock``, so that the newest ticket wins among processes too; what is being written is named ``….new``. (Windows has neither
    such modes nor such locks: there, choose a folder of your own and let one process receive the pushes.) Reading and writing
    happen in a thread.

    A file that others may read or write, a link, or a file of another user (other than root) is refused with
    ``ConfigurationError``; one that holds no ticket gives ``TokenUnavailableError`` until the next push replaces it. What the
    operating system says (``OSError``: no such folder, disk full) passes unchanged.

    Args:
        path: the file, in a folder that exists. Keep one for each component.

    Raises:
        ConfigurationError: the path is not a text or a ``Path``.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        name = checked_path("FileTicketStore.path", path)
        self._path = Path(os.path.abspath(name))  # noqa: PTH100  (a process may change its folder later, and links stay as they are)

    async def get(self) -> Ticket | None:
        """Return the newest ticket, or ``None`` while there is no file."""
        return await asyncio.to_thread(_read, self._path)

    async def put(self, ticket: Ticket) -> bool:
        """Keep the ticket unless a newer one is kept; return whether it was kept. Afterwards it survives a power cut."""
        return await asyncio.to_thread(_put, self._path, ticket)

    def __repr__(self) -> str:
        return f"FileTicketStore({str(self._path)!r})"


def _put(path: Path, ticket: Ticket) -> bool:
    with locked(path.with_name(f"{path.name}.lock"), patience=_PATIENCE):
        kept = _kept(path)
        if kept is not None and kept.created > ticket.created:
            return False
        if kept != ticket:
            _replace(path, ticket)
    return True


def _kept(path: Path) -> Ticket | None:
    try:
        return _read(path)
    except TokenUnavailableError as error:
        _log.warning("%s", error)
    return None


def _read(path: Path) -> Ticket | None:
    descriptor = _open(path)
    if descriptor is None:
        return None
    try:
        _check_private(path, os.fstat(descriptor))
        ticket = _parsed(os.read(descriptor, _LARGEST))
    finally:
        os.close(descriptor)
    if ticket is None:
        raise TokenUnavailableError(f"{path} holds no ticket that this release can read; the next push replaces it")
    return ticket


def _open(path: Path) -> int | None:
    try:
        return os.open(path, _READ)
    except FileNotFoundError:
        return None
    except OSError as error:
        if not is_link(error):
            raise
    raise ConfigurationError(f"{path}: expected a file of its own, this is a link")


def _check_private(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ConfigurationError(f"{path}: expected a file, this is something else")
    if sys.platform == "win32":  # pragma: no cover
        return
    if found.st_uid not in {os.geteuid(), 0}:
        raise ConfigurationError(f"{path}: it belongs to another user; whoever runs this must own it")
    if found.st_mode & 0o077:
        raise ConfigurationError(f"{path}: others may read or write it (mode {found.st_mode & 0o777:o}); chmod 600 it")


def _parsed(raw: bytes) -> Ticket | None:
    """Return the ticket that a file holds. Raises nothing: a traceback would show the content."""
    try:
        found: Any = orjson.loads(raw)
        return Ticket(found["ticket"], found["created"]) if found["version"] == _VERSION else None
    except (ValueError, TypeError, LookupError):
        return None


def _replace(path: Path, ticket: Ticket) -> None:
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)  # left by a process that was killed: whoever has the lock is the only one who writes
    with replacing(path, mode=0o600, draft=draft) as file:
        file.write(orjson.dumps({"version": _VERSION, "created": ticket.created, "ticket": ticket.value.reveal()}))
