"""Where a ledger's file may be.

Not where several hosts write, and not in an SQLite that is too old.
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

OLDEST: Final = (3, 37, 0)
"""The first SQLite with STRICT tables."""
_NETWORK: Final = frozenset({
    "nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "glusterfs", "beegfs", "gfs",
    "gfs2", "ocfs2", "davfs", "ncpfs", "fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.glusterfs", "fuse.ceph-fuse",
    "fuse.davfs2", "fuse.gcsfuse",
})  # fmt: skip
_REMOTE_DRIVE: Final = 4
_PATIENCE_S: Final = 5.0
_MAC_MOUNT: Final = re.compile(r".* on (/.*) \(([^()]+)\)")
_MOUNTS: Final = Path("/proc/self/mounts")


def check_version(version: tuple[int, ...] | None = None) -> None:
    """Refuse an SQLite without STRICT tables.

    Raises:
        ConfigurationError: this one is too old.
    """
    found = sqlite3.sqlite_version_info if version is None else version
    if found < OLDEST:
        raise ConfigurationError(f"SQLite {'.'.join(map(str, found))} is too old: a ledger needs {'.'.join(map(str, OLDEST))} or newer")


def check_place(path: Path) -> None:
    """Refuse a network file system, whose locks do not keep two hosts apart.

    Raises:
        ConfigurationError: the file is, or would be, on one.
    """
    kind = file_system(path.absolute())
    if kind is not None and (kind in _NETWORK or kind == "remote"):
        raise ConfigurationError(
            f"{path}: expected a disk of this machine, found the network file system {kind!r}; use PostgreSQL to share a ledger"
        )


def file_system(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """Return the kind of file system that a path is on.

    ``None`` if this system does not say.
    """
    if sys.platform == "win32":
        import ctypes

        anchor = path.anchor
        is_remote = anchor.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(anchor) == _REMOTE_DRIVE
        return "remote" if is_remote else None
    if sys.platform == "darwin":
        return _kind_of(path, mounts_of_a_mac(_output_of("/sbin/mount")))
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    return _kind_of(path, {_unescaped(fields[1]): fields[2] for line in lines if len(fields := line.split()) > 2})  # noqa: PLR2004


def _kind_of(path: Path, kinds: Mapping[str, str]) -> str | None:
    """Return the kind of the innermost mount that has the path.

    A container may mount a single file.
    """
    place = Path(os.path.realpath(path))  # resolve() does not end for links that lead to themselves
    return next((kinds[str(one)] for one in (place, *place.parents) if str(one) in kinds), None)


def mounts_of_a_mac(text: str) -> dict[str, str]:
    """Return the kinds of what ``mount`` prints on macOS, by path.

    ``//anna@nas/share on /Volumes/share (smbfs, nodev)``: what is a disk of the machine is called
    local.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        if (mount := _MAC_MOUNT.fullmatch(line)) is not None:
            kind, *options = mount[2].split(", ")
            found[mount[1]] = kind if "local" in options or kind in _NETWORK else "remote"
    return found


def _output_of(program: str) -> str:
    try:
        return subprocess.run([program], stdout=subprocess.PIPE, check=True, timeout=_PATIENCE_S, text=True).stdout  # noqa: S603
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""


def _unescaped(text: str) -> str:
    """Return a mount's path: a blank in it stands as an octal number."""
    for code in ("040", "011", "012", "134"):
        text = text.replace(f"\\{code}", chr(int(code, 8)))
    return text
