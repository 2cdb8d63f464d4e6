"""What a ledger must come through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue.testing._ledger_suite import adding, claiming, listing, recording, refusing

if TYPE_CHECKING:
    from wxrevenue.testing._ledger_suite.case import LedgerCase


def ledger_cases() -> list[LedgerCase]:
    """Return what a ledger must come through, case by case."""
    return [*recording.CASES, *claiming.CASES, *listing.CASES, *adding.CASES, *refusing.CASES]
