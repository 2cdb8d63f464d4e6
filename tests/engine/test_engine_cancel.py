"""Cancellation at every await of a call, and a caller's own timeouts."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

import pytest
from support.fakes import Add, Put, Read, Tokens, ams_client, answer, refusal
from support.leaks import assert_no_leak
from support.virtual import CancelAt, WallClock, armed_timers, now, run_virtual, settle, virtual

from wxrevenue import (
    CallEvent,
    ClientStateError,
    ConfigurationError,
    FundsDistributionClient,
    HttpRequest,
    HttpResponse,
    LocalRateLimiter,
    MemoryTransport,
    NotSentError,
    ResponseLostError,
    RetryPolicy,
    RevenueClient,
)

LONGEST = 60
SECRETS = ["fake-token-one", "fake-token-two"]


def eventful() -> tuple[RevenueClient, list[Any]]:
    """Return a client whose next call waits for tokens, a cool-down, another token and a back-off, and its events."""
    told: list[Any] = []
    client, _ = ams_client(
        *[0.5, refusal(1737)],
        *[0.5, refusal(40001)],
        *[0.5, NotSentError(reason="connect")],
        *[0.5, answer(b"", 503)],
        *[0.5, answer()],
        tokens=Tokens(*SECRETS, delays=[1.0] * 9),
        deadline=300.0,
        retry=RetryPolicy(jitter=lambda: 1.0),
        on_event=told.append,
    )
    return client, told


def cancelled_at(step: int, request: Any) -> bool:
    """Cancel a call at that step; return whether it has so many."""

    async def main() -> bool:
        client, told = eventful()
        attempt = CancelAt(client.send(request), step)
        try:
            await attempt
        except asyncio.CancelledError as error:
            assert attempt.reached
            assert (error.__cause__, error.__context__) == (None, None)  # noqa: PT017
            assert "_attempts" not in [frame.name for frame in traceback.extract_tb(error.__traceback__)]  # noqa: PT017
            assert_no_leak(error, secrets=SECRETS)
            assert isinstance(told[-1], CallEvent)
            assert told[-1].outcome == "CancelledError"
        else:
            assert not attempt.reached
        task = asyncio.current_task()
        assert task is not None
        while task.cancelling():
            task.uncancel()
        await settle()
        assert armed_timers() == 0
        assert asyncio.all_tasks() == {task}
        assert sum(isinstance(event, CallEvent) for event in told) == 1
        await client.aclose()
        return attempt.reached

    return run_virtual(main())


@pytest.mark.parametrize("request_", [Read(), Put()], ids=["read", "write"])
def test_cancelled_at_every_step(request_: Any) -> None:
    """C-01, C-02: wherever a call is cancelled, the same CancelledError leaves it, bare, and nothing else is left behind."""
    steps = 0
    while cancelled_at(steps, request_):
        steps += 1
        assert steps < LONGEST
    assert steps >= 13  # 5 tokens, 5 exchanges, a cool-down and 2 back-offs


@virtual
async def test_the_very_same_cancellation() -> None:
    """The CancelledError that the innermost await got is the one that leaves the call, with its message."""
    caught: list[BaseException] = []

    async def handler(request: HttpRequest) -> HttpResponse:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as error:
            caught.append(error)
            raise
        return answer()

    client, _ = ams_client(handler=handler)

    async def caller() -> None:
        try:
            await client.send(Read())
        except asyncio.CancelledError as error:
            caught.append(error)
            raise

    task = asyncio.create_task(caller())
    await settle()
    task.cancel("because")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert caught[0] is caught[1]
    assert caught[0].args == ("because",)


@pytest.mark.parametrize(("request_", "ambiguous"), [(Read(), False), (Put(), True), (Add(), True)], ids=["read", "put", "add"])
@virtual
async def test_cancelled_on_the_wire(request_: Any, ambiguous: bool) -> None:  # noqa: FBT001
    """The CallEvent of a call cancelled on the wire says whether it may have acted."""
    told: list[Any] = []
    client, _ = ams_client(60, answer(), on_event=told.append)
    call = asyncio.create_task(client.send(request_))
    await settle()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert (told[-1].outcome, told[-1].ambiguous, told[-1].attempts) == ("CancelledError", ambiguous, 1)


@virtual
async def test_cancelled_before_anything_was_sent() -> None:
    """A write cancelled while it waits for its token did not act."""
    told: list[Any] = []
    client, transport = ams_client(tokens=Tokens("fake-token-1", delays=[5.0]), on_event=told.append)
    call = asyncio.create_task(client.send(Put()))
    await settle()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert (told[-1].outcome, told[-1].ambiguous) == ("CancelledError", False)
    assert not transport.requests


@pytest.mark.parametrize("close", [False, True], ids=["cancelled", "closed"])
@virtual
async def test_ended_in_a_back_off_after_nothing_was_sent(close: bool) -> None:  # noqa: FBT001
    """A write that was never sent, and is ended in its back-off, did not act."""
    told: list[Any] = []
    policy = RetryPolicy(base=9.0, jitter=lambda: 1.0)
    client, _ = ams_client(NotSentError(reason="connect"), retry=policy, on_event=told.append)
    call = asyncio.create_task(client.send(Put()))
    await settle()
    if close:
        await client.aclose()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert isinstance(told[-1], CallEvent)
    assert not told[-1].ambiguous


@virtual
async def test_cancelled_in_a_back_off_after_a_lost_answer() -> None:
    """A write cancelled in the back-off after an ambiguous attempt may have acted."""
    told: list[Any] = []
    policy = RetryPolicy(base=9.0, jitter=lambda: 1.0)
    client, _ = ams_client(ResponseLostError(reason="reset"), retry=policy, on_event=told.append)
    call = asyncio.create_task(client.send(Put()))
    await settle()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert told[-1].ambiguous


class LateTurn:
    """A turn whose report is to be awaited, as it was once."""

    def __init__(self) -> None:
        self.released = 0

    async def report(self, verdict: object) -> None:
        """Never be awaited."""

    async def again(self, *, timeout: float) -> None:
        """Do not wait."""

    def release(self) -> None:
        """Count."""
        self.released += 1


class LateLimiter:
    """Hands out one such turn."""

    def __init__(self) -> None:
        self.turn = LateTurn()

    async def acquire(self, scope: str, *, timeout: float) -> Any:
        """Hand it out."""
        return self.turn

    async def reopen(self, scope: str) -> None:
        """Do nothing."""

    async def aclose(self) -> None:
        """Do nothing."""


@virtual
async def test_a_report_that_is_to_be_awaited_is_refused() -> None:
    """A limiter whose report is a coroutine function is named; a write that was sent by then may have acted."""
    for request, acted in ((Read(), False), (Put(), True)):
        limiter = LateLimiter()
        client, _ = ams_client(answer(), limiter=limiter)
        with pytest.raises(ConfigurationError, match=r"LateTurn\.report: expected a plain method") as caught:
            await client.send(request)
        assert caught.value.ambiguous is acted
        assert limiter.turn.released == 1


class Signs:
    """Signs with nothing."""

    async def sign(self, message: bytes) -> bytes:
        """Return a signature."""
        return b"fake-signature"


class Verifies:
    """Takes a second to verify, then finds nothing wrong, or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    async def verify(self, *, serial: str, message: bytes, signature: bytes, timeout: float) -> None:
        """Take a second."""
        await asyncio.sleep(1)
        if self._error is not None:
            raise self._error

    def request_serial(self) -> str | None:
        """Return nothing."""
        return None


