"""An amount in parts, to the fen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from wxrevenue.errors import ConfigurationError

__all__ = ["split_exactly"]

_MOST_DIGITS: Final = 5_000
"""Digits that two shares may be apart.

``Decimal("1E+999999999")`` beside ``1`` would fill the memory.
"""


def split_exactly(fen: int, shares: Sequence[int | Decimal]) -> list[int]:
    """Return an amount in parts whose sum is the amount, to the fen.

    Each part is what its share of the amount is worth, rounded down or up. What rounding down
    leaves over goes, a fen each, to the parts that lost most by it (the method of the largest
    remainder); of equal ones the first gets it. A part of a negative amount is that of the positive
    one, with the other sign. Nothing is computed with floats::

        split_exactly(100, [1, 1, 1]) == [34, 33, 33]

    Args:
        fen: the amount, fen; may be negative.
        shares: how the parts relate to each other, in any unit: percent, yuan, ``Decimal("0.7")``.

    Raises:
        ConfigurationError: an argument is of another type; shares are missing, one is negative or
            not finite, or all are zero.
    """
    if not _is_a(fen, int):
        raise ConfigurationError(f"split_exactly.fen: expected fen as an int, got {type(fen).__name__}")
    weights = _whole(shares)
    together, amount = sum(weights), abs(fen)
    parts, lost = zip(*(divmod(amount * weight, together) for weight in weights), strict=True)
    found = [*parts]
    by_loss = sorted(range(len(found)), key=lambda number: -lost[number])  # stable: of equal ones the first
    for number in by_loss[: amount - sum(found)]:
        found[number] += 1
    return found if fen >= 0 else [-part for part in found]


def _is_a(value: object, *kinds: type) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


def _whole(shares: Iterable[int | Decimal]) -> list[int]:
    """Return whole numbers that relate to each other as the shares do."""
    where = "split_exactly.shares"
    if not isinstance(shares, Sequence) or isinstance(shares, (str, bytes, bytearray)):
        raise ConfigurationError(f"{where}: expected a sequence of int or Decimal, got {type(shares).__name__}")
    found = [*shares]
    for number, share in enumerate(found):
        if not _is_a(share, int, Decimal):
            raise ConfigurationError(f"{where}[{number}]: expected an int or a Decimal, got {type(share).__name__}")
        if isinstance(share, Decimal) and not share.is_finite():
            raise ConfigurationError(f"{where}[{number}]: expected a finite number, got {share}")
        if share < 0:
            raise ConfigurationError(f"{where}[{number}]: expected no negative share")
    if not any(found):
        raise ConfigurationError(f"{where}: expected at least one share above zero")
    return _scaled([_digits(share) for share in found])


def _digits(share: int | Decimal) -> tuple[int, int]:
    """Return a share as digits and the power of ten that they are multiplied by."""
    if not share:
        return 0, 0
    if isinstance(share, int):
        return int(share), 0
    _, digits, exponent = share.as_tuple()
    return int(Decimal((0, digits, 0))), int(exponent)


def _scaled(parts: list[tuple[int, int]]) -> list[int]:
    powers = [power for digits, power in parts if digits]
    if max(powers) - min(powers) > _MOST_DIGITS:
        raise ConfigurationError(f"split_exactly.shares: expected shares whose digits are at most {_MOST_DIGITS:,} places apart")
    return [digits * 10 ** (power - min(powers)) if digits else 0 for digits, power in parts]
