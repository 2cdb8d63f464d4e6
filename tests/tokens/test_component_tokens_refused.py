"""Tokens that the server refuses: replaced, but not again and again."""

from __future__ import annotations

import asyncio

import pytest
from support.fakes import Read, ams_client, answer, refusal
from support.platform import Platform, component_tokens, reject, shown, token
from support.virtual import now, virtual

from wxrevenue import HttpRequest, HttpResponse, LocalRateLimiter, Rate, TokenError, TokenUnavailableError
from wxrevenue.tokens._cache import EARLY


@virtual
async def test_ping_pong_has_a_name() -> None:
    """K-10: when each new token is refused at once, three are fetched.

    Then none is fetched for minutes, and the error names the cause.
    """
    platform = Platform(delay=0.0)
    async with component_tokens(platform) as tokens:
        caught: list[TokenUnavailableError] = []
        while now() < 290:
            try:
                await reject(tokens, await token(tokens))
            except TokenUnavailableError as error:
                caught.append(error)
            await asyncio.sleep(5)
        assert platform.refreshes == 1 + 3
        assert caught
        assert all("another process or system refreshes it with the same secret" in str(error) for error in caught)
        assert not any(error.retryable for error in caught)
        await asyncio.sleep(30)
        assert await shown(tokens) == "fake-component-token-5"


@virtual
async def test_an_outage_is_no_ping_pong() -> None:
    """K-10: refreshes that fail after a refusal do not count as ping-pong.

    The error is theirs, and they bring a token once they succeed.
    """
    platform = Platform(delay=0.0)
    async with component_tokens(platform) as tokens:
        await reject(tokens, await token(tokens))
        platform.trouble = [61004] * 5
        while platform.trouble:
            with pytest.raises(TokenUnavailableError, match="61004"):
                await token(tokens)
            await asyncio.sleep(1)
        await asyncio.sleep(25)
        assert await shown(tokens) == "fake-component-token-7"


@virtual
async def test_one_refusal_now_and_then_is_no_ping_pong() -> None:
    """K-10: a token that is refused every few minutes is replaced each time."""
    platform = Platform(delay=0.0)
    async with component_tokens(platform) as tokens:
        for number in range(1, 12):
            found = await token(tokens)
            assert found.reveal() == f"fake-component-token-{number}"
            await asyncio.sleep(60)
            await reject(tokens, found)
            await asyncio.sleep(90)


@virtual
async def test_a_new_token_that_is_not_known_everywhere_yet() -> None:
    """K-10: a gateway that refuses new tokens for five seconds costs seconds.

    It does not cost one token after the other.
    """
    platform, born = Platform(delay=0.0), {"1": 0.0}

    def handler(request: HttpRequest) -> HttpResponse:
        number = request.wire_url().rpartition("-")[2]
        return answer() if number == "1" or now() - born.setdefault(number, now()) > 5 else refusal(40001)

    async with component_tokens(platform) as tokens:
        client, _ = ams_client(handler=handler, tokens=tokens, limiter=LocalRateLimiter(rate=Rate(10_000)))
        await client.send(Read())
        await asyncio.sleep(7200 - EARLY[0])
        failed = 0
        for _ in range(600):
            try:
                await client.send(Read())
            except TokenError:
                failed += 1
            await asyncio.sleep(1)
        await client.aclose()
    assert 0 < failed < 10
    assert platform.refreshes == 2 + 2


@virtual
async def test_a_refusal_during_an_early_refresh() -> None:
    """A token that is refused while its replacement is on the way is not served.

    Callers wait for the replacement.
    """
    platform = Platform(delay=8.0)
    async with component_tokens(platform) as tokens:
        old = await token(tokens)
        await asyncio.sleep(7200 - 240)
        assert await token(tokens) == old
        await asyncio.sleep(1)
        await reject(tokens, old)
        begun = now()
        assert await shown(tokens) == "fake-component-token-2"
        assert now() == begun + 7
    assert platform.refreshes == 2
