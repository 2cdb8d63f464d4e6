"""Cancellation at every await of a call, and a caller's own timeouts."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

import pytest
from support.cancelling import SECRETS, eventful
from support.fakes import Add, Put, Read, Tokens, ams_client, answer
from support.leaks import assert_no_leak
from support.virtual import CancelAt, WallClock, armed_timers, run_virtual, settle, virtual

from wxrevenue import (
    CallEvent,
    ConfigurationError,
    FundsDistributionClient,
    HttpRequest,
    HttpResponse,
    MemoryTransport,
    NotSentError,
    ResponseLostError,
    RetryPolicy,
)

LONGEST = 60


def cancelled_at(step: int, request: Any) -> bool:
    """Cancel a call at that step; return whether the call has so many steps."""

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
    """C-01, C-02: a call cancelled anywhere raises the same, bare CancelledError.

    Nothing else is left behind.
    """
    steps = 0
    while cancelled_at(steps, request_):
        steps += 1
        assert steps < LONGEST
    assert steps >= 13  # 5 tokens, 5 exchanges, a cool-down and 2 back-offs


@virtual
async def test_the_very_same_cancellation() -> None:
    """The CancelledError that leaves the call is that of the innermost await.

    It keeps its message.
    """
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
    """A turn whose report is a coroutine function, as in an early release."""

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
    """A limiter whose report is a coroutine function is named.

    A write that was sent by then may have acted.
    """
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
    """Return a client whose answers are unsigned and are verified slowly."""
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
    """A mark that is cancelled while its answer is verified may have been set.

    Its CallEvent says so.
    """
    told: list[Any] = []
    call = asyncio.create_task(pay_client(told).mark_transaction("fake-order"))
    await settle()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert call.cancelled()
    assert told[-1].ambiguous


@virtual
async def test_closing_while_an_answer_is_verified() -> None:
    """A call that only verifies its answer ends well although the client closes."""
    told: list[Any] = []
    client = pay_client(told)
    call = asyncio.create_task(client.mark_transaction("fake-order"))
    await settle()
    await client.aclose()
    await call
    assert (told[-1].outcome, told[-1].ambiguous) == ("ok", False)


@virtual
async def test_what_a_verifier_raises_passes_and_is_ambiguous() -> None:
    """An exception of a user's verifier passes unchanged.

    The CallEvent says that the mark may have been set.
    """
    told: list[Any] = []
    mine = LookupError("mine")
    with pytest.raises(LookupError) as caught:
        await pay_client(told, mine).mark_transaction("fake-order")
    assert caught.value is mine
    assert (told[-1].outcome, told[-1].ambiguous, told[-1].attempts) == ("LookupError", True, 1)
