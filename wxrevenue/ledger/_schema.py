"""Bringing a ledger's schema up to date, one numbered step after the other."""

from __future__ import annotations

import functools
from importlib import resources
from typing import TYPE_CHECKING, Final

from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.ledger._session import Session

SCHEMA_TABLE: Final = "wxrevenue_schema"


@functools.cache
def steps() -> dict[int, tuple[str, ...]]:
    """Return the statements of each step by its number."""
    folder = resources.files("wxrevenue.ledger._migrations")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return {int(file.name[:4]): _statements(file.read_text(encoding="utf-8")) for file in files}


def _statements(text: str) -> tuple[str, ...]:
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return tuple(found for one in "\n".join(lines).split(";") if (found := one.strip()))


def migrate(session: Session, name: str, translated: Callable[[str], str] = str) -> None:
    """Run the steps that the database lacks.

    Args:
        session: a transaction that keeps others from doing the same.
        name: what to call the database in an error.
        translated: brings a statement into the database's own words.

    Raises:
        ConfigurationError: a newer release wrote the ledger.
    """
    session.run(translated(f"CREATE TABLE IF NOT EXISTS {SCHEMA_TABLE} (step INTEGER NOT NULL PRIMARY KEY)"))
    done = _done(session, name)
    for step, statements in steps().items():
        if step not in done:
            for statement in statements:
                session.run(translated(statement))
            session.run(f"INSERT INTO {SCHEMA_TABLE} (step) VALUES (?)", step)  # noqa: S608


def is_current(session: Session, name: str) -> bool:
    """Return whether a database that has a schema lacks no step.

    Then it need not be written to open it.

    Raises:
        ConfigurationError: a newer release wrote the ledger.
    """
    return _done(session, name) >= steps().keys()


def _done(session: Session, name: str) -> set[int]:
    done = {row[0] for row in session.run(f"SELECT step FROM {SCHEMA_TABLE}")}  # noqa: S608
    newest = max(steps())
    if done and max(done) > newest:
        raise ConfigurationError(
            f"{name}: a newer release wrote this ledger (schema {max(done)}); this one knows {newest}: upgrade wxrevenue"
        )
    return done
