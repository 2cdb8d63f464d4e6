"""A token store that fails, and its content."""

from __future__ import annotations

import asyncio
from typing import Any

from support.fakes import COMPONENT
from support.platform import (
    PROGRAM,
)
from wxrevenue import (
    MemoryTokenStore,
    StoredToken,
    TokenUnavailableError,
)

NAME = f"{COMPONENT}/{PROGRAM}"


class Failing(MemoryTokenStore):
    """A store some of whose methods fail, or hang, for a while."""

    def __init__(self, *methods: str, error: BaseException | None = None) -> None:
        super().__init__()
        self.methods = methods or ("read", "lock", "write", "renew", "unlock")
        self.error = error
        """The error to raise; with ``None`` the method hangs."""
        self.away = False
        self.tries = 0

    async def _up(self, method: str) -> None:
        self.tries += self.away
        if self.away and method in self.methods:
            if self.error is not None:
                raise self.error
            await asyncio.sleep(1e6)

    async def read(self, name: str) -> StoredToken | None:
        """Return the record, or fail."""
        await self._up("read")
        return await super().read(name)

    async def lock(self, name: str, *, lease: float) -> int | None:
        """Take the lock, or fail."""
        await self._up("lock")
        return await super().lock(name, lease=lease)

    async def renew(self, name: str, *, fence: int, lease: float) -> bool:
        """Keep the lock, or fail."""
        await self._up("renew")
        return await super().renew(name, fence=fence, lease=lease)

    async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
        """Replace the record, or fail."""
        await self._up("write")
        return await super().write(name, record, fence=fence)

    async def unlock(self, name: str, *, fence: int) -> None:
        """Give the lock back, or fail."""
        await self._up("unlock")
        await super().unlock(name, fence=fence)

    async def goes_away(self) -> None:
        """Fail in the chosen methods from now on."""
        self.away = True

    def comes_back(self) -> None:
        """Work again in all methods."""
        self.away = False


async def stored(store: MemoryTokenStore) -> str | None:
    """Return the refresh token that is in the store itself."""
    record = await MemoryTokenStore.read(store, NAME)
    return record.refresh.reveal() if record and record.refresh else None


def errors() -> list[Any]:
    """Return the errors of a store that is away, full, read-only or slow."""
    return [TokenUnavailableError("OOM"), OSError("READONLY"), TimeoutError(), None]


def front_time() -> float:
    """Return the time that a source uses."""
    return asyncio.get_running_loop().time()
