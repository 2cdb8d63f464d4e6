"""Opening a ledger by its URL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from wxrevenue._base import extras
from wxrevenue._base.secret import Secret, as_secret
from wxrevenue.errors import ConfigurationError
from wxrevenue.ledger._sql_ledger import SqlLedger

if TYPE_CHECKING:
    from wxrevenue.ledger._port import Ledger
    from wxrevenue.ports import Clock

__all__ = ["open_ledger"]

_POSTGRES: Final = "postgresql://"
_FILES: Final = (".db", ".sqlite")
_EXPECTED: Final = "expected 'sqlite:///path', 'postgresql://…', or a path that ends in .db or .sqlite"


def open_ledger(url: str, *, clock: Clock | None = None) -> Ledger:
    """Return a ledger, for ``async with``.

    Nothing is opened before the block is entered. A file is made if need be, its folder is not.

    Args:
        url: ``sqlite:///path`` (four slashes for an absolute one), a path that ends in ``.db`` or
            ``.sqlite``, or ``postgresql://user:password@host/database`` (extra ``postgres``), where
            ``?host=/folder`` names the folder of a socket.
        clock: what tells the time of records and leases, for tests; the database's own by default.

    Raises:
        ConfigurationError: the URL is something else. A password in it is not shown.
    """
    url = as_secret(url)  # first of all: what follows may raise
    return _ledger(url, clock=clock, make=True)


def existing_ledger(url: str) -> Ledger:
    """Return a ledger that is there already, for ``async with``.

    It is upgraded if need be, and never made.

    Raises:
        ConfigurationError: as of :func:`open_ledger`; when it is entered, there is no ledger.
    """
    url = as_secret(url)  # as above
    return _ledger(url, clock=None, make=False)


def _ledger(url: object, *, clock: Clock | None, make: bool) -> Ledger:
    if not isinstance(url, Secret):
        raise ConfigurationError(f"open_ledger.url: expected a str, got {getattr(url, 'kind', type(url).__name__)}")
    if url.reveal().startswith(_POSTGRES):
        return _in_postgres(url, clock, make=make)
    from wxrevenue.ledger._sqlite.database import SqliteDatabase

    path = _path(url)
    if path is None:
        raise ConfigurationError(f"open_ledger.url: {_EXPECTED}")
    return SqlLedger(SqliteDatabase(path, make=make), str(path), clock)


def _in_postgres(url: Secret, clock: Clock | None, *, make: bool) -> Ledger:
    try:
        from wxrevenue.ledger._postgres.database import PostgresDatabase
    except ModuleNotFoundError as error:
        missing = error.name
    else:
        database = PostgresDatabase(url, make=make)
        return SqlLedger(database, database.name, clock)
    raise ConfigurationError(extras.missing("open_ledger.url: PostgreSQL", str(missing), "postgres"))


def _path(url: Secret) -> Path | None:
    """Return the file that is named, or ``None``."""
    text = url.reveal()
    if "://" not in text and "\0" not in text:
        return Path(text) if text.endswith(_FILES) else None
    parts = urlsplit(text)
    is_plain = parts.scheme == "sqlite" and not (parts.netloc or parts.query or parts.fragment)
    return Path(unquote(parts.path[1:])) if is_plain and parts.path.strip("/") else None
