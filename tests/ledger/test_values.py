"""Jobs and half-months as texts, and what a ledger prints."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxrevenue import ConfigurationError, FetchJob, HalfMonth, open_ledger

HALVES = st.builds(HalfMonth, st.integers(1, 9990), st.integers(1, 12), st.integers(1, 2))


@given(HALVES, st.integers(0, 11))
def test_texts_come_back(first: HalfMonth, more: int) -> None:
    """A half-month and a job can be read back from their texts."""
    job = FetchJob("wx1/odd..2", first, first.shifted(more))
    assert HalfMonth.parse(str(first)) == HalfMonth.at(first.ordinal) == first
    assert FetchJob.parse(str(job)) == job
    assert job.half_months == tuple(first.shifted(count) for count in range(more + 1))


def test_how_they_are_written() -> None:
    """Half-months and jobs are written as the documents say."""
    job = FetchJob("wx1", HalfMonth(2024, 1, 1), HalfMonth(2024, 6, 2))
    assert (str(job.first), str(job)) == ("2024-01-1", "wx1/2024-01-1..2024-06-2")
    assert job.first.label == "2024-01 H1"


@pytest.mark.parametrize(
    "text", ["2024-3-1", "2024-03-3", "2024-13-1", "2024-03", "\N{FULLWIDTH DIGIT TWO}024-03-1", "", "2024-03-1 ", 7, None]
)
def test_half_months_that_are_none(text: Any) -> None:
    """Any other value is not a half-month."""
    with pytest.raises(ConfigurationError):
        HalfMonth.parse(text)


@pytest.mark.parametrize(
    "text", ["wx1", "wx1/2024-01-1", "/2024-01-1..2024-01-2", "wx1/2024-01-2..2024-01-1", "wx1/2024-01-1..2024-07-1", 7]
)
def test_jobs_that_are_none(text: Any) -> None:
    """A job needs an owner and 1 to 12 half-months, oldest first."""
    with pytest.raises(ConfigurationError):
        FetchJob.parse(text)


def test_a_ledger_prints_where_it_is() -> None:
    """The repr of a ledger names its file."""
    assert repr(open_ledger("revenue.db")) == "<SqlLedger revenue.db>"
