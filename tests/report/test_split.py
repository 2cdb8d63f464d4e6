"""Amounts in parts: the sum is exact, whatever the shares.

No part is more than a fen from its exact share.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxrevenue import ConfigurationError, split_exactly

if TYPE_CHECKING:
    import random

amounts = st.integers(-(10**30), 10**30) | st.integers(-1_000, 1_000)
weights = st.integers(0, 10**30) | st.integers(0, 9) | st.decimals(0, 10**20, allow_nan=False, allow_infinity=False, places=7)
shares_of = st.lists(weights, min_size=1, max_size=12).filter(any)


def quotas(fen: int, shares: list[int | Decimal]) -> list[Fraction]:
    """Return the exact value of each part."""
    together = sum(map(Fraction, shares))
    return [Fraction(fen) * Fraction(share) / together for share in shares]


@given(amounts, shares_of)
def test_the_sum_is_exact(fen: int, shares: list[int | Decimal]) -> None:
    """No fen is lost or made, and each part is its exact share, rounded down or up.

    A share of zero gets zero.
    """
    parts = split_exactly(fen, shares)
    assert sum(parts) == fen
    for part, quota, share in zip(parts, quotas(fen, shares), shares, strict=True):
        assert type(part) is int
        assert abs(part - quota) < 1
        assert share or part == 0


@given(amounts, shares_of)
def test_the_largest_remainder_gets_the_fen(fen: int, shares: list[int | Decimal]) -> None:
    """A part that was rounded up lost at least as much as one rounded down.

    Of equal ones the first was rounded up.
    """
    parts = split_exactly(abs(fen), shares)
    remainders = [quota % 1 for quota in quotas(abs(fen), shares)]
    raised = {number for number, (part, quota) in enumerate(zip(parts, quotas(abs(fen), shares), strict=True)) if part > quota}
    for up in raised:
        for down in set(range(len(parts))) - raised:
            assert (remainders[up], -up) > (remainders[down], -down)


@given(amounts, shares_of, st.randoms(use_true_random=False))
def test_order_decides_ties_alone(fen: int, shares: list[int | Decimal], lots: random.Random) -> None:
    """The order of the shares only decides the last fen.

    It decides among those that lost the same by rounding down.
    """
    order = list(range(len(shares)))
    lots.shuffle(order)
    parts = split_exactly(abs(fen), shares)
    shuffled = dict(zip(order, split_exactly(abs(fen), [shares[number] for number in order]), strict=True))
    exact = quotas(abs(fen), shares)
    last = min((quota % 1 for part, quota in zip(parts, exact, strict=True) if part > quota), default=None)
    for number, part in enumerate(parts):
        assert shuffled[number] == part or exact[number] % 1 == last


@given(amounts, shares_of)
def test_a_larger_share_gets_no_less(fen: int, shares: list[int | Decimal]) -> None:
    """Sorted by share, the parts are sorted, too.

    Equal shares differ by a fen at most, and the first has it.
    """
    parts = split_exactly(abs(fen), shares)
    ranked = sorted(zip(map(Fraction, shares), parts, range(len(parts)), strict=True), key=lambda one: (one[0], -one[2]))
    assert [part for _, part, _ in ranked] == sorted(parts)


@given(amounts, st.lists(st.integers(0, 10**12), min_size=1, max_size=8).filter(any), st.integers(1, 10**12), st.integers(-30, 30))
def test_the_unit_of_the_shares_does_not_matter(fen: int, shares: list[int], times: int, power: int) -> None:
    """Shares may be percent, per mille, yuan or ratios.

    Multiplied by any number, also as decimals, they give the same parts.
    """
    parts = split_exactly(fen, shares)
    assert split_exactly(fen, [share * times for share in shares]) == parts
    assert split_exactly(fen, [Decimal((0, tuple(map(int, str(share))), power)) for share in shares]) == parts


@given(amounts, shares_of)
def test_a_negative_amount_mirrors_the_positive_one(fen: int, shares: list[int | Decimal]) -> None:
    """A negative amount is split like the positive one.

    So both cancel out in each part.
    """
    assert [-part for part in split_exactly(fen, shares)] == split_exactly(-fen, shares)


@pytest.mark.parametrize(
    ("fen", "shares", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (101, [1, 1], [51, 50]),
        (0, [3, 7], [0, 0]),
        (1, [0, 1, 1], [0, 1, 0]),
        (12345, [Decimal("12.5"), Decimal("87.5")], [1543, 10802]),
        (7, [5], [7]),
        (1_000, [Decimal("1E+4000"), Decimal("3E+4000")], [250, 750]),
        (10**40 + 1, [10**50, 10**50], [5 * 10**39 + 1, 5 * 10**39]),
        (10, [Decimal("-0"), 2], [0, 10]),
        (100, (Decimal("0.333333333333333333333333333333333333"), Decimal("0.666666666666666666666666666666666667")), [33, 67]),
    ],
)
def test_amounts_in_parts(fen: int, shares: list[int | Decimal], parts: list[int]) -> None:
    """Sums and parts are those of a calculation by hand.

    No digit is lost, however many there are.
    """
    assert split_exactly(fen, shares) == parts


@pytest.mark.parametrize(
    ("fen", "shares", "said"),
    [
        (1.0, [1], "fen: expected fen as an int, got float"),
        (True, [1], "fen: expected fen as an int, got bool"),
        (Decimal(1), [1], "fen: expected fen as an int, got Decimal"),
        (1, [], "shares: expected at least one share above zero"),
        (1, [0, Decimal(0)], "shares: expected at least one share above zero"),
        (1, [1, -1, 3], r"shares\[1\]: expected no negative share"),
        (1, [1, 0.5], r"shares\[1\]: expected an int or a Decimal, got float"),
        (1, [True], r"shares\[0\]: expected an int or a Decimal, got bool"),
        (1, [1, None], r"shares\[1\]: expected an int or a Decimal, got NoneType"),
        (1, [1, Decimal("NaN")], r"shares\[1\]: expected a finite number, got NaN"),
        (1, [Decimal("sNaN")], r"shares\[0\]: expected a finite number, got sNaN"),
        (1, [Decimal("Infinity")], r"shares\[0\]: expected a finite number, got Infinity"),
        (1, [Decimal("-Infinity"), 1], r"shares\[0\]: expected a finite number, got -Infinity"),
        (1, {1, 2}, "shares: expected a sequence of int or Decimal, got set"),
        (1, {"a": 1}, "shares: expected a sequence of int or Decimal, got dict"),
        (1, b"12", "shares: expected a sequence of int or Decimal, got bytes"),
        (1, "12", "shares: expected a sequence of int or Decimal, got str"),
        (1, [1, Decimal("1E+999999")], "shares: expected shares whose digits are at most 5,000 places apart"),
    ],
)
def test_what_cannot_be_split(fen: Any, shares: Any, said: str) -> None:
    """A value that is no amount, or no share, is refused and named.

    A set has no order, and a float no exact value.
    """
    with pytest.raises(ConfigurationError, match=f"^split_exactly.{said}$"):
        split_exactly(fen, shares)
