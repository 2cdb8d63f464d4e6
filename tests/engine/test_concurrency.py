"""Many callers at once.

Tested are tenants, bounded connections, contexts, threads, and clocks that jump.
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, Any

import pytest
from support.fakes import OTHER, TOKEN, Read, Script, Tokens, ams_client, answer, refusal
from support.faultserver import FaultServer, Peer
from support.leaks import assert_no_leak
from support.virtual import WallClock, now, virtual

from wxrevenue import (
    AiohttpTransport,
    ClientStateError,
    DeadlineExceededError,
    HttpResponse,
    LocalRateLimiter,
    MemoryTransport,
    QuotaExceededError,
    Rate,
    RetryPolicy,
    RevenueClient,
    Secret,
    ServerBusyError,
    TooFastError,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

trace_id: contextvars.ContextVar[str] = contextvars.ContextVar("trace_id", default="nobody's")

# -- C-09: tenants ---------------------------------------------------------------------------------


async def test_tenants_share_nothing() -> None:
    """C-09: two clients of one process each send their own token only.

    No cookie crosses from one to the other.
    """

    async def cookies(peer: Peer) -> None:
        while True:
            got = await peer.request()
            await peer.reply(Set_Cookie=f"who={got.target.rpartition('=')[2]}; Path=/", Content_Type="application/json")

    async with FaultServer(cookies) as server:
        names = [f"fake-token-{n}" for n in range(2)]
        clients = [RevenueClient(name, f"wx{n}", base_url=server.url) for n, name in enumerate(names)]
        for _ in range(2):  # the second time a cookie could come back
            await asyncio.gather(*(client.get_share_ratio(name) for client, name in zip(clients, names, strict=True) for _ in range(20)))
        for client in clients:
            await client.aclose()
        assert len(server.requests) == 80
        for got in server.requests:
            assert got.target.rpartition("=")[2].encode() in got.body
            assert "cookie" not in got.headers


@virtual
async def test_a_gate_is_one_accounts() -> None:
    """C-09: one account's wait does not make another account wait.

    They share connections and limiter.
    """
    told = iter([refusal(1737)])

    def handler(_: object) -> HttpResponse:
        return next(told, None) or answer()

    client, _ = ams_client(handler=handler, deadline=100.0)
    waits = asyncio.create_task(client.send(Read()))
    await asyncio.sleep(1)
    await client.with_options(tokens="fake-token-2", component_appid=OTHER).send(Read())
    assert now() == 1
    await waits
    assert now() == 60


# -- C-12: contexts --------------------------------------------------------------------------------


@virtual
async def test_callers_contexts() -> None:
    """C-12: a user's plugs run in the context of the caller that they work for.

    These are a token function, a listener and a transport.
    """
    seen: dict[str, set[str]] = {"token": set(), "event": set(), "wire": set()}

    async def tokens() -> str:
        await asyncio.sleep(1)
        seen["token"].add(trace_id.get())
        return TOKEN

    def listen(_: object) -> None:
        seen["event"].add(trace_id.get())

    async def handler(_: object) -> Any:
        await asyncio.sleep(1)
        seen["wire"].add(trace_id.get())
        return answer()

    client, _ = ams_client(handler=handler, tokens=tokens, on_event=listen)

    async def caller(name: str) -> None:
        trace_id.set(name)
        await client.send(Read())

    names = {f"caller {n}" for n in range(5)}
    await asyncio.gather(*(caller(name) for name in names))
    assert seen == {"token": names, "event": names, "wire": names}


# -- C-13: ten thousand ----------------------------------------------------------------------------

CALLS, LIMIT = 10_000, 50


@pytest.mark.slow("makes ten thousand calls")
async def test_ten_thousand_calls() -> None:
    """C-13: 10,000 calls at once use no more connections than allowed.

    All end well, and no call overtakes many others.
    """
    async with FaultServer() as server:
        async with AiohttpClient(server.url) as client:
            ended: list[int] = []

            async def caller(number: int) -> None:
                assert (await client.get_share_ratio("wx1")).share_ratio == 40
                ended.append(number)

            await asyncio.gather(*(caller(number) for number in range(CALLS)))
        assert len(server.requests) == CALLS
        assert server.connections <= LIMIT
    behind_others = [(place, number) for place, number in enumerate(ended) if number >= LIMIT]  # the first ones open the connections
    assert max(abs(place - number) for place, number in behind_others) <= 4 * LIMIT


class AiohttpClient:
    """A client with few connections and much time."""

    def __init__(self, url: str) -> None:
        self._transport = AiohttpTransport(limit=LIMIT)
        limiter = LocalRateLimiter(rate=Rate(CALLS))
        self._client = RevenueClient(TOKEN, base_url=url, transport=self._transport, limiter=limiter, timeout=300.0, deadline=300.0)

    async def __aenter__(self) -> RevenueClient:
        return self._client

    async def __aexit__(self, *exc_info: object) -> None:
        await self._client.aclose()
        await self._transport.aclose()


# -- C-14: threads ---------------------------------------------------------------------------------


async def test_a_thread_with_a_loop_of_its_own() -> None:
    """C-14: in a thread with a loop of its own the error advises another client.

    The client of the first loop works on.
    """
    async with FaultServer() as server, RevenueClient(TOKEN, base_url=server.url) as client:
        await client.get_share_ratio("wx1")

        def elsewhere() -> ClientStateError:
            with pytest.raises(ClientStateError, match="another event loop: make one per loop") as caught:
                asyncio.run(client.get_share_ratio("wx1"))
            return caught.value

        error = await asyncio.to_thread(elsewhere)
        assert_no_leak(error, secrets=[TOKEN])
        await client.get_share_ratio("wx1")
        assert len(server.requests) == 2


async def test_a_thread_that_asks_the_loop() -> None:
    """C-14: another thread calls through ``run_coroutine_threadsafe``."""
    async with FaultServer() as server, RevenueClient(TOKEN, base_url=server.url) as client:
        loop = asyncio.get_running_loop()

        def elsewhere() -> object:
            return asyncio.run_coroutine_threadsafe(client.get_share_ratio("wx1"), loop).result(10).share_ratio

        assert await asyncio.gather(*(asyncio.to_thread(elsewhere) for _ in range(5))) == [40] * 5


# -- deadlines -------------------------------------------------------------------------------------


def one_scope(_request: object, _default: str) -> str:
    """Return the scope of every call."""
    return "x"


class JumpingClock(WallClock):
    """A clock whose wall clock jumps by an hour, back or forth, at each reading."""

    def __init__(self, jump: float) -> None:
        super().__init__()
        self._jump = jump

    def time(self) -> float:
        self._unix += self._jump
        return super().time()


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 0.0])
@virtual
async def test_wall_clock_jumps_change_nothing(jump: float) -> None:
    """R-16, R-22: an hour's step of the wall clock changes nothing.

    It moves no deadline, no back-off, no cool-down and no token wait.
    """
    clock = JumpingClock(jump)
    policy = RetryPolicy(throttle_base=2.0, jitter=lambda: 1.0)
    transport = MemoryTransport(Script(1, refusal(-1), 1, refusal(1737), 1, answer(headers={"Date": "fake"}), 60, answer()))
    client = RevenueClient(Tokens(TOKEN, delays=[1.0] * 4), transport=transport, clock=clock, retry=policy, deadline=70.0, timeout=20.0)
    clock.time()
    await client.send(Read())
    assert now() == 1 + 1 + 2 + 1 + 1 + 60 + 1 + 1
    clock.time()
    with pytest.raises(DeadlineExceededError):
        await client.with_options(deadline=5.0).send(Read())
    assert now() == 68 + 5


async def refused(call: Callable[[], Awaitable[object]]) -> str:
    """Return the text of the error that a call ends with at once."""
    before = now()
    with pytest.raises((TooFastError, QuotaExceededError, DeadlineExceededError, ServerBusyError)) as caught:
        await call()
    assert now() == before
    return str(caught.value)


@virtual
async def test_waits_that_cannot_end_in_time_are_refused_at_once() -> None:
    """R-08: a call that would wait beyond its deadline is refused at once.

    The error says for what it would wait, and how long.
    """
    client, transport = ams_client(handler=lambda _: refusal(1737), deadline=20.0)
    with pytest.raises(TooFastError):
        await client.send(Read())
    text = await refused(lambda: client.send(Read()))
    assert "not sent: the scope is cooling down; retry after 60 s" in text
    assert len(transport.requests) == 1
    client, transport = ams_client(handler=lambda _: refusal(45009), deadline=20.0, clock=WallClock())
    with pytest.raises(QuotaExceededError):
        await client.send(Read())
    assert "not sent: the quota is spent; retry after 600 s" in await refused(lambda: client.send(Read()))
    assert len(transport.requests) == 1


@virtual
async def test_a_back_off_that_does_not_fit() -> None:
    """R-08: where the back-off would outlast the deadline, the call ends at once.

    The error is the server's answer.
    """
    client, transport = ams_client(handler=lambda _: refusal(-1), deadline=5.0, retry=RetryPolicy(throttle_base=9.0, jitter=lambda: 1.0))
    assert "code -1" in await refused(lambda: client.send(Read()))
    client, transport = ams_client(handler=lambda _: answer(b"", 503, {"Retry-After": "30"}), deadline=5.0)
    assert "retry after 30 s" in await refused(lambda: client.send(Read()))
    assert len(transport.requests) == 1


@pytest.mark.parametrize("slow", ["token", "signature", "turn"])
@virtual
async def test_what_was_waited_for_when_time_was_up(slow: str) -> None:
    """A call whose time ran out names the wait that it was in."""
    from support import paykit

    class Vault:
        async def sign(self, message: bytes) -> bytes:
            return await asyncio.sleep(60, b"fake")

    if slow == "signature":
        funds, _ = paykit.client(private_key=Vault(), clock=WallClock(paykit.NOW), deadline=5.0)
        with pytest.raises(DeadlineExceededError, match="waiting for a signature"):
            await funds.mark_transaction(paykit.ORDER)
    elif slow == "token":
        client, _ = ams_client(tokens=lambda: asyncio.sleep(60, TOKEN), deadline=5.0)
        with pytest.raises(DeadlineExceededError, match="waiting for a token"):
            await client.send(Read())
    else:
        limiter = LocalRateLimiter()
        client, _ = ams_client(60, answer(), limiter=limiter, deadline=5.0, tokens=Secret(TOKEN), scope=one_scope)
        turn = await limiter.acquire("x", timeout=1.0)
        turn.report(Verdict.TOO_FAST)
        turn.release()
        await asyncio.sleep(58)
        probe = asyncio.create_task(client.with_options(deadline=30.0, timeout=30.0).send(Read()))
        await asyncio.sleep(2.5)
        with pytest.raises(TooFastError, match="not sent"):
            await client.send(Read())
        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
