"""Component tokens while Redis is away.

A living token is served. No process refreshes without the lock unless that is allowed.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from support.fakes import COMPONENT
from support.leaks import assert_no_leak
from support.platform import PROGRAM, REFRESH, SECRETS, Platform, component_tokens, shown
from support.redis import RedisProxy, admin
from support.virtual import HandClock, settle

from wxrevenue import MemoryTicketStore, RedisTicketStore, RedisTokenStore, Secret, StoredToken, Ticket, TokenKind, TokenUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from wxrevenue import ComponentTokens

EARLY = 7200.0 - 299.0
PATIENT = 5.0


class World:
    """A platform, a server behind a proxy, a clock, and processes that share them."""

    def __init__(self, proxy: RedisProxy) -> None:
        self.proxy = proxy
        self.clock = HandClock()
        self.platform = Platform(delay=0.0)
        self.made: list[Any] = []
        self.told: list[Any] = []

    def process(self, **options: Any) -> ComponentTokens:
        """Return the token source of one process."""
        store = RedisTokenStore(self.proxy.url, timeout=PATIENT, **options)
        tokens = component_tokens(self.platform, store=store, clock=self.clock, on_event=self.told.append)
        self.made += [tokens, store]
        return tokens

    async def over(self) -> None:
        """Wait until the refreshes under way have ended."""
        await settle()
        until = asyncio.get_running_loop().time() + PATIENT
        while self._going() and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.005)
            await self.clock.advance(0.2)
        assert not self._going()

    def _going(self) -> bool:
        told = [event.refresh for event in self.told if event.__class__.__name__ == "TokenEvent"]
        return told.count("started") > told.count("ok") + told.count("failed")


@asynccontextmanager
async def world(path: str) -> AsyncGenerator[World]:
    """Return a world with an empty server; clean it up afterwards."""
    async with admin(path) as client:
        await client.flushall()
    async with RedisProxy(path) as proxy:
        found = World(proxy)
        try:
            yield found
        finally:
            for one in found.made:
                await one.aclose()


async def test_a_living_token_is_served(redis_path: str, caplog: pytest.LogCaptureFixture) -> None:
    """K-15, Q-02: while Redis is away a token is served until its end.

    WeChat is not asked; then the error says why.
    """
    async with world(redis_path) as it:
        tokens = it.process()
        assert await shown(tokens) == "fake-component-token-1"
        await it.proxy.close()
        await it.clock.advance(EARLY)
        assert await shown(tokens) == "fake-component-token-1"
        await it.over()
        assert await shown(tokens) == "fake-component-token-1"
        await it.clock.advance(300)
        with pytest.raises(TokenUnavailableError, match=r"Redis at 127\.0\.0\.1:\d+ did not serve the RedisTokenStore") as caught:
            await shown(tokens)
        assert it.platform.refreshes == 1
        await it.proxy.open()
        await it.clock.advance(30)
        assert await shown(tokens) == "fake-component-token-2"
    assert_no_leak(caught.value, *it.told, secrets=SECRETS, caplog=caplog)


async def test_a_refresh_without_the_lock(redis_path: str) -> None:
    """Where it is allowed, one process refreshes while Redis is away.

    The others go on with the token that they have.
    """
    async with world(redis_path) as it:
        alone, other = it.process(refresh_without_lock=True), it.process()
        assert await shown(alone) == await shown(other) == "fake-component-token-1"
        await alone.add_authorizer(PROGRAM, REFRESH)
        await it.proxy.close()
        await it.clock.advance(EARLY)
        await shown(alone)
        await it.over()
        assert await shown(alone) == "fake-component-token-2"
        token = await alone.get(TokenKind.AUTHORIZER, PROGRAM, timeout=PATIENT)
        assert token.reveal() == "fake-authorizer-token-1"
        assert await shown(other) == "fake-component-token-1"
        assert it.platform.refreshes == 2
        await it.proxy.open()
        await alone.aclose()
        async with RedisTokenStore(it.proxy.url, timeout=PATIENT) as shared:
            assert (found := await shared.read(f"{COMPONENT}/{PROGRAM}")) is not None
            assert found.token == token


async def test_what_was_got_alone_is_put_in(redis_path: str) -> None:
    """A token that was fetched without the lock goes to the others as soon as it can.

    It does not while one of them is refreshing.
    """
    async with world(redis_path) as it:
        url = it.proxy.url
        async with (
            RedisTokenStore(url, refresh_without_lock=True, timeout=PATIENT) as alone,
            RedisTokenStore(url, timeout=PATIENT) as other,
        ):
            await it.proxy.close()
            assert await alone.read("wx1/") is None
            fence = await alone.lock("wx1/", lease=60.0)
            assert fence is not None
            assert await alone.lock("wx1/", lease=60.0) is None
            await it.proxy.open()
            record = record_of("fake-token-got-alone")
            assert await alone.write("wx1/", record, fence=fence)
            await alone.unlock("wx1/", fence=fence)
            found = await other.read("wx1/")
            assert found is not None
            assert found.token == record.token
            held = await other.lock("wx1/", lease=60.0)
            assert held is not None
            assert await alone.write("wx1/", record_of("fake-token-got-alone-2"), fence=fence)
            assert (found := await other.read("wx1/")) is not None
            assert found.token == record.token
            await other.unlock("wx1/", fence=held)
            await alone.aclose()
            assert (found := await other.read("wx1/")) is not None
            assert found.token == Secret("fake-token-got-alone-2")


async def test_tickets_while_redis_is_away(redis_path: str) -> None:
    """X-17: a ticket that cannot be stored is refused, so that it is pushed again.

    A store in front keeps it for this process.
    """
    async with world(redis_path) as it, RedisTicketStore(it.proxy.url, "wx1", timeout=PATIENT) as shared:
        front, ticket = MemoryTicketStore(shared), Ticket("fake-ticket", 1000.0)
        await it.proxy.close()
        with pytest.raises(TokenUnavailableError, match="did not serve the RedisTicketStore"):
            await front.put(ticket)
        assert await front.get() == ticket
        await it.proxy.open()
        assert await front.put(ticket)
        assert await shared.get() == ticket


def record_of(token: str) -> Any:
    """Return a record with this token."""
    return StoredToken(token=Secret(token), left=100.0)
