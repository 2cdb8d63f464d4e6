"""Codes that were kept are redeemed, whichever caller left meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.merchants import Merchants, Plain, Slow, kept_code
from support.platform import PATIENCE
from support.virtual import settle, virtual

from wxrevenue import (
    ClientStateError,
    MemoryTokenStore,
    Secret,
    StoredToken,
    TokenKind,
)


@pytest.mark.parametrize("store", [MemoryTokenStore, Plain])
@pytest.mark.parametrize("first", ["its merchant's token", "the component's", "a push", "restore_authorizers"])
@virtual
async def test_a_kept_code_survives_the_process(first: str, store: Any) -> None:
    """The next process redeems a kept code, whatever it does first.

    For the code's merchant it does so before it returns the token.
    """
    world = Merchants(store())
    refresh = await kept_code(world)
    async with world.source() as tokens:
        if first == "its merchant's token":
            assert await world.token(tokens) == world.sandbox.authorizer_token(world.program)
        elif first == "the component's":
            await tokens.get(TokenKind.COMPONENT, None, timeout=PATIENCE)
        elif first == "a push":
            await world.pushed(world.push(program=world.programs[1]), tokens)
        else:
            assert await tokens.restore_authorizers() == len(world.programs) - 1
        await asyncio.sleep(120)
        assert await world.stored() == refresh
    assert world.asked("api_query_auth") == 1 + (first == "a push")


@virtual
async def test_get_redeems_first() -> None:
    """A living token is not returned once its merchant's code is kept."""
    world = Merchants()
    async with world.source() as tokens:
        await tokens.authorize(world.code())
        old = await world.token(tokens)
        world.sandbox.authorize(world.program)
        await world.pushed(world.push("updateauthorized"), tokens)
        new = await world.token(tokens)
    assert old != new == world.sandbox.authorizer_token(world.program)
    assert await world.stored() == world.sandbox.refresh_token(world.program)
    assert (world.asked("api_query_auth"), world.asked("api_authorizer_token")) == (2, 0)


@virtual
async def test_a_caller_who_leaves() -> None:
    """A cancelled caller alone is cancelled: the code is redeemed all the same."""
    world = Merchants()
    async with world.source(transport=Slow(world.sandbox)) as tokens:
        await tokens.get(TokenKind.COMPONENT, None, timeout=PATIENCE)
        waiting = asyncio.create_task(tokens.authorize(world.code()))
        await settle()
        assert not waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await asyncio.sleep(10)
        assert await world.stored() == world.sandbox.refresh_token(world.program)


@virtual
async def test_closing_while_a_code_is_redeemed() -> None:
    """K-26: a caller that waits gets the error of a closed source.

    The answer on its way is awaited and stored.
    """
    world = Merchants()
    transport = Slow(world.sandbox, action="api_query_auth")
    tokens = world.source(transport=transport)
    waiting = asyncio.create_task(tokens.authorize(world.code()))
    await transport.asked.wait()
    await tokens.aclose()
    with pytest.raises(ClientStateError):
        await waiting
    assert await world.stored() == world.sandbox.refresh_token(world.program)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    with pytest.raises(ClientStateError):
        await tokens.authorize("fake-code")


@virtual
async def test_what_a_store_holds_under_the_name_of_codes() -> None:
    """K-21: a foreign value under the name of codes counts as none."""
    world = Merchants()
    for odd in ("", "[]", '{"kept": [{}]}', '{"kept": 5, "redeemed": null}', "\x00"):
        fence = await world.store.lock(f"codes:{world.component}", lease=0.001)
        await world.store.write(f"codes:{world.component}", StoredToken(refresh=Secret(odd)), fence=fence or 0)
        await asyncio.sleep(1)
        async with world.source() as tokens:
            assert (await tokens.authorize(world.code())).authorizer_appid == world.program
