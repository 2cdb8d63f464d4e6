"""Dates are Beijing calendar days; half-months end on the 15th and with the month."""

from __future__ import annotations

import datetime as dt

import pytest

from wxrevenue import ConfigurationError, GetAgencySettlement, beijing_date
from wxrevenue._base.calendar import half_month, seconds_to_midnight


class Day(dt.date):
    """A date of a user's own class."""


@pytest.mark.parametrize("value", ["2020-03-05", dt.date(2020, 3, 5), Day(2020, 3, 5)])
def test_days_are_spelled_as_the_wire_has_them(value: str | dt.date) -> None:
    """A date or a zero-padded string is sent as ``yyyy-mm-dd``."""
    assert beijing_date(value) == "2020-03-05"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2020-3-5",
        "2020-03-5",
        "20200305",
        "2020-W10-4",
        "2020-02-30",
        "2021-02-29",
        "2020-13-01",
        "0000-01-01",
        "2020-03-05 ",
        "2020-03-05\n",
        "\uff12\uff10\uff12\uff10-03-05",
        "2020-03-05T00:00",
        "-020-03-05",
    ],
)
def test_strings_must_be_padded_and_exist(text: str) -> None:
    """P-19: an unpadded, foreign or impossible day is refused before any call.

    Only what looks like a day is repeated.
    """
    with pytest.raises(ConfigurationError, match="zero-padded 'yyyy-mm-dd'") as caught:
        beijing_date(text)
    assert text.isascii() or text not in str(caught.value)
    assert "W10" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["2024/01/01", "20240101", "2024-1-1", "2024.1.1", "2024年1月1日", "2024-01-01 00:00:00", "2024-01-01T00:00Z"]
)
def test_a_day_written_otherwise_is_shown_as_it_is_to_be_written(text: str) -> None:
    """A day in another spelling is refused, and the message has the right spelling."""
    with pytest.raises(ConfigurationError, match="write 2024-01-01") as caught:
        beijing_date(text, "x.start_date")
    assert f"got {text!r}" in str(caught.value)


def test_a_day_that_does_not_exist_is_told_so() -> None:
    """A day in the right spelling that does not exist is refused as such."""
    with pytest.raises(ConfigurationError, match="got '2024-02-30': that day does not exist"):
        beijing_date("2024-02-30")


@pytest.mark.parametrize("text", ["fake-token-123", "73_abcdef0123456789", "1" * 21, "2024-01-01?access_token=x"])
def test_what_may_be_a_secret_is_not_shown(text: str) -> None:
    """A token in the place of a day does not show in the message."""
    with pytest.raises(ConfigurationError) as caught:
        beijing_date(text)
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        dt.datetime(2020, 3, 5, tzinfo=dt.UTC),
        dt.datetime(2020, 3, 5, tzinfo=dt.timezone(dt.timedelta(hours=8))),
        20200305,
        None,
        b"2020-03-05",
    ],
)
def test_other_types_are_refused_by_name(value: object) -> None:
    """A ``datetime`` is refused whatever its zone; the message names the type.

    It would be midnight in some other zone.
    """
    with pytest.raises(ConfigurationError, match=f"got {type(value).__name__}"):
        beijing_date(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["start_date", "end_date"])
@pytest.mark.parametrize("value", ["2020-3-1", 7])
def test_a_request_says_which_of_its_dates_is_wrong(field: str, value: object) -> None:
    """With two dates in a request, the message names the one that is not allowed."""
    dates: dict[str, object] = {"start_date": "2020-01-01", "end_date": "2020-12-31", field: value}
    with pytest.raises(ConfigurationError, match=field):
        GetAgencySettlement(**dates)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("month", "order", "first", "last"),
    [
        ("202003", 1, dt.date(2020, 3, 1), dt.date(2020, 3, 15)),
        ("202003", 2, dt.date(2020, 3, 16), dt.date(2020, 3, 31)),
        ("202002", 2, dt.date(2020, 2, 16), dt.date(2020, 2, 29)),
        ("202102", 2, dt.date(2021, 2, 16), dt.date(2021, 2, 28)),
        ("202012", 2, dt.date(2020, 12, 16), dt.date(2020, 12, 31)),
        ("999912", 2, dt.date(9999, 12, 16), dt.date(9999, 12, 31)),
    ],
)
def test_half_months(month: str, order: int, first: dt.date, last: dt.date) -> None:
    """Order 1 is the 1st to the 15th, order 2 the 16th to the end.

    Leap years are included.
    """
    assert half_month(month, order) == (first, last)


@pytest.mark.parametrize(
    ("month", "order"),
    [
        ("202003", 0),
        ("202003", 3),
        ("202003", -1),
        ("202013", 1),
        ("202000", 1),
        ("000001", 1),
        ("20203", 1),
        ("2020 3", 1),
        ("2020-03", 1),
        ("\uff12\uff10\uff12\uff10\uff10\uff13", 1),
        ("202003 ", 1),
        ("", 1),
        ("March", 1),
    ],
)
def test_what_is_no_half_month_is_a_value_error(month: str, order: int) -> None:
    """A half-month is six digits of a month and an order of 1 or 2; else an error."""
    with pytest.raises(ValueError):  # noqa: PT011  (the text is Python's own)
        half_month(month, order)


@pytest.mark.parametrize(
    ("clock", "seconds"),
    [("00:00:00", 86_400), ("00:00:01", 86_399), ("08:00:00", 57_600), ("23:59:59", 1), ("23:59:59.5", 0.5)],
)
def test_midnight_is_beijings(clock: str, seconds: float) -> None:
    """The seconds to midnight are counted in Beijing, in any zone of the machine."""
    moment = dt.datetime.fromisoformat(f"2026-03-20T{clock}+08:00")
    assert seconds_to_midnight(moment.timestamp()) == seconds
