"""The sandbox's custom ratios."""

from __future__ import annotations

from decimal import Decimal

import pytest
from support.provider import Provider, code_of
from support.virtual import virtual


@pytest.mark.parametrize("number", [0, 1, 2])
@virtual
async def test_a_custom_ratio_counts_more_than_the_default(number: int) -> None:
    """It is none until it is set, and in force once the merchant agreed; the others get the default."""
    provider = Provider(number)
    one, two, *_ = provider.programs
    assert await code_of(provider.client.get_custom_share_ratio(one)) == 2061
    await provider.client.set_custom_share_ratio(one, share_ratio=Decimal("12.5"))
    await provider.client.set_share_ratio(40)
    assert (await provider.client.get_custom_share_ratio(one)).share_ratio == Decimal("12.5")
    assert (await provider.client.get_share_ratio(one)).share_ratio == 50
    provider.sandbox.confirm_ratio(provider.appid)
    assert [(await provider.client.get_share_ratio(appid)).share_ratio for appid in (one, two)] == [Decimal("12.5"), 40]


@virtual
async def test_who_has_no_custom_ratio() -> None:
    """An unsigned Mini Program may have one set and cannot be asked; somebody else's is none of the provider's."""
    provider = Provider()
    unsigned, other = provider.sandbox.unsigned_program(provider.appid), Provider(1).programs[0]
    await provider.client.set_custom_share_ratio(unsigned, share_ratio=40)
    assert await code_of(provider.client.get_custom_share_ratio(unsigned)) == 1735
    assert await code_of(provider.client.get_custom_share_ratio(other)) == 1701
    assert await code_of(provider.client.set_custom_share_ratio(other, share_ratio=40)) == 1701
