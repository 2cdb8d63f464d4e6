"""Custom ratios: what is sent, what comes back, what is refused before it is sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from support.chapters import answered, body, refused
from support.virtual import virtual

from wxrevenue import ApiError, GetCustomShareRatio, SetCustomShareRatio


@pytest.mark.parametrize(
    ("ratio", "sent"),
    [(50, "50"), (0, "0"), (100, "100"), (Decimal("12.5"), "12.5"), (Decimal("0.00"), "0"), (Decimal("1E+1"), "10")],
)
def test_a_custom_ratio_is_sent_exactly(ratio: Any, sent: str) -> None:
    """The sample's bytes; a zero is sent too, and a decimal keeps its digits."""
    assert body(SetCustomShareRatio("wxf3dsfsfsdf478", share_ratio=ratio)) == f'{{"appid":"wxf3dsfsfsdf478","share_ratio":{sent}}}'


def test_asking_for_a_custom_ratio() -> None:
    """The sample's bytes."""
    assert body(GetCustomShareRatio("wxf3dsfsfsdf13d")) == '{"appid":"wxf3dsfsfsdf13d"}'


@virtual
async def test_samples() -> None:
    """A ratio that was set has an empty answer; one that was asked for is a decimal."""
    assert await answered(SetCustomShareRatio("wx1", share_ratio=50), '{"ret":0,"err_msg":""}') is None
    found = await answered(GetCustomShareRatio("wx1"), '{"ret":0,"err_msg":"","share_ratio":50}')
    assert (found.share_ratio, found.merchant_ratio, found.extra) == (Decimal(50), Decimal(50), {})


@virtual
async def test_no_custom_ratio_is_an_error_that_says_so() -> None:
    """2061 is an error that says that no ratio is set, and what to do."""
    with pytest.raises(ApiError) as caught:
        await answered(GetCustomShareRatio("wx1"), {"ret": 2061, "err_msg": "not exist"})
    assert caught.value.code == 2061
    assert "SetCustomShareRatio" in (caught.value.solution or "")


def test_what_is_not_allowed() -> None:
    """A ratio or an appid that is not allowed is refused by name.

    The ratio is out of range, has three places, or is of another type.
    """
    wrong: dict[Any, str] = {
        101: "expected 0 to 100 percent, got 101",
        -1: "expected 0 to 100 percent, got -1",
        Decimal("0.125"): "expected at most 2 decimal places",
        12.5: "expected an int or a Decimal, got float: write Decimal('12.5')",
        "40": "expected an int or a Decimal, got str",
    }
    for value, message in wrong.items():
        refused(SetCustomShareRatio, f"SetCustomShareRatio.share_ratio: {message}", "wx1", share_ratio=value)
    refused(lambda: GetCustomShareRatio(""), "GetCustomShareRatio.appid: expected 1 to 64 characters, got 0")
    make: Any = SetCustomShareRatio
    with pytest.raises(TypeError):
        make("wx1", 40)
