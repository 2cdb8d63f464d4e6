"""A client and its rate limiter when the server says "operating too fast".

Tested is what a call goes through.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from support.fakes import COMPONENT, OTHER, OfAuthorizer, Put, Read, Tokens, ams_client, answer, refusal
from support.limiting import LONGEST_GAP
from support.virtual import now, settle, virtual

from wxrevenue import (
    GateEvent,
    HttpRequest,
    HttpResponse,
    LocalRateLimiter,
    OutcomeUnknownError,
    ResponseLostError,
    RetryPolicy,
    TooFastError,
)


@pytest.mark.parametrize("code", [1737, 45011])
@virtual
async def test_the_refused_call_waits_out_the_cooldown(code: int) -> None:
    """A call that came too fast is repeated after the cool-down in the same attempt.

    This holds even with retries off.
    """
    client, transport = ams_client(refusal(code), answer(), retry=RetryPolicy(max_attempts=1), deadline=100.0)
    await client.send(Read())
    assert now() == 60
    assert len(transport.requests) == 2


@virtual
async def test_a_nearer_deadline_fails_at_once() -> None:
    """R-08: a caller whose deadline comes before the gate opens is refused at once.

    The error says how long to wait.
    """
    client, _ = ams_client(refusal(1737), deadline=20.0)
    with pytest.raises(TooFastError) as caught:
        await client.send(Read())
    error = caught.value
    assert now() == 0
    assert (error.retry_after, error.code, error.status, error.attempts) == (60, 1737, 200, 1)
    await asyncio.sleep(15)
    with pytest.raises(TooFastError) as caught:  # another caller, refused without being sent
        await client.send(Read())
    error = caught.value
    assert now() == 15
    assert (error.retry_after, error.code, error.status, error.attempts, error.endpoint) == (45, 1737, 0, 1, "fake_read")
    assert not error.retryable


@virtual
async def test_a_write_that_may_have_acted_before_ends_unknown() -> None:
    """A write that may have acted ends with OutcomeUnknownError.

    Its answer was lost, and its repeat came too fast. The error holds that refusal.
    """
    client, _ = ams_client(ResponseLostError(reason="reset"), refusal(1737))
    with pytest.raises(OutcomeUnknownError) as caught:
        await client.send(Put())
    assert isinstance(caught.value.last, TooFastError)
    assert caught.value.last.retry_after == pytest.approx(60)


@virtual
async def test_a_storm_of_200_callers() -> None:
    """R-05: of two hundred refused calls one goes first, and then the others.

    The first goes after the last refusal's cool-down, and the others at most 50 ms apart.
    """
    times: list[float] = []
    refused: list[float] = []
    all_came = asyncio.Event()

    async def serve(request: HttpRequest) -> HttpResponse:
        times.append(now())
        number = len(times)
        if number == 200:
            all_came.set()
        if number <= 200:
            await all_came.wait()
            await asyncio.sleep(number * 0.01)  # the refusals come in over two seconds
            refused.append(now())
            return refusal(1737)
        await asyncio.sleep(1.0)
        return answer()

    client, _ = ams_client(handler=serve, deadline=300.0)
    await asyncio.gather(*(client.send(Read()) for _ in range(200)))
    assert len(times) == 400
    probe, *others = times[200:]
    assert probe == pytest.approx(refused[-1] + 60)  # a minute after the last refusal
    assert others[0] == pytest.approx(probe + 1)  # when the probe was accepted
    assert max(later - earlier for earlier, later in itertools.pairwise(others)) <= LONGEST_GAP + 1e-6


@virtual
async def test_scopes_are_apart() -> None:
    """The gate of one action, component or authorizer does not delay another's."""
    client, _ = ams_client(refusal(1737), *[answer()] * 4, tokens=Tokens("fake-token-a"), deadline=100.0)
    stuck = asyncio.create_task(client.send(Read()))
    await settle()
    await client.send(Put())
    await client.send(OfAuthorizer(authorizer_appid="wx2"))
    await client.with_options(component_appid=OTHER).send(Read())
    assert now() == 0
    await stuck


@virtual
async def test_default_scope_and_its_replacement() -> None:
    """The default scope is account/authorizer/action; ``scope`` may replace it."""
    told: list[Any] = []
    seen: list[Any] = []

    def own(request: Any, default: str) -> str:
        seen.append((request, default))
        return "mine"

    client, _ = ams_client(
        *[refusal(1737)] * 2,
        deadline=1.0,
        tokens=Tokens("fake-token-a"),
        on_event=told.append,
    )
    with pytest.raises(TooFastError):
        await client.send(OfAuthorizer(authorizer_appid="wx2"))
    with pytest.raises(TooFastError):
        await client.send(Read())
    assert [event.scope for event in told if isinstance(event, GateEvent)] == [
        f"{COMPONENT}/wx2/fake_authorizer",
        f"{COMPONENT}/-/fake_read",
    ]
    request = Read()
    client, _ = ams_client(answer(), scope=own)
    await client.send(request)
    assert seen == [(request, f"{COMPONENT}/-/fake_read")]


@virtual
async def test_nobody_waiting_holds_a_token_or_a_connection() -> None:
    """While calls wait for the gate, no token is asked for.

    The transport has no request either.
    """
    tokens = Tokens("fake-token-1")
    client, transport = ams_client(refusal(1737), answer(), answer(), tokens=tokens, deadline=100.0)
    calls = [asyncio.create_task(client.send(Read())) for _ in range(2)]
    await settle()
    assert len(tokens.asked) == 1
    assert len(transport.requests) == 1
    await asyncio.sleep(59)
    assert len(tokens.asked) == 1
    await asyncio.gather(*calls)


@virtual
async def test_a_token_is_fetched_after_the_wait() -> None:
    """A token that changed while the call waited is the one that is sent."""
    tokens = Tokens("fake-token-old")
    client, transport = ams_client(refusal(1737), answer(), tokens=tokens, deadline=100.0)
    call = asyncio.create_task(client.send(Read()))
    await asyncio.sleep(30)
    tokens.tokens = ["fake-token-new"]
    await call
    assert transport.requests[-1].wire_url().endswith("fake-token-new")


@virtual
async def test_clones_and_clients_may_share_a_limiter() -> None:
    """A limiter given to two clients of one account closes for both.

    Neither client closes the limiter itself.
    """
    limiter = LocalRateLimiter()
    one, _ = ams_client(refusal(1737), limiter=limiter)
    other, transport = ams_client(limiter=limiter)
    for client in (one, other, one.with_options(timeout=1.0)):
        with pytest.raises(TooFastError):
            await client.send(Read())
    assert not transport.requests
    await one.aclose()
    await other.aclose()
    (await limiter.acquire("another", timeout=1)).release()
