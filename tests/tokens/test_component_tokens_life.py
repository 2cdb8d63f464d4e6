"""The life of a source of tokens.

What it closes, how its refreshes end, and whose time it uses.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support.fakes import COMPONENT
from support.platform import PATIENCE, PROGRAM, REFRESH, SECRET, Platform, Tickets, component_tokens, shown, token
from support.virtual import HandClock, WallClock, now, run_virtual, settle, virtual

from wxrevenue import (
    AiohttpTransport,
    ClientStateError,
    ComponentTokens,
    DeadlineExceededError,
    HttpRequest,
    MemoryTokenStore,
    MemoryTransport,
    OutcomeUnknownError,
    StoredToken,
    TokenKind,
    TokenUnavailableError,
)
from wxrevenue._engine import lifetime
from wxrevenue.tokens.stores._writing import LEASE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@virtual
async def test_closing_ends_refreshes_and_those_who_wait() -> None:
    """A caller that waits for a refresh when the source closes gets an error.

    The error is ``ClientStateError``. A later caller gets it, too. A request has its ``timeout``.
    """
    platform = Platform(delay=50.0)
    tokens = component_tokens(platform)
    await tokens.add_authorizer(PROGRAM, REFRESH)
    waiting = [
        asyncio.create_task(tokens.get(kind, appid, timeout=PATIENCE))
        for kind, appid in ((TokenKind.COMPONENT, None), (TokenKind.COMPONENT, None), (TokenKind.AUTHORIZER, PROGRAM))
    ]
    await asyncio.sleep(1)
    closing = asyncio.create_task(tokens.aclose())
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(error) for error in ended] == [ClientStateError] * 3
    assert len({id(error) for error in ended}) == 3
    assert now() == 1
    await closing
    await tokens.aclose()
    assert now() == 10
    assert platform.refreshes == 1
    with pytest.raises(ClientStateError, match="the token source is closed"):
        await token(tokens)
    with pytest.raises(ClientStateError, match="the token source is closed"):
        await tokens.add_authorizer(PROGRAM, REFRESH)
    with pytest.raises(ClientStateError, match="the token source is closed"):
        await tokens.start_push_ticket()


@virtual
async def test_closing_before_a_refresh_has_begun() -> None:
    """A refresh whose task never ran is ended, too."""
    tokens = component_tokens(Platform())
    waiting = asyncio.create_task(token(tokens))
    await asyncio.sleep(0)
    await tokens.aclose()
    with pytest.raises(ClientStateError):
        await waiting


@virtual
async def test_closing_ends_a_refresh_in_the_background() -> None:
    """Closing waits for a background refresh until it has given its lock back.

    No caller waits for that refresh, and no task is left.
    """

    class Slow(MemoryTokenStore):
        async def unlock(self, name: str, *, fence: int) -> None:
            await asyncio.sleep(0.5)
            await super().unlock(name, fence=fence)

    platform = Platform(life=600)
    tokens = component_tokens(platform, store=Slow())
    await token(tokens)
    platform.delay = 1000.0
    await asyncio.sleep(400)
    await token(tokens)
    await settle()
    assert platform.refreshes == 2
    await tokens.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}


class SlowToWrite(MemoryTokenStore):
    """A store that is slow to write, and counts the writes."""

    delay = 0.0

    async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
        """Write, after a while."""
        await asyncio.sleep(self.delay)
        return await super().write(name, record, fence=fence)


async def refresh_token_after(end: Callable[[ComponentTokens], Awaitable[object]], *, delay: float) -> str:
    """Return the refresh token that is stored after a refresh was ended.

    It is ended while the new one is being written.
    """
    platform, store = Platform(), SlowToWrite()
    tokens = component_tokens(platform, store=store, deadline=10.0)
    await tokens.add_authorizer(PROGRAM, REFRESH)
    await token(tokens)
    platform.refresh, store.delay = f"{REFRESH}-rotated", delay
    waiting = asyncio.create_task(tokens.get(TokenKind.AUTHORIZER, PROGRAM, timeout=PATIENCE))
    await asyncio.sleep(1.5)
    await end(tokens)
    await asyncio.gather(waiting, return_exceptions=True)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    record = await store.read(f"{COMPONENT}/{PROGRAM}")
    await tokens.aclose()
    assert record is not None
    assert record.refresh is not None
    return record.refresh.reveal()


async def closed_twice(tokens: ComponentTokens) -> None:
    """Close the source while it is being closed."""
    await asyncio.gather(tokens.aclose(), asyncio.wait_for(tokens.aclose(), 20.0))


async def out_of_time(_tokens: ComponentTokens) -> None:
    """Let the source's deadline pass."""
    await asyncio.sleep(20.0)


ENDS: list[tuple[Any, float]] = [(ComponentTokens.aclose, 3.0), (closed_twice, 3.0), (out_of_time, 12.0)]


@pytest.mark.parametrize(("end", "delay"), ENDS, ids=["closed", "closed twice", "out of time"])
@virtual
async def test_a_new_refresh_token_is_stored_whatever_ends_the_refresh(end: Any, delay: float) -> None:
    """K-20: a refresh token that WeChat has handed out is stored.

    This holds even if the source is closed, or the time is up, in the middle.
    """
    assert await refresh_token_after(end, delay=delay) == f"{REFRESH}-rotated"


