"""Half-months: what settlements are made of. Days are Beijing calendar days."""

from __future__ import annotations

import calendar
import functools
import re
import time
from datetime import date, datetime, timedelta, timezone
from typing import Final

import attrs

from wxrevenue._base import checks
from wxrevenue._base.printable import Printable
from wxrevenue.errors import ConfigurationError

_BEIJING: Final = timezone(timedelta(hours=8))  # no summer time since 1991

FIRST_HALF_ENDS: Final = 15


_DAY: Final = 86_400


_OFFSET: Final = 8 * 3_600


_WRITTEN: Final = len("2020-03-25")


_LIKE_A_DAY: Final = re.compile(r"([0-9]{4})[-/.年 ]?([0-9]{1,2})[-/.月 ]?([0-9]{1,2})日?(?:[T ][0-9:.Z]*)?")


_SPELLED: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([12])")


def beijing_date(value: str | date, where: str = "a date") -> str:
    """Return a Beijing calendar day as the wire spells it, ``yyyy-mm-dd``.

    Args:
        value: a :class:`datetime.date`, or a zero-padded string. A ``datetime`` is refused: whose
            midnight would it mean?
        where: what to call it in the error.

    Raises:
        ConfigurationError: it is something else, or no such day exists.
    """
    expected = f"{where}: expected a datetime.date or a 'yyyy-mm-dd' str, got {type(value).__name__}"
    if isinstance(value, datetime):
        raise ConfigurationError(f"{expected}: write its .date(), as it is in Beijing")
    if not isinstance(value, (str, date)):
        raise ConfigurationError(expected)
    if isinstance(value, date):
        return value.isoformat()
    if not is_day(value):
        raise ConfigurationError(f"{where}: expected zero-padded 'yyyy-mm-dd', a day that exists in the calendar{_meant(value)}")
    return value


def _meant(text: str) -> str:
    """Return what was typed, and how to write it, if it can only be a day."""
    got = checks.shown(text)
    found = _LIKE_A_DAY.fullmatch(text)
    if found is None:
        return "" if got == "str" else f"; got {got}"
    meant = f"{found[1]}-{found[2]:>02}-{found[3]:>02}"
    return f"; got {got}; write {meant}" if is_day(meant) else f"; got {got}: that day does not exist"


