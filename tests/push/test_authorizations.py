"""Pushes that feed and clear a source of tokens.

A code is kept before the reply, and redeemed after it.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.leaks import assert_no_leak
from support.merchants import Merchants, Slow
from support.pushkit import receiver
from support.virtual import now, run_virtual, virtual

from wxrevenue import ConfigurationError, MemoryTicketStore, MemoryTokenStore, RevenueClient, Secret, StaticTokens, TokenUnavailableError
from wxrevenue.push import AuthorizationPush, TicketReceiver, aiohttp_handler, asgi_app, receive


@virtual
async def test_success_once_the_code_is_kept() -> None:
    """The reply waits for the store alone.

    WeChat's time to redeem the code comes after it.
    """
    world = Merchants()
    async with world.source(transport=Slow(world.sandbox)) as tokens:
        world.sandbox.authorize(world.program)
        told: list[Any] = []
        reply = await world.pushed(world.push(), tokens, on_push=told.append)
        assert (reply.is_success, now(), len(told)) == (True, 0.0, 1)
        kept = await world.store.read(f"codes:{world.component}")
        assert kept is not None
        assert kept.refresh is not None
        assert f"sandbox-code-{world.program}-1" in kept.refresh.reveal()
        assert await world.stored() is None
        await asyncio.sleep(30)
        assert await world.stored() == world.sandbox.refresh_token(world.program)


@virtual
async def test_a_store_that_takes_no_code(caplog: pytest.LogCaptureFixture) -> None:
    """A push whose code is not kept is refused in time, and no listener is told.

    The repetition is handled like the first.
    """

    class Failing(MemoryTokenStore):
        trouble: Any = OSError("fake-secret-of-a-store")

        async def write(self, name: str, record: Any, *, fence: int) -> bool:
            if isinstance(self.trouble, float):
                await asyncio.sleep(self.trouble)
            elif self.trouble:
                raise self.trouble
            return await super().write(name, record, fence=fence)

    world = Merchants(Failing())
    async with world.source() as tokens:
        push, told = world.push(), list[Any]()
        for trouble in (OSError("fake-secret-of-a-store"), TokenUnavailableError("away"), 1e6):
            world.store.trouble = trouble
            before = now()
            assert not (await world.pushed(push, tokens, on_push=told.append)).is_success
            assert now() - before <= 4.0
        world.store.trouble = None
        assert not told
        assert (await world.pushed(push, tokens, on_push=told.append)).is_success
        await asyncio.sleep(10)
        assert await world.stored() == world.sandbox.refresh_token(world.program)
    assert len(told) == 1
    assert_no_leak(secrets=["fake-secret-of-a-store", f"sandbox-code-{world.program}-1"], caplog=caplog)


@pytest.mark.parametrize("order", ["the push first", "the redirect first", "at once"])
@virtual
async def test_a_code_from_both_sides(order: str) -> None:
    """K-29: the code of a push comes by the redirect as well, in another process.

    It is redeemed once, and both are success.
    """
    world = Merchants()
    async with world.source() as one, world.source() as other:
        world.sandbox.authorize(world.program)
        push, code = world.push(), f"sandbox-code-{world.program}-1"
        if order == "the push first":
            assert (await world.pushed(push, one)).is_success
            await asyncio.sleep(5)
            found = await other.authorize(code)
        elif order == "the redirect first":
            found = await other.authorize(code)
            assert (await world.pushed(push, one)).is_success
        else:
            found, reply = await asyncio.gather(other.authorize(code), world.pushed(push, one))
            assert reply.is_success
        await asyncio.sleep(60)
        assert found.authorizer_refresh_token == Secret(world.sandbox.refresh_token(world.program))
        assert await world.token(one) == await world.token(other) == world.sandbox.authorizer_token(world.program)
    assert (world.asked("api_query_auth"), world.asked("api_query_auth", "61009")) == (1, 0)


@virtual
async def test_a_merchant_that_withdraws() -> None:
    """The tokens of a merchant that withdraws are forgotten.

    An older withdrawal that comes after a newer authorization changes nothing.
    """
    world = Merchants()
    judge = world.receiver
    async with world.source() as tokens:
        await world.pushed(world.push(), tokens)
        await world.token(tokens)
        withdrawn = world.push("unauthorized")
        assert (await world.pushed(withdrawn, tokens)).is_success
        assert await world.stored() == "withdrawn"
        with pytest.raises(TokenUnavailableError, match="no refresh token is known"):
            await world.token(tokens)
        await asyncio.sleep(60)
        world.sandbox.authorize(world.program)
        await world.pushed(world.push(), tokens)
        assert await world.token(tokens) == world.sandbox.authorizer_token(world.program)
        keys = world.sandbox.push_keys(world.component)
        anew = TicketReceiver(world.component, keys.token, keys.aes_key, clock=world.clock)
        assert (await world.pushed(withdrawn, tokens, anew)).event is not None
        assert await world.stored() == world.sandbox.refresh_token(world.program)
    assert judge is not anew


@virtual
async def test_pushes_that_ask_for_nothing() -> None:
    """A ticket, and an authorization without a code, do not change the source."""
    world = Merchants()
    async with world.source() as tokens:
        ticket = world.sandbox.ticket_push(world.component)
        assert (await receive(world.receiver, world.tickets, ticket.query, ticket.body, tokens=tokens)).is_success
        await tokens.take_push(AuthorizationPush(info_type="authorized", authorizer_appid=world.program, created=1.0))
    assert await world.store.read(f"codes:{world.component}") is None


@pytest.mark.parametrize("make", [aiohttp_handler, asgi_app])
def test_the_wrong_source(make: Any) -> None:
    """A source of another component is refused at once and by name.

    So is any other object.
    """
    world = Merchants()
    judge, store = receiver(), MemoryTicketStore()
    with pytest.raises(ConfigurationError, match=f"tokens: of component {world.component}, but the pushes are those of wx"):
        make(judge, store, tokens=world.source())
    with pytest.raises(ConfigurationError, match="tokens: expected ComponentTokens, got StaticTokens"):
        make(judge, store, tokens=StaticTokens(component="fake"))
    with pytest.raises(ConfigurationError, match="tokens: expected ComponentTokens, got int"):
        run_virtual(receive(judge, store, "", b"", tokens=5))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def test_a_redirect_and_a_client() -> None:
    """A client uses what a push brought.

    Its first call for the Mini Program finds the token.
    """
    world = Merchants()
    async with world.source() as tokens, RevenueClient(tokens, transport=world.sandbox.transport()) as client:
        await world.pushed(world.push(), tokens)
        await client.authorizer(world.program).agency_check_can_open_publisher()
    assert (world.asked("api_query_auth"), world.asked("api_authorizer_token")) == (1, 0)
