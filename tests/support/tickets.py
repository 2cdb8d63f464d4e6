"""Tickets that tests store."""

from __future__ import annotations

from wxrevenue import Ticket

OLD, NEW = Ticket("fake-ticket-1", 1_700_000_000), Ticket("fake-ticket-2", 1_700_000_600)
