"""Authorizations while others hold the lock, and holders that were killed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.failing_store import NAME, Failing, errors, front_time, stored
from support.platform import (
    FIRST,
    PATIENCE,
    PROGRAM,
    Rotating,
    authorizers,
    component_tokens,
    replaced,
)
from support.virtual import now, virtual

from wxrevenue import (
    DeadlineExceededError,
    MemoryTokenStore,
    TokenKind,
    TokenUnavailableError,
)
from wxrevenue.tokens.stores._writing import LEASE

# -- authorizations --------------------------------------------------------------------------------


@pytest.mark.parametrize("error", errors(), ids=["ours", "the system's", "too late", "hangs"])
@virtual
async def test_an_authorization_while_the_store_is_away(error: Any) -> None:
    """K-25: an authorization raises while the store is away, as it is not stored.

    It is kept, and stored as soon as that works.
    """
    platform, store = Rotating(), Failing(error=error)
    async with component_tokens(platform, store=store) as tokens:
        await store.goes_away()
        with pytest.raises((TokenUnavailableError, OSError, DeadlineExceededError)):
            await tokens.add_authorizer(PROGRAM, FIRST)
        store.away = False
        await asyncio.sleep(61.0)
        assert await stored(store) == FIRST
        assert (await authorizers(tokens)).reveal() == "fake-authorizer-token-1"


@virtual
async def test_an_authorization_that_cannot_be_written() -> None:
    """K-25: an authorization that the store does not take is reported as not stored.

    The store gave the lock. The authorization is used at once.
    """
    platform, store = Rotating(), Failing("write", error=OSError())
    async with component_tokens(platform, store=store) as tokens:
        await store.goes_away()
        with pytest.raises(TokenUnavailableError, match=f"the refresh token of {NAME} could not be stored: it is kept"):
            await tokens.add_authorizer(PROGRAM, FIRST)
        assert (await authorizers(tokens)).reveal() == "fake-authorizer-token-1"
        store.away = False
    assert await stored(store) == platform.newest


@virtual
async def test_a_cancelled_authorization() -> None:
    """C-02, K-25: a refresh token counts as handed in though its caller is cancelled."""
    platform, store = Rotating(), MemoryTokenStore()
    async with component_tokens(platform, store=store) as tokens:
        await store.lock(NAME, lease=5.0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(tokens.add_authorizer(PROGRAM, FIRST), 1.0)
        await asyncio.sleep(20.0)
        assert await stored(store) == FIRST


# -- killed holders --------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["cancelled", "away"])
@virtual
async def test_an_authorization_while_an_answer_is_on_its_way(how: str) -> None:
    """K-25, K-26: an authorization that could not wait for a refresh stays.

    The result of that refresh does not replace it.
    """
    platform, store = Rotating(delay=5.0), Failing("lock", error=OSError())
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        await tokens.get(TokenKind.COMPONENT, None, timeout=PATIENCE)
        refresh = asyncio.create_task(authorizers(tokens))
        await asyncio.sleep(1.0)
        store.away = how == "away"
        with pytest.raises((TimeoutError, OSError)):
            await asyncio.wait_for(tokens.add_authorizer(PROGRAM, "fake-refresh-token-anew"), 1.0)
        token = await refresh
        store.comes_back()
        await asyncio.sleep(20.0)
        assert await stored(store) == "fake-refresh-token-anew"
        platform.newest = "fake-refresh-token-anew"
        assert (await replaced(tokens, token)).reveal() == "fake-authorizer-token-2"
        assert await stored(store) == platform.newest


@pytest.mark.parametrize("deadline", [3.0, 10.0, 30.0])
@virtual
async def test_a_killed_holder_costs_one_lease(deadline: float) -> None:
    """K-07: when the process that refreshes is killed, the others lose one lease.

    They get a token when it ends, and no error.
    """
    platform, store = Rotating(delay=0.0), MemoryTokenStore()
    async with component_tokens(platform, store=store, deadline=deadline) as tokens:
        await tokens.get(TokenKind.COMPONENT, None, timeout=PATIENCE)
        await tokens.add_authorizer(PROGRAM, FIRST)
        lease = min(LEASE, deadline)
        assert await store.lock(NAME, lease=lease)
        begun = now()
        found = await asyncio.gather(*(authorizers(tokens, timeout=30.0) for _ in range(20)))
        assert {token.reveal() for token in found} == {"fake-authorizer-token-1"}
        assert now() - begun <= lease + 0.2


@virtual
async def test_an_authorization_while_the_holder_is_dead() -> None:
    """K-07: a refresh token is stored although the holder of the lock was killed.

    This holds even with a lock as long as the deadline.
    """
    store = MemoryTokenStore()
    async with component_tokens(Rotating(), store=store, deadline=30.0) as tokens:
        await store.lock(NAME, lease=30.0)
        await tokens.add_authorizer(PROGRAM, FIRST)
        assert await stored(store) == FIRST
        assert now() <= 30.2


@virtual
async def test_a_lock_is_kept_while_its_holder_works() -> None:
    """K-06, K-07: the lock is taken for seconds, and renewed until the answer comes.

    It is given back then.
    """
    platform, store = Rotating(delay=45.0), MemoryTokenStore()
    async with component_tokens(platform, store=store, timeout=60.0) as tokens:
        await tokens.get(TokenKind.COMPONENT, None, timeout=PATIENCE)
        await tokens.add_authorizer(PROGRAM, FIRST)
        waiting = asyncio.create_task(authorizers(tokens))
        for _ in range(44):
            await asyncio.sleep(1.0)
            assert await store.lock(NAME, lease=1.0) is None
            assert store._locks[NAME][1] - front_time() <= LEASE  # pyright: ignore[reportPrivateUsage]
        await waiting
        assert await store.lock(NAME, lease=1.0) is not None


@virtual
async def test_a_store_that_cannot_renew() -> None:
    """K-07: in a store without ``renew`` a lock is taken for the whole deadline."""

    class Plain:
        """A store with the four required methods alone."""

        def __init__(self) -> None:
            behind = MemoryTokenStore()
            self.read, self.write, self.unlock = behind.read, behind.write, behind.unlock
            self._lock = behind.lock
            self.leases: list[float] = []

        async def lock(self, name: str, *, lease: float) -> int | None:
            self.leases.append(lease)
            return await self._lock(name, lease=lease)

    platform, store = Rotating(), Plain()
    async with component_tokens(platform, store=store, deadline=25.0) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        assert (await authorizers(tokens)).reveal() == "fake-authorizer-token-1"
    assert set(store.leases) == {25.0}
