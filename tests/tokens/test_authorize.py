"""Authorization codes: kept first, redeemed once.

This holds wherever they come from and whatever fails.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.leaks import assert_no_leak
from support.merchants import Merchants, Plain, Slow, Unreachable, read_codes
from support.virtual import settle, virtual

from wxrevenue import (
    ADVERTISING_PERMISSION,
    ApiError,
    ConfigurationError,
    MemoryTokenStore,
    OutcomeUnknownError,
    RevenueClient,
    Secret,
    StoredToken,
    TokenUnavailableError,
    WxRevenueError,
)
from wxrevenue.sandbox import Mishap


@pytest.mark.parametrize("store", [MemoryTokenStore, Plain])
@virtual
async def test_a_code_brings_the_merchants_tokens(store: Any) -> None:
    """A code's tokens are returned, every one in a ``Secret``.

    Both are stored, and the next call uses them.
    """
    world = Merchants(store())
    async with world.source() as tokens:
        found = await tokens.authorize(world.code())
        assert (found.authorizer_appid, found.grants(ADVERTISING_PERMISSION)) == (world.program, True)
        assert found.authorizer_refresh_token == Secret(world.sandbox.refresh_token(world.program))
        assert isinstance(found.authorizer_access_token, Secret)
        assert await world.stored() == world.sandbox.refresh_token(world.program)
        assert await world.token(tokens) == found.authorizer_access_token.reveal() == world.sandbox.authorizer_token(world.program)
    assert (world.asked("api_query_auth"), world.asked("api_authorizer_token")) == (1, 0)


@pytest.mark.parametrize("store", [MemoryTokenStore, Plain])
@virtual
async def test_the_same_code_is_redeemed_once(store: Any) -> None:
    """K-29: a code is redeemed once, however often it is handed in.

    It may come at once or later, here or in another process, and brings the same.
    """
    world = Merchants(store())
    async with world.source() as one, world.source() as other:
        code = world.code()
        found = await asyncio.gather(*(source.authorize(form) for source in (one, other) for form in (code, Secret(code), code)))
        again = await other.authorize(code)
    assert {each.authorizer_refresh_token for each in (*found, again)} == {Secret(world.sandbox.refresh_token(world.program))}
    assert {each.authorizer_appid for each in (*found, again)} == {world.program}
    assert {each.permissions for each in (*found, again)} == {found[0].permissions}
    assert (world.asked("api_query_auth"), world.asked("api_query_auth", "61009")) == (1, 0)


@virtual
async def test_a_code_that_was_used_elsewhere() -> None:
    """A code that was used elsewhere is refused with WeChat's error, and not retried."""
    world = Merchants()
    async with world.source() as tokens:
        for _ in range(2):
            with pytest.raises(ApiError) as caught:
                await tokens.authorize("fake-code-of-nobody")
            assert caught.value.code == 61009
        await asyncio.sleep(300)
    assert world.asked("api_query_auth", "61009") == 2


@virtual
async def test_a_used_code_of_a_merchant_that_authorized_within_the_hour() -> None:
    """61009 for a code is success if its merchant got its refresh token lately.

    The push came for a code that the user had redeemed alone.
    """
    world = Merchants()
    async with world.source() as tokens:
        push = world.push()
        code = f"sandbox-code-{world.program}-1"
        async with RevenueClient(tokens, transport=world.sandbox.transport()) as client:
            own = await client.query_auth(code)
        assert own.authorizer_refresh_token is not None
        await tokens.add_authorizer(world.program, own.authorizer_refresh_token)
        world.sandbox.next(*[48001] * 9, action="api_get_authorizer_info")
        assert (await world.pushed(push, tokens)).is_success
        await settle()
        found = await tokens.authorize(code)
    assert (found.authorizer_appid, found.authorizer_refresh_token) == (world.program, own.authorizer_refresh_token)
    assert world.asked("api_query_auth", "61009") == 1


@pytest.mark.parametrize("lost", [1, 3])
@virtual
async def test_a_code_whose_answer_is_lost(lost: int) -> None:
    """K-20: WeChat redeemed a pushed code and the answer was lost.

    The refresh token is asked for, and stored.
    """
    world = Merchants()
    async with world.source() as tokens:
        world.sandbox.authorize(world.program)
        world.sandbox.next(*[Mishap.DROP_AFTER] * lost, action="api_query_auth")
        assert (await world.pushed(world.push(), tokens)).is_success
        await asyncio.sleep(30)
        assert await world.stored() == world.sandbox.refresh_token(world.program)
        assert await world.token(tokens) == world.sandbox.authorizer_token(world.program)
    assert world.asked("api_get_authorizer_info") == 1


@virtual
async def test_a_second_code_whose_answer_is_lost() -> None:
    """K-20: an authorization within the last hour does not settle a lost answer.

    WeChat is first asked for the merchant's refresh token.
    """
    world = Merchants()
    async with world.source() as tokens:
        await tokens.authorize(world.code())
        world.sandbox.authorize(world.program)
        world.sandbox.next(Mishap.DROP_AFTER, action="api_query_auth")
        world.sandbox.next(*[Mishap.DROP_BEFORE] * 4, action="api_get_authorizer_info")
        assert (await world.pushed(world.push(), tokens)).is_success
        await asyncio.sleep(60)
        assert await world.stored() == world.sandbox.refresh_token(world.program)
        assert (await read_codes(world))["kept"] == []


