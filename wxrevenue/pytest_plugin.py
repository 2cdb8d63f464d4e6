"""Fixtures for your own tests.

pytest finds them as soon as the package is installed.

``wx_sandbox`` is a made-up server, ``wx_client`` and ``wx_funds`` are clients of it, ``wx_clock``
is the time of all three: waits pass at once. To change one, define a fixture of the same name, for
instance a sandbox with ``books`` of your own. Nothing of the package is loaded before a fixture is
used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from wxrevenue import FundsDistributionClient, RevenueClient
    from wxrevenue.sandbox import Sandbox
    from wxrevenue.testing import SkippingClock


@pytest.fixture
def wx_clock() -> SkippingClock:
    """Return a clock whose waits pass at once.

    ``wx_clock.advance(3600)`` lets an hour pass.
    """
    from wxrevenue.testing import SkippingClock

    return SkippingClock()


@pytest.fixture
def wx_sandbox(wx_clock: SkippingClock) -> Sandbox:
    """Return a sandbox in this process, on the time of ``wx_clock``."""
    from wxrevenue.sandbox import Sandbox

    return Sandbox(now=wx_clock.time, sleep=wx_clock.sleep)


@pytest.fixture
def wx_client(wx_sandbox: Sandbox, wx_clock: SkippingClock) -> RevenueClient:
    """Return a client of the sandbox's first provider.

    It has the tokens of the provider's Mini Programs, too.
    """
    from wxrevenue import RevenueClient
    from wxrevenue.sandbox._client_tokens import SandboxTokens

    appid = wx_sandbox.components[0]
    return RevenueClient(SandboxTokens(wx_sandbox, appid), appid, transport=wx_sandbox.transport(), clock=wx_clock)


@pytest.fixture
def wx_funds(wx_sandbox: Sandbox, wx_clock: SkippingClock) -> FundsDistributionClient:
    """Return a client of the sandbox's WeChat Pay merchant.

    It is for the first sub-merchant.
    """
    from wxrevenue import FundsDistributionClient, StaticVerifier

    merchant = wx_sandbox.merchant
    return FundsDistributionClient(
        merchant.mchid,
        merchant.serial_no,
        merchant.private_key,
        verifier=StaticVerifier(merchant.platform_keys),
        sub_mchid=merchant.sub_mchids[0],
        transport=wx_sandbox.transport(),
        clock=wx_clock,
    )
