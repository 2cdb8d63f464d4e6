"""Ways in which a refresh is ended: its answer is stored all the same."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support.failing_store import Failing, stored
from support.fakes import COMPONENT, answer
from support.platform import (
    FIRST,
    PROGRAM,
    SECRET,
    TICKET,
    Rotating,
    Tickets,
    authorizers,
    component_tokens,
)
from support.virtual import WallClock, now, settle, virtual

from wxrevenue import (
    ClientStateError,
    ComponentTokens,
    DeadlineExceededError,
    MemoryTokenStore,
    Ticket,
    TokenUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wxrevenue import HttpRequest, HttpResponse


async def closed(tokens: ComponentTokens) -> None:
    """Close the source."""
    await tokens.aclose()


async def closed_and_cancelled(tokens: ComponentTokens) -> None:
    """Close the source, cancel that, and close it again."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(tokens.aclose(), 0.1)
    await tokens.aclose()


async def left_by_a_cancelled_task(tokens: ComponentTokens) -> None:
    """Leave ``async with`` because the program is told to stop."""

    async def program() -> None:
        async with tokens:
            await asyncio.sleep(1e6)

    task = asyncio.create_task(program())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])


async def out_of_time(_tokens: ComponentTokens) -> None:
    """Let the source's deadline pass."""
    await asyncio.sleep(20.0)


@pytest.mark.parametrize("end", [closed, closed_and_cancelled, left_by_a_cancelled_task, out_of_time])
@virtual
async def test_an_answer_on_its_way(end: Callable[[ComponentTokens], Awaitable[None]]) -> None:
    """K-26: an exchange that has begun gets its whole ``timeout``.

    Its answer is stored.
    """
    platform, store = Rotating(delay=8.0), MemoryTokenStore()
    tokens = component_tokens(platform, store=store, timeout=10.0, deadline=5.0)
    await tokens.add_authorizer(PROGRAM, FIRST)
    waiting = asyncio.create_task(authorizers(tokens))
    await asyncio.sleep(1.0)
    await end(tokens)
    await asyncio.gather(waiting, return_exceptions=True)
    assert await stored(store) == platform.newest == "fake-refresh-token-1"
    await tokens.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@virtual
async def test_those_who_wait_need_not_wait_for_closing() -> None:
    """C-10: a caller that waits for a token when the source closes is told at once.

    The answer is awaited all the same.
    """
    platform = Rotating(delay=8.0)
    tokens = component_tokens(platform)
    await tokens.add_authorizer(PROGRAM, FIRST)
    waiting = asyncio.create_task(authorizers(tokens))
    await asyncio.sleep(1.0)
    closing = asyncio.create_task(tokens.aclose())
    with pytest.raises(ClientStateError, match="was closed while the call waited"):
        await waiting
    assert now() == 1.0
    await closing
    assert now() == 8.0


@virtual
async def test_callers_who_leave() -> None:
    """K-26: the deadline of the caller who started the refresh does not limit it."""
    platform, store = Rotating(delay=8.0), MemoryTokenStore()
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        with pytest.raises(DeadlineExceededError):
            await authorizers(tokens, timeout=1.0)
        await asyncio.sleep(8.0)
        assert await stored(store) == platform.newest == "fake-refresh-token-1"


@virtual
async def test_a_transport_that_keeps_no_timeout() -> None:
    """K-26: a transport that hangs for ever is given up.

    The refresh token that is stored stays in use.
    """

    class Hanging(Rotating):
        async def send(self, request: Any, *, timeout: float) -> Any:
            return await (asyncio.sleep(1e6) if "authorizer" in request.url and not self.asked else self(request))

        async def aclose(self) -> None:
            """Do nothing."""

    tickets = Tickets(Ticket(TICKET, 1_700_000_000.0))
    async with ComponentTokens(COMPONENT, SECRET, tickets=tickets, transport=Hanging(), clock=WallClock(), timeout=5.0) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        with pytest.raises(TokenUnavailableError, match="no answer in time"):
            await authorizers(tokens)


@pytest.mark.parametrize(
    "said",
    [
        {"authorizer_access_token": ""},
        {"authorizer_access_token": None},
        {"authorizer_access_token": "fake-authorizer-token", "expires_in": None},
        {"authorizer_access_token": "fake-authorizer-token", "expires_in": "soon"},
        {"authorizer_access_token": "fake-authorizer-token", "expires_in": -1},
    ],
)
@virtual
async def test_an_answer_without_a_token(said: dict[str, Any]) -> None:
    """K-11, K-25: a refresh token without a usable access token is stored."""

    async def platform(request: HttpRequest) -> HttpResponse:
        if "api_component_token" in request.url:
            return answer({"component_access_token": "fake-component-token", "expires_in": 7200})
        return answer({"expires_in": 7200, "authorizer_refresh_token": "fake-refresh-token-1", **said})

    store = MemoryTokenStore()
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        with pytest.raises(TokenUnavailableError, match="WeChat answered without a token"):
            await authorizers(tokens)
        assert await stored(store) == "fake-refresh-token-1"


def test_a_loop_that_ends() -> None:
    """K-26: when ``asyncio.run`` ends all tasks, a write that began is completed."""
    platform, store = Rotating(delay=0.0), Failing("write")

    async def main() -> None:
        tokens = component_tokens(platform, store=store)
        await tokens.add_authorizer(PROGRAM, FIRST)
        platform.on_rotation = store.goes_away
        waiting = asyncio.create_task(authorizers(tokens))
        await settle()
        assert store.tries
        store.away = False
        waiting.cancel()

    asyncio.run(main())
    assert asyncio.run(stored(store)) == platform.newest == "fake-refresh-token-1"