@virtual
async def test_a_store_that_hangs_does_not_keep_a_source_open() -> None:
    """A write that is not done some seconds after the source was closed is given up.

    No task is left.
    """
    assert await refresh_token_after(ComponentTokens.aclose, delay=1000.0) == REFRESH
    assert now() < 25


@virtual
async def test_a_given_transport_stays_open() -> None:
    """A transport that was given to a source is not closed."""
    closed: list[str] = []

    class Given(MemoryTransport):
        async def aclose(self) -> None:
            closed.append("given")

    tokens = ComponentTokens(COMPONENT, SECRET, tickets=Tickets(), transport=Given(Platform()))
    await tokens.aclose()
    assert closed == []


@virtual
async def test_its_own_transport_is_closed() -> None:
    """A transport that the source made is closed with it."""
    tokens = ComponentTokens(COMPONENT, SECRET, tickets=Tickets())
    made = tokens._made  # pyright: ignore[reportPrivateUsage]
    assert isinstance(made, AiohttpTransport)
    await tokens.aclose()
    with pytest.raises(ClientStateError):
        await made.send(HttpRequest("POST", "https://api.weixin.qq.com/", {}, b""), timeout=1.0)


def test_another_loop() -> None:
    """C-07: a source belongs to the loop that it was first used on."""
    tokens = component_tokens(Platform())
    run_virtual(token(tokens))
    with pytest.raises(ClientStateError, match="the token source was first used on another event loop"):
        run_virtual(token(tokens))


@pytest.mark.parametrize("look", range(2, 6))
@virtual
async def test_a_clock_that_raises(look: int) -> None:
    """An exception of a user's clock reaches the caller, as it is or by its class.

    The next caller gets a token.
    """

    class Raising(WallClock):
        looks = 0
        raises = True

        def monotonic(self) -> float:
            self.looks += 1
            if self.raises and self.looks >= look:
                raise OSError("no clock")
            return super().monotonic()

    clock = Raising()
    async with component_tokens(Platform(), clock=clock) as tokens:
        with pytest.raises((OSError, TokenUnavailableError), match=r"no clock|raised OSError"):
            await token(tokens)
        clock.raises = False
        await asyncio.sleep(2)
        await token(tokens)


def test_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """C-08: a source that was used before a fork refuses the child.

    There it ends no refresh of the parent's.
    """

    @virtual
    async def run() -> None:
        tokens = component_tokens(Platform(delay=5.0))
        waiting = asyncio.create_task(token(tokens))
        await asyncio.sleep(1)
        with monkeypatch.context() as child:
            child.setattr("os.getpid", lambda: -1)
            child.setattr(lifetime, "_process", -1)  # as ``after_fork`` leaves it in a child
            with pytest.raises(ClientStateError, match="the token source was used before this process was forked"):
                await token(tokens)
            with pytest.raises(ClientStateError, match="the token source was used before this process was forked"):
                await tokens.aclose()
        assert (await waiting).reveal() == "fake-component-token-1"

    run()


@virtual
async def test_a_callers_patience() -> None:
    """A caller waits for its ``timeout`` and no longer.

    The refresh goes on and serves the next.
    """
    platform = Platform(delay=8.0)
    async with component_tokens(platform) as tokens:
        with pytest.raises(DeadlineExceededError):
            await token(tokens, timeout=3.0)
        assert now() == 3
        assert await shown(tokens) == "fake-component-token-1"
        assert now() == 8
    assert platform.refreshes == 1


@virtual
async def test_a_refresh_has_its_own_deadline() -> None:
    """K-14: a refresh makes no request after its ``deadline``.

    Its callers' time does not matter. It does not wait for a lock without end, either.
    """
    platform, store = Platform(delay=60.0), MemoryTokenStore()
    async with component_tokens(platform, store=store, deadline=20.0, timeout=18.0) as tokens:
        with pytest.raises(TokenUnavailableError, match="could not be refreshed; ") as caught:
            await token(tokens, timeout=300.0)
        assert isinstance(caught.value.last, OutcomeUnknownError)
        assert now() == 18
        await asyncio.sleep(2)
        await store.lock(f"{COMPONENT}/", lease=1000.0)
        with pytest.raises(TokenUnavailableError, match="the refresh took longer than 20 s"):
            await token(tokens, timeout=300.0)
        assert now() == pytest.approx(20 + 20 + LEASE)


async def test_a_clock_of_ones_own() -> None:
    """K-12: lives, waits and deadlines follow the given clock.

    The time of day may jump.
    """
    clock = HandClock()
    platform = Platform(delay=0.0, life=600)
    async with component_tokens(platform, clock=clock) as tokens:
        assert await shown(tokens) == "fake-component-token-1"
        clock.unix += 7200.0
        assert await shown(tokens) == "fake-component-token-1"
        clock.unix -= 14400.0
        await clock.advance(590)
        assert await shown(tokens) == "fake-component-token-2"
        await clock.advance(610)
        assert await shown(tokens) == "fake-component-token-3"
