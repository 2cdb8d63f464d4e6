"""Ledgers that commands only read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from wxrevenue import open_ledger
from wxrevenue.errors import ConfigurationError
from wxrevenue.ledger._open import file_of

if TYPE_CHECKING:
    from wxrevenue.ledger import Ledger

LedgerUrl: TypeAlias = Annotated[str, typer.Option("--ledger", help="A file ending in .db or .sqlite, or postgresql://…")]


def ledger_at(url: str) -> Ledger:
    """Return a ledger that is there already, for ``async with``.

    Raises:
        ConfigurationError: it is not there, or the URL is none.
    """
    file = file_of(url)
    if file is not None and not file.exists():  # opening would make it
        raise ConfigurationError(f"{file}: there is no such ledger; `wxrevenue sync` makes one")
    return open_ledger(url)


async def provider_of(ledger: Ledger, owner: str | None) -> str:
    """Return the owner that was named, or the ledger's provider.

    Raises:
        ConfigurationError: none was named, and the ledger does not know one provider.
    """
    if owner is not None:
        return owner
    known = await ledger.providers()
    if len(known) == 1:
        return known[0]
    told = f"it knows {', '.join(known)}" if known else "it knows no provider yet: the next sync notes it"
    raise ConfigurationError(f"--owner: name the account whose figures to read; {told}")
