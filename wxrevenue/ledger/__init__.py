"""What a provider earned, as far as it is known, and how it changed.

It is a ledger that programs share. ``async with open_ledger("revenue.db") as ledger`` opens one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue._lazy import lazy_names, names_in

if TYPE_CHECKING:
    from wxrevenue._wire.totals import *
    from wxrevenue.ledger._open import *
    from wxrevenue.ledger._port import *
    from wxrevenue.ledger._values import *

CHAPTERS = {
    "wxrevenue._wire.totals": "Totals",
    "wxrevenue.ledger._open": "open_ledger",
    "wxrevenue.ledger._port": "Ledger",
    "wxrevenue.ledger._values": "Change ChangeKind Claim FetchJob OwnerSum Progress Recorded StatusSum",
}
"""What each module exports."""

if not TYPE_CHECKING:
    __all__ = names_in(CHAPTERS)  # noqa: PLE0605  (the table has them once)
    __getattr__, __dir__ = lazy_names(__name__, CHAPTERS)
