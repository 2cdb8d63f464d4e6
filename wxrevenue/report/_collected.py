"""What a reconciliation has found so far, with the rows behind it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from wxrevenue.report._findings import CheckKind, Difference, Reconciliation, Unchecked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wxrevenue._base.calendar import HalfMonth
    from wxrevenue.ledger import Ledger
    from wxrevenue.report._findings import Behind, Said

MOST_ROWS: Final = 1_000
"""Rows of a difference."""
_MOST_ROWS_OF_ALL: Final = 100_000
"""Rows of all differences together; further ones have their settlements alone."""
_MOST_OWNERS: Final = 100


class Collected:
    """Differences, and what could not be compared."""

    def __init__(self, ledger: Ledger, half_month: HalfMonth) -> None:
        self._ledger, self._half_month = ledger, half_month
        self._differences: list[Difference] = []
        self._unchecked: dict[tuple[CheckKind, Said], list[str]] = {}
        self._counts: Counter[tuple[CheckKind, Said]] = Counter()
        self._room = _MOST_ROWS_OF_ALL
        self.compared = 0
        """How many pairs of amounts."""

    @property
    def reconciliation(self) -> Reconciliation:
        """All of it."""
        return Reconciliation(self._half_month, tuple(self._differences), tuple(self._said_unchecked()), self.compared)

    def agrees(self, is_so: bool) -> bool:  # noqa: FBT001  (it reads as a sentence)
        """Count a comparison, and return how it came out."""
        self.compared += 1
        return is_so

    async def behind(self, owner: str) -> list[Behind]:
        """Return an owner's settlements and ad data of the half-month."""
        found = await self.settlements(owner)
        if self._room <= 0:
            return found
        async for row in self._ledger.ads(owner, self._half_month.start, self._half_month.end):
            if len(found) == MOST_ROWS:
                break
            found.append(row)
        self._room -= len(found)
        return found

    async def settlements(self, owner: str | None, but: str = "") -> list[Behind]:
        """Return an owner's settlements of the half-month, or all but one's."""
        found: list[Behind] = []
        async for who, row in self._ledger.settlements(owner=owner, start=self._half_month, end=self._half_month):
            if len(found) == MOST_ROWS:
                break
            if who != but:
                found.append((who, row))
        return found

    def differ(self, what: CheckKind, owner: str, amounts: tuple[int, int], rows: Iterable[Behind], said: Said) -> None:
        """Note a difference: what was expected, and what was found."""
        self._differences.append(Difference(what, *amounts, tuple(rows), owner, said))

    def leave(self, what: CheckKind, said: Said, owner: str = "") -> None:
        """Note that something cannot be compared."""
        owners = self._unchecked.setdefault((what, said), [])
        self._counts[what, said] += 1
        if owner and len(owners) < _MOST_OWNERS:
            owners.append(owner)

    def _said_unchecked(self) -> Iterable[Unchecked]:
        """Yield what could not be compared."""
        for (what, said), owners in self._unchecked.items():
            yield Unchecked(what, tuple(owners), self._counts[what, said], said)
