"""Telling a program of changes, in order, each at least once."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from typing import Self

    from wxrevenue.ledger import Change, Ledger

_NOTE_EVERY: Final = 1_000
"""Changes that are told between two notes: so many may be told again."""


class Teller:
    """Tells a function of every change in a ledger.

    How far it got stands in the ledger, so that a run that was killed between a commit and the
    function loses nothing: the next run begins there.

    Args:
        ledger: where the changes are.
        on_change: the function, if there is one.
        told: the number of the last change that was told.
    """

    def __init__(self, ledger: Ledger, on_change: Callable[[Change], object] | None, told: int) -> None:
        self._ledger, self._on_change = ledger, on_change
        self._told = self._noted = told

    @classmethod
    async def of(cls, ledger: Ledger, on_change: Callable[[Change], object] | None) -> Self:
        """Return one that begins where the last one ended."""
        return cls(ledger, on_change, await ledger.told())

    async def tell(self) -> None:
        """Tell what was not told, and note it."""
        if self._on_change is None:
            return
        async with aclosing(cast("AsyncGenerator[Change, Any]", self._ledger.changes(self._told))) as changes:
            async for change in changes:
                self._on_change(change)
                self._told = change.seq
        if self._told - self._noted >= _NOTE_EVERY:
            await self.note()

    async def note(self) -> None:
        """Note in the ledger how far it got."""
        if self._told != self._noted:
            self._noted = await self._ledger.told(self._told)

    async def end(self) -> None:
        """Tell the rest, and note it.

        A run without a function does not tell, so that another one still has to.
        """
        await self.tell()
        await self.note()
