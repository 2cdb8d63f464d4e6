"""What the provider and the Mini Programs earned, by half-month and state.

Also what is still to be settled.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue.ams.settlement import SettlementStatus

if TYPE_CHECKING:
    from datetime import date

    from wxrevenue._base.calendar import HalfMonth
    from wxrevenue._wire.totals import Totals
    from wxrevenue.ledger import StatusSum

AGES: Final = (30, 60, 90)
"""Days, up to which each column of the ageing reaches; the last column has no end."""
STATES: Final = ("paid", "paying", "settled", "settling", "other")
_STATE_OF: Final = {
    SettlementStatus.PAID: "paid",
    SettlementStatus.PAYING: "paying",
    SettlementStatus.SETTLED: "settled",
    SettlementStatus.SETTLED_3: "settled",
    SettlementStatus.SETTLING: "settling",
}


def state_of(status: SettlementStatus | None) -> str:
    """Return which of the states a status is."""
    return "other" if status is None else _STATE_OF.get(status, "other")


@attrs.frozen
class Share:
    """What the statements of the provider, or of all Mini Programs, come to; fen."""

    kind: str
    """``"provider"`` or ``"programs"``."""
    sums: tuple[StatusSum, ...]

    @property
    def fen(self) -> int:
        """Everything."""
        return sum(one.fen for one in self.sums)

    @property
    def rows(self) -> int:
        """How many statements."""
        return sum(one.rows for one in self.sums)

    @property
    def by_state(self) -> dict[str, int]:
        """By state, fen."""
        found: Counter[str] = Counter()
        for one in self.sums:
            found[state_of(one.status)] += one.fen
        return dict(found)

    @property
    def by_half(self) -> dict[HalfMonth, dict[str, int]]:
        """By half-month and state, fen, the oldest first."""
        found: dict[HalfMonth, dict[str, int]] = defaultdict(dict)
        for one in self.sums:
            state = state_of(one.status)
            found[one.half_month][state] = found[one.half_month].get(state, 0) + one.fen
        return dict(sorted(found.items()))

    def unpaid(self, today: date) -> list[tuple[int, int]]:
        """Return how many statements are not paid, and what they come to, by age.

        The age is the days since their half-month's end (see ``AGES``).
        """
        found = [(0, 0) for _ in range(len(AGES) + 1)]
        for one in self.sums:
            if one.status != SettlementStatus.PAID:
                age = (today - one.half_month.end).days
                place = sum(age > days for days in AGES)
                rows, fen = found[place]
                found[place] = (rows + one.rows, fen + one.fen)
        return found


@attrs.define
class OpenBalance:
    """Earned, less what was deducted and what was settled; fen."""

    fen: int = 0
    owners: int = 0
    """Of whom the header is whole."""
    unknown: int = 0
    """Of whom it lacks one of the three sums."""

    def add(self, totals: Totals) -> None:
        """Count a header."""
        fen = open_balance(totals)
        if fen is None:
            self.unknown += 1
        else:
            self.fen, self.owners = self.fen + fen, self.owners + 1


def open_balance(totals: Totals) -> int | None:
    """Return what a header says is still to be settled, fen.

    ``None``: it lacks one of the three sums.
    """
    if totals.revenue_all is None or totals.penalty_all is None or totals.settled_revenue_all is None:
        return None
    return totals.revenue_all - totals.penalty_all - totals.settled_revenue_all
