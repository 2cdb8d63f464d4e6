"""Stores that lose, hang, cancel or put back what they had: K-25 and K-27."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support.failing_store import NAME, Failing, stored
from support.platform import FIRST, PROGRAM, Rotating, authorizers, component_tokens, nothing, replaced
from support.virtual import now, virtual

from wxrevenue import ConfigurationError, MemoryTokenStore, Secret, StoredToken, TokenUnavailableError
from wxrevenue.tokens.stores._writing import LEASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue import TokenStore


@pytest.mark.parametrize("lost", ["gone", "older"])
@virtual
async def test_a_store_that_loses_what_it_had(lost: str) -> None:
    """K-27: a store may lose records; the next refresh uses the newest refresh token.

    A fail-over to a late replica loses them, or a restart without persistence.
    """
    platform, store = Rotating(), MemoryTokenStore()
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        older = dict(store._records)  # pyright: ignore[reportPrivateUsage]
        token = await authorizers(tokens)
        store._records = older if lost == "older" else {}  # pyright: ignore[reportPrivateUsage]
        assert (await replaced(tokens, token)).reveal() == "fake-authorizer-token-2"
        assert await stored(store) == platform.newest


@virtual
async def test_a_store_that_counts_anew() -> None:
    """K-05, K-27: a store that lost its counter and records gets no old record.

    The record there was written since, and stays.
    """
    platform, store = Rotating(), MemoryTokenStore()
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        token = await authorizers(tokens)
        token = await replaced(tokens, token)
        store._records, store._locks = {}, {}  # pyright: ignore[reportPrivateUsage]
        await asyncio.sleep(100.0)
        await store.write(NAME, StoredToken(refresh=Secret(FIRST)), fence=1)
        platform.newest = FIRST
        await asyncio.sleep(100.0)
        assert (await replaced(tokens, token)).reveal() == "fake-authorizer-token-3"


class Unhashable(Failing):
    """A store that compares by its content, as a plain dataclass does."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unhashable) and self.away == other.away

    __hash__ = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


class Slotted:
    """A store that cannot be referred to weakly."""

    __slots__ = ("behind",)

    def __init__(self, behind: MemoryTokenStore) -> None:
        self.behind = behind

    async def read(self, name: str) -> StoredToken | None:
        """Return the record."""
        return await self.behind.read(name)

    async def lock(self, name: str, *, lease: float) -> int | None:
        """Take the lock."""
        return await self.behind.lock(name, lease=lease)

    async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
        """Replace the record."""
        return await self.behind.write(name, record, fence=fence)

    async def unlock(self, name: str, *, fence: int) -> None:
        """Give the lock back."""
        await self.behind.unlock(name, fence=fence)


@pytest.mark.parametrize("make", [Unhashable, Failing], ids=["unhashable", "slots"])
@virtual
async def test_a_store_of_any_make(make: Callable[..., Failing]) -> None:
    """K-25: a record that a closed source could not write is known to the next one.

    This holds also if the store cannot be hashed, or referred to weakly.
    """
    platform, behind = Rotating(), make(error=OSError())
    store: TokenStore = behind if make is Unhashable else Slotted(behind)
    platform.on_rotation = behind.goes_away
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        token = await authorizers(tokens)
    assert await stored(behind) == FIRST
    behind.away, platform.on_rotation = False, nothing
    async with component_tokens(platform, store=store) as later:
        assert await authorizers(later) == token
        await asyncio.sleep(10.0)
        assert await stored(behind) == platform.newest


@virtual
async def test_an_older_record_that_another_process_puts_back() -> None:
    """K-27: an older record does not count as newer in a store that lost everything.

    A process that knows less put it back.
    """
    platform, shared = Rotating(), MemoryTokenStore()
    one, other = component_tokens(platform, store=Slotted(shared)), component_tokens(platform, store=Slotted(shared))
    await one.add_authorizer(PROGRAM, FIRST)
    await other._store.read(NAME)  # pyright: ignore[reportPrivateUsage]
    await asyncio.sleep(100.0)
    token = await authorizers(one)
    await asyncio.sleep(100.0)
    shared._records = {}  # pyright: ignore[reportPrivateUsage]
    await other._store.read(NAME)  # pyright: ignore[reportPrivateUsage]
    assert await stored(shared) == FIRST
    assert (await replaced(one, token)).reveal() == "fake-authorizer-token-2"
    assert await stored(shared) == platform.newest
    await one.aclose()
    await other.aclose()


