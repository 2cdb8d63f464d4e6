"""Days of which WeChat Pay keeps bills."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

from wxrevenue._base.calendar import beijing_day
from wxrevenue.errors import ConfigurationError

_KEPT: Final = timedelta(days=90)
_LEEWAY: Final = timedelta(days=1)
"""A clock may be off at midnight.

The documents do not say whether today is one of the days.
"""


class OfRecentDay:
    """What only a request of the last 90 days can ask for.

    That is checked when it is sent: a request is a value, and knows no clock.
    """

    __slots__ = ()

    bill_date: str

    def refusal(self, now: float) -> ConfigurationError | None:
        """Return why nothing is kept of the day at a Unix time, if so."""
        today, day = beijing_day(datetime.fromtimestamp(now, UTC)), date.fromisoformat(self.bill_date)
        if today - _KEPT - _LEEWAY <= day and day - _LEEWAY <= today:
            return None
        return ConfigurationError(f"bill_date: expected one of the last 90 days in Beijing, {today - _KEPT} to {today}, got {day}")
