"""Ledgers that commands only read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from wxrevenue.errors import ConfigurationError
from wxrevenue.ledger._open import existing_ledger as ledger_at

if TYPE_CHECKING:
    from wxrevenue.ledger import Ledger

__all__ = ["LedgerUrl", "ledger_at", "provider_of"]

LedgerUrl: TypeAlias = Annotated[str, typer.Option("--ledger", help="A file ending in .db or .sqlite, or postgresql://…")]


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
