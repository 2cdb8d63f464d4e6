"""Authorizations and a real Redis that several processes share."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support.merchants import Merchants, Unreachable
from support.redis import RedisProxy, admin

from wxrevenue import RedisTokenStore, RevenueClient, TokenKind

if TYPE_CHECKING:
    from wxrevenue import ComponentTokens

KEY = b"0123456789abcdef0123456789abcdef"


async def test_a_second_process_with_the_old_token(redis_path: str) -> None:
    """K-30: when a merchant authorizes again, another process takes the new token.

    It does so at its next 40001, once, and asks WeChat nothing.
    """
    world = Merchants()
    url, transport = f"unix://{redis_path}", world.sandbox.transport()
    async with admin(redis_path) as server, RedisTokenStore(url, keys=KEY) as first, RedisTokenStore(url, keys=KEY) as second:
        await server.flushall()
        async with world.source(first) as one, world.source(second) as other:
            await one.authorize(world.code())
            async with RevenueClient(other, transport=transport) as client:
                program = client.authorizer(world.program)
                await program.agency_check_can_open_publisher()
                await one.authorize(world.code())
                await one.authorize(world.code())  # the token of the first is pushed out
                await program.agency_check_can_open_publisher()
                await program.agency_check_can_open_publisher()
            assert await world.token(one) == await world.token(other) == world.sandbox.authorizer_token(world.program)
        for store in (first, second):
            assert await world.stored(store=store) == world.sandbox.refresh_token(world.program)
    assert world.asked("agency_check_can_open_publisher", "40001") == 1
    assert world.asked("agency_check_can_open_publisher") == 3
    assert world.asked("api_authorizer_token") == 0


async def test_one_code_in_many_processes(redis_path: str) -> None:
    """K-29: a code that comes to four processes is redeemed once.

    It comes by pushes and by the redirect. Keys are hidden and have an end.
    """
    world = Merchants()
    async with admin(redis_path) as server:
        await server.flushall()
        stores = [RedisTokenStore(f"unix://{redis_path}", keys=KEY) for _ in range(4)]
        sources = [world.source(store) for store in stores]
        world.sandbox.authorize(world.program)
        push, code = world.push(), f"sandbox-code-{world.program}-1"
        works: list[Any] = [source.authorize(code) for source in sources]
        works += [world.pushed(push, source) for source in sources]
        await asyncio.gather(*works)
        assert [await world.token(source) for source in sources] == [world.sandbox.authorizer_token(world.program)] * 4
        parts: list[Any] = [*sources, *stores]
        for part in parts:
            await part.aclose()
        dump = [(key, await server.ttl(key), await server.type(key)) for key in await server.keys()]
        assert dump
        assert all(ttl > 0 for _, ttl, _ in dump)
        assert not any(code.encode() in key for key, _, _ in dump)
        values = [await server.hgetall(key) for key, _, kind in dump if kind == b"hash"]
        assert code not in str(values)
    assert (world.asked("api_query_auth"), world.asked("api_query_auth", "61009")) == (1, 0)


async def test_a_process_that_ends_in_the_middle(redis_path: str) -> None:
    """A code that one process kept is redeemed by another.

    It does so before it returns the merchant's token.
    """
    world = Merchants()
    async with admin(redis_path) as server:
        await server.flushall()

        async def with_source(work: Any, **options: Any) -> Any:
            async with RedisTokenStore(f"unix://{redis_path}") as store, world.source(store, **options) as tokens:
                return await work(tokens)

        async def keep(tokens: ComponentTokens) -> None:
            world.sandbox.authorize(world.program)
            assert (await world.pushed(world.push(), tokens)).is_success

        async def first(tokens: ComponentTokens) -> str:
            return (await tokens.get(TokenKind.AUTHORIZER, world.program, timeout=30.0)).reveal()

        await with_source(keep, transport=Unreachable())
        assert not world.sandbox.calls
        assert await with_source(first) == world.sandbox.authorizer_token(world.program)
    assert world.asked("api_query_auth") == 1


@pytest.mark.parametrize("options", [{}, {"refresh_without_lock": True}], ids=["shared", "alone"])
async def test_redis_is_away(redis_path: str, options: Any) -> None:
    """K-25: a push whose code Redis does not take is refused.

    This holds also where the process may refresh without Redis.
    """
    world = Merchants()
    async with admin(redis_path) as server, RedisProxy(redis_path) as proxy:
        await server.flushall()
        async with RedisTokenStore(proxy.url, timeout=5.0, **options) as store, world.source(store) as tokens:
            push = world.push()
            await proxy.close()
            assert not (await world.pushed(push, tokens)).is_success
            await proxy.open()
            assert (await world.pushed(push, tokens)).is_success
            assert await world.token(tokens) == world.sandbox.authorizer_token(world.program)
            assert await world.stored(store=store) == world.sandbox.refresh_token(world.program)
    assert world.asked("api_query_auth") == 1
