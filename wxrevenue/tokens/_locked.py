"""The records of a token store, changed by one process at a time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue._base.secret import Secret
from wxrevenue._wire.stored import StoredToken
from wxrevenue.errors import TokenUnavailableError
from wxrevenue.tokens.stores._writing import LEASE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from wxrevenue.ports import Clock
    from wxrevenue.tokens.stores._retrying import RetryingTokenStore

LOOK_AGAIN: Final = 0.1
"""Seconds before another try to look for what the holder of the lock has done."""
WITHDRAWN: Final = StoredToken(refresh=Secret("withdrawn"))
"""Stands in the place of an authorization that a merchant took back.

An absent record would be taken for one that the store lost, and be written again.
"""
_RENEWALS: Final = 3
"""Renewals of a lock within its lease."""
_UNLOCK: Final = 5.0
"""Seconds that giving a lock back may take."""


@attrs.frozen(kw_only=True, repr=False)
class LockedRecords:
    """Takes the locks of records, keeps them, and gives them back.

    They are kept as long as they are needed.

    Args:
        store: where the records are.
        clock: what counts the seconds.
        deadline: seconds for one refresh, and for a lock that cannot be renewed.
    """

    store: RetryingTokenStore
    clock: Clock
    deadline: float

    async def read(self, name: str) -> StoredToken | None:
        """Return a record, unless it stands for an authorization that was taken back."""
        found = await self.store.read(name)
        return None if found is not None and found.refresh == WITHDRAWN.refresh else found

    async def put(self, name: str, record: StoredToken, *, fence: int | None = None) -> None:
        """Replace a record, once no process refreshes it.

        If that fails it is kept, and written later.

        Args:
            name: the record's.
            record: what an authorization has brought.
            fence: that of the lock, where the caller has it.

        Raises:
            TokenUnavailableError: it is not written yet.
        """
        if fence is None:
            try:
                fence = await self._wait_for(name)
            except (Exception, asyncio.CancelledError):
                self.store.keep(name, record, fence=None, since=self.clock.monotonic(), is_handed_in=True)
                raise
            async with self.held(name, fence):
                return await self.put(name, record, fence=fence)
        await self.store.put(name, record, fence=fence, since=self.clock.monotonic(), is_handed_in=True)
        if self.store.is_unwritten(name):
            raise TokenUnavailableError(
                f"the refresh token of {name} could not be stored: it is kept in this process, and stored as soon as that works"
            )
        return None

    @asynccontextmanager
    async def locked(self, name: str) -> AsyncGenerator[int]:
        """Wait for the lock, and keep it; the value is its fence."""
        fence = await self._wait_for(name)
        async with self.held(name, fence):
            yield fence

    async def take(self, name: str) -> int | None:
        """Return the fence of the lock, or ``None`` while another holder has it."""
        return await self.store.lock(name, lease=self._lease)

    @property
    def _lease(self) -> float:
        return min(LEASE, self.deadline) if self.store.can_renew else self.deadline

    @asynccontextmanager
    async def held(self, name: str, fence: int) -> AsyncGenerator[None]:
        """Keep the lock, and give it back at the end."""
        renewing = asyncio.get_running_loop().create_task(self._renew_lock(name, fence)) if self.store.can_renew else None
        try:
            yield
        finally:
            if renewing is not None:
                renewing.cancel()
            with suppress(Exception):  # the lease ends by itself
                async with asyncio.timeout(_UNLOCK):
                    await self.store.unlock(name, fence=fence)

    async def _wait_for(self, name: str) -> int:
        while (fence := await self.take(name)) is None:
            await self.clock.sleep(LOOK_AGAIN)
        return fence

    async def _renew_lock(self, name: str, fence: int) -> None:
        while True:
            await self.clock.sleep(self._lease / _RENEWALS)
            with suppress(Exception):  # the next try may work; until then the lease runs on
                await self.store.renew(name, fence=fence, lease=self._lease)
