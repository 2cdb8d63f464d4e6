"""The sandbox's custom ratios."""

from __future__ import annotations

from decimal import Decimal

import pytest
from support.provider import Provider, code_of
from support.virtual import virtual


@pytest.mark.parametrize("number", [0, 1, 2])
@virtual
async def test_a_custom_ratio_counts_more_than_the_default(number: int) -> None:
    """A custom ratio is in force once the merchant agreed.

    It is missing until it is set. It comes before the default, which the others get.
    """
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
    """An unsigned Mini Program may get a custom ratio, and cannot be asked for it.

    Another provider's Mini Program is refused.
    """
    provider = Provider()
    unsigned, other = provider.sandbox.unsigned_program(provider.appid), Provider(1).programs[0]
    await provider.client.set_custom_share_ratio(unsigned, share_ratio=40)
    assert await code_of(provider.client.get_custom_share_ratio(unsigned)) == 1735
    assert await code_of(provider.client.get_custom_share_ratio(other)) == 1701
    assert await code_of(provider.client.set_custom_share_ratio(other, share_ratio=40)) == 1701


@virtual
async def test_merchants_that_confirm_late() -> None:
    """With ``confirm_after`` a ratio is in force that many seconds after it was set."""
    provider = Provider(confirm_after=3600.0)
    one, two, *_ = provider.programs

    async def in_force(*appids: str) -> list[Decimal]:
        """Return the ratios in force."""
        return [(await provider.client.get_share_ratio(appid)).share_ratio for appid in appids]

    await provider.client.set_share_ratio(40)
    provider.now += 1800
    await provider.client.set_custom_share_ratio(one, share_ratio=30)
    provider.now += 1799
    assert await in_force(one, two) == [50, 50]
    provider.now += 1
    assert await in_force(one, two) == [50, 40]
    provider.now += 1800
    assert await in_force(one, two) == [30, 40]
