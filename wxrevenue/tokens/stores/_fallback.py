"""What a process may do while the store that it shares is away.

It may do so only if its owner allows that.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from wxrevenue._engine.clock import LOOP_CLOCK
from wxrevenue.errors import TokenUnavailableError
from wxrevenue.tokens.stores._memory import MemoryTokenStore
from wxrevenue.tokens.stores._retrying import RetryingTokenStore

if TYPE_CHECKING:
    from wxrevenue._wire.stored import StoredToken
    from wxrevenue.ports import TokenStore


class FallbackStore:
    """Refreshes without the shared lock while the shared store is away.

    Such locks have negative fences, and are this process's own. What was got under them is written
    as soon as the shared store works again, unless a newer record is there by then.

    Args:
        shared: the store that others use as well; raises ``TokenUnavailableError`` while away.
    """

    def __init__(self, shared: TokenStore) -> None:
        self._behind = shared
        self._shared = RetryingTokenStore(shared)
        self._locks = MemoryTokenStore()
        self._written: dict[str, int] = {}
        """By name, the largest number of a lock of its own that was written under."""

    async def read(self, name: str) -> StoredToken | None:
        """Return the newest record, shared or this process's own."""
        with suppress(TokenUnavailableError):
            return await self._shared.read(name)
        return None

    async def lock(self, name: str, *, lease: float) -> int | None:
        """Take the shared lock, or one of this process's own."""
        with suppress(TokenUnavailableError):
            return await self._shared.lock(name, lease=lease)
        fence = await self._locks.lock(name, lease=lease)
        return None if fence is None else -fence

    async def renew(self, name: str, *, fence: int, lease: float) -> bool:
        """Keep the one that was taken."""
        if fence > 0:
            return await self._shared.renew(name, fence=fence, lease=lease)
        return await self._locks.renew(name, fence=-fence, lease=lease)

    async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
        """Replace the record, now or when the shared store works again."""
        since = LOOP_CLOCK.monotonic()
        if fence < 0:
            return await self._write_unlocked(name, record, number=-fence, since=since)
        with suppress(TokenUnavailableError):
            return await self._behind.write(name, record, fence=fence)
        self._shared.keep(name, record, fence=fence, since=since)
        return True

    async def unlock(self, name: str, *, fence: int) -> None:
        """Give back the one that was taken."""
        if fence > 0:
            return await self._shared.unlock(name, fence=fence)
        return await self._locks.unlock(name, fence=-fence)

    async def _write_unlocked(self, name: str, record: StoredToken, *, number: int, since: float) -> bool:
        if number < self._written.get(name, 0):
            return False
        self._written[name] = number
        await self._shared.put(name, record, fence=None, since=since)
        return True

    async def finish(self) -> None:
        """Write what the shared store has not taken yet, if that works now."""
        await self._shared.finish()
