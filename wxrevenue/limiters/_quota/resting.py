"""What is kept of a scope that is not in use, in a tenth of the memory.

It is kept of a scope of which nothing is known but when its calls were answered: no call is in
flight, none was ever refused. That is a row of numbers, and a learner made of it goes on as if it
had been there all the time.
"""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_START, _COUNT, _SLICE = 0, 2, 4
"""Where a slice has its beginning and its calls, and how many numbers it has."""


class Facts(NamedTuple):
    """The numbers before the slices; see the attributes of that name."""

    proven: float
    counted: float
    sent_at: float
    answered_at: float
    blocked_at: float
    since: float
    """Not a number where no count began."""
    test_at: float


_FACTS: Final = len(Facts._fields)


def pack(facts: Facts, slices: Iterable[float]) -> bytes:
    """Return the facts, and the numbers of the slices of an answer log."""
    return array("d", (*facts, *slices)).tobytes()


def unpack(packed: bytes) -> tuple[Facts, list[float]]:
    """Return what was packed."""
    numbers = array("d", packed).tolist()
    return Facts(*numbers[:_FACTS]), numbers[_FACTS:]


def is_useless(packed: bytes, now: float, window: float) -> bool:
    """Return whether nothing would be lost without it."""
    return now - unpack(packed)[0].answered_at >= window


def answered_since(packed: bytes, start: float) -> int:
    """Return how many calls were answered from then on."""
    slices = unpack(packed)[1]
    return int(math.fsum(calls for begun, calls in zip(slices[_START::_SLICE], slices[_COUNT::_SLICE], strict=True) if begun >= start))
