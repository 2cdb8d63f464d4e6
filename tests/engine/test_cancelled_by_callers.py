"""A caller's own timeouts and task groups end calls, and leave nothing behind."""

from __future__ import annotations

import asyncio

import pytest
from support.cancelling import eventful
from support.fakes import Read, Tokens, ams_client, answer, refusal
from support.virtual import armed_timers, now, run_virtual, settle, virtual

from wxrevenue import (
    ClientStateError,
    HttpRequest,
    HttpResponse,
    LocalRateLimiter,
)


@pytest.mark.parametrize("seconds", [0.5, 30.0, 61.0, 61.7, 63.0])
@virtual
async def test_a_callers_own_timeout(seconds: float) -> None:
    """C-04: ``asyncio.timeout`` around a call ends it at once, as a TimeoutError.

    It is never retried.
    """
    client, _ = eventful()
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(seconds):
            await client.send(Read())
    assert type(caught.value) is TimeoutError
    assert now() == pytest.approx(seconds)
    await client.aclose()


@virtual
async def test_a_task_group() -> None:
    """C-03: when one child fails, its 99 siblings end at once.

    The group holds that one error.
    """
    client, _ = ams_client(handler=lambda _: asyncio.sleep(5, answer()))

    async def fail() -> None:
        await asyncio.sleep(1)
        raise LookupError("mine")

    with pytest.raises(ExceptionGroup) as caught:  # noqa: PT012
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            for _ in range(99):
                group.create_task(client.send(Read()))
    assert [type(error) for error in caught.value.exceptions] == [LookupError]
    assert now() == pytest.approx(1)
    assert armed_timers() == 0


@virtual
async def test_closing_inside_a_task_group() -> None:
    """A client closed under a task group fails the group with ClientStateError.

    The group does not fail with an unexplained cancellation.
    """
    client, _ = ams_client(tokens=Tokens("fake-token-1", delays=[60.0] * 3), deadline=100.0)

    async def close() -> None:
        await asyncio.sleep(1)
        await client.aclose()

    with pytest.raises(ExceptionGroup) as caught:  # noqa: PT012
        async with asyncio.TaskGroup() as group:
            group.create_task(close())
            group.create_task(client.send(Read()))
    assert {type(error) for error in caught.value.exceptions} == {ClientStateError}


@virtual
async def test_a_cancelled_probe_lets_the_others_go() -> None:
    """R-11, C-02: when the probe is cancelled on the wire, the next call probes.

    All calls get through.
    """
    script = iter([refusal(1737)])

    async def handler(request: HttpRequest) -> HttpResponse:
        if (first := next(script, None)) is not None:
            return first
        await asyncio.sleep(5)
        return answer()

    client, _ = ams_client(handler=handler, deadline=200.0)
    calls = [asyncio.create_task(client.send(Read())) for _ in range(3)]
    await asyncio.sleep(62)
    calls[0].cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert [call.cancelled() for call in calls] == [True, False, False]
    assert now() == pytest.approx(62 + 5 + 5)


@virtual
async def test_cancelled_calls_leave_the_gate_to_others() -> None:
    """R-10: callers cancelled in the queue leave no place behind.

    A later caller probes at the right time.
    """
    client, _ = ams_client(refusal(1737), answer(), deadline=200.0)
    calls = [asyncio.create_task(client.send(Read())) for _ in range(5)]
    await asyncio.sleep(1)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert armed_timers() == 0
    await client.send(Read())
    assert now() == 60


@virtual
async def test_limiters_shared_by_closed_clients() -> None:
    """A client that closes leaves a shared gate to the other client's calls.

    Its own calls wait at the gate when it closes.
    """
    limiter = LocalRateLimiter()
    one, _ = ams_client(refusal(1737), limiter=limiter, deadline=200.0)
    two, transport = ams_client(answer(), limiter=limiter, deadline=200.0)
    first = asyncio.create_task(one.send(Read()))
    await settle()
    second = asyncio.create_task(two.send(Read()))
    await settle()
    await one.aclose()
    with pytest.raises(ClientStateError):
        await first
    await second
    assert now() == 60
    assert len(transport.requests) == 1


def test_the_oracle_for_leftovers_works() -> None:
    """The virtual loop fails a test that leaves a task behind.

    It also fails one with an exception that was never retrieved.
    """

    async def leave_a_task() -> asyncio.Task[None]:
        return asyncio.create_task(asyncio.sleep(1))

    with pytest.raises(AssertionError, match="left behind"):
        run_virtual(leave_a_task())

    async def forget() -> None:
        asyncio.get_running_loop().create_future().set_exception(LookupError())

    with pytest.raises(AssertionError, match="never retrieved"):
        run_virtual(forget())
