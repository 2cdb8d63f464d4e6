"""Tickets: how old one is, and the stores that keep the newest."""

from __future__ import annotations

import asyncio
import itertools
import math
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from support.leaks import assert_no_leak

from wxrevenue import ConfigurationError, FileTicketStore, MemoryTicketStore, Secret, Ticket, TicketStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VALUE = "fake-ticket-1"
NOON = 1_700_000_000.0

# -- the ticket ------------------------------------------------------------------------------------


def test_a_ticket_shows_nothing() -> None:
    """A ticket prints its time and stars, compares by both, and is never pickled."""
    ticket = Ticket(VALUE, NOON)
    assert repr(ticket) == "Ticket(value=Secret(***), created=1700000000.0)"
    assert ticket == Ticket(Secret(VALUE), NOON) != attrs.evolve(ticket, created=NOON + 1)
    assert ticket.value.reveal() == VALUE
    assert_no_leak(ticket, secrets=[VALUE])
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        ticket.created = 1.0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("value", ["", Secret(""), None, b"fake-ticket-1", 7])
def test_values_that_are_no_ticket(value: Any) -> None:
    """A ticket is a ``str`` that is not empty."""
    with pytest.raises(ConfigurationError, match=r"Ticket\.value: expected"):
        Ticket(value, NOON)


@pytest.mark.parametrize("created", [0, -1, math.nan, math.inf, True, "1700000000", None])
def test_times_that_are_none(created: Any) -> None:
    """A ticket's time is a number after 1970; the error shows no ticket."""
    with pytest.raises(ConfigurationError, match=r"Ticket\.created: expected") as caught:
        Ticket(VALUE, created)
    assert_no_leak(caught.value, secrets=[VALUE])


def test_age_and_life() -> None:
    """A ticket is overdue after half an hour without a newer one.

    It expires after 12 hours.
    """
    ticket = Ticket(VALUE, NOON)
    assert (ticket.age(NOON + 90), ticket.age(NOON - 90), ticket.expires) == (90, 0, NOON + 43_200)
    assert [ticket.is_overdue(NOON + seconds) for seconds in (-7200, 0, 1800, 1801)] == [False, False, False, True]
    assert [ticket.is_expired(NOON + seconds) for seconds in (-7200, 0, 43_199, 43_200)] == [False, False, False, True]


# -- what every store does -------------------------------------------------------------------------

STORES: dict[str, Callable[[Path], TicketStore]] = {
    "memory": lambda _folder: MemoryTicketStore(),
    "file": lambda folder: FileTicketStore(folder / "ticket"),
    "memory and file": lambda folder: MemoryTicketStore(behind=FileTicketStore(folder / "ticket")),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> TicketStore:
    """Return an empty store, one of each kind."""
    return STORES[request.param](tmp_path)


async def test_a_store_keeps_the_ticket(store: TicketStore) -> None:
    """A store is empty at first, and gives back what was put, however often."""
    assert isinstance(store, TicketStore)
    assert await store.get() is None
    assert await store.put(Ticket(VALUE, NOON)) is True
    assert [await store.get(), await store.get()] == [Ticket(VALUE, NOON)] * 2


async def test_the_newest_ticket_wins(store: TicketStore) -> None:
    """K-18: of tickets that arrive out of order the newest stays.

    For an older one the store returns that it was not kept.
    """
    kept = [await store.put(Ticket(f"fake-ticket-{n}", NOON + n)) for n in (1, 3, 2, 3, 4)]
    assert kept == [True, True, False, True, True]
    assert await store.get() == Ticket("fake-ticket-4", NOON + 4)


async def test_the_same_ticket_again(store: TicketStore) -> None:
    """A ticket that comes again is kept, and so is another one of the same second."""
    assert [await store.put(Ticket(VALUE, NOON)), await store.put(Ticket(VALUE, NOON))] == [True, True]
    assert await store.put(Ticket("fake-ticket-2", NOON)) is True
    assert await store.get() == Ticket("fake-ticket-2", NOON)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_tickets_at_the_same_time(store: TicketStore, order: tuple[int, ...]) -> None:
    """The newest ticket stays, in whatever order simultaneous puts finish."""
    await asyncio.gather(*(store.put(Ticket(f"fake-ticket-{n}", NOON + n)) for n in order))
    assert await store.get() == Ticket("fake-ticket-2", NOON + 2)


async def test_an_old_ticket_is_kept_nonetheless(store: TicketStore) -> None:
    """K-17: a ticket long past its 12 hours is still returned.

    The caller sees its age, and WeChat decides.
    """
    await store.put(Ticket(VALUE, 1.0))
    found = await store.get()
    assert found is not None
    assert (found, found.is_expired(NOON)) == (Ticket(VALUE, 1.0), True)


def test_stores_show_no_ticket(store: TicketStore) -> None:
    """A store prints where it keeps the ticket, not the ticket."""
    asyncio.run(store.put(Ticket(VALUE, NOON)))
    assert_no_leak(store, secrets=[VALUE])
    assert "TicketStore(" in repr(store)


# -- in front of another store ---------------------------------------------------------------------


class Elsewhere(MemoryTicketStore):
    """A shared store, which may be down."""

    down = False

    async def get(self) -> Ticket | None:
        """Return the ticket, or raise."""
        if self.down:
            raise ConnectionError("no route")
        return await super().get()

    async def put(self, ticket: Ticket) -> bool:
        """Keep the ticket, or raise."""
        if self.down:
            raise ConnectionError("no route")
        return await super().put(ticket)


async def test_a_ticket_survives_an_outage() -> None:
    """X-17: a ticket that the shared store cannot take is an error.

    It is kept in this process meanwhile.
    """
    shared = Elsewhere()
    store = MemoryTicketStore(behind=shared)
    shared.down = True
    with pytest.raises(ConnectionError):
        await store.get()  # nothing is known: that is not the same as no ticket
    with pytest.raises(ConnectionError):
        await store.put(Ticket(VALUE, NOON))
    assert await store.get() == Ticket(VALUE, NOON)
    shared.down = False
    assert await store.put(Ticket(VALUE, NOON)) is True  # the push comes again
    assert await shared.get() == Ticket(VALUE, NOON)


async def test_a_newer_ticket_elsewhere_is_found() -> None:
    """A newer ticket that another process received is the one to use.

    An older one does not replace it.
    """
    shared = Elsewhere()
    store = MemoryTicketStore(behind=shared)
    await store.put(Ticket(VALUE, NOON))
    await shared.put(Ticket("fake-ticket-3", NOON + 3))
    assert await store.get() == Ticket("fake-ticket-3", NOON + 3)
    assert await store.put(Ticket("fake-ticket-2", NOON + 2)) is False
