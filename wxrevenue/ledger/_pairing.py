"""Which of the rows of a half-month that were kept is which of those that came.

Rows have no lasting key: they get their number late, and several may have none. So they are paired:

1. a row that is the same in everything;
2. a row that got its number, with the only unnumbered row of equal amount;
3. the rest of equal numbers, the unnumbered ones among them, in order of amount and date.

What finds no partner is gone, or new.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, NamedTuple

from wxrevenue.ledger._values import ChangeKind

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable
    from typing import TypeAlias

    from wxrevenue.ams.settlement import Settlement

    Changed: TypeAlias = tuple[int, "KeptRow | None", "KeptRow | None", frozenset[ChangeKind]]
    """A row of a half-month that is not what it was.

    The half-month, what the row was and is, and how it differs.
    """

NEW, _GONE = frozenset({ChangeKind.NEW}), frozenset({ChangeKind.GONE})


class KeptRow(NamedTuple):
    """A row as the ledger keeps it."""

    number: str
    """Its number as a key: ``""`` while it has none."""
    place: int
    """A count from 0 that tells equal numbers of a half-month apart."""
    row: Settlement
    data: str
    """Everything in the row, as a str that is equal only for equal rows."""
    status: int | None
    """The row's status: a plain int, which is faster to look up than an enum's member."""
    fen: int

    @property
    def order(self) -> tuple[int, str]:
        """Amount and date, by which rows of equal numbers are paired."""
        return self.fen, str(self.row.date or "")


def kept_row(number: str, place: int, row: Settlement, data: str) -> KeptRow:
    """Return a row as the ledger keeps it; its number is known as a key, and its data."""
    status = row.sett_status
    return KeptRow(number, place, row, data, None if status is None else status.real, row.settled_revenue)


class Pair(NamedTuple):
    """What a row was and is; one of the two may be missing."""

    before: KeptRow | None
    after: KeptRow | None

    @property
    def known(self) -> KeptRow:
        """The row that a change is named after: what it is, or else was."""
        return known_of(self.before, self.after)

    @property
    def kinds(self) -> frozenset[ChangeKind]:
        """What the change is; empty if nothing is another."""
        if self.before is None or self.after is None:
            return NEW if self.before is None else _GONE
        if self.before.data == self.after.data:
            return frozenset()
        was, now = self.before.row, self.after.row
        differs = {
            ChangeKind.AMOUNT: was.settled_revenue != now.settled_revenue,
            ChangeKind.STATUS: was.sett_status != now.sett_status,
            ChangeKind.NUMBER: (was.sett_no or "") != (now.sett_no or ""),
        }
        return frozenset(kind for kind, is_other in differs.items() if is_other) or frozenset({ChangeKind.REVISED})


def known_of(before: KeptRow | None, after: KeptRow | None) -> KeptRow:
    """Return what a row is, or else was."""
    found = before if after is None else after
    assert found is not None, "a pair has one row at least"  # noqa: S101  (made below)
    return found


def paired(kept: Iterable[KeptRow], came: Iterable[KeptRow]) -> list[Pair]:
    """Return the rows in pairs, in order of their keys.

    Those that came get their place here.
    """
    old, new = list(kept), list(came)
    if not old and len(new) == 1:
        return [Pair(None, new[0])]
    if not old:
        return sorted(_placed([(None, row) for row in new], []), key=_by_key)
    pairs = _same(old, new)
    pairs += _numbered(old, new)
    pairs += _in_order(old, new)
    pairs += [(None, row) for row in new]
    return sorted(_placed(pairs, old), key=_by_key)


def _by_key(pair: Pair) -> tuple[str, int]:
    return pair.known.number, pair.known.place


def _same(old: list[KeptRow], new: list[KeptRow]) -> list[tuple[KeptRow | None, KeptRow]]:
    return _zipped(old, new, lambda row: row.data)


def _numbered(old: list[KeptRow], new: list[KeptRow]) -> list[tuple[KeptRow | None, KeptRow]]:
    """Pair the rows that got their number, and take them out of both lists."""
    numbers = {row.number for row in old}
    unnumbered: dict[int, list[KeptRow]] = defaultdict(list)
    for row in old:
        if not row.number:
            unnumbered[row.row.settled_revenue].append(row)
    found: list[tuple[KeptRow | None, KeptRow]] = []
    for row in sorted(new, key=lambda row: (row.number, row.order)):
        same = unnumbered.get(row.row.settled_revenue, ())
        if row.number and row.number not in numbers and len(same) == 1:
            found.append((unnumbered.pop(row.row.settled_revenue)[0], row))
    _take_out(found, old, new)
    return found


def _in_order(old: list[KeptRow], new: list[KeptRow]) -> list[tuple[KeptRow | None, KeptRow]]:
    return _zipped(old, new, lambda row: row.number)


def _zipped(old: list[KeptRow], new: list[KeptRow], key: Callable[[KeptRow], Hashable]) -> list[tuple[KeptRow | None, KeptRow]]:
    """Pair rows of equal keys, in order of amount and date.

    They are taken out of both lists.
    """
    before: dict[Hashable, deque[KeptRow]] = defaultdict(deque)
    for row in sorted(old, key=lambda row: (row.order, row.place)):
        before[key(row)].append(row)
    candidates = sorted(new, key=lambda row: row.order)
    found: list[tuple[KeptRow | None, KeptRow]] = [(before[key(row)].popleft(), row) for row in candidates if before[key(row)]]
    _take_out(found, old, new)
    return found


def _take_out(pairs: list[tuple[KeptRow | None, KeptRow]], *lists: list[KeptRow]) -> None:
    taken = {id(row) for pair in pairs for row in pair}
    for some in lists:
        some[:] = [row for row in some if id(row) not in taken]


def _placed(pairs: list[tuple[KeptRow | None, KeptRow]], gone: list[KeptRow]) -> list[Pair]:
    """Give each row that came its place.

    It is its partner's under the same number, else the first that is free.
    """
    stays = [before is not None and before.number == after.number for before, after in pairs]
    taken = {(before.number, before.place) for (before, _), stay in zip(pairs, stays, strict=True) if stay and before is not None}
    found = [Pair(row, None) for row in gone]
    free: dict[str, int] = {}
    for (before, after), stay in zip(pairs, stays, strict=True):
        place = before.place if stay and before is not None else free.get(after.number, 0)
        while not stay and (after.number, place) in taken:
            place += 1
        if not stay:
            free[after.number] = place + 1
        found.append(Pair(before, after._replace(place=place) if place else after))
    return found
