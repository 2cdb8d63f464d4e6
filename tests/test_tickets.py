"""Tickets: how old one is, and the stores that keep the newest."""

from __future__ import annotations

import math
from typing import Any

import attrs
import pytest
from support.leaks import assert_no_leak

from wxrevenue import ConfigurationError, Secret, Ticket

VALUE = "fake-ticket-1"
NOON = 1_700_000_000.0

# -- the ticket ----------------------------------------------------------------------------------------------------


def test_a_ticket_shows_nothing() -> None:
    """A ticket prints its time and stars, is compared by both, and cannot be pickled."""
    ticket = Ticket(VALUE, NOON)
    assert repr(ticket) == "Ticket(value=Secret(***), created=1700000000.0)"
    assert ticket == Ticket(Secret(VALUE), NOON) != attrs.evolve(ticket, created=NOON + 1)
    assert ticket.value.reveal() == VALUE
    assert_no_leak(ticket, secrets=[VALUE])
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        ticket.created = 1.0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("value", ["", Secret(""), None, b"fake-ticket-1", 7])
def test_values_that_are_no_ticket(value: Any) -> None:
    """A ticket is a text that is not empty."""
    with pytest.raises(ConfigurationError, match=r"Ticket\.value: expected"):
        Ticket(value, NOON)


@pytest.mark.parametrize("created", [0, -1, math.nan, math.inf, True, "1700000000", None])
def test_times_that_are_none(created: Any) -> None:
    """A ticket was made at a time after 1970, a number; the error shows no ticket."""
    with pytest.raises(ConfigurationError, match=r"Ticket\.created: expected") as caught:
        Ticket(VALUE, created)
    assert_no_leak(caught.value, secrets=[VALUE])


def test_age_and_life() -> None:
    """Half an hour without a newer ticket is too long, and after 12 hours a ticket is over."""
    ticket = Ticket(VALUE, NOON)
    assert (ticket.age(NOON + 90), ticket.age(NOON - 90), ticket.expires) == (90, 0, NOON + 43_200)
    assert [ticket.is_overdue(NOON + seconds) for seconds in (-7200, 0, 1800, 1801)] == [False, False, False, True]
    assert [ticket.is_expired(NOON + seconds) for seconds in (-7200, 0, 43_199, 43_200)] == [False, False, False, True]