@virtual
async def test_a_redirect_whose_answer_stays_lost() -> None:
    """K-20: the caller gets an unknown outcome, and nothing of the code shows."""
    world = Merchants()
    async with world.source() as tokens:
        code = world.code()
        world.sandbox.next(*[Mishap.DROP_BEFORE] * 9, action="api_query_auth")
        with pytest.raises(WxRevenueError) as caught:
            await tokens.authorize(code)
        assert_no_leak(caught.value, secrets=[code, world.sandbox.component_token(world.component)])
        await asyncio.sleep(300)
        assert await world.stored() == world.sandbox.refresh_token(world.program)
        assert not isinstance(caught.value, OutcomeUnknownError)


@pytest.mark.parametrize("lost", [1, 3])
@virtual
async def test_a_redirect_whose_answer_is_lost(lost: int) -> None:
    """K-20: a redirect whose answer is lost names no merchant.

    Its refresh token is among those that the store lacks, and is stored.
    """
    world = Merchants()
    async with world.source() as tokens:
        world.sandbox.next(*[Mishap.DROP_AFTER] * lost, action="api_query_auth")
        world.sandbox.next(48001, action="api_get_authorizer_list")
        with pytest.raises(WxRevenueError):
            await tokens.authorize(world.code())
        await asyncio.sleep(60)
        assert await world.token(tokens) == world.sandbox.authorizer_token(world.program)
        assert await world.stored() == world.sandbox.refresh_token(world.program)
        await asyncio.sleep(3 * 3600)
    assert world.asked("api_get_authorizer_list") == 1
    assert (await read_codes(world))["kept"] == []


@virtual
async def test_a_redirect_that_a_killed_process_redeemed() -> None:
    """K-20: the next process cannot redeem the code of a killed one.

    What the code brought is stored before the merchant's token is returned.
    """
    world = Merchants()
    code = world.code()
    async with world.source(transport=Unreachable()) as first:
        with pytest.raises(WxRevenueError):
            await first.authorize(code)
    async with world.source(MemoryTokenStore()) as killed:
        await killed.authorize(code)  # its store is lost with it
    async with world.source() as tokens:
        assert await world.token(tokens) == world.sandbox.authorizer_token(world.program)
    assert await world.stored() == world.sandbox.refresh_token(world.program)


@pytest.mark.parametrize("code", ["", " fake", "fake\n", None, 5])
@virtual
async def test_bad_codes(code: Any) -> None:
    """A value that cannot be a code is refused before anything is kept or sent."""
    world = Merchants()
    async with world.source() as tokens:
        with pytest.raises(ConfigurationError, match=r"ComponentTokens\.authorize: code: expected"):
            await tokens.authorize(code)
        with pytest.raises(ConfigurationError, match=r"ComponentTokens\.remove_authorizer: appid: expected"):
            await tokens.remove_authorizer(code)
    assert not world.sandbox.calls
    assert await world.store.read(f"codes:{world.component}") is None


@virtual
async def test_a_store_that_takes_no_code() -> None:
    """K-25: a code that the store refuses is not sent.

    When the store works again the same code is redeemed.
    """
    world = Merchants(Plain())
    async with world.source() as tokens:
        code, world.store.away = world.code(), True
        with pytest.raises((TokenUnavailableError, OSError)):
            await tokens.authorize(code)
        assert not world.asked("api_query_auth")
        world.store.away = False
        assert (await tokens.authorize(code)).authorizer_appid == world.program


@virtual
async def test_a_book_that_takes_nothing_after_the_answer() -> None:
    """A redeemed code is removed from the kept ones as soon as the store permits."""

    class Failing(MemoryTokenStore):
        away = False

        async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
            if self.away and name.startswith("codes:"):
                raise OSError
            return await super().write(name, record, fence=fence)

    world = Merchants(Failing())
    async with world.source(transport=Slow(world.sandbox, 1.0, "api_query_auth")) as tokens:
        assert (await world.pushed(world.push(), tokens)).is_success
        await asyncio.sleep(0.5)
        world.store.away = True
        await asyncio.sleep(20)
        assert await world.stored() == world.sandbox.refresh_token(world.program)
        assert (await read_codes(world))["kept"] != []
        world.store.away = False
        await asyncio.sleep(60)
        assert (await read_codes(world))["kept"] == []
    assert world.asked("api_query_auth") == 1


@virtual
async def test_a_store_that_fails_after_the_answer() -> None:
    """K-25: a refresh token that the store does not take is kept and used.

    It is stored as soon as that works.
    """
    world = Merchants(Plain())
    transport = world.sandbox.transport()

    class Failing:
        async def send(self, request: Any, *, timeout: float) -> Any:
            response = await transport.send(request, timeout=timeout)
            world.store.away = world.store.away or "api_query_auth" in request.url
            return response

        async def aclose(self) -> None:
            """Do nothing."""

    async with world.source(transport=Failing()) as tokens:
        with pytest.raises((TokenUnavailableError, OSError)):
            await tokens.authorize(world.code())
        world.store.away = False
        await asyncio.sleep(90)
        assert await world.stored() == world.sandbox.refresh_token(world.program)
        assert await world.token(tokens) == world.sandbox.authorizer_token(world.program)
    assert world.asked("api_query_auth") == 1
