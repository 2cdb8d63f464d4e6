"""Bills are kept for 90 days: another day is refused before anything is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson
import pytest
from support.paykit import client, signed
from support.virtual import LeapingClock

from wxrevenue import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@pytest.mark.parametrize("day", ["2025-12-18", "2026-03-22", "2020-01-01", "9999-12-31"])
async def test_a_day_without_a_bill_is_refused(day: str) -> None:
    """The error names the day and those allowed, and nothing is sent.

    The client's clock stands at 17:46 of 2026-03-20 in Beijing.
    """
    funds, transport = client()
    calls: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: funds.get_bill_download_url(day),
        lambda: funds.get_refund_bill_download_url(day),
        lambda: anext(aiter(funds.download_bill(day))),
    )
    for call in calls:
        with pytest.raises(ConfigurationError) as caught:
            await call()
        assert caught.value.message == f"bill_date: expected one of the last 90 days in Beijing, 2025-12-20 to 2026-03-20, got {day}"
    assert transport.requests == []


@pytest.mark.parametrize("day", ["2025-12-19", "2025-12-20", "2026-03-20", "2026-03-21"])
async def test_a_clock_may_be_a_day_off(day: str) -> None:
    """A day more at each end is left to the server.

    Whether it counts today is not documented.
    """
    link = signed(orjson.dumps({"download_url": "https://apihk.mch.weixin.qq.com/v3/bill/downloadurl?token=fake"}), 200)
    funds, transport = client(link, link)
    await funds.get_bill_download_url(day)
    await funds.get_refund_bill_download_url(day)
    assert len(transport.requests) == 2


@pytest.mark.parametrize(("seconds", "first"), [(-1, "2025-12-20"), (0, "2025-12-21")])
async def test_a_day_begins_in_beijing(seconds: int, first: str) -> None:
    """The days allowed move on at midnight in Beijing, which is 16:00 in UTC."""
    midnight = datetime(2026, 3, 20, 16, tzinfo=UTC).timestamp()
    funds, _ = client(clock=LeapingClock(midnight + seconds))
    with pytest.raises(ConfigurationError, match=f"days in Beijing, {first} to"):
        await funds.get_bill_download_url("2025-01-01")
