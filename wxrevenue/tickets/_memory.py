"""The newest ticket, in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue._base.printable import Printable

if TYPE_CHECKING:
    from wxrevenue._wire.stored import Ticket
    from wxrevenue.ports import TicketStore


class MemoryTicketStore(Printable):
    """Keeps the ticket in this process.

    It may stand alone, or in front of a store that other processes share. Alone it starts empty
    with every process: up to ten minutes pass before the first push. In front of another store it
    keeps what that one could not take for the moment, so that an outage of, say, Redis does not
    cost this process its ticket.

    Args:
        behind: the store that is asked and told as well; what it raises on ``put`` is raised, on
            ``get`` only while nothing is kept here.
    """

    def __init__(self, behind: TicketStore | None = None) -> None:
        self._behind = behind
        self._kept: Ticket | None = None

    async def get(self) -> Ticket | None:
        """Return the newest ticket of the two stores.

        ``None`` before the first one came.
        """
        if self._behind is None:
            return self._kept
        try:
            shared = await self._behind.get()
        except Exception:
            if self._kept is None:
                raise
            shared = None
        return max((ticket for ticket in (self._kept, shared) if ticket), key=lambda ticket: ticket.created, default=None)

    async def put(self, ticket: Ticket) -> bool:
        """Keep the ticket here, then in the store behind, unless a newer one is kept.

        Return whether it was kept (there).
        """
        is_newest = self._kept is None or ticket.created >= self._kept.created
        if is_newest:
            self._kept = ticket
        return is_newest if self._behind is None else await self._behind.put(ticket)

    def __repr__(self) -> str:
        return f"MemoryTicketStore(behind={self._behind!r})"
