"""Cancellation at every await of other calls than plain AMS calls.

These are walks, turns of the limiter, and WeChat Pay calls.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from support import paykit
from support.fakes import Tokens, ams_client, answer, refusal
from support.leaks import assert_no_leak
from support.virtual import CancelAt, WallClock, armed_timers, run_virtual, settle, virtual

from wxrevenue import (
    LocalRateLimiter,
    NotSentError,
    RetryPolicy,
    SignatureError,
    StaticVerifier,
    Verdict,
)
from wxrevenue._engine.clock import LoopClock, call_later

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    Made = tuple[Coroutine[Any, Any, object], Callable[[], Awaitable[object]]]

LONGEST = 80
BYSTANDER = "not the one that is cancelled"
SECRET = "fake-token-of-the-walk"


def steps(make: Callable[[], Made]) -> int:
    """Cancel a coroutine at its first, second … await; return how many it has.

    ``make`` returns the coroutine and what must still work when it is over, cancelled or not.
    """

    async def cancelled_at(step: int) -> bool:
        work, afterwards = make()
        attempt = CancelAt(work, step)
        try:
            await attempt
        except asyncio.CancelledError as error:
            assert attempt.reached
            assert_no_leak(error, secrets=[SECRET])
        else:
            assert not attempt.reached
        task = asyncio.current_task()
        assert task is not None
        while task.cancelling():
            task.uncancel()
        await settle()
        left = asyncio.all_tasks() - {task}
        assert {one.get_name() for one in left} <= {BYSTANDER}
        assert armed_timers() == 0 or left
        await afterwards()
        assert armed_timers() == 0
        return attempt.reached

    count = 0
    while run_virtual(cancelled_at(count)):
        count += 1
        assert count < LONGEST
    return count


def row(month: str) -> dict[str, Any]:
    """Return a settlement as the server sends it."""
    return {"month": month, "order": 1, "settled_revenue": 5}


def page(*months: str, total: int = 4) -> Any:
    """Return a page."""
    return answer({"ret": 0, "settlement_list": [row(month) for month in months], "total_num": total})


@pytest.mark.parametrize("prefetch", [1, 8])
def test_a_walk(prefetch: int) -> None:
    """C-01, C-02: when a walk is cancelled at any await, its client still works.

    No page is fetched ahead any more.
    """

    def make() -> Made:
        pages = [0.5, page("202001"), 0.5, refusal(1737), 0.5, page("202002"), 0.5, page("202003"), 0.5, page("202004"), page()]
        client, _ = ams_client(*pages, page("202001", total=1), tokens=Tokens(SECRET, delays=[0.5] * 20), deadline=99.0)
        walk = client.iter_agency_settlement("2020-01-01", "2020-12-31", page_size=1, prefetch=prefetch)
        return walk.collect(), client.aclose

    assert steps(make) >= 3  # pages fetched ahead wait in tasks of their own


def test_a_walk_inside_its_block() -> None:
    """C-01: a walk inside ``async with`` that is cancelled leaves nothing behind.

    It is cancelled at every await, also while its caller works on a row.
    """

    def make() -> Made:
        client, _ = ams_client(0.5, page("202001"), 5, page("202002"), 0.5, page("202003"), 0.5, page("202004"), page(), tokens=SECRET)

        async def walk() -> None:
            async with client.iter_agency_settlement("2020-01-01", "2020-12-31", page_size=1) as rows:
                async for _ in rows:
                    await asyncio.sleep(1)

        return walk(), client.aclose

    assert steps(make) == 1 + 4 + 1  # the first page, four rows at work, the page that takes longest


def test_turns() -> None:
    """C-01, C-02, R-10, R-11: a caller cancelled at a closed gate delays no other.

    The next caller's turn still comes, wherever the first one is cancelled.
    """

    def make() -> Made:
        limiter = LocalRateLimiter()

        async def caller() -> None:
            first, other = await limiter.acquire("scope", timeout=9.0), await limiter.acquire("scope", timeout=9.0)
            try:
                first.report(Verdict.TOO_FAST)
                other.report(Verdict.TOO_FAST)
                await first.again(timeout=100.0)
                await asyncio.sleep(1)
                first.report(Verdict.TOO_FAST)
                await first.again(timeout=100.0)
                await asyncio.sleep(1)
                first.report(Verdict.OK)
                await other.again(timeout=100.0)
            finally:
                first.release()
                other.release()

        async def next_one() -> None:
            turn = await limiter.acquire("scope", timeout=61.0)
            turn.report(Verdict.OK)
            turn.release()
            await settle()
            assert turn.closed_for == 0

        return caller(), next_one

    assert steps(make) >= 4


def test_turns_with_others_waiting() -> None:
    """C-02: a caller cancelled before or while probing hands its place on.

    All callers behind it go.
    """

    def make() -> Made:
        limiter = LocalRateLimiter()
        gone: list[int] = []

        async def behind(number: int) -> None:
            turn = await limiter.acquire("scope", timeout=300.0)
            turn.report(Verdict.OK)
            turn.release()
            gone.append(number)

        others: list[asyncio.Task[None]] = []

        async def caller() -> None:
            first = await limiter.acquire("scope", timeout=9.0)
            first.report(Verdict.TOO_FAST)
            others.extend(asyncio.create_task(behind(number), name=BYSTANDER) for number in range(3))
            try:
                await asyncio.sleep(1)
                await first.again(timeout=100.0)
                await asyncio.sleep(1)
                first.report(Verdict.OK)
            finally:
                first.release()

        async def all_go() -> None:
            await asyncio.gather(*others)
            assert gone == [0, 1, 2]

        return caller(), all_go

    assert steps(make) == 3  # at work, in the queue, probing


@virtual
async def test_a_waiter_that_is_thrown_away() -> None:
    """C-02, C-16: a waiting coroutine that is thrown away does not block the others.

    Coroutines are thrown away at the end of a program, for example.
    """
    limiter = LocalRateLimiter()
    first = await limiter.acquire("scope", timeout=9.0)
    first.report(Verdict.TOO_FAST)
    for _ in range(2):
        thrown = limiter.acquire("scope", timeout=100.0)
        thrown.send(None)
        thrown.close()
    turn = await limiter.acquire("scope", timeout=61.0)
    turn.report(Verdict.OK)
    await settle()
    assert turn.closed_for == 0
    assert armed_timers() == 0


@pytest.mark.parametrize("end", ["verified", "forged"])
def test_a_signed_call(end: str) -> None:
    """C-01: a WeChat Pay call that is cancelled anywhere leaves nothing behind.

    It is signing in a thread, on the wire, verifying, or in a back-off.
    """

    class Slow(StaticVerifier):
        async def verify(self, *, serial: str, message: bytes, signature: bytes, timeout: float) -> None:
            await asyncio.sleep(1)
            if end == "forged":
                raise SignatureError("forged")

    def make() -> Made:
        replies = [1, paykit.error(503, "SYSTEM_ERROR"), 1, NotSentError(reason="connect"), 1, paykit.signed()]
        verifier = Slow({paykit.PUBLIC_KEY: paykit.public_pem("public")})
        client, _ = paykit.client(*replies, verifier=verifier, clock=WallClock(paykit.NOW), retry=RetryPolicy(jitter=lambda: 1.0))

        async def call() -> None:
            try:
                await client.mark_transaction(paykit.ORDER)
            except SignatureError:
                assert end == "forged"

        return call(), client.aclose

    assert steps(make) == 3 + 3 + 2 + 1  # signatures, exchanges, back-offs, one answer to verify


async def test_while_closing() -> None:
    """C-01, C-10: a closing client that is itself cancelled stays closed.

    A second close completes it.
    """
    client, _ = ams_client(0.05, answer({"ret": 0, "share_ratio": 5}))
    call = asyncio.create_task(client.get_share_ratio("wx1"))
    await settle()
    closing = asyncio.create_task(client.aclose())
    await settle()
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    assert closing.cancelled()
    await client.aclose()
    assert call.done()
    assert (await call).share_ratio == 5


def test_the_clock_without_a_loop() -> None:
    """C-16: without a running loop the clock tells the time, and arms no timer."""
    clock = LoopClock()
    assert clock.monotonic() <= time.monotonic()
    call_later(clock, 1.0, lambda _: None)()
