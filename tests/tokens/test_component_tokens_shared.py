"""Several sources with one secret and one store.

One of them refreshes, and the others take its token.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support.platform import PATIENCE, PROGRAM, REFRESH, Platform, component_tokens, refreshes, reject, shown, token
from support.virtual import now, settle, virtual

from wxrevenue import MemoryTokenStore, StoredToken, TokenKind, TokenUnavailableError
from wxrevenue.tokens._refresh import GRACE

if TYPE_CHECKING:
    from wxrevenue import ComponentTokens, Secret


class Paused(MemoryTokenStore):
    """A store whose writer pauses before it writes, as a stopped process does."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self.refused: list[int] = []

    async def renew(self, name: str, *, fence: int, lease: float) -> bool:
        """Do not renew: a stopped process does not either."""
        return False

    async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
        """Write, after the next pause if there is one."""
        if self.pauses:
            await asyncio.sleep(self.pauses.pop(0))
        written = await super().write(name, record, fence=fence)
        if not written:
            self.refused.append(fence)
        return written


def two(platform: Platform, store: Any, **options: Any) -> tuple[ComponentTokens, ComponentTokens]:
    """Return two sources of one component, as two processes have them."""
    return component_tokens(platform, store=store, **options), component_tokens(platform, store=store, **options)


async def closed(*sources: ComponentTokens) -> None:
    """Close all sources."""
    for source in sources:
        await source.aclose()


@virtual
async def test_one_of_two_refreshes() -> None:
    """K-04: two sources that want a token at once make one call.

    The one without the lock takes the other's token.
    """
    platform = Platform()
    one, other = two(platform, MemoryTokenStore())
    found = await asyncio.gather(*(token(source) for source in (one, other) for _ in range(10)))
    assert {each.reveal() for each in found} == {"fake-component-token-1"}
    assert platform.refreshes == 1
    assert now() < 1.5
    await closed(one, other)


@virtual
async def test_a_token_that_comes_between_look_and_lock() -> None:
    """K-04: a source that gets the lock after another's refresh looks again.

    It takes the token that is there by then.
    """

    class Slow(MemoryTokenStore):
        async def lock(self, name: str, *, lease: float) -> int | None:
            await asyncio.sleep(pauses.pop(0))
            return await super().lock(name, lease=lease)

    platform, store, pauses = Platform(), Slow(), [0.0, 3.0]
    one, other = two(platform, store)
    found = await asyncio.gather(token(one), token(other))
    assert {each.reveal() for each in found} == {"fake-component-token-1"}
    assert platform.refreshes == 1
    await closed(one, other)


@virtual
async def test_early_refreshes_of_two() -> None:
    """K-04: over a day, two sources make as many calls as one would.

    Both always have a token that works.
    """
    platform = Platform()
    one, other = two(platform, MemoryTokenStore())
    newest: set[str] = set()
    while now() < 86_400:
        found = [await shown(source) for source in (one, other)]
        newest |= set(found)
        assert all(int(each.rpartition("-")[2]) >= platform.refreshes - 1 for each in found)
        await asyncio.sleep(60)
    assert len(newest) == platform.refreshes
    assert 86_400 // 7200 <= platform.refreshes <= 86_400 // 6600 + 1
    await closed(one, other)


@virtual
async def test_refusals_at_two() -> None:
    """K-08, K-09: when the token of both is refused, one call replaces it.

    A later refusal of the old one changes nothing.
    """
    platform = Platform()
    one, other = two(platform, MemoryTokenStore())
    old = await token(one)
    assert await token(other) == old
    for source in (one, other):
        await reject(source, old)
    found = await asyncio.gather(*(token(source) for source in (one, other) for _ in range(20)))
    assert {each.reveal() for each in found} == {"fake-component-token-2"}
    for source in (one, other):
        await reject(source, old)
        assert await shown(source) == "fake-component-token-2"
    assert platform.refreshes == 2
    await closed(one, other)


@virtual
async def test_taking_anothers_token_is_no_ping_pong() -> None:
    """K-10: a refusal that ends with a token from the store is no ping-pong.

    It does not use up the count of refusals.
    """
    platform = Platform(delay=0.0)
    one, other = two(platform, MemoryTokenStore())
    for number in range(2, 5):
        old = await token(other)
        assert await token(one) == old
        await asyncio.sleep(GRACE)
        await reject(one, old)
        assert await shown(one) == f"fake-component-token-{number}"
        await reject(other, old)
        assert await shown(other) == f"fake-component-token-{number}"
    await asyncio.sleep(GRACE)
    await reject(one, await token(one))
    with pytest.raises(TokenUnavailableError, match="another process"):
        await token(one)
    last = await token(other)
    await reject(other, last)
    assert await shown(other) == "fake-component-token-5"
    await asyncio.sleep(3)
    assert await shown(one) == "fake-component-token-5"
    await closed(one, other)


@virtual
async def test_a_holder_that_is_stopped() -> None:
    """K-05, K-06: a source that was stopped longer than its lock overwrites nothing.

    It takes over what came later.
    """
    platform, store, another = Platform(), Paused(), Paused()
    another._records, another._locks = store._records, store._locks  # pyright: ignore[reportPrivateUsage]
    slow, quick = component_tokens(platform, store=store, deadline=2.0), component_tokens(platform, store=another, deadline=2.0)
    store.pauses = [4.0]
    stopped = asyncio.create_task(token(slow))
    await asyncio.sleep(1.5)
    assert await shown(quick) == "fake-component-token-2"
    assert (await stopped).reveal() == "fake-component-token-2"
    assert now() == 5
    assert store.refused == [1]
    assert await shown(slow) == await shown(quick) == "fake-component-token-2"
    await closed(slow, quick)


