"""What a call's deadline bounds, and which timeout the transport gets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.fakes import BY_SAFETY, TOKEN, Add, Read, Tokens, ams_client, answer
from support.virtual import WallClock, now, virtual

from wxrevenue import (
    DeadlineExceededError,
    HttpRequest,
    HttpResponse,
    NotSentError,
    OutcomeUnknownError,
    ResponseLostError,
    RetryPolicy,
    RevenueClient,
    Safety,
    WxRevenueError,
)


class Watched:
    """A transport that keeps the timeouts it was given and plays a script."""

    def __init__(self, *script: Any) -> None:
        from support.fakes import Script

        self.timeouts: list[float] = []
        self._script = Script(*script)

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Play."""
        self.timeouts.append(timeout)
        return await self._script(request)

    async def aclose(self) -> None:
        """Do nothing."""


@virtual
async def test_the_transport_gets_what_remains() -> None:
    """Each exchange gets the smaller of ``timeout`` and the rest of the deadline.

    Every wait so far is deducted.
    """
    transport = Watched(3, NotSentError(reason="connect"), answer())
    policy = RetryPolicy(base=1.0, jitter=lambda: 1.0)
    client = RevenueClient(Tokens(TOKEN, delays=[2.0, 0.5]), transport=transport, retry=policy, timeout=4.0, deadline=9.0)
    await client.send(Read())
    assert transport.timeouts == pytest.approx([4.0, 9 - 2 - 3 - 1 - 0.5])


@pytest.mark.parametrize("safety", Safety, ids=lambda safety: safety.value)
@virtual
async def test_a_deadline_that_cuts_a_request(safety: Safety) -> None:
    """A read that the deadline cuts on the wire raises DeadlineExceededError.

    A call that may have acted ends with an unknown outcome.
    """
    client, transport = ams_client(60, answer(), timeout=30.0, deadline=5.0)
    with pytest.raises(WxRevenueError) as caught:
        await client.send(BY_SAFETY[safety])
    assert now() == 5
    assert len(transport.requests) == 1
    error = caught.value
    assert error.ambiguous
    if safety is Safety.SAFE:
        assert isinstance(error, DeadlineExceededError)
        assert isinstance(error, TimeoutError)
    else:
        assert isinstance(error, OutcomeUnknownError)
        assert isinstance(error.last, DeadlineExceededError)


@virtual
async def test_a_deadline_in_the_pool() -> None:
    """A request cut by the deadline in the connection pool was not sent.

    So it is not ambiguous, even for a write.
    """
    client = RevenueClient(TOKEN, transport=Watched(5, NotSentError(reason="pool")), timeout=30.0, deadline=5.0)
    with pytest.raises(DeadlineExceededError) as caught:
        await client.send(Add())
    assert not caught.value.ambiguous


@virtual
async def test_a_timeout_of_the_exchange_is_no_deadline() -> None:
    """An exchange that ``timeout`` cuts is a lost answer, which is retried."""
    client, transport = ams_client(*[60, answer()] * 3, timeout=2.0)
    with pytest.raises(ResponseLostError) as caught:
        await client.send(Read())
    assert caught.value.reason == "timeout"
    assert len(transport.requests) == 3


@virtual
async def test_other_faults_near_the_deadline_stay_what_they_are() -> None:
    """A fault other than a timeout is not taken for the deadline."""
    client, _ = ams_client(ResponseLostError(reason="reset"), deadline=5.0, retry=RetryPolicy(max_attempts=1))
    with pytest.raises(ResponseLostError):
        await client.send(Read())


@virtual
async def test_a_deadline_for_a_turn_that_took_it_all() -> None:
    """When the deadline passes in a wait for a turn, nothing is sent."""

    class Turn:
        def report(self, verdict: object) -> None: ...

        async def again(self, *, timeout: float) -> None: ...

        def release(self) -> None: ...

    class Slow:
        async def acquire(self, scope: str, *, timeout: float) -> Turn:
            await asyncio.sleep(10)
            return Turn()

        async def reopen(self, scope: str) -> None: ...

        async def aclose(self) -> None: ...

    tokens = Tokens(TOKEN)
    client, transport = ams_client(limiter=Slow(), deadline=5.0, tokens=tokens)
    with pytest.raises(DeadlineExceededError):
        await client.send(Read())
    assert not transport.requests
    assert not tokens.asked


@virtual
async def test_with_options_changes_the_deadline() -> None:
    """``with_options(deadline=…)`` gives a faster clone on the same transport."""
    client, _ = ams_client(*[60, answer()] * 2, timeout=50.0)
    with pytest.raises(DeadlineExceededError):
        await client.with_options(deadline=2.0).send(Read())
    assert now() == 2
    with pytest.raises(DeadlineExceededError):
        await client.send(Read())
    assert now() == 32


@virtual
async def test_the_clock_is_the_users() -> None:
    """The deadline is measured on the injected clock alone."""

    class Fast(WallClock):
        def monotonic(self) -> float:
            return super().monotonic() * 10

    client, _ = ams_client(1, NotSentError(reason="connect"), 3, NotSentError(reason="connect"), clock=Fast(), deadline=30.0, timeout=100.0)
    with pytest.raises(WxRevenueError) as caught:
        await client.send(Read())
    assert caught.value.attempts == 2
    assert now() < 5
