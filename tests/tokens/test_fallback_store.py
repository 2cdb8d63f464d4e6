"""Tokens that were fetched without the shared lock.

They are newer than what is shared, written as soon as that works, and never over what came later.
"""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest
from support.virtual import virtual

from wxrevenue import MemoryTokenStore, Secret, StoredToken, TokenUnavailableError
from wxrevenue.tokens.stores._fallback import FallbackStore

NAME = "wx1/wx2"


class Shared(MemoryTokenStore):
    """A shared store, which is away at times."""

    away = False
    ageless = False

    def _up(self) -> None:
        if self.away:
            raise TokenUnavailableError("Redis is away")

    async def read(self, name: str) -> StoredToken | None:
        """Return the record, or fail."""
        self._up()
        found = await super().read(name)
        return attrs.evolve(found, age=None) if found and self.ageless else found

    async def lock(self, name: str, *, lease: float) -> int | None:
        """Take the lock, or fail."""
        self._up()
        return await super().lock(name, lease=lease)

    async def renew(self, name: str, *, fence: int, lease: float) -> bool:
        """Keep the lock, or fail."""
        self._up()
        return await super().renew(name, fence=fence, lease=lease)

    async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
        """Replace the record, or fail."""
        self._up()
        return await super().write(name, record, fence=fence)


def record(refresh: str, left: float = 0.0) -> StoredToken:
    """Return a record with this refresh token, and a token with this life."""
    return StoredToken(refresh=Secret(refresh), token=Secret(f"token-of-{refresh}") if left else None, left=left)


async def refreshed(store: Any, refresh: str, left: float = 0.0) -> None:
    """Write a record, as a refresh does."""
    fence = await store.lock(NAME, lease=5.0)
    assert fence is not None
    assert await store.write(NAME, record(refresh, left), fence=fence)
    await store.unlock(NAME, fence=fence)


async def found(store: Any) -> str | None:
    """Return the refresh token that the store has."""
    return shown(await store.read(NAME))


async def in_shared(shared: Shared) -> str | None:
    """Return the refresh token that is in the shared store itself."""
    return shown(await MemoryTokenStore.read(shared, NAME))


def shown(found: StoredToken | None) -> str | None:
    """Return the refresh token of a record."""
    return found.refresh.reveal() if found and found.refresh else None


@virtual
async def test_the_newer_one_wins_and_is_written_back() -> None:
    """K-27: a token fetched without the lock is read until the shared store has it.

    It is written there as soon as the store works.
    """
    shared = Shared()
    store = FallbackStore(shared)
    await refreshed(store, "r1")
    assert await found(store) == "r1"
    shared.away = True
    await refreshed(store, "r2")
    assert await found(store) == "r2"
    shared.away = False
    assert await found(store) == "r2"
    assert await in_shared(shared) == "r2"
    shared.away = True
    assert await found(store) == "r2"
    await refreshed(store, "r3")
    shared.away = False
    await asyncio.sleep(10.0)  # no read
    assert await in_shared(shared) == "r3"
    await store.finish()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("how", ["by its age", "by its token's life"])
@pytest.mark.parametrize("theirs_is_newer", [True, False])
@virtual
async def test_two_who_refreshed_apart(how: str, seen: bool, theirs_is_newer: bool) -> None:  # noqa: FBT001
    """K-05, K-27: of two records from a time when one process was cut off, one stays.

    The later one stays, whichever process fetched it.
    """
    shared = Shared()
    shared.ageless = how == "by its token's life"
    left = 7200.0 if shared.ageless else 0.0
    cut_off = FallbackStore(shared)
    await refreshed(shared, "r1", left)
    if seen:
        assert await found(cut_off) == "r1"

    async def ours() -> None:
        shared.away = True
        await refreshed(cut_off, "ours", left)
        shared.away = False

    async def theirs() -> None:
        fence = await MemoryTokenStore.lock(shared, NAME, lease=5.0)
        assert fence is not None
        await MemoryTokenStore.write(shared, NAME, record("theirs", left), fence=fence)
        await MemoryTokenStore.unlock(shared, NAME, fence=fence)

    for refresh in (ours, theirs) if theirs_is_newer else (theirs, ours):
        shared.away = False
        await refresh()
        shared.away = True
        await asyncio.sleep(20.0)
    shared.away = False
    assert await found(cut_off) == ("theirs" if theirs_is_newer else "ours")
    assert await in_shared(shared) == ("theirs" if theirs_is_newer else "ours")
    await cut_off.finish()


@virtual
async def test_a_locked_write_that_fails() -> None:
    """K-25: a write under the shared lock that the store refuses is kept as well."""
    shared = Shared()
    store = FallbackStore(shared)
    fence = await store.lock(NAME, lease=5.0)
    assert fence is not None
    assert await store.renew(NAME, fence=fence, lease=5.0)
    shared.away = True
    assert await store.write(NAME, record("r1"), fence=fence)
    assert await found(store) == "r1"
    shared.away = False
    await store.finish()
    assert await in_shared(shared) == "r1"


@virtual
async def test_a_late_writer_without_the_lock() -> None:
    """K-06, K-27: of two writers without the shared lock the overtaken one is refused."""
    shared = Shared()
    shared.away = True
    store = FallbackStore(shared)
    slow = await store.lock(NAME, lease=0.0)
    quick = await store.lock(NAME, lease=5.0)
    assert slow is not None
    assert quick is not None
    assert await store.write(NAME, record("newer"), fence=quick)
    assert not await store.write(NAME, record("older"), fence=slow)
    shared.away = False
    assert await found(store) == await in_shared(shared) == "newer"


@virtual
async def test_a_lock_of_its_own() -> None:
    """K-04: without the shared lock one caller of this process refreshes at a time.

    Its lock is renewed and given back like the shared one.
    """
    shared = Shared()
    shared.away = True
    store = FallbackStore(shared)
    fence = await store.lock(NAME, lease=5.0)
    assert fence is not None
    assert fence < 0
    await asyncio.sleep(4.0)
    assert await store.renew(NAME, fence=fence, lease=5.0)
    await asyncio.sleep(4.0)
    assert await store.lock(NAME, lease=5.0) is None
    await store.unlock(NAME, fence=fence)
    assert await store.lock(NAME, lease=5.0) is not None
    assert await found(store) is None
