"""Tokens whose bytes were damaged on the way from WeChat."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson
import pytest
from support.fakes import COMPONENT
from support.platform import FIRST, PROGRAM, authorizers, component_tokens, token
from support.virtual import virtual

from wxrevenue import HttpResponse, MemoryTokenStore, TokenUnavailableError

if TYPE_CHECKING:
    from wxrevenue import HttpRequest

DAMAGES = [b"fake\x01token", b"fake\\u0001token", b"fake\xfftoken", b"fake\xef\xbf\xbdtoken", b"fake token", b"fake\xc2\xa0token"]


class Line:
    """A platform whose first answers have one damaged field.

    Args:
        field: which.
        damaged: what arrives instead of its value.
        times: in how many answers.
    """

    def __init__(self, field: str, damaged: bytes, times: int = 1) -> None:
        self.field, self.damaged, self.times = field, damaged, times
        self.sent: list[str] = []
        """The refresh tokens that arrived."""

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a token call, damaged or not."""
        said = {"component_access_token": "fake-component-token", "expires_in": 7200}
        if "api_authorizer_token" in request.url:
            self.sent.append(orjson.loads(request.body)["authorizer_refresh_token"])
            said = {"authorizer_access_token": "fake-authorizer-token", "expires_in": 7200}
            said["authorizer_refresh_token"] = f"fake-refresh-token-{len(self.sent)}"
        body = orjson.dumps(said)
        if self.times and self.field in said:
            self.times -= 1
            body = body.replace(orjson.dumps(said[self.field]), b'"' + self.damaged + b'"')
        return HttpResponse(200, {}, body)


async def stored(store: MemoryTokenStore, program: str = PROGRAM) -> tuple[str | None, str | None]:
    """Return the stored token and refresh token."""
    record = await store.read(f"{COMPONENT}/{program}")
    found = (None, None) if record is None else (record.token, record.refresh)
    token, refresh = (None if one is None else one.reveal() for one in found)
    return token, refresh


@pytest.mark.parametrize("damaged", DAMAGES)
@virtual
async def test_a_damaged_component_token(damaged: bytes) -> None:
    """K-28: a damaged component token is not kept, and the error can be retried.

    The next try gets a whole one.
    """
    store = MemoryTokenStore()
    async with component_tokens(Line("component_access_token", damaged), store=store) as tokens:
        with pytest.raises(TokenUnavailableError, match="a damaged one") as caught:
            await token(tokens)
        assert caught.value.retryable
        assert await stored(store, "") == (None, None)
        await asyncio.sleep(3)
        assert (await token(tokens)).reveal() == "fake-component-token"


@pytest.mark.parametrize("damaged", DAMAGES)
@virtual
async def test_a_damaged_authorizer_token(damaged: bytes) -> None:
    """K-28: a damaged authorizer token is not kept.

    The refresh token beside it is; the next try gets a whole one.
    """
    store, line = MemoryTokenStore(), Line("authorizer_access_token", damaged)
    async with component_tokens(line, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        with pytest.raises(TokenUnavailableError, match="a damaged one") as caught:
            await authorizers(tokens)
        assert caught.value.retryable
        assert await stored(store) == (None, "fake-refresh-token-1")
        await asyncio.sleep(3)
        assert (await authorizers(tokens)).reveal() == "fake-authorizer-token"
    assert line.sent == [FIRST, "fake-refresh-token-1"]


@pytest.mark.parametrize("damaged", [*DAMAGES, "假".encode("gb18030"), b"fake\x91\x41token"])
@virtual
async def test_a_damaged_refresh_token(damaged: bytes) -> None:
    """K-28: after a damaged refresh token the old one is kept.

    It is sent again within a minute, while it works, so the new one is not lost.
    """
    store, line = MemoryTokenStore(), Line("authorizer_refresh_token", damaged, times=2)
    async with component_tokens(line, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        assert (await authorizers(tokens)).reveal() == "fake-authorizer-token"
        assert await stored(store) == ("fake-authorizer-token", FIRST)
        for _ in range(4):
            await asyncio.sleep(55)
            await authorizers(tokens)
        assert await stored(store) == ("fake-authorizer-token", "fake-refresh-token-3")
    assert line.sent == [FIRST] * 3


@virtual
async def test_a_refusal_with_damaged_bytes() -> None:
    """K-28: the code of a refusal is read, even if its message is damaged."""

    async def refuse(request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, {}, b'{"errcode":40125,"errmsg":"invalid \x01\xff secret"}')

    async with component_tokens(refuse) as tokens:
        with pytest.raises(TokenUnavailableError, match="WeChat answered 40125") as caught:
            await token(tokens)
    assert getattr(caught.value.last, "code", None) == 40125
