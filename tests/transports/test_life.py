"""The aiohttp transport among many callers.

Which time is up, which caller holds a connection, and what is left at the end.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from support.connections import held, until
from support.faultserver import JSON, TOKEN, FaultServer, Peer, ask, head, inside, silence
from support.leaks import assert_no_leak

from wxrevenue.errors import ClientStateError, NotSentError, ResponseLostError, WxRevenueError
from wxrevenue.transports._aiohttp.transport import AiohttpTransport
from wxrevenue.transports._common import KEEP_ALIVE

if TYPE_CHECKING:
    from wxrevenue._wire.http import HttpResponse


async def half_a_body(peer: Peer) -> None:
    """Announce ten bytes, send five, and wait."""
    await peer.request()
    await peer.send(head(10) + b"12345")
    await asyncio.sleep(60)


# -- cancelled from outside ------------------------------------------------------------------------


async def test_cancelled_in_the_body(transport: AiohttpTransport) -> None:
    """C-01: a caller cancelled in the middle of a body gives its connection up.

    The cancellation refers to no object of aiohttp.
    """
    async with FaultServer(half_a_body) as server:
        task = asyncio.create_task(transport.send(ask(server.url), timeout=5.0))
        await until(lambda: server.requests)
        await asyncio.sleep(0.02)
        task.cancel("mine")
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
    assert caught.value.args in {("mine",), ()}
    assert held(transport) == 0
    assert_no_leak(caught.value, secrets=[TOKEN])


async def test_same_cancellation(transport: AiohttpTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cancellation passes as the same instance, without a context."""
    seen: list[asyncio.CancelledError] = []
    histories: list[object] = []

    async def cancelled(*_args: object) -> HttpResponse:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as error:
            seen.append(error)
        seen[0].__context__ = ValueError(TOKEN)
        raise seen[0]

    async def caller() -> None:
        try:
            await transport.send(ask("http://127.0.0.1"), timeout=1.0)
        except asyncio.CancelledError as error:
            seen.append(error)
            histories.append((error.__context__, error.__cause__))
            raise

    monkeypatch.setattr(transport, "_sent", cancelled)
    task = asyncio.create_task(caller())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert seen[0] is seen[1]
    assert histories == [(None, None)]


async def test_cancelled_before_a_connection(transport: AiohttpTransport) -> None:
    """A caller cancelled at once was never on the wire.

    Its cancellation is not taken for a timeout.
    """
    async with FaultServer(silence) as server:
        task = asyncio.create_task(transport.send(ask(server.url), timeout=5.0))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert server.requests == []


async def test_cancelled_and_timed_out_at_once(transport: AiohttpTransport) -> None:
    """Where a timeout and a cancellation from outside meet, the cancellation wins.

    A task group depends on it.
    """
    async with FaultServer(silence) as server:
        task = asyncio.create_task(transport.send(ask(server.url), timeout=5.0))
        await until(lambda: server.requests)
        inside(transport)._watch._running[task].expires = 0.0
        inside(transport)._watch._fire()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert task.cancelled()


async def test_timer_rings_twice(transport: AiohttpTransport) -> None:
    """An exchange whose time is up is interrupted once.

    The timer may look at it several times before it is gone.
    """
    async with FaultServer(silence) as server:
        task = asyncio.create_task(transport.send(ask(server.url), timeout=5.0))
        await until(lambda: server.requests)
        inside(transport)._watch._running[task].expires = 0.0
        for _ in range(2):
            inside(transport)._watch._fire()
        with pytest.raises(ResponseLostError):
            await task
    assert task.cancelling() == 0


async def test_timeout_leaves_the_task_uncancelled(transport: AiohttpTransport) -> None:
    """After a timeout the task may go on as if nothing had happened.

    This holds also under an ``asyncio.timeout`` of the caller's.
    """
    async with FaultServer(silence) as server, asyncio.timeout(5):
        with pytest.raises(ResponseLostError):
            await transport.send(ask(server.url), timeout=0.02)
        task = asyncio.current_task()
        assert task
        assert task.cancelling() == 0
        await asyncio.sleep(0)


async def test_callers_own_timeout(transport: AiohttpTransport) -> None:
    """The caller's own, earlier timeout raises the caller's ``TimeoutError``."""
    async with FaultServer(silence) as server:
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(0.02):
                await transport.send(ask(server.url), timeout=5.0)
    assert not isinstance(caught.value, WxRevenueError)
    assert_no_leak(caught.value, secrets=[TOKEN])


# -- many at once ----------------------------------------------------------------------------------


