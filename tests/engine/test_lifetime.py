"""How the calls of a client end when it closes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.fakes import TOKEN, Put, Read, Tokens, ams_client, answer, made_for, ratio, refusal, slow_tokens
from support.virtual import armed_timers, now, run_virtual, settle, virtual

from wxrevenue import (
    CallEvent,
    ClientStateError,
    HttpRequest,
    HttpResponse,
    LocalRateLimiter,
    MemoryTransport,
    NotSentError,
    ResponseLostError,
    RetryPolicy,
    RevenueClient,
    Secret,
    ServerBusyError,
    TokenError,
    TokenKind,
    TooFastError,
)
from wxrevenue.errors import WxRevenueError


class Wire(MemoryTransport):
    """A transport that knows whether it was closed."""

    closed = 0

    async def aclose(self) -> None:
        self.closed += 1


WAITING: dict[str, dict[str, Any]] = {
    "token": {"script": [], "tokens": slow_tokens},
    "turn": {"script": [refusal(1737)]},
    "back-off": {
        "script": [NotSentError(reason="connect") for _ in range(3)],
        "retry": RetryPolicy(base=50.0, cap=50.0, jitter=lambda: 1.0),
    },
}


@pytest.mark.parametrize("what", WAITING)
@virtual
async def test_closing_ends_waits(what: str) -> None:
    """C-10: a waiting call ends with ClientStateError as soon as the client closes.

    It waits for a token, a turn or a back-off.
    """
    options = dict(WAITING[what])
    client, transport = ams_client(*options.pop("script"), deadline=200.0, **options)
    calls = [asyncio.create_task(client.send(Read())) for _ in range(3)]
    await asyncio.sleep(5)
    count = len(transport.requests)
    await client.aclose()
    assert now() == 5
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(end) for end in ends] == [ClientStateError] * 3
    assert all(isinstance(end, ClientStateError) and end.endpoint == "fake_read" and not end.ambiguous for end in ends)
    assert len(transport.requests) == count
    assert all(task.cancelling() == 0 for task in calls)
    assert armed_timers() == 0


@virtual
async def test_closing_lets_requests_on_the_wire_finish() -> None:
    """C-10: closing waits for requests on the wire, whose callers get their answers."""
    client, _ = ams_client(3, ratio(41))
    call = asyncio.create_task(client.get_share_ratio("wx1"))
    await asyncio.sleep(1)
    await client.aclose()
    assert now() == 3
    assert (await call).share_ratio == 41


@virtual
async def test_requests_on_the_wire_finish_within_their_timeout() -> None:
    """Closing waits no longer than a request's timeout.

    Nothing is retried any more.
    """
    client, transport = ams_client(handler=lambda _: asyncio.sleep(1_000, answer()), timeout=4.0)
    call = asyncio.create_task(client.send(Read()))
    await asyncio.sleep(1)
    await client.aclose()
    assert now() == 4
    with pytest.raises(ResponseLostError):
        await call
    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        (refusal(-1), ServerBusyError),
        (NotSentError(reason="connect"), NotSentError),
        (refusal(1737), (TooFastError, ClientStateError)),
        (refusal(40001), (TokenError, ClientStateError)),
    ],
    ids=["busy", "not sent", "too fast", "token"],
)
@virtual
async def test_nothing_is_repeated_after_closing(last: Any, kind: Any) -> None:
    """A request on the wire when the client closes is its call's last.

    Closing does not wait for a repetition.
    """
    client, transport = ams_client(2, last, tokens=Tokens("fake-token-1", "fake-token-2"), limiter=LocalRateLimiter(5.0), deadline=100.0)
    call = asyncio.create_task(client.send(Read()))
    await asyncio.sleep(1)
    await client.aclose()
    assert now() == 2
    with pytest.raises(kind):
        await call
    assert len(transport.requests) == 1
    assert now() == 2


@virtual
async def test_closing_while_a_token_is_rejected() -> None:
    """A call is not repeated if the client closes while it rejects its token."""

    class Slow(Tokens):
        async def reject(self, kind: TokenKind, appid: str | None, token: Secret | str) -> None:
            await asyncio.sleep(1)
            await super().reject(kind, appid, token)

    client, transport = ams_client(refusal(40001), tokens=Slow("fake-token-1", "fake-token-2"))
    call = asyncio.create_task(client.send(Read()))
    await settle()
    await client.aclose()
    assert now() <= 1
    with pytest.raises((TokenError, ClientStateError)):
        await call
    assert len(transport.requests) == 1


@virtual
async def test_closing_twice_and_side_by_side() -> None:
    """C-10: closing is idempotent, also while another task closes."""
    client, _ = ams_client(3, ratio())
    call = asyncio.create_task(client.get_share_ratio("wx1"))
    await asyncio.sleep(1)
    await asyncio.gather(client.aclose(), client.aclose())
    assert now() == 3
    await client.aclose()
    await call


@virtual
async def test_a_cancelled_close_can_be_done_again() -> None:
    """A close that is cancelled may be repeated, and the calls are not harmed."""
    client, _ = ams_client(3, ratio())
    call = asyncio.create_task(client.get_share_ratio("wx1"))
    await asyncio.sleep(1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await client.aclose()
    await client.aclose()
    assert now() == 3
    await call


@virtual
async def test_use_after_close() -> None:
    """C-10: a closed client refuses calls, its clones likewise; nothing is sent."""
    client, transport = ams_client()
    clone = client.with_options(timeout=1.0)
    await client.aclose()
    for one in (client, clone, client.with_options(timeout=2.0)):
        with pytest.raises(ClientStateError, match="closed") as caught:
            await one.send(Read())
        assert isinstance(caught.value, RuntimeError)
    assert not transport.requests


@virtual
async def test_closing_a_clone_does_nothing() -> None:
    """A clone shares the closed state of its origin; closing the clone closes nothing."""
    client, _ = ams_client(answer(), answer())
    async with client.with_options(timeout=1.0) as clone:
        await clone.send(Read())
    await client.send(Read())
    waiting = asyncio.create_task(client.with_options(tokens=slow_tokens, deadline=100.0).send(Read()))
    await settle()
    await client.aclose()
    with pytest.raises(ClientStateError):
        await waiting


@virtual
async def test_a_client_closes_what_it_made_and_nothing_else() -> None:
    """A client closes the transport and the limiter that it made.

    Those that were given stay open.
    """
    wire, limiter = Wire(lambda _: answer()), LocalRateLimiter()
    async with RevenueClient(TOKEN, transport=wire, limiter=limiter) as client:
        await client.send(Read())
    assert not wire.closed
    (await limiter.acquire("x", timeout=1)).release()
    client = RevenueClient(TOKEN)
    made = made_for(client)
    await client.aclose()
    with pytest.raises(ClientStateError):
        await made[1].acquire("x", timeout=1)


@virtual
async def test_a_dismissed_call_leaves_its_task_uncancelled() -> None:
    """After a call ended by closing, its task can await other things."""
    client, _ = ams_client(tokens=slow_tokens, deadline=100.0)
    after: list[int] = []

    async def handler() -> None:
        with pytest.raises(ClientStateError):
            await client.send(Read())
        task = asyncio.current_task()
        assert task is not None
        after.append(task.cancelling())
        await asyncio.sleep(1)
        after.append(1)

    task = asyncio.create_task(handler())
    await settle()
    await client.aclose()
    await task
    assert after == [0, 1]


@virtual
async def test_cancelled_and_dismissed_at_once() -> None:
    """A call cancelled in the moment its client closes is cancelled.

    The caller's wish comes first.
    """
    client, _ = ams_client(tokens=slow_tokens, deadline=100.0)
    call = asyncio.create_task(client.send(Read()))
    await settle()
    asyncio.get_running_loop().call_soon(call.cancel)  # after closing began, and before the call hears of it
    await client.aclose()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert call.cancelled()


@virtual
async def test_a_dismissed_write_that_may_have_acted() -> None:
    """A write ended by closing in its back-off says that it may have acted.

    It had lost an answer before.
    """
    told: list[Any] = []
    policy = RetryPolicy(base=5.0, jitter=lambda: 1.0)
    client, _ = ams_client(ResponseLostError(reason="reset"), retry=policy, on_event=told.append)
    call = asyncio.create_task(client.send(Put()))
    await asyncio.sleep(1)
    await client.aclose()
    with pytest.raises(ClientStateError) as caught:
        await call
    assert caught.value.ambiguous
    assert isinstance(told[-1], CallEvent)
    assert told[-1].ambiguous


@virtual
async def test_a_clock_that_breaks_at_the_start_does_not_block_closing() -> None:
    """When a user's clock raises in the first step of a call, closing still ends."""

    class Broken:
        def monotonic(self) -> float:
            raise LookupError("no time")

        def time(self) -> float:
            return 0.0

        async def sleep(self, seconds: float) -> None:
            await asyncio.sleep(seconds)

    client, _ = ams_client(clock=Broken())
    with pytest.raises(LookupError):
        await client.send(Read())
    await client.aclose()


# -- one client and another ------------------------------------------------------------------------


@virtual
async def test_two_clients_are_apart() -> None:
    """C-09: closing one client does nothing to another."""
    one, _ = ams_client(answer())
    two, _ = ams_client(answer())
    await one.aclose()
    await two.send(Read())


def test_kinds_of_requests_and_answers() -> None:
    """What a handler gets and returns are the public classes."""
    client, transport = ams_client(answer())
    run_virtual(client.send(Read()))
    assert isinstance(transport.requests[0], HttpRequest)
    assert isinstance(answer(), HttpResponse)
    assert issubclass(ClientStateError, WxRevenueError)
