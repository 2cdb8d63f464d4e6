"""The locks of a store; one that could not be given back is given back later."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from wxrevenue.ports import TokenStore


class Locks:
    """Takes locks and gives them back.

    Args:
        store: whose locks these are.
    """

    def __init__(self, store: TokenStore) -> None:
        self._store = store
        self._kept: dict[str, int] = {}
        """By name, the fences of locks that could not be given back."""

    async def take(self, name: str, *, lease: float) -> int | None:
        """Take the lock; see :class:`TokenStore`.

        Raises:
            ConfigurationError: its number is none, so that records could not be told apart by it.
        """
        await self.give_back(name)
        fence: object = await self._store.lock(name, lease=lease)
        if fence is None or isinstance(fence, int):
            return fence
        raise ConfigurationError(f"the TokenStore's lock() must return an int or None, got {type(fence).__name__}")

    async def give(self, name: str, *, fence: int) -> None:
        """Give the lock back; see :class:`TokenStore`."""
        self._kept[name] = fence
        await self._store.unlock(name, fence=fence)
        self._kept.pop(name, None)

    async def give_back(self, name: str) -> None:
        """Give a lock back that could not be given back in time.

        No process shall wait for its end.
        """
        fence = self._kept.get(name)
        if fence is not None:
            with suppress(Exception):
                await self.give(name, fence=fence)