async def test_each_has_its_own_timeout() -> None:
    """Of 200 callers at once exactly those time out whose time is up.

    The timer goes on for the next of the others.
    """
    go = asyncio.Event()

    async def when_told(peer: Peer) -> None:
        await peer.request()
        await go.wait()
        await peer.reply()

    async with FaultServer(when_told) as server:
        transport = AiohttpTransport(limit=200)
        tasks = [asyncio.create_task(transport.send(ask(server.url), timeout=60.0 + n)) for n in range(200)]
        await until(lambda: len(server.requests) == 200)
        late = {n for n in range(200) if n % 3 == 0}
        for n in late:
            inside(transport)._watch._running[tasks[n]].expires = 0.0
        inside(transport)._watch._fire()
        await until(lambda: sum(task.done() for task in tasks) == len(late))
        assert {n for n, task in enumerate(tasks) if task.done()} == late
        timer = inside(transport)._watch._timer
        assert timer
        assert timer.when() == pytest.approx(inside(transport)._watch._running[tasks[1]].expires, abs=0.01)  # uvloop rounds
        go.set()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await transport.aclose()
    errors = [error for error in ended if isinstance(error, ResponseLostError)]
    assert len(errors) == len(late)
    assert {error.reason for error in errors} == {"timeout"}


async def test_pool_exhausted() -> None:
    """T-49: a caller whose time ends while it waits for a connection sent nothing.

    The error says that the pool is the cause.
    """
    async with FaultServer(silence) as server:
        transport = AiohttpTransport(limit=1)
        holder = asyncio.create_task(transport.send(ask(server.url), timeout=5.0))
        await until(lambda: server.requests)
        with pytest.raises(NotSentError) as caught:
            await transport.send(ask(server.url), timeout=0.02)
        assert (caught.value.reason, caught.value.retryable) == ("pool", True)
        assert server.connections == 1
        holder.cancel()
        await asyncio.gather(holder, return_exceptions=True)
        await transport.aclose()


async def test_pool_exhausted_at_the_same_moment() -> None:
    """T-49: holder and waiter run out of time together.

    The holder's answer is lost, and the waiter lacked a connection.
    """
    async with FaultServer(silence) as server:
        transport = AiohttpTransport(limit=1)
        tasks = [asyncio.create_task(transport.send(ask(server.url), timeout=0.05)) for _ in range(3)]
        await until(lambda: server.requests)
        for exchange in inside(transport)._watch._running.values():
            exchange.expires = 0.0
        inside(transport)._watch._fire()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await transport.aclose()
    assert [(type(error), getattr(error, "reason", "")) for error in ended] == [
        (ResponseLostError, "timeout"),
        (NotSentError, "pool"),
        (NotSentError, "pool"),
    ]


async def test_pool_gives_way() -> None:
    """A connection that comes free goes to the waiting caller."""
    async with FaultServer() as server:
        transport = AiohttpTransport(limit=2)
        bodies = await asyncio.gather(*(transport.send(ask(server.url), timeout=5.0) for _ in range(50)))
        await transport.aclose()
        assert [response.body for response in bodies] == [JSON] * 50
        assert server.connections <= 2


async def test_one_timer(transport: AiohttpTransport) -> None:
    """There is at most one timer, however many requests were made.

    An earlier end moves it forward.
    """
    async with FaultServer() as server:
        for timeout in (5.0, 9.0, 3.0, 4.0):
            await transport.send(ask(server.url), timeout=timeout)
        timer = inside(transport)._watch._timer
        assert timer
        assert timer.when() <= asyncio.get_running_loop().time() + 3.0


# -- the end ---------------------------------------------------------------------------------------


async def test_close() -> None:
    """C-10: closing twice is closing once, also before first use.

    Afterwards nothing is sent.
    """
    async with FaultServer() as server:
        unused, used = AiohttpTransport(), AiohttpTransport()
        await used.send(ask(server.url), timeout=2.0)
        for transport in (unused, used):
            await transport.aclose()
            await transport.aclose()
            with pytest.raises(ClientStateError, match="closed") as caught:
                await transport.send(ask(server.url), timeout=2.0)
            assert_no_leak(caught.value, secrets=[TOKEN])
        assert len(server.requests) == 1
    assert inside(used)._watch._timer is None


async def test_close_while_others_send() -> None:
    """Closing a transport under its callers gives each an error of the package.

    No caller is cancelled that was not cancelled.
    """
    async with FaultServer(silence) as server:
        transport = AiohttpTransport(limit=1)
        tasks = [asyncio.create_task(transport.send(ask(server.url), timeout=5.0)) for _ in range(2)]
        await until(lambda: server.requests)
        await transport.aclose()
        ended = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 2.0)
    assert all(isinstance(error, WxRevenueError) for error in ended), ended
    assert_no_leak(*ended, secrets=[TOKEN])


async def test_other_loop(transport: AiohttpTransport) -> None:
    """C-07: on another loop than its first a transport says so.

    It does so before it sends anything.
    """
    async with FaultServer() as server:
        await transport.send(ask(server.url), timeout=2.0)

        def elsewhere() -> str:
            with pytest.raises(ClientStateError) as caught:
                asyncio.run(transport.send(ask(server.url), timeout=2.0))
            return str(caught.value)

        assert "another event loop" in await asyncio.to_thread(elsewhere)
        assert len(server.requests) == 1


async def test_nothing_before_first_use() -> None:
    """Making a transport makes no session.

    Its session keeps connections for less long than WeChat's servers do.
    """
    transport = AiohttpTransport()
    assert inside(transport)._session is None
    async with FaultServer() as server:
        await transport.send(ask(server.url), timeout=2.0)
    assert inside(transport)._session.connector._keepalive_timeout == KEEP_ALIVE == 7.0
    await transport.aclose()
