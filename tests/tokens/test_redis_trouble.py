"""A rotated refresh token, and a real Redis in trouble.

Redis is away, full, read-only, without replicas, or empty again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.fakes import COMPONENT
from support.leaks import assert_no_leak
from support.platform import FIRST, PROGRAM, SECRETS, Rotating, authorizers, component_tokens, nothing, replaced
from support.redis import RedisProxy, admin, running_server

from wxrevenue import RedisTokenStore, Ticket, TokenKind

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = f"{COMPONENT}/{PROGRAM}"
PATIENT = 5.0


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Run a server that these tests may break."""
    with running_server() as path:
        yield path


class Trouble:
    """Breaks a server, and repairs it.

    Args:
        kind: how.
        proxy: what stands before the server.
        client: an administrator's.
    """

    def __init__(self, kind: str, proxy: RedisProxy, client: Any) -> None:
        self._kind, self._proxy, self._client = kind, proxy, client

    async def begin(self) -> None:
        """Break the server."""
        match self._kind:
            case "away":
                await self._proxy.close()
            case "full":
                await self._client.config_set("maxmemory", 1)
            case "read-only":
                await self._client.replicaof("127.0.0.1", "1")
            case _:
                await self._client.config_set("min-replicas-to-write", 1)

    async def end(self) -> None:
        """Repair the server."""
        if self._kind == "away":
            await self._proxy.open()
        await self._client.config_set("maxmemory", 0)
        await self._client.replicaof("NO", "ONE")
        await self._client.config_set("min-replicas-to-write", 0)


async def stored(path: str) -> str | None:
    """Return the refresh token that is in Redis."""
    async with RedisTokenStore(f"unix://{path}", timeout=PATIENT) as store:
        record = await store.read(NAME)
    return record.refresh.reveal() if record and record.refresh else None


@pytest.mark.parametrize("alone", [False, True], ids=["with the lock", "or without"])
@pytest.mark.parametrize("kind", ["away", "full", "read-only", "without replicas"])
async def test_redis_does_not_take_it(server: str, kind: str, alone: bool, caplog: pytest.LogCaptureFixture) -> None:  # noqa: FBT001
    """K-25, Q-07: a refresh token that Redis refuses is used for the next refresh.

    It is stored when the source closes, or earlier.
    """
    platform = Rotating(delay=0.0)
    async with admin(server) as client, RedisProxy(server) as proxy:
        await client.flushall()
        trouble = Trouble(kind, proxy, client)
        store = RedisTokenStore(proxy.url, timeout=PATIENT, refresh_without_lock=alone)
        tokens = component_tokens(platform, store=store, ticket=Ticket("fake-component-ticket", 1e9))
        await tokens.get(TokenKind.COMPONENT, None, timeout=PATIENT)
        await tokens.add_authorizer(PROGRAM, FIRST)
        try:
            platform.on_rotation = nothing if alone else trouble.begin
            if alone:
                await trouble.begin()
            token = await authorizers(tokens)
            platform.on_rotation = nothing
            assert await stored(server) == FIRST
        finally:
            await trouble.end()
        token = await replaced(tokens, token)
        assert platform.newest == "fake-refresh-token-2"
        platform.on_rotation = trouble.begin
        try:
            assert (await replaced(tokens, token)).reveal() == "fake-authorizer-token-3"
        finally:
            await trouble.end()
        await tokens.aclose()
        assert await stored(server) == platform.newest
        await store.aclose()
    assert_no_leak(secrets=SECRETS, caplog=caplog)


@pytest.mark.parametrize("alone", [False, True], ids=["with the lock", "or without"])
async def test_redis_forgets_what_others_know_less_of(server: str, alone: bool) -> None:  # noqa: FBT001
    """K-27: an older record does not win in a Redis that came back empty.

    Another process put it back there.
    """
    platform, url = Rotating(delay=0.0), f"unix://{server}"
    async with admin(server) as client, RedisTokenStore(url, timeout=PATIENT, refresh_without_lock=alone) as store:
        await client.flushall()
        ticket = Ticket("fake-component-ticket", 1e9)
        async with component_tokens(platform, store=store, ticket=ticket) as tokens, RedisTokenStore(url, timeout=PATIENT) as others:
            await tokens.add_authorizer(PROGRAM, FIRST)
            other = component_tokens(platform, store=others, ticket=ticket)
            await other._store.read(NAME)  # pyright: ignore[reportPrivateUsage]
            token = await authorizers(tokens)
            await client.flushall()
            await other._store.read(NAME)  # pyright: ignore[reportPrivateUsage]
            assert await stored(server) == FIRST
            assert (await replaced(tokens, token)).reveal() == "fake-authorizer-token-2"
            assert await stored(server) == platform.newest
            await other.aclose()


async def test_redis_forgets(server: str) -> None:
    """K-27: a Redis that comes back empty is given what this process knows.

    This happens at the next refresh.
    """
    platform = Rotating(delay=0.0)
    async with admin(server) as client, RedisTokenStore(f"unix://{server}", timeout=PATIENT) as store:
        await client.flushall()
        async with component_tokens(platform, store=store, ticket=Ticket("fake-component-ticket", 1e9)) as tokens:
            await tokens.add_authorizer(PROGRAM, FIRST)
            token = await authorizers(tokens)
            await client.flushall()
            assert (await replaced(tokens, token)).reveal() == "fake-authorizer-token-2"
            assert await stored(server) == platform.newest
