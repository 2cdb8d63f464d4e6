"""Tests of your own code with pytest, without a network.

The fixtures come with the package: wx_client calls wx_sandbox, and with wx_clock waits pass at
once. pip install pytest pytest-asyncio. Then: python -m pytest test_own_code.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wxrevenue import AgreementUnsignedError

if TYPE_CHECKING:
    from wxrevenue import RevenueClient
    from wxrevenue.sandbox import Sandbox
    from wxrevenue.testing import SkippingClock

pytestmark = pytest.mark.asyncio


async def share_of(client: RevenueClient, appid: str) -> str:
    """Return the split as your page shows it: this stands for your own code."""
    try:
        ratio = await client.get_share_ratio(appid)
    except AgreementUnsignedError:
        return "the merchant has not signed"
    return f"{ratio.share_ratio} %"


@pytest.fixture
def appid(wx_client: RevenueClient, wx_sandbox: Sandbox) -> str:
    """Return a Mini Program of the sandbox."""
    return wx_sandbox.programs(wx_client.component_appid)[0]


async def test_the_split(wx_client: RevenueClient, appid: str) -> None:
    """The sandbox begins with half and half."""
    assert await share_of(wx_client, appid) == "50 %"


async def test_a_refusal(wx_client: RevenueClient, wx_sandbox: Sandbox, appid: str) -> None:
    """The next call gets a code of your choice."""
    wx_sandbox.next(1735)
    assert await share_of(wx_client, appid) == "the merchant has not signed"


async def test_operating_too_fast(wx_client: RevenueClient, wx_sandbox: Sandbox, wx_clock: SkippingClock, appid: str) -> None:
    """A call that may wait sits out the pause of a minute, in no time."""
    wx_sandbox.next(1737)
    assert await share_of(wx_client.with_options(deadline=150), appid) == "50 %"
    assert wx_clock.waited >= 60
