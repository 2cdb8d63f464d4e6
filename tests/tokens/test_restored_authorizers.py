"""Refresh tokens that are missing come from WeChat's list."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from support.fakes import answer
from support.merchants import Merchants, Plain
from support.platform import component_tokens
from support.virtual import virtual

from wxrevenue import MemoryTokenStore, PageDriftError, Secret, StoredToken, TokenUnavailableError


@pytest.mark.parametrize("store", [MemoryTokenStore, Plain])
@virtual
async def test_restoring(store: Any) -> None:
    """Missing refresh tokens come from WeChat's list.

    A stored one is not replaced, and a second run stores none.
    """
    world = Merchants(store())
    async with world.source() as tokens:
        await tokens.add_authorizer(world.programs[0], "fake-refresh-token")
        await tokens.remove_authorizer(world.programs[1])
        assert await tokens.restore_authorizers() == len(world.programs) - 1
        assert await world.stored(world.programs[0]) == "fake-refresh-token"
        for program in world.programs[1:]:
            assert await world.stored(program) == world.sandbox.refresh_token(program)
            await world.token(tokens, program)
        assert await tokens.restore_authorizers() == 0


@virtual
async def test_restoring_a_long_list() -> None:
    """All pages of the list are asked for, whatever the total says.

    A token that is missing or damaged is skipped.
    """
    rows = [{"authorizer_appid": f"wx{n:05}", "refresh_token": f"fake-{n}", "auth_time": n} for n in range(1203)]
    rows[7]["refresh_token"], rows[8]["refresh_token"] = "", "fake\x01"
    rows[9].pop("refresh_token")
    asked: list[int] = []

    async def platform(request: Any) -> Any:
        if "api_component_token" in request.url:
            return answer({"component_access_token": "fake-component-token", "expires_in": 7200})
        sent = orjson.loads(request.body)
        asked.append(sent["offset"])
        return answer({"total_count": 3, "list": rows[sent["offset"] : sent["offset"] + sent["count"]]})

    async with component_tokens(platform) as tokens:
        assert await tokens.restore_authorizers() == 1200
    assert asked == [0, 500, 1000]


@virtual
async def test_restoring_into_a_store_that_takes_nothing() -> None:
    """K-25: a refresh token that is not stored is not counted.

    Restoring raises, and the next run stores it.
    """

    class Full(MemoryTokenStore):
        full = True

        async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
            if self.full and "/wx" in name:
                raise OSError
            return await super().write(name, record, fence=fence)

    world = Merchants(Full())
    async with world.source() as tokens:
        with pytest.raises(TokenUnavailableError, match="could not be stored"):
            await tokens.restore_authorizers()
        world.store.full = False
        await asyncio.sleep(60)
        assert await tokens.restore_authorizers() == len(world.programs) - 1  # the first was kept, and is stored by now
        assert [await world.stored(program) for program in world.programs] == [*map(world.sandbox.refresh_token, world.programs)]


@virtual
async def test_restoring_while_a_merchant_authorizes() -> None:
    """A refresh token that comes while the lock is waited for stays.

    That of the list does not replace it.
    """
    world = Merchants()
    async with world.source() as tokens:
        name = f"{world.component}/{world.program}"
        fence = await world.store.lock(name, lease=60.0)
        restoring = asyncio.create_task(tokens.restore_authorizers())
        await asyncio.sleep(5)
        await world.store.write(name, StoredToken(refresh=Secret("fake-refresh-token")), fence=fence)
        await world.store.unlock(name, fence=fence)
        assert await restoring == len(world.programs) - 1
        assert await world.stored() == "fake-refresh-token"


@pytest.mark.parametrize("total", [250, 3, 200, None])
@virtual
async def test_restoring_from_a_server_with_short_pages(total: int | None) -> None:
    """A page that is shorter than was asked for is not the last one.

    The total may be right, too low or missing.
    """
    rows = [{"authorizer_appid": f"wx{n:05}", "refresh_token": f"fake-{n}", "auth_time": n} for n in range(250)]

    async def platform(request: Any) -> Any:
        if "api_component_token" in request.url:
            return answer({"component_access_token": "fake-component-token", "expires_in": 7200})
        offset = orjson.loads(request.body)["offset"]
        return answer({"total_count": total, "list": rows[offset : offset + 100]})

    async with component_tokens(platform) as tokens:
        assert await tokens.restore_authorizers() == 250


@virtual
async def test_restoring_from_a_server_that_repeats_a_page() -> None:
    """A list that repeats a whole page before its end is an error.

    What came until then is stored. One appid that comes twice at the end is none.
    """
    rows = [{"authorizer_appid": f"wx{n:05}", "refresh_token": f"fake-{n}", "auth_time": n} for n in range(120)]
    deaf = True

    async def platform(request: Any) -> Any:
        if "api_component_token" in request.url:
            return answer({"component_access_token": "fake-component-token", "expires_in": 7200})
        offset = 0 if deaf else orjson.loads(request.body)["offset"]
        return answer({"total_count": 121, "list": [*rows, rows[0]][offset : offset + 60]})

    async with component_tokens(platform) as tokens:
        with pytest.raises(PageDriftError, match="repeats itself after 60 of 121"):
            await tokens.restore_authorizers()
        deaf = False
        assert await tokens.restore_authorizers() == 60
