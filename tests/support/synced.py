"""What a sync is compared with: a ledger, what it has, and what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wxrevenue import Ledger, open_ledger

if TYPE_CHECKING:
    from pathlib import Path

    from support.fleet import Fleet


SPAN = ("2024-01-01", "2026-02-28")
"""52 half-months: 5 jobs for each owner."""


def ledger_in(folder: Path) -> Ledger:
    """Return a ledger in a folder, by the database's clock."""
    return open_ledger(str(folder / "revenue.db"))


async def kept(ledger: Ledger) -> list[tuple[str, Any]]:
    """Return what a ledger has, in an order of its own."""
    return sorted([one async for one in ledger.settlements()], key=repr)


async def served(fleet: Fleet, owners: list[str]) -> list[tuple[str, Any]]:
    """Return what the server has, in the same order."""
    found: list[tuple[str, Any]] = []
    for owner in owners:
        own = owner == fleet.appid
        walk = fleet.client.iter_agency_settlement(*SPAN) if own else fleet.client.iter_settlement(*SPAN, authorizer_appid=owner)
        found += [(owner, row) for row in await walk.collect()]
    return sorted(found, key=repr)


def sent(fleet: Fleet) -> int:
    """Return how many settlement pages were asked for."""
    return sum("settle" in action for action in fleet.actions)
