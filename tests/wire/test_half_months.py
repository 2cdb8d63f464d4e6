"""Half-months: the 1st to the 15th and the rest of a month, by Beijing's calendar."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxrevenue import ConfigurationError, HalfMonth, Settlement, half_months, last_final_half_month
from wxrevenue.errors import DecodeError

BEIJING = dt.timezone(dt.timedelta(hours=8))
days = st.dates(min_value=dt.date(2, 1, 1), max_value=dt.date(9998, 12, 31))


@given(day=days)
def test_every_day_belongs_to_one(day: dt.date) -> None:
    """Every day is in one half-month, which begins where the one before it ends."""
    half = HalfMonth.of(day)
    assert half.start <= day <= half.end
    assert half.start - half.shifted(-1).end == half.shifted(1).start - half.end == dt.timedelta(days=1)
    assert HalfMonth.of(half.start) == HalfMonth.of(half.end) == half


@given(day=days, count=st.integers(-20, 20))
def test_shifting(day: dt.date, count: int) -> None:
    """Half-months can be shifted and sorted by time."""
    half = HalfMonth.of(day)
    assert half.shifted(count).shifted(-count) == half
    assert (half.shifted(count) > half) == (count > 0)


def test_names() -> None:
    """A half-month has a first and a last day, and a label that sorts by time."""
    half = HalfMonth(2024, 2, 2)
    assert (half.start, half.end, half.label) == (dt.date(2024, 2, 16), dt.date(2024, 2, 29), "2024-02 H2")
    assert HalfMonth.of("2023-02-28").end == dt.date(2023, 2, 28)


def test_the_half_months_of_a_range() -> None:
    """The documents' example: 11 February to 26 March has four half-months."""
    assert [half.label for half in half_months("2020-02-11", "2020-03-26")] == ["2020-02 H1", "2020-02 H2", "2020-03 H1", "2020-03 H2"]
    assert half_months(dt.date(2020, 1, 15), "2020-01-15") == [HalfMonth(2020, 1, 1)]
    assert len(half_months("2019-12-31", "2020-01-01")) == 2


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (dt.date(2020, 3, 25), "2020-02 H2"),
        (dt.date(2020, 3, 31), "2020-02 H2"),
        (dt.date(2020, 4, 1), "2020-03 H1"),
        (dt.date(2020, 4, 16), "2020-03 H2"),
        (dt.datetime(2020, 3, 31, 23, 59, tzinfo=BEIJING), "2020-02 H2"),
        (dt.datetime(2020, 3, 31, 15, 59, tzinfo=dt.UTC), "2020-02 H2"),
        (dt.datetime(2020, 3, 31, 16, 30, tzinfo=dt.UTC), "2020-03 H1"),
    ],
)
def test_the_last_final_one(now: Any, expected: str) -> None:
    """P-19: the newest half-month after which another whole one has passed.

    Days are those in Beijing: at 00:30 there a new day has begun.
    """
    assert last_final_half_month(now).label == expected


def test_the_present_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument the present is the system's clock, in Beijing."""
    moment = dt.datetime(2024, 6, 30, 16, 0, tzinfo=dt.UTC)
    monkeypatch.setattr("time.time", moment.timestamp)
    assert last_final_half_month() == last_final_half_month(moment) == HalfMonth(2024, 6, 1)


@pytest.mark.parametrize("wrong", [(0, 1, 1), (2024, 13, 1), (2024, 0, 1), (2024, 1, 3), (2024, 1, True), ("2024", 1, 1), (2024, 1.0, 1)])
def test_what_is_no_half_month(wrong: Any) -> None:
    """Numbers that name no half-month are refused."""
    with pytest.raises(ConfigurationError, match=r"HalfMonth\."):
        HalfMonth(*wrong)


def test_what_is_no_range_and_no_moment() -> None:
    """P-19: an invalid range and an invalid moment are refused.

    Examples are a range that ends before it begins, a ``datetime`` for a day, and a moment without
    a time zone.
    """
    with pytest.raises(ConfigurationError, match=r"half_months\.end"):
        half_months("2020-02-01", "2020-01-31")
    with pytest.raises(ConfigurationError, match="got datetime"):
        half_months(dt.datetime(2020, 1, 1, tzinfo=dt.UTC), "2020-01-31")
    with pytest.raises(ConfigurationError, match="time zone"):
        last_final_half_month(dt.datetime(2020, 1, 1))  # noqa: DTZ001  (what is refused)
    with pytest.raises(ConfigurationError, match="got str"):
        last_final_half_month("2020-01-01")  # type: ignore[arg-type]


def test_the_half_month_of_a_settlement() -> None:
    """A row knows its half-month; a row without one says so."""
    row = Settlement("202402", 2, 7)
    assert row.half_month == HalfMonth(2024, 2, 2)
    assert row.period == (row.half_month.start, row.half_month.end)
    with pytest.raises(DecodeError, match="half-month"):
        _ = Settlement("202413", 1, 7).half_month