@virtual
async def test_a_holder_that_dies() -> None:
    """K-07: the lock of a process that ended lapses, and the next one refreshes."""
    platform, store = Platform(), MemoryTokenStore()
    one = component_tokens(platform, store=store)
    assert await store.lock(f"{one.component_appid}/", lease=20.0) == 1
    assert await shown(one) == "fake-component-token-1"
    assert 20 <= now() <= 22
    await one.aclose()


@virtual
async def test_a_dead_holder_does_not_hold_up_a_living_token() -> None:
    """K-07: while another holder keeps the lock, callers use the living token.

    This holds even if the lock is never given back.
    """
    platform, store = Platform(life=600), MemoryTokenStore()
    one = component_tokens(platform, store=store)
    await token(one)
    await store.lock(f"{one.component_appid}/", lease=1000.0)
    await asyncio.sleep(400)
    begun = now()
    assert await shown(one) == "fake-component-token-1"
    await settle()
    assert now() == begun
    await one.aclose()


@virtual
async def test_closing_gives_the_lock_back() -> None:
    """A source that is closed in a refresh stores the answer.

    It gives the lock back at once.
    """
    platform, store = Platform(delay=8.0), MemoryTokenStore()
    one, other = two(platform, store)
    waiting = asyncio.create_task(token(one))
    await asyncio.sleep(1)
    await one.aclose()
    await asyncio.gather(waiting, return_exceptions=True)
    assert now() == 8
    assert await shown(other) == "fake-component-token-1"
    assert await store.lock(f"{other.component_appid}/", lease=1.0) is not None
    assert now() == 8
    await other.aclose()


@virtual
async def test_a_new_process_takes_what_is_there() -> None:
    """A source that starts with a filled store makes no request.

    It replaces the token in time.
    """
    platform, store = Platform(), MemoryTokenStore()
    one = component_tokens(platform, store=store)
    await token(one)
    await one.aclose()
    await asyncio.sleep(3600)
    told: list[Any] = []
    other = component_tokens(platform, store=store, on_event=told.append)
    assert await shown(other) == "fake-component-token-1"
    assert platform.refreshes == 1
    await asyncio.sleep(3600 - 200)
    await token(other)
    await asyncio.sleep(2)
    assert await shown(other) == "fake-component-token-2"
    assert refreshes(told) == [("started", "first"), ("ok", "first"), ("started", "early"), ("ok", "early")]
    await other.aclose()


@virtual
async def test_refresh_tokens_outlive_processes() -> None:
    """The newest refresh token is in the store, for the next process."""
    platform, store = Platform(), MemoryTokenStore()
    one = component_tokens(platform, store=store)
    platform.refresh = "fake-refresh-token-rotated"
    await one.add_authorizer(PROGRAM, REFRESH)
    await one.get(TokenKind.AUTHORIZER, PROGRAM, timeout=PATIENCE)
    await one.aclose()
    await asyncio.sleep(8000)
    other = component_tokens(platform, store=store)
    found: Secret = await other.get(TokenKind.AUTHORIZER, PROGRAM, timeout=PATIENCE)
    assert found.reveal() == "fake-authorizer-token-2"
    assert platform.bodies[-1]["authorizer_refresh_token"] == "fake-refresh-token-rotated"
    await other.aclose()


@virtual
async def test_an_authorization_waits_for_a_refresh() -> None:
    """K-05: an authorization that comes during a refresh is stored after it.

    So the refresh does not overwrite it.
    """
    platform, store = Platform(delay=5.0), MemoryTokenStore()
    platform.refresh = "fake-refresh-token-of-before"
    one, other = two(platform, store)
    await one.add_authorizer(PROGRAM, REFRESH)
    running = asyncio.create_task(one.get(TokenKind.AUTHORIZER, PROGRAM, timeout=PATIENCE))
    await asyncio.sleep(1)
    await other.add_authorizer(PROGRAM, "fake-refresh-token-anew")
    await running
    record = await store.read(f"{one.component_appid}/{PROGRAM}")
    assert record is not None
    assert record.refresh is not None
    assert record.refresh.reveal() == "fake-refresh-token-anew"
    await closed(one, other)


@pytest.mark.parametrize("left", [float("nan"), float("inf"), -5.0, 1e12])
@virtual
async def test_a_store_that_says_nonsense(left: float) -> None:
    """K-11, K-21: a stored life that is no sensible number is limited.

    No token lives forever.
    """

    class Odd(MemoryTokenStore):
        async def read(self, name: str) -> StoredToken | None:
            record = await super().read(name)
            return record and StoredToken(token=record.token, left=left, refresh=record.refresh)

    platform, store = Platform(delay=0.0), Odd()
    for _ in range(2):
        one = component_tokens(platform, store=store)
        await token(one)
        await asyncio.sleep(7300)
        await token(one)
        await one.aclose()
    assert platform.refreshes >= 3
