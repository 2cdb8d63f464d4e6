"""K-25: a refresh token is not lost while the store is away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.failing_store import NAME, Failing, errors, front_time, stored
from support.leaks import assert_no_leak
from support.platform import (
    FIRST,
    PATIENCE,
    PROGRAM,
    SECRET,
    SECRETS,
    TICKET,
    Rotating,
    Tickets,
    authorizers,
    component_tokens,
    nothing,
    replaced,
)
from support.virtual import now, virtual

from wxrevenue import ComponentTokens, MemoryTokenStore, MemoryTransport, Secret, StoredToken, Ticket, TokenKind
from wxrevenue.tokens.stores._writing import LEASE


@pytest.mark.parametrize("seconds", [1.5, 600.0])
@pytest.mark.parametrize("methods", [(), ("write",)], ids=["all", "write"])
@pytest.mark.parametrize("error", errors(), ids=["ours", "the system's", "too late", "hangs"])
@virtual
async def test_a_store_that_is_away_when_it_is_handed_out(error: Any, methods: tuple[str, ...], seconds: float) -> None:
    """K-25: a refresh token is stored as soon as the store works.

    No other refresh is needed, and a process that starts then has it.
    """
    platform, store = Rotating(), Failing(*methods, error=error)
    platform.on_rotation = store.goes_away
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        assert (await authorizers(tokens)).reveal() == "fake-authorizer-token-1"
        await asyncio.sleep(seconds)
        assert await stored(store) == FIRST
        store.away, platform.on_rotation = False, nothing
        await asyncio.sleep(61.0)
        assert await stored(store) == platform.newest == "fake-refresh-token-1"
    async with component_tokens(platform, store=store) as later:
        assert (await replaced(later, await authorizers(later))).reveal() == "fake-authorizer-token-2"


@virtual
async def test_refreshes_while_nothing_can_be_written(caplog: pytest.LogCaptureFixture) -> None:
    """K-25: while the store takes no write, a refresh uses the newest refresh token.

    The store reads and locks. The log says so.
    """
    platform, store = Rotating(), Failing("write", error=OSError("fake-refresh-token"))
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        await store.goes_away()
        token = await authorizers(tokens)
        for _ in range(4):
            await asyncio.sleep(400.0)
            token = await replaced(tokens, token)
        assert token.reveal() == "fake-authorizer-token-5"
        await asyncio.sleep(10.0)
        store.away = False
    assert await stored(store) == platform.newest
    assert f"the token {NAME} could not be stored (OSError): it is kept in this process" in caplog.text
    assert f"the token {NAME} is stored now" in caplog.text
    assert_no_leak(secrets=SECRETS, caplog=caplog)


@virtual
async def test_closing_stores_what_was_not_stored() -> None:
    """K-25: closing stores what the store had not taken.

    The store is back at the closing, or within seconds.
    """
    platform, store = Rotating(), Failing(error=OSError())
    platform.on_rotation = store.goes_away
    tokens = component_tokens(platform, store=store)
    await tokens.add_authorizer(PROGRAM, FIRST)
    await authorizers(tokens)
    asyncio.get_running_loop().call_later(3.0, store.comes_back)
    await tokens.aclose()
    assert await stored(store) == platform.newest
    assert now() < LEASE
    assert await store.lock(NAME, lease=1.0) is not None, "the lock was not given back"
    assert asyncio.all_tasks() == {asyncio.current_task()}


@virtual
async def test_a_lock_that_could_not_be_given_back() -> None:
    """K-07: a source whose lock was not taken back does not wait for its own lease.

    This holds at the next refresh.
    """
    platform, store = Rotating(), Failing("unlock", error=OSError())
    platform.on_rotation = store.goes_away
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        token = await authorizers(tokens)
        store.comes_back()
        begun = now()
        await replaced(tokens, token)
        assert now() - begun == platform.delay


@virtual
async def test_a_store_that_stays_away_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """K-25: closing ends in seconds while the store stays away.

    The log names what is not stored; the next source of this process has it all the same.
    """
    platform, store = Rotating(), Failing(error=OSError())
    platform.on_rotation = store.goes_away
    tokens = component_tokens(platform, store=store)
    await tokens.add_authorizer(PROGRAM, FIRST)
    await authorizers(tokens)
    begun = now()
    await tokens.aclose()
    assert now() - begun <= 10.0
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert f"the tokens of {NAME} are not stored" in caplog.text
    store.away, platform.on_rotation = False, nothing
    async with component_tokens(platform, store=store) as later:
        await later.get(TokenKind.COMPONENT, None, timeout=PATIENCE)  # of whatever name
        await asyncio.sleep(1.0)
        assert await stored(store) == "fake-refresh-token-1"
        assert (await authorizers(later)).reveal() == "fake-authorizer-token-1"
        assert (await replaced(later, await authorizers(later))).reveal() == "fake-authorizer-token-2"


@virtual
async def test_two_components_with_one_store() -> None:
    """K-23, K-25: when one of two sources closes, the other's writes are still made.

    They are made as soon as that works.
    """
    platform, store = Rotating(), Failing("write", error=OSError())
    tokens = component_tokens(platform, store=store)
    tickets = Tickets(Ticket(TICKET, 1_700_000_000.0))
    other = ComponentTokens("wx3333333333333333", SECRET, tickets=tickets, store=store, transport=MemoryTransport(platform))
    await tokens.add_authorizer(PROGRAM, FIRST)
    platform.on_rotation = store.goes_away
    await authorizers(tokens)
    await other.aclose()
    assert await stored(store) == FIRST
    store.comes_back()
    await asyncio.sleep(10.0)
    assert await stored(store) == platform.newest
    await tokens.aclose()


@virtual
async def test_another_source_goes_on() -> None:
    """K-25: another source writes what a source had not written when it closed.

    Both have the same store, and the other one is in use.
    """
    platform, store = Rotating(), Failing(error=OSError())
    tokens, other = component_tokens(platform, store=store), component_tokens(platform, store=store)
    await tokens.add_authorizer(PROGRAM, FIRST)
    await other.get(TokenKind.COMPONENT, None, timeout=PATIENCE)
    platform.on_rotation = store.goes_away
    await authorizers(tokens)
    await tokens.aclose()
    assert await stored(store) == FIRST
    store.comes_back()
    await asyncio.sleep(10.0)
    assert await stored(store) == platform.newest
    await other.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@virtual
async def test_a_later_process_is_not_overwritten() -> None:
    """K-05, K-25: a write that is still due gives way to a later one.

    Another process made that one under a later lock.
    """
    platform, shared = Rotating(), MemoryTokenStore()

    class Front(Failing):
        def __init__(self) -> None:
            super().__init__(error=OSError())
            self._records, self._locks = shared._records, shared._locks  # pyright: ignore[reportPrivateUsage]

    cut_off = Front()
    one, other = component_tokens(platform, store=cut_off), component_tokens(platform, store=shared)
    await one.add_authorizer(PROGRAM, FIRST)
    platform.on_rotation = cut_off.goes_away
    token = await authorizers(one)
    await asyncio.sleep(20.0)
    platform.on_rotation = nothing
    await other.add_authorizer(PROGRAM, platform.newest)  # it authorized anew, say
    await authorizers(other)
    cut_off.away = False
    await asyncio.sleep(10.0)
    assert await stored(shared) == platform.newest == "fake-refresh-token-2"
    assert (await replaced(one, token)).reveal() == "fake-authorizer-token-2"
    await one.aclose()
    await other.aclose()


@virtual
async def test_a_holder_that_asks_after_it_was_overtaken() -> None:
    """K-06, K-25: a process that was stopped before its request has the newest token.

    The token is a refresh token. The number of its lock does not matter.
    """
    platform, store = Rotating(), MemoryTokenStore()
    one, other = component_tokens(platform, store=store), component_tokens(platform, store=store)
    await one.add_authorizer(PROGRAM, FIRST)
    await one.get(TokenKind.COMPONENT, None, timeout=PATIENCE)
    slow, quick = await store.lock(NAME, lease=0.0), await store.lock(NAME, lease=1.0)
    assert slow is not None
    assert quick is not None
    await store.write(NAME, StoredToken(refresh=Secret("fake-refresh-token-of-the-quick")), fence=quick)
    await asyncio.sleep(5.0)
    front = one._store  # pyright: ignore[reportPrivateUsage]
    assert await front.put(NAME, StoredToken(refresh=Secret("fake-refresh-token-of-the-slow")), fence=slow, since=front_time() - 1.0)
    assert await stored(store) == "fake-refresh-token-of-the-slow"
    await one.aclose()
    await other.aclose()
