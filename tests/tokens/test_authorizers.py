"""Merchants that authorize again, or withdraw."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.fakes import COMPONENT, answer
from support.merchants import Merchants, Plain, Unreachable, kept_code, read_codes
from support.platform import PROGRAM, authorizers, component_tokens
from support.virtual import now, virtual

from wxrevenue import ApiError, MemoryTokenStore, Secret, TokenKind, TokenUnavailableError
from wxrevenue.push import AuthorizationPush


@virtual
async def test_a_merchant_who_authorizes_anew_is_known_everywhere() -> None:
    """K-30: another process with the old token takes the new one at its next refusal.

    It asks WeChat nothing.
    """
    world = Merchants()
    async with world.source() as one, world.source() as other:
        await one.authorize(world.code())
        old = await world.token(other)
        new = await one.authorize(world.code())
        assert await world.token(other) == old
        await other.reject(TokenKind.AUTHORIZER, world.program, old)
        assert new.authorizer_access_token is not None
        assert await world.token(other) == new.authorizer_access_token.reveal()
        await other.reject(TokenKind.AUTHORIZER, world.program, old)
        assert await world.token(other) == new.authorizer_access_token.reveal()
    assert world.asked("api_authorizer_token") == 0


@virtual
async def test_a_refresh_token_that_wechat_does_not_know_any_more() -> None:
    """K-30: a merchant that authorized again without a push is not lost.

    WeChat is asked once for its own refresh token.
    """
    world = Merchants()
    async with world.source() as tokens:
        await tokens.authorize(world.code())
        old = await world.token(tokens)
        world.sandbox.authorize(world.program)
        world.sandbox.expire_token(world.program)
        await asyncio.sleep(400)
        await tokens.reject(TokenKind.AUTHORIZER, world.program, old)
        assert await world.token(tokens) == world.sandbox.authorizer_token(world.program)
        assert await world.stored() == world.sandbox.refresh_token(world.program)
    assert (world.asked("api_authorizer_token", "61023"), world.asked("api_authorizer_token")) == (1, 1)
    assert world.asked("api_get_authorizer_info") == 1


@pytest.mark.parametrize("store", [MemoryTokenStore, Plain])
@virtual
async def test_a_merchant_that_is_removed(store: Any) -> None:
    """A removed merchant's tokens are gone in every process until it authorizes again.

    Those of other merchants stay.
    """
    world = Merchants(store())
    async with world.source() as one, world.source() as other:
        for source in (one, other):
            await source.authorize(world.code())
            await source.authorize(world.code(world.programs[1]))
        await one.remove_authorizer(world.program)
        await one.remove_authorizer("wx-of-nobody")
        await other.reject(TokenKind.AUTHORIZER, world.program, world.sandbox.authorizer_token(world.program))
        for source in (one, other):
            with pytest.raises(TokenUnavailableError, match="no refresh token is known"):
                await world.token(source)
            await world.token(source, world.programs[1])
        await asyncio.sleep(4000)
        with pytest.raises(TokenUnavailableError, match="no refresh token is known"):
            await world.token(other)
        await other.authorize(world.code())
        await asyncio.sleep(10)
        assert await world.token(one) == world.sandbox.authorizer_token(world.program)


@pytest.mark.parametrize("lease", [10.0, 30.0])
@pytest.mark.parametrize("first", ["authorize", "get"])
@virtual
async def test_a_killed_process_that_redeemed(first: str, lease: float) -> None:
    """K-07: a killed process that redeemed a code costs the others one lease.

    They get no error. In a store that cannot renew locks the wait is a whole deadline.
    """
    world = Merchants()
    await kept_code(world)
    await world.store.lock(f"codes:{world.component}/redeeming", lease=lease)
    begun = now()
    async with world.source(deadline=30.0) as tokens:
        if first == "authorize":
            await tokens.authorize(f"sandbox-code-{world.program}-1")
        assert await world.token(tokens) == world.sandbox.authorizer_token(world.program)
        assert lease <= now() - begun <= lease + 0.5
    assert world.asked("api_query_auth") == 1


@virtual
async def test_codes_of_a_merchant_that_withdrew() -> None:
    """A code from before a withdrawal is dropped; one from after it stays."""
    world = Merchants()
    await kept_code(world)
    await asyncio.sleep(60)
    withdrawn = world.push("unauthorized")
    async with world.source(transport=Unreachable()) as tokens:
        await world.pushed(withdrawn, tokens)
        assert (await read_codes(world))["kept"] == []
        await asyncio.sleep(60)
        await world.pushed(world.push(), tokens)
        await tokens.take_push(AuthorizationPush(info_type="unauthorized", authorizer_appid=world.program, created=world.clock.time() - 30))
        assert [one["appid"] for one in (await read_codes(world))["kept"]] == [world.program]


@virtual
async def test_an_hour_later() -> None:
    """A code's result is remembered for an hour.

    Then WeChat is asked again, and refuses.
    """
    world = Merchants()
    async with world.source() as tokens:
        code = world.code()
        await tokens.authorize(code)
        await asyncio.sleep(3590)
        await tokens.authorize(code)
        await asyncio.sleep(20)
        with pytest.raises(ApiError):
            await tokens.authorize(code)
        assert (await read_codes(world)) == {"kept": [], "redeemed": []}


class Rival:
    """A platform whose answer to a refresh is late.

    The merchant authorizes again in the meantime.

    Args:
        refresh: the refresh token that a code brings.
    """

    def __init__(self, refresh: str = "fake-refresh-token-anew") -> None:
        self.refresh = refresh
        self.asked: list[str] = []

    async def __call__(self, request: Any) -> Any:
        """Answer a token call."""
        name = request.url.partition("?")[0].rpartition("/")[2]
        self.asked.append(name)
        if name == "api_component_token":
            return answer({"component_access_token": "fake-component-token", "expires_in": 7200})
        tokens: Any = {"authorizer_access_token": "fake-authorizer-token", "expires_in": 7200}
        if name == "api_authorizer_token":
            await asyncio.sleep(5.0)
            return answer({**tokens, "authorizer_refresh_token": "fake-refresh-token-of-before"})
        tokens = {**tokens, "authorizer_appid": PROGRAM, "authorizer_refresh_token": self.refresh}
        if name == "api_query_auth":
            return answer({"authorization_info": {**tokens, "func_info": []}})
        whole = {"authorizer_appid": PROGRAM, "authorizer_refresh_token": "fake-refresh-token-of-info"}
        return answer({"authorizer_info": {}, "authorization_info": whole})


@virtual
async def test_an_authorization_while_a_refresh_is_on_its_way() -> None:
    """K-25: an authorization that could not wait for a refresh is not replaced by it."""

    class Failing(MemoryTokenStore):
        away = False

        async def lock(self, name: str, *, lease: float) -> int | None:
            if self.away and name.endswith(PROGRAM):
                raise OSError
            return await super().lock(name, lease=lease)

    store = Failing()
    async with component_tokens(Rival(), store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, "fake-refresh-token")
        refresh = asyncio.create_task(authorizers(tokens))
        await asyncio.sleep(1)
        store.away = True
        with pytest.raises((TokenUnavailableError, OSError)):
            await tokens.authorize("fake-code")
        await refresh
        store.away = False
        await asyncio.sleep(30)
        record = await store.read(f"{COMPONENT}/{PROGRAM}")
    assert record is not None
    assert record.refresh == Secret("fake-refresh-token-anew")


@pytest.mark.parametrize("damaged", ["", "fake\ufffd", "fake\x01", "fake令牌"])
@virtual
async def test_a_damaged_answer(damaged: str) -> None:
    """K-28: a refresh token that cannot be read is not stored; it is asked for."""
    platform, store = Rival(damaged), MemoryTokenStore()
    async with component_tokens(platform, store=store) as tokens:
        found = await tokens.authorize("fake-code")
        record = await store.read(f"{COMPONENT}/{PROGRAM}")
    assert record is not None
    assert found.authorizer_refresh_token == record.refresh == Secret("fake-refresh-token-of-info")
    assert platform.asked == ["api_component_token", "api_query_auth", "api_get_authorizer_info"]


@virtual
async def test_a_pushed_code_while_a_refresh_is_on_its_way() -> None:
    """K-05: the code of a known merchant waits until no process refreshes its token.

    The code's tokens are stored last.
    """
    platform, store = Rival(), MemoryTokenStore()
    async with component_tokens(platform, store=store) as one, component_tokens(platform, store=store) as other:
        await one.add_authorizer(PROGRAM, "fake-refresh-token")
        refresh = asyncio.create_task(authorizers(one))
        await asyncio.sleep(1)
        code = Secret("fake-code")
        await other.take_push(AuthorizationPush(info_type="authorized", authorizer_appid=PROGRAM, created=1.0, authorization_code=code))
        await asyncio.sleep(3)
        assert "api_query_auth" not in platform.asked
        await refresh
        await asyncio.sleep(1)
        record = await store.read(f"{COMPONENT}/{PROGRAM}")
    assert platform.asked[-1] == "api_query_auth"
    assert record is not None
    assert record.refresh == Secret("fake-refresh-token-anew")
