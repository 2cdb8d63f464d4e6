"""What recording changed, made into changes when somebody looks at them.

Who records many jobs only counts them, and a change is dear to make.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from wxrevenue.ledger._halves import half_of
from wxrevenue.ledger._pairing import known_of
from wxrevenue.ledger._times import utc
from wxrevenue.ledger._values import Change, Recorded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxrevenue.ledger._pairing import Changed
    from wxrevenue.ledger._values import ChangeKind


def recorded(last: int, at: int, owner: str, changed: Sequence[Changed]) -> Recorded:
    """Return what was recorded of an answer, its changes numbered after another's."""
    found = Recorded.__new__(Recorded)
    object.__setattr__(found, "stale", False)
    object.__setattr__(found, "_late", partial(_made, changed, last, at, owner))
    return found


def kinds_of(found: Recorded) -> list[frozenset[ChangeKind]]:
    """Return the kinds of each change, and make none for that."""
    late = getattr(found, "_late", None)
    if not isinstance(late, partial):  # another ledger's
        return [change.kinds for change in found.changes]
    changed: Sequence[Changed] = late.args[0]
    return [kinds for _, _, _, kinds in changed]


def _made(changed: Sequence[Changed], last: int, at: int, owner: str) -> tuple[Change, ...]:
    moment = utc(at)
    found: list[Change] = []
    for seq, (half, before, after, kinds) in enumerate(changed, last + 1):
        half_month, month, order = half_of(half)
        number, place, *_ = known_of(before, after)
        old, new = None if before is None else before.row, None if after is None else after.row
        found.append(Change(seq, moment, owner, half_month, (month, order, number, place), kinds, old, new))
    return tuple(found)
