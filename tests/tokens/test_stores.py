"""What every token store promises, run against each of them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from support.leaks import assert_no_leak
from support.virtual import HandClock

from wxrevenue import ConfigurationError, MemoryTokenStore, Secret, StoredToken, TokenStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager


@attrs.frozen
class Bench:
    """An empty store, and a function that lets seconds pass for it."""

    store: TokenStore
    passes: Callable[[float], Awaitable[None]]


@asynccontextmanager
async def memory() -> AsyncGenerator[Bench]:
    """Return the store in memory; its clock is set by hand."""
    clock = HandClock()
    yield Bench(MemoryTokenStore(clock=clock), clock.advance)


STORES: dict[str, Callable[[], AbstractAsyncContextManager[Bench]]] = {"memory": memory}
"""Every store of the package; a new one is added here."""


@pytest.fixture(params=sorted(STORES))
async def bench(request: pytest.FixtureRequest) -> AsyncGenerator[Bench]:
    """Run a test with each store."""
    async with STORES[request.param]() as found:
        yield found


NAME, OTHER = "wx1/", "wx1/wx2"
TOKEN, REFRESH = Secret("fake-token-1"), Secret("fake-refresh-1")


async def locked(store: TokenStore, name: str = NAME, lease: float = 30.0) -> int:
    """Return the fence of a lock that is free."""
    fence = await store.lock(name, lease=lease)
    assert fence is not None
    return fence


async def test_nothing_is_there_at_first(bench: Bench) -> None:
    """A name that was never written has no record; every store fits the port."""
    store = bench.store
    assert isinstance(store, TokenStore)
    assert await store.read(NAME) is None


async def test_a_record_comes_back_and_ages(bench: Bench) -> None:
    """A written record is read back with the seconds that remain.

    Other names have no part of it.
    """
    store = bench.store
    fence = await locked(store)
    assert await store.write(NAME, StoredToken(token=TOKEN, left=100.0, refresh=REFRESH), fence=fence)
    await bench.passes(40)
    found = await store.read(NAME)
    assert found is not None
    assert (found.token, found.refresh, found.fence) == (TOKEN, REFRESH, fence)
    assert found.left == pytest.approx(60.0, abs=1.0)
    assert await store.read(OTHER) is None


async def test_a_token_ends_and_its_refresh_token_stays(bench: Bench) -> None:
    """When a token's time is up only its refresh token is left.

    A record without one is gone.
    """
    store = bench.store
    await store.write(NAME, StoredToken(token=TOKEN, left=10.0), fence=await locked(store))
    await store.write(OTHER, StoredToken(token=TOKEN, left=10.0, refresh=REFRESH), fence=await locked(store, OTHER))
    await bench.passes(11)
    assert await store.read(NAME) is None
    found = await store.read(OTHER)
    assert found is not None
    assert (found.token, found.refresh) == (None, REFRESH)


async def test_one_holds_the_lock(bench: Bench) -> None:
    """K-04: a lock that is held is refused at once, also to many callers together.

    Once given back, it can be taken.
    """
    store = bench.store
    fences = await asyncio.gather(*(store.lock(NAME, lease=30.0) for _ in range(20)))
    (held,) = [fence for fence in fences if fence is not None]
    assert await store.lock(OTHER, lease=30.0) is not None
    await store.unlock(NAME, fence=held)
    assert await locked(store) > held


async def test_a_lock_lapses(bench: Bench) -> None:
    """K-07: the lock of a dead holder is free after its lease, and not before."""
    store = bench.store
    held = await locked(store, lease=30.0)
    await bench.passes(28)
    assert await store.lock(NAME, lease=30.0) is None
    await bench.passes(3)
    assert await locked(store) > held


async def test_fences_never_go_back(bench: Bench) -> None:
    """K-05: the next fence is larger than all before.

    It does not matter how long there was no lock and no write.
    """
    held = await locked(bench.store)
    await bench.store.write(NAME, StoredToken(token=TOKEN, left=100.0), fence=held)
    await bench.store.unlock(NAME, fence=held)
    await bench.passes(40 * 86_400)
    assert await bench.store.read(NAME) is None
    assert await locked(bench.store) > held


async def test_a_holder_may_write_twice(bench: Bench) -> None:
    """Under one lock the last write counts, and replaces the whole record."""
    fence = await locked(bench.store)
    assert await bench.store.write(NAME, StoredToken(token=TOKEN, left=100.0, refresh=REFRESH), fence=fence)
    assert await bench.store.write(NAME, StoredToken(refresh=REFRESH), fence=fence)
    found = await bench.store.read(NAME)
    assert found is not None
    assert (found.token, found.refresh) == (None, REFRESH)


async def test_a_late_writer_is_refused(bench: Bench) -> None:
    """K-05 and K-06: a paused holder's write after a later holder's is refused.

    The later record stays.
    """
    store = bench.store
    slow = await locked(store, lease=1.0)
    await bench.passes(2)
    quick = await locked(store)
    newer = Secret("fake-token-newer")
    assert await store.write(NAME, StoredToken(token=newer, left=100.0), fence=quick)
    assert not await store.write(NAME, StoredToken(token=TOKEN, left=100.0), fence=slow)
    found = await store.read(NAME)
    assert found is not None
    assert found.token == newer


async def test_a_late_writer_whom_nobody_overtook(bench: Bench) -> None:
    """A holder whose lease ran out may still write while no other holder has.

    Its token is the newest.
    """
    store = bench.store
    slow = await locked(store, lease=1.0)
    await bench.passes(2)
    await locked(store)
    assert await store.write(NAME, StoredToken(token=TOKEN, left=100.0), fence=slow)


async def test_a_stranger_does_not_unlock(bench: Bench) -> None:
    """A holder whose lease ran out does not give back another holder's lock."""
    store = bench.store
    slow = await locked(store, lease=1.0)
    await bench.passes(2)
    await locked(store)
    await store.unlock(NAME, fence=slow)
    assert await store.lock(NAME, lease=30.0) is None
    await store.unlock(OTHER, fence=1)


async def test_a_store_shows_nothing(bench: Bench) -> None:
    """K-24: neither a store nor its records print a token."""
    store = bench.store
    await store.write(NAME, StoredToken(token=TOKEN, left=10.0, refresh=REFRESH), fence=await locked(store))
    assert_no_leak(store, await store.read(NAME), secrets=[TOKEN.reveal(), REFRESH.reveal()])


async def test_a_clock_of_ones_own() -> None:
    """K-12: the store in memory counts seconds by its clock's ``monotonic``.

    The time of day does not matter.
    """
    clock = HandClock()
    store = MemoryTokenStore(clock=clock)
    await store.write(NAME, StoredToken(token=TOKEN, left=100.0), fence=await locked(store))
    clock.unix += 7200.0
    await clock.advance(40)
    found = await store.read(NAME)
    assert found is not None
    assert found.left == 60.0
    assert await store.lock(NAME, lease=30.0) is not None


def test_what_is_no_clock() -> None:
    """A wrong clock is refused by name."""
    wrong: Any = 5
    with pytest.raises(ConfigurationError, match=r"MemoryTokenStore\.clock: expected a Clock, got int"):
        MemoryTokenStore(clock=wrong)
