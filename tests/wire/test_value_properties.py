"""Days, months, money and secrets: properties that hold for every input."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import leaves, small, wide

from wxrevenue import ConfigurationError, DecodeError, Secret, Settlement, beijing_date, yuan
from wxrevenue._base.calendar import half_month, seconds_to_midnight
from wxrevenue._base.secret import scrub
from wxrevenue._wire.model import digits


@small
@given(day=st.dates())
def test_days_are_spelled_one_way(day: dt.date) -> None:
    """Days and their strings correspond, and sort alike."""
    text = beijing_date(day)
    assert beijing_date(text) == text
    assert dt.date.fromisoformat(text) == day
    assert len(text) == 10


@wide
@given(text=st.one_of(st.text(max_size=12), st.from_regex(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", fullmatch=True)))
def test_any_text_is_a_day_or_refused(text: str) -> None:
    """Any string is its own day or a ``ConfigurationError``."""
    try:
        assert beijing_date(text) == text
    except ConfigurationError:
        return
    assert str(dt.date(*map(int, text.split("-")))) == text


@small
@given(year=st.integers(1, 9999), month=st.integers(1, 12))
def test_two_half_months_make_a_month(year: int, month: int) -> None:
    """Two half-months cover every day of their month once, and no other."""
    name = f"{year:04}{month:02}"
    (first, middle), (after, last) = half_month(name, 1), half_month(name, 2)
    assert (first.day, middle.day, after.day) == (1, 15, 16)
    assert last.day == calendar.monthrange(year, month)[1]
    assert {(day.year, day.month) for day in (first, middle, after, last)} == {(year, month)}


@wide
@given(month=st.one_of(st.text(max_size=8), st.integers(0, 10**7).map(str)), order=st.integers(-1, 3))
def test_any_month_is_a_half_month_or_a_decode_error(month: str, order: int) -> None:
    """A row's ``period`` is two days in order, or a ``DecodeError``.

    The days are in the month that the row names.
    """
    row = Settlement(month=month, order=order, settled_revenue=0)
    try:
        first, last = row.period
    except DecodeError:
        return
    assert first < last
    assert (f"{first:%Y%m}" if first.year > 999 else f"{first.year:04}{first:%m}") == month
    assert order in {1, 2}


@small
@given(now=st.floats(0, 4e9))
def test_midnight_is_within_a_day(now: float) -> None:
    """The next midnight is at most a day away, and is one in Beijing."""
    wait = seconds_to_midnight(now)
    assert 0 < wait <= 86_400
    assert (now + wait + 8 * 3_600) % 86_400 == pytest.approx(0, abs=1e-3) or (now + wait + 8 * 3_600) % 86_400 > 86_399.999


@wide
@given(fen=st.integers(-(2**70), 2**70))
def test_yuan_is_fen_with_a_point(fen: int) -> None:
    """Yuan keeps every fen of an amount of any size."""
    found = yuan(fen)
    assert found * 100 == fen
    assert found.as_tuple().exponent == -2


@wide
@given(value=st.one_of(leaves, st.text(max_size=30), st.integers().map(str)))
def test_digits_are_the_number_they_spell(value: Any) -> None:
    """A code is the number that the digits spell, or none."""
    found = digits(value)
    assert found is None or (type(found) is int and found == int(value) and not isinstance(value, bool))


@wide
@given(secret=st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=30), around=st.text(max_size=20))
def test_no_secret_survives_scrubbing(secret: str, around: str) -> None:
    """A secret, raw or percent-encoded, is removed wherever it stands."""
    for spelled in (secret, quote(secret), quote(secret, safe="")):
        assert spelled not in scrub(f"{around}<{spelled}>{around}", Secret(secret).encoded()).replace(around, "")
