"""Random walks of two processes, whose stores fail at random.

The newest refresh token is never lost.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from support.fakes import COMPONENT, answer
from support.platform import PROGRAM, Rotating
from support.tokenwalk import TokenWalk
from support.virtual import run_virtual

from wxrevenue import ResponseLostError, Secret, WxRevenueError
from wxrevenue.push import AuthorizationPush

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from wxrevenue import HttpRequest, HttpResponse


@pytest.mark.parametrize("seeds", [range(start, start + 20) for start in range(0, 60, 20)], ids=str)
def test_walks(seeds: range) -> None:
    """K-25, K-26, K-27: the newest refresh token is stored when all works again.

    It does not matter what fails, ends or is closed.
    """
    for seed in seeds:
        run_virtual(TokenWalk(seed).take())


class Merchant(Rotating):
    """A platform with a merchant that authorizes again now and then.

    A code is good once, and answers get lost.

    Args:
        chance: says which.
    """

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance
        self._codes: set[str] = set()
        self.count = 0

    def code(self) -> str:
        """Return the code of a new authorization.

        The refresh tokens from before are no longer good.
        """
        self.count += 1
        self.newest = f"fake-refresh-token-anew-{self.count}"
        self._codes.add(f"fake-code-{self.count}")
        return f"fake-code-{self.count}"

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a token call, or lose the answer."""
        name = request.url.partition("?")[0].rpartition("/")[2]
        if name not in {"api_query_auth", "api_get_authorizer_info"}:
            return await super().__call__(request)
        granted: dict[str, Any] = {"authorizer_appid": PROGRAM, "authorizer_refresh_token": self.newest, "func_info": []}
        if name == "api_query_auth":
            code = orjson.loads(request.body)["authorization_code"]
            if code not in self._codes:
                return answer({"errcode": 61009, "errmsg": "code is invalid"})
            self._codes.remove(code)
        await asyncio.sleep(self.delay)
        if self._chance.random() < 0.2:
            raise ResponseLostError("lost", reason="reset")
        return answer({"authorizer_info": {}, "authorization_info": granted})


class MerchantWalk(TokenWalk):
    """Two processes, and a merchant whose codes reach them by pushes and by redirects."""

    platform: Merchant

    def make_platform(self) -> Merchant:
        """Return a platform."""
        return Merchant(self.chance)

    def happenings(self) -> list[Callable[[int], Awaitable[None]]]:
        """Return the possible events."""
        return [*super().happenings(), self._push, self._push, self._redirect]

    async def _push(self, _number: int) -> None:
        count, code = self.platform.count, Secret(self.platform.code())
        push = AuthorizationPush(info_type="authorized", authorizer_appid=PROGRAM, created=1.7e9 + count, authorization_code=code)

        async def deliver() -> None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(4.0):
                    await self.chance.choice(self.sources).take_push(push)
                    return
            await asyncio.sleep(5.0)
            await deliver()  # as WeChat does

        self.pushes.append(asyncio.create_task(deliver()))

    async def _redirect(self, number: int) -> None:
        async def authorize() -> None:
            with contextlib.suppress(WxRevenueError, OSError):
                await self.sources[number].authorize(f"fake-code-{self.platform.count}")

        if self.platform.count:
            self.tasks.append(asyncio.create_task(authorize()))

    async def settle(self) -> None:
        """Wait until all pushes arrived and all codes are redeemed: then none is kept."""
        await asyncio.gather(*self.pushes)
        await asyncio.sleep(400.0)
        await self._get(0)
        await self._get(1)
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await asyncio.sleep(400.0)
        found = await self.shared.read(f"codes:{COMPONENT}")
        assert found is None or orjson.loads((found.refresh or Secret("")).reveal())["kept"] == []


@pytest.mark.parametrize("seeds", [range(start, start + 10) for start in range(0, 60, 10)], ids=str)
def test_walks_with_codes(seeds: range) -> None:
    """K-20, K-25, K-26, K-29: the last authorization is stored when all works.

    It does not matter what fails, and no code is left.
    """
    for seed in seeds:
        run_virtual(MerchantWalk(seed).take())
