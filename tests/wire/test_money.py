"""Ratios are exact decimals, and yuan has two places."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from support.decoded import made, refused

from wxrevenue import ShareRatio, yuan
from wxrevenue._wire.codec import parse


@pytest.mark.parametrize(
    ("sent", "provider", "merchant"),
    [(b"40", "40", "60"), (b"0", "0", "100"), (b"100", "100", "0"), (b"40.55", "40.55", "59.45"), (b"0.1", "0.1", "99.9")],
)
def test_ratios_are_exact(sent: bytes, provider: str, merchant: str) -> None:
    """The digits on the wire are the digits of the decimal.

    The two shares add up to 100.
    """
    found = made(ShareRatio, parse(b'{"share_ratio":%s}' % sent))
    assert type(found.share_ratio) is Decimal
    assert (str(found.share_ratio), str(found.merchant_ratio)) == (provider, merchant)
    assert found.share_ratio + found.merchant_ratio == 100


@pytest.mark.parametrize("given", ["40", True, None, [], {"share_ratio": 40}], ids=repr)
def test_ratios_are_numbers(given: object) -> None:
    """A string, a bool or a null is no ratio."""
    assert refused(ShareRatio, {"share_ratio": given}).endswith("@ $.share_ratio")


def test_a_ratio_must_be_there() -> None:
    """A success without the ratio is a malformed answer."""
    assert refused(ShareRatio, {}) == "missing @ $.share_ratio"


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (12345, "123.45"),
        (0, "0.00"),
        (5, "0.05"),
        (-1, "-0.01"),
        (100, "1.00"),
        (2**63, "92233720368547758.08"),
        (10**40 + 1, "1" + "0" * 38 + ".01"),
    ],
)
def test_yuan_is_exact(fen: int, text: str) -> None:
    """Two places, always, however large the sum."""
    assert str(yuan(fen)) == text


def test_yuan_does_not_depend_on_the_decimal_context() -> None:
    """Yuan is exact under a user's decimal context of six digits."""
    with localcontext(prec=6):
        assert str(yuan(5_178_368_698)) == "51783686.98"
