"""Calendar days and half-months in Beijing time, which is what every date on these pages means."""

from __future__ import annotations

import calendar
import functools
from datetime import date, datetime
from typing import Final

from wxrevenue.errors import ConfigurationError

FIRST_HALF_ENDS: Final = 15
_DAY: Final = 86_400
_OFFSET: Final = 8 * 3_600
_WRITTEN: Final = len("2020-03-25")


def beijing_date(value: str | date, where: str = "a date") -> str:
    """Return a Beijing calendar day as the wire spells it, ``yyyy-mm-dd``.

    Args:
        value: a :class:`datetime.date`, or a zero-padded string. A ``datetime`` is refused: whose midnight would it mean?
        where: what to call it in the error.

    Raises:
        ConfigurationError: it is something else, or no such day exists.
    """
    if isinstance(value, datetime) or not isinstance(value, (str, date)):
        raise ConfigurationError(f"{where}: expected a datetime.date or a 'yyyy-mm-dd' str, got {type(value).__name__}")
    if isinstance(value, date):
        return value.isoformat()
    if not _is_day(value):
        raise ConfigurationError(f"{where}: expected zero-padded 'yyyy-mm-dd', a day that exists in the calendar")
    return value


@functools.lru_cache
def _is_day(text: str) -> bool:
    try:
        return len(text) == _WRITTEN and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def half_month(month: str, order: int) -> tuple[date, date]:
    """Return the first and last day of a half-month: order 1 ends on the 15th, order 2 with the month.

    Raises:
        ValueError: ``month`` is not ``yyyymm``, or ``order`` neither 1 nor 2.
    """
    if len(month) != len("202003") or not (month.isascii() and month.isdigit()):
        raise ValueError("month must be yyyymm")
    first = date(int(month[:4]), int(month[4:]), 1)
    if order == 1:
        return first, first.replace(day=FIRST_HALF_ENDS)
    if order == 2:  # noqa: PLR2004
        last = calendar.monthrange(first.year, first.month)[1]
        return first.replace(day=FIRST_HALF_ENDS + 1), first.replace(day=last)
    raise ValueError("order must be 1 or 2")


def seconds_to_midnight(now: float) -> float:
    """Return the seconds from a Unix time until the next midnight in Beijing."""
    return _DAY - (now + _OFFSET) % _DAY
