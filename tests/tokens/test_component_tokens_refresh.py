"""When tokens are replaced, and what happens when that fails.

Tokens are replaced early and in the background, at the latest near their end.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import COMPONENT, Read, ams_client, answer, sent
from support.platform import Platform, component_tokens, refreshes, shown, token
from support.virtual import now, run_virtual, settle, virtual

from wxrevenue import LocalRateLimiter, MemoryTokenStore, NotSentError, Rate, Secret, TokenKind, TokenUnavailableError
from wxrevenue.tokens._cache import DUE, EARLY, STALL

if TYPE_CHECKING:
    from wxrevenue import ComponentTokens


DOWN = NotSentError("no route", reason="connect")


async def first_refresh_after(tokens: ComponentTokens, platform: Platform, step: float = 1.0) -> float:
    """Ask every ``step`` seconds until a refresh was made; return when."""
    before = platform.refreshes
    while platform.refreshes == before:
        await asyncio.sleep(step)
        await token(tokens)
        await settle()
    return now()


@pytest.mark.slow("simulates hours of refreshing, again and again")
@virtual
async def test_early_and_not_together() -> None:
    """K-13: a token is replaced 5 to 10 minutes before its end.

    Each source does so at a time of its own.
    """
    times: list[float] = []
    for _ in range(5):
        platform = Platform(delay=0.0)
        async with component_tokens(platform) as tokens:
            await token(tokens)
            begun = now()
            times.append(await first_refresh_after(tokens, platform, step=5.0) - begun)
    assert all(7200 - EARLY[1] <= time <= 7200 - EARLY[0] + 5 for time in times)
    assert len(set(times)) > 1


@virtual
async def test_nobody_waits_for_an_early_refresh() -> None:
    """K-14: during a slow refresh callers get the old, living token at once.

    Later they get the new one.
    """
    platform = Platform(delay=8.0)
    async with component_tokens(platform) as tokens:
        await token(tokens)
        await asyncio.sleep(7200 - 240)
        begun = now()
        for _ in range(50):
            assert await shown(tokens) == "fake-component-token-1"
        assert now() == begun
        await asyncio.sleep(9)
        assert await shown(tokens) == "fake-component-token-2"
    assert platform.refreshes == 2


@virtual
async def test_live_traffic_does_not_stall() -> None:
    """K-14: a client's calls keep their pace while a refresh takes 8 seconds.

    None takes longer than the wire.
    """
    platform = Platform(delay=8.0)
    async with component_tokens(platform) as tokens:
        await token(tokens)
        limiter = LocalRateLimiter(rate=Rate(10_000))
        client, transport = ams_client(handler=lambda _: asyncio.sleep(0.1, answer()), tokens=tokens, limiter=limiter)
        await asyncio.sleep(7200 - 240)

        async def call() -> float:
            begun = now()
            await client.send(Read())
            return now() - begun

        durations: list[float] = []
        for _ in range(20):
            durations += await asyncio.gather(*(call() for _ in range(10)))
            await asyncio.sleep(0.5)
        await client.aclose()
    assert max(durations) < 0.2
    assert [url.rpartition("-")[2] for url in sent(transport)] == sorted("1" * 140 + "2" * 60)
    assert platform.refreshes == 2


@virtual
async def test_near_the_end_callers_wait() -> None:
    """In the last minute a caller waits for the next token.

    After half of its time it gets the old one.
    """
    platform = Platform(delay=8.0)
    told: list[Any] = []
    async with component_tokens(platform, on_event=told.append) as tokens:
        await token(tokens)
        await asyncio.sleep(7200 - 8 - DUE / 2)
        begun = now()
        assert await shown(tokens, timeout=2.0) == "fake-component-token-1"
        assert now() == begun + 1
        assert await shown(tokens) == "fake-component-token-1"
        assert now() == begun + 1 + STALL
        await asyncio.sleep(4 - STALL + 1)
        assert await shown(tokens) == "fake-component-token-2"
        assert now() == begun + 8
    assert refreshes(told) == [("started", "first"), ("ok", "first"), ("started", "due"), ("ok", "due")]


@virtual
async def test_calls_near_the_end_of_a_token_while_refreshes_hang() -> None:
    """K-14: near a token's end a call with too little time for the refresh succeeds.

    It uses the old token, which lives.
    """
    platform = Platform()
    async with component_tokens(platform) as tokens:
        await token(tokens)
        platform.delay = 1000.0
        client, transport = ams_client(handler=lambda _: asyncio.sleep(0.1, answer()), tokens=tokens, deadline=2.0)
        await asyncio.sleep(7200 - DUE + 1)
        for _ in range(50):
            await client.send(Read())
            await asyncio.sleep(0.01)
        await client.aclose()
    assert {url.rpartition("-")[2] for url in sent(transport)} == {"1"}


@virtual
async def test_a_token_that_dies_while_its_callers_wait() -> None:
    """In the last seconds of a token a caller waits for its whole time.

    There is no other token to give it.
    """
    platform = Platform(delay=8.0)
    async with component_tokens(platform) as tokens:
        await token(tokens)
        await asyncio.sleep(7200 - 8 - 2)
        begun = now()
        assert await shown(tokens) == "fake-component-token-2"
        assert now() == begun + 8


@virtual
async def test_a_life_counts_from_the_request() -> None:
    """K-12: a token's life counts from its request, not from the answer."""
    platform, store = Platform(delay=9.0, life=100), MemoryTokenStore()
    async with component_tokens(platform, store=store) as tokens:
        assert await shown(tokens) == "fake-component-token-1"
        record = await store.read(f"{COMPONENT}/")
        assert record is not None
        assert record.left == pytest.approx(91.0)
        platform.trouble = [DOWN] * 50
        await asyncio.sleep(100 - 9 - 0.5)
        assert await shown(tokens, timeout=0.1) == "fake-component-token-1"
        await asyncio.sleep(0.5)
        with pytest.raises(TokenUnavailableError):
            await token(tokens)


