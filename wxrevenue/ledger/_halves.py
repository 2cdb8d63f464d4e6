"""Half-months as rows and changes spell them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from wxrevenue._base.calendar import HalfMonth

if TYPE_CHECKING:
    from wxrevenue.ledger._values import ChangeKey


def change_key(half: int, number: str, place: int) -> ChangeKey:
    """Return the key of a row as a change has it."""
    _, month, order = half_of(half)
    return month, order, number, place


@functools.lru_cache
def half_of(ordinal: int) -> tuple[HalfMonth, str, int]:
    """Return a half-month, its month and its order as the wire has them."""
    half = HalfMonth.at(ordinal)
    return half, f"{half.year:04}{half.month:02}", half.order
