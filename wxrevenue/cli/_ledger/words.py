"""Changes as people read them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from wxrevenue.cli._demo.screen import money
from wxrevenue.ledger import ChangeKind
from wxrevenue.report._words import printable

if TYPE_CHECKING:
    from wxrevenue import Settlement
    from wxrevenue.ledger import Change

_ORDER: Final = ("new statement", "paid", "amount changed", "status changed", "number given", "revised", "gone")
_PLURAL: Final = {"new statement": "new statements", "amount changed": "amounts changed", "number given": "numbers given"}
_KINDS: Final = {
    ChangeKind.NEW: "new statement",
    ChangeKind.AMOUNT: "amount changed",
    ChangeKind.NUMBER: "number given",
    ChangeKind.REVISED: "revised",
    ChangeKind.GONE: "gone",
}


class Tally:
    """Counts changes."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, change: Change) -> None:
        """Count a change under everything that it is."""
        for kind in change.kinds:
            self._counts[_KINDS.get(kind) or ("paid" if change.after is not None and change.after.is_paid else "status changed")] += 1

    def __str__(self) -> str:
        found = [f"{count:,} {what if count == 1 else _PLURAL.get(what, what)}" for what in _ORDER if (count := self._counts[what])]
        return ", ".join(found) or "nothing changed"


def line(change: Change) -> str:
    """Return a change as a line.

    It has number, owner, half-month, kinds, and what it was and is.
    """
    kinds = ",".join(sorted(change.kinds))
    number = printable(change.key[2]) or "-"  # no tab, no line end, nothing that steers a terminal
    return f"{change.seq}\t{change.owner}\t{change.half_month}\t{number}\t{kinds}\t{_said(change.before)} -> {_said(change.after)}"


def _said(row: Settlement | None) -> str:
    if row is None:
        return "-"
    return f"{money(row.settled_revenue)} yuan, {'no status' if row.sett_status is None else row.sett_status.name.lower()}"