@virtual
async def test_while_refreshes_fail_the_old_token_is_served(caplog: pytest.LogCaptureFixture) -> None:
    """K-15: while no new token can be fetched the old one is served until its end.

    The log says so once a minute.
    """
    platform = Platform(delay=0.0)
    async with component_tokens(platform) as tokens:
        await token(tokens)
        platform.trouble = [DOWN] * 10_000
        await asyncio.sleep(7200 - EARLY[0])
        begun = now()
        while now() - begun < EARLY[0] - 1:
            assert await shown(tokens) == "fake-component-token-1"
            await asyncio.sleep(1)
        warned = [record for record in caplog.records if "the token of component" in record.getMessage()]
        assert 4 <= len(warned) <= 6
        assert all(record.levelno == logging.WARNING and "NotSentError" in record.getMessage() for record in warned)
        assert platform.refreshes <= 1 + 3 * EARLY[0] / 10
        await asyncio.sleep(2)
        with pytest.raises(TokenUnavailableError):
            await token(tokens)
        platform.trouble = []
        await asyncio.sleep(30)
        assert (await shown(tokens)).startswith("fake-component-token-")


@virtual
async def test_failures_are_tried_again_ever_slower() -> None:
    """K-03: a failed refresh is tried again after a second or two, then more slowly.

    The number of callers does not matter.
    """
    platform = Platform(delay=0.0)
    platform.trouble = [40125] * 1000
    async with component_tokens(platform) as tokens:
        times: list[float] = []
        while now() < 200:
            before = platform.refreshes
            with pytest.raises(TokenUnavailableError):
                await token(tokens)
            if platform.refreshes > before:
                times.append(now())
            await asyncio.sleep(0.25)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert 1.0 <= gaps[0] <= 2.25
    assert all(gap <= 20.25 for gap in gaps)
    assert len(times) <= 25


@pytest.mark.parametrize(("code", "least", "most"), [(45009, 600.0, 1200.0), (45011, 60.0, 120.0)])
@virtual
async def test_a_spent_quota_is_left_alone(code: int, least: float, most: float) -> None:
    """When WeChat says that tokens were asked for too often, the next try is late.

    It comes after minutes.
    """
    platform = Platform(code, delay=0.0)
    async with component_tokens(platform) as tokens:
        with pytest.raises(TokenUnavailableError):
            await token(tokens)
        while platform.refreshes == 1:
            await asyncio.sleep(5)
            with contextlib.suppress(TokenUnavailableError):
                await token(tokens)
    assert least <= now() <= most + 5


@given(life=st.one_of(st.integers(min_value=0, max_value=10**12), st.integers(min_value=0, max_value=10**9).map(str)))
def test_no_token_lives_forever(life: object) -> None:
    """K-11: a token lives 1 minute at least and 2 hours at most.

    The life that the server announces does not change that.
    """

    async def run() -> None:
        platform = Platform(life=life, delay=0.0)
        async with component_tokens(platform) as tokens:
            await token(tokens)
            platform.trouble = [DOWN] * 1000
            lived = min(7200.0, max(60.0, float(str(life))))
            await asyncio.sleep(lived - 0.5)
            assert await shown(tokens) == "fake-component-token-1"
            await asyncio.sleep(1)
            with pytest.raises(TokenUnavailableError):
                await token(tokens)

    run_virtual(run())


@pytest.mark.parametrize("life", [None, -1, 1.5, True, "soon"])
@virtual
async def test_an_answer_without_a_life(life: object) -> None:
    """K-11: a token without a life, or with one that is no number, is not taken."""
    platform = Platform(life=life)
    async with component_tokens(platform) as tokens:
        with pytest.raises(TokenUnavailableError, match=r"\$\.expires_in"):
            await token(tokens)


@virtual
async def test_an_empty_token() -> None:
    """An empty token is no token."""
    async with component_tokens(Platform({"component_access_token": "", "expires_in": 7200})) as tokens:
        with pytest.raises(TokenUnavailableError, match="answered without a token"):
            await token(tokens)


@virtual
async def test_lost_answers_are_repeated() -> None:
    """A refresh whose request does not get through is repeated by the engine's policy.

    No caller sees that.
    """
    platform = Platform(DOWN, -1)
    async with component_tokens(platform) as tokens:
        assert await shown(tokens) == "fake-component-token-3"
    assert platform.refreshes == 3


@virtual
async def test_a_known_token_is_had_without_an_await() -> None:
    """K-13: ``peek`` returns what ``get`` would, and starts the early refresh too.

    It returns ``None`` where ``get`` would wait or raise.
    """
    platform = Platform(delay=8.0)
    async with component_tokens(platform) as tokens:
        assert tokens.peek(TokenKind.COMPONENT, None) is None
        assert tokens.peek(TokenKind.AUTHORIZER, "wx-unknown") is None
        await token(tokens)
        assert tokens.peek(TokenKind.COMPONENT, None) == Secret("fake-component-token-1")
        await asyncio.sleep(7200 - 240)
        assert tokens.peek(TokenKind.COMPONENT, None) == Secret("fake-component-token-1")
        await asyncio.sleep(9)
        assert platform.refreshes == 2
        assert tokens.peek(TokenKind.COMPONENT, None) == Secret("fake-component-token-2")
        await tokens.reject(TokenKind.COMPONENT, None, Secret("fake-component-token-2"))
        assert tokens.peek(TokenKind.COMPONENT, None) is None
    assert tokens.peek(TokenKind.COMPONENT, None) is None
