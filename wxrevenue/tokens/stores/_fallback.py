"""What a process may do while the store that it shares with others is away, if its owner allows that."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from wxrevenue.errors import TokenUnavailableError
from wxrevenue.tokens.stores._memory import MemoryTokenStore

if TYPE_CHECKING:
    from wxrevenue.ports import StoredToken, TokenStore

_LEASE: Final = 5.0
"""Seconds for which the shared lock is taken to put in what was got without it."""


class FallbackStore:
    """Refreshes without the shared lock while it cannot be had; such locks have negative fences, and are this process's own.

    Args:
        shared: the store that others use as well; raises ``TokenUnavailableError`` while it is away.
    """

    def __init__(self, shared: TokenStore) -> None:
        self._shared = shared
        self._own = MemoryTokenStore()

    async def read(self, name: str) -> StoredToken | None:
        """Return the shared record, or what this process knows."""
        try:
            record = await self._shared.read(name)
        except TokenUnavailableError:
            return await self._own.read(name)
        if record is not None:
            await self._own.write(name, record, fence=0)
        return record

    async def lock(self, name: str, *, lease: float) -> int | None:
        """Take the shared lock, or one of this process's own."""
        with suppress(TokenUnavailableError):
            return await self._shared.lock(name, lease=lease)
        fence = await self._own.lock(name, lease=lease)
        return None if fence is None else -fence

    async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
        """Replace the record; without the shared lock for this process, and for the others if that can be done by now."""
        await self._own.write(name, record, fence=0)
        if fence > 0:
            return await self._shared.write(name, record, fence=fence)
        with suppress(TokenUnavailableError):
            await self._put_in(name, record)
        return True

    async def unlock(self, name: str, *, fence: int) -> None:
        """Give back the one that was taken."""
        if fence > 0:
            return await self._shared.unlock(name, fence=fence)
        return await self._own.unlock(name, fence=-fence)

    async def _put_in(self, name: str, record: StoredToken) -> None:
        """Let the others have it, unless one of them is about to have a newer one."""
        fence = await self._shared.lock(name, lease=_LEASE)
        if fence is not None:
            await self._shared.write(name, record, fence=fence)
            await self._shared.unlock(name, fence=fence)