def pay_client(told: list[Any], error: Exception | None = None) -> FundsDistributionClient:
    """Return a client whose answers are signed by nobody and verified slowly."""
    clock = WallClock()
    headers = {f"Wechatpay-{name}": value for name, value in (("Nonce", "n"), ("Serial", "s"), ("Signature", "c2ln"))}
    return FundsDistributionClient(
        "1900000001",
        "FA4E0001",
        Signs(),
        verifier=Verifies(error),
        transport=MemoryTransport(lambda _: HttpResponse(204, {**headers, "Wechatpay-Timestamp": str(int(clock.time()))}, b"")),
        clock=clock,
        on_event=told.append,
    )


@virtual
async def test_cancelled_while_an_answer_is_verified() -> None:
    """A mark that was answered, and is cancelled while the answer is verified, may have been set: its CallEvent says so."""
    told: list[Any] = []
    call = asyncio.create_task(pay_client(told).mark_transaction("fake-order"))
    await settle()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert call.cancelled()
    assert told[-1].ambiguous


@virtual
async def test_closing_while_an_answer_is_verified() -> None:
    """A call that has its answer and only verifies it ends well although the client closes meanwhile."""
    told: list[Any] = []
    client = pay_client(told)
    call = asyncio.create_task(client.mark_transaction("fake-order"))
    await settle()
    await client.aclose()
    await call
    assert (told[-1].outcome, told[-1].ambiguous) == ("ok", False)


@virtual
async def test_what_a_verifier_raises_passes_and_is_ambiguous() -> None:
    """What a user's verifier raises passes unchanged; the CallEvent says that the mark may have been set."""
    told: list[Any] = []
    mine = LookupError("mine")
    with pytest.raises(LookupError) as caught:
        await pay_client(told, mine).mark_transaction("fake-order")
    assert caught.value is mine
    assert (told[-1].outcome, told[-1].ambiguous, told[-1].attempts) == ("LookupError", True, 1)


# -- the caller's own timeouts and groups --------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.5, 30.0, 61.0, 61.7, 63.0])
@virtual
async def test_a_callers_own_timeout(seconds: float) -> None:
    """C-04: ``asyncio.timeout`` around a call ends it there and then, as a TimeoutError, which is never retried."""
    client, _ = eventful()
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(seconds):
            await client.send(Read())
    assert type(caught.value) is TimeoutError
    assert now() == pytest.approx(seconds)
    await client.aclose()


@virtual
async def test_a_task_group() -> None:
    """C-03: when one child fails, its 99 siblings end at once, and the group holds that one error."""
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
    """A client closed under a task group fails the group with ClientStateError, not with a cancellation out of nowhere."""
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
    """R-11, C-02: when the probing call is cancelled on the wire, the next call probes, and everyone gets through."""
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
    """R-10: callers cancelled in the queue leave no place behind; a later caller probes at the right time."""
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
    """A client that closes while its calls wait at a shared gate leaves the gate to the other client's calls."""
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
    """The virtual loop fails a test that leaves a task behind or an exception that nobody retrieved."""

    async def leave_a_task() -> asyncio.Task[None]:
        return asyncio.create_task(asyncio.sleep(1))

    with pytest.raises(AssertionError, match="left behind"):
        run_virtual(leave_a_task())

    async def forget() -> None:
        asyncio.get_running_loop().create_future().set_exception(LookupError())

    with pytest.raises(AssertionError, match="never retrieved"):
        run_virtual(forget())