@virtual
async def test_a_read_that_hangs_after_a_write_came_too_late() -> None:
    """K-05, K-26: a refresh that was overtaken ends with its own token.

    WeChat had been asked in it. Closing ends, too.
    """

    class Overtaken(Failing):
        async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
            if name == NAME and record.token is not None:
                await super().write(name, StoredToken(token=Secret("later"), left=9e3, refresh=Secret("later")), fence=fence + 1)
            return await super().write(name, record, fence=fence)

        async def read(self, name: str) -> StoredToken | None:
            found = await super().read(name)
            self.away = found is not None and found.refresh == Secret("later")
            return found

    platform, store = Rotating(), Overtaken("read")
    async with component_tokens(platform, store=store, deadline=50.0) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        assert (await authorizers(tokens)).reveal() == "fake-authorizer-token-1"
    assert now() < LEASE
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("closes", [True, False])
@virtual
async def test_a_write_that_hangs_for_good(closes: bool) -> None:  # noqa: FBT001
    """K-25: one write that never comes back does not block the next one.

    What was handed out is stored all the same.
    """
    platform, store = Rotating(), Failing("write")
    tokens = component_tokens(platform, store=store)
    await tokens.add_authorizer(PROGRAM, FIRST)
    platform.on_rotation = store.goes_away
    waiting = asyncio.create_task(authorizers(tokens))
    await asyncio.sleep(3.0)
    assert store.tries
    store.comes_back()
    await (tokens.aclose() if closes else asyncio.sleep(5.0))
    assert await stored(store) == platform.newest == "fake-refresh-token-1"
    await asyncio.gather(waiting, return_exceptions=True)
    await tokens.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@virtual
async def test_a_store_that_cancels() -> None:
    """K-25: a store that raises ``CancelledError`` by itself is tried again.

    It counts like any other error.
    """

    class Cancelling(MemoryTokenStore):
        left = 2

        async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
            if record.token is not None and name == NAME and self.left:
                self.left -= 1
                raise asyncio.CancelledError
            return await super().write(name, record, fence=fence)

    platform, store = Rotating(), Cancelling()
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        assert (await authorizers(tokens)).reveal() == "fake-authorizer-token-1"
        await asyncio.sleep(5.0)
        assert await stored(store) == platform.newest


@pytest.mark.parametrize("method", ["read", "lock"])
@virtual
async def test_a_store_that_cancels_before_anybody_is_asked(method: str) -> None:
    """K-03: a store's own ``CancelledError`` is reported as the store's.

    It is not reported as the closing of the source.
    """
    platform, store = Rotating(), Failing(method, error=OSError())
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        store.away, store.error = True, asyncio.CancelledError()
        with pytest.raises(TokenUnavailableError, match="getting one raised CancelledError"):
            await authorizers(tokens)
        store.comes_back()
        await asyncio.sleep(10.0)
        await authorizers(tokens)


@virtual
async def test_a_lock_without_a_number() -> None:
    """K-21: a store whose locks have no number is refused before any request.

    No record could be told from an older one.
    """

    class Textual(MemoryTokenStore):
        async def lock(self, name: str, *, lease: float) -> Any:
            return str(await super().lock(name, lease=lease))

    platform = Rotating()
    async with component_tokens(platform, store=Textual()) as tokens:
        with pytest.raises(ConfigurationError, match=r"lock\(\) must return an int or None, got str"):
            await authorizers(tokens)
    assert platform.newest == FIRST


@virtual
async def test_a_record_that_was_erased_stays_erased() -> None:
    """K-27: a record that was emptied under a later lock stays empty."""
    platform, store = Rotating(), MemoryTokenStore()
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        token = await authorizers(tokens)
        fence = await store.lock(NAME, lease=1.0)
        assert fence is not None
        await store.write(NAME, StoredToken(), fence=fence)
        await store.unlock(NAME, fence=fence)
        with pytest.raises(TokenUnavailableError, match="no refresh token is known"):
            await replaced(tokens, token)
        assert await stored(store) is None
