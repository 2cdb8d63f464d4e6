"""Certificates kept in a file, for the processes of one machine."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from wxrevenue._base.files import checked_path, locked, replacing
from wxrevenue._base.printable import Printable

if TYPE_CHECKING:
    import os

_PRIVATE: Final = 0o600
_PATIENCE: Final = 2.0
"""Seconds to wait for another process that is writing."""


class FileCertificateStore(Printable):
    """Keeps the newest list of each merchant in one file.

    The file is replaced in one step, under a lock on a second file named ``….lock``. What it holds
    is sealed and signed by WeChat Pay: a writer of it can lose a list, and plant none. One that
    cannot be read counts as absent. What the operating system says (``OSError``) passes.

    Args:
        path: the file, in a folder that exists.

    Raises:
        ConfigurationError: the path is not a ``str`` or a ``Path``.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(checked_path("FileCertificateStore.path", path)).absolute()

    async def get(self, mchid: str) -> bytes | None:
        """Return the newest list, or ``None``."""
        found = (await asyncio.to_thread(_read, self._path)).get(mchid)
        return None if found is None else found[1]

    async def put(self, mchid: str, certificates: bytes, *, fetched: float) -> bool:
        """Keep a list unless a newer one is kept; return whether it was kept."""
        return await asyncio.to_thread(_put, self._path, mchid, (fetched, certificates))

    def __repr__(self) -> str:
        return f"FileCertificateStore({str(self._path)!r})"


def _read(path: Path) -> dict[str, tuple[float, bytes]]:
    try:
        found: dict[str, tuple[float, str]] = orjson.loads(path.read_bytes())
        return {mchid: (float(fetched), base64.b64decode(text, validate=True)) for mchid, (fetched, text) in found.items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return {}


def _put(path: Path, mchid: str, newest: tuple[float, bytes]) -> bool:
    with locked(path.with_name(f"{path.name}.lock"), patience=_PATIENCE):
        kept = _read(path)
        if mchid in kept and kept[mchid][0] > newest[0]:
            return False
        kept[mchid] = newest
        with replacing(path, mode=_PRIVATE) as file:
            file.write(orjson.dumps({name: [fetched, base64.b64encode(text).decode()] for name, (fetched, text) in kept.items()}))
    return True