@functools.lru_cache
def is_day(text: str) -> bool:
    """Return whether a str is a zero-padded day that exists."""
    try:
        return len(text) == _WRITTEN and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def half_month(month: str, order: int) -> tuple[date, date]:
    """Return the first and last day of a half-month.

    Order 1 ends on the 15th, order 2 with the month.

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


@attrs.frozen(order=True)
class HalfMonth(Printable):
    """The 1st to the 15th of a month (order 1), or the 16th to its end (order 2).

    Half-months sort by time.

    Args:
        year: such as 2024.
        month: 1 to 12.
        order: 1 or 2, as in a settlement's ``order``.

    Raises:
        ConfigurationError: the half-month does not exist.
    """

    year: int
    month: int
    order: int

    def __attrs_post_init__(self) -> None:
        for name, last in {"year": 9999, "month": 12, "order": 2}.items():
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= last:
                raise ConfigurationError(f"HalfMonth.{name}: expected an int, 1 to {last}")

    @classmethod
    def of(cls, day: str | date) -> HalfMonth:
        """Return the half-month that a day belongs to.

        ``day`` is as ``beijing_date`` takes it.
        """
        found = date.fromisoformat(beijing_date(day, "HalfMonth.of"))
        return cls(found.year, found.month, 1 if found.day <= FIRST_HALF_ENDS else 2)

    @classmethod
    def parse(cls, text: str) -> HalfMonth:
        """Return the half-month that ``str()`` writes like this: ``2024-03-1``.

        Raises:
            ConfigurationError: it is not written so, or the half-month does not exist.
        """
        if not isinstance(text, str):
            raise ConfigurationError(f"HalfMonth.parse: expected a str, got {type(text).__name__}")
        found = _SPELLED.fullmatch(text)
        if found is None:
            raise ConfigurationError(f"HalfMonth.parse: expected a half-month such as '2024-03-1' or '2024-03-2', got {checks.shown(text)}")
        return cls(*map(int, found.groups()))

    @classmethod
    def at(cls, ordinal: int) -> HalfMonth:
        """Return the half-month of an :attr:`ordinal`."""
        return _at(ordinal)

    @property
    def ordinal(self) -> int:
        """How many half-months lie between it and the beginning of the year 0."""
        return (self.year * 12 + self.month - 1) * 2 + self.order - 1

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}-{self.order}"

    @property
    def start(self) -> date:
        """The first day."""
        return self._period[0]

    @property
    def end(self) -> date:
        """The last day."""
        return self._period[1]

    @property
    def label(self) -> str:
        """A short name that sorts by time: ``2024-03 H1``."""
        return f"{self.year:04}-{self.month:02} H{self.order}"

    @property
    def _period(self) -> tuple[date, date]:
        return half_month(f"{self.year:04}{self.month:02}", self.order)

    def shifted(self, count: int) -> HalfMonth:
        """Return the half-month so many later, or earlier if ``count`` is negative."""
        return HalfMonth.at(self.ordinal + count)


@functools.lru_cache
def _at(ordinal: int) -> HalfMonth:
    months, order = divmod(ordinal, 2)
    return HalfMonth(months // 12, months % 12 + 1, order + 1)


def check_range(where: str, start: str | date, end: str | date) -> None:
    """Check a first and a last day under the name of the function that was called.

    Raises:
        ConfigurationError: a day is not allowed, or ``end`` comes before ``start``.
    """
    first, last = beijing_date(start, f"{where}.start"), beijing_date(end, f"{where}.end")
    if last < first:
        raise ConfigurationError(f"{where}.end: expected start or a later day: {last} comes before {first}")


def half_months(start: str | date, end: str | date) -> list[HalfMonth]:
    """Return the half-months that share a day with the range, oldest first.

    A settlement query of the range returns these.

    Args:
        start: first day, a ``datetime.date`` or ``'yyyy-mm-dd'``.
        end: last day, inclusive.

    Raises:
        ConfigurationError: a day is not allowed, or ``end`` comes before ``start``.
    """
    check_range("half_months", start, end)
    first, last = HalfMonth.of(start), HalfMonth.of(end)
    return [first.shifted(count) for count in range(last.ordinal - first.ordinal + 1)]


def last_final_half_month(now: datetime | date | None = None) -> HalfMonth:
    """Return the newest half-month whose settlement should not change any more.

    An expectation, not a promise: WeChat's pages name no day on which a half-month is settled, and
    their sample shows one still settling ten days after its end. Taken for final is a half-month
    after which another whole one has passed. What is settled in fact only ``Settlement.is_settled``
    says: fetch a few half-months more and look.

    Args:
        now: a ``datetime`` with a time zone, or a Beijing calendar day; the present by default.

    Raises:
        ConfigurationError: ``now`` is something else, or a ``datetime`` without a time zone.
    """
    return HalfMonth.of(beijing_day(now)).shifted(-2)


def beijing_day(now: datetime | date | None) -> date:
    """Return the Beijing calendar day of a time; of the present, if it is ``None``."""
    if now is None:
        now = datetime.fromtimestamp(time.time(), _BEIJING)
    if not isinstance(now, date):
        raise ConfigurationError(f"now: expected a datetime with a time zone or a datetime.date, got {type(now).__name__}")
    if not isinstance(now, datetime):
        return now
    if now.tzinfo is None:
        raise ConfigurationError("now: expected a datetime with a time zone: whose clock would it mean?")
    return now.astimezone(_BEIJING).date()
