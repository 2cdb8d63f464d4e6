"""One refresh serves all callers that wait, whichever is cancelled.

It also serves all whose token was refused.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fakes import Read, ams_client, answer, refusal
from support.leaks import assert_no_leak
from support.platform import SECRETS, TICKET, Platform, component_tokens, reject, shown, token
from support.virtual import CancelAt, armed_timers, now, run_virtual, settle, virtual

from wxrevenue import (
    DeadlineExceededError,
    HttpRequest,
    HttpResponse,
    LocalRateLimiter,
    MemoryTicketStore,
    NotSentError,
    Rate,
    Secret,
    Ticket,
    TokenUnavailableError,
)
from wxrevenue.tokens._refresh import MOST_REFUSED

if TYPE_CHECKING:
    from contextvars import Context


@virtual
async def test_many_callers_one_refresh() -> None:
    """K-01: 500 callers without a token cause one refresh, and all get its token."""
    platform = Platform()
    async with component_tokens(platform) as tokens:
        found = await asyncio.gather(*(token(tokens) for _ in range(500)))
        assert armed_timers() == 0
    assert {one.reveal() for one in found} == {"fake-component-token-1"}
    assert platform.refreshes == 1
    assert now() == 1


@virtual
async def test_a_cancelled_leader() -> None:
    """K-02, C-02: callers get the token though the one that started the refresh ends.

    That caller is cancelled, and no other is.
    """
    platform = Platform(delay=5.0)
    async with component_tokens(platform) as tokens:
        leader = asyncio.create_task(token(tokens))
        await settle()
        followers = [asyncio.create_task(token(tokens)) for _ in range(10)]
        await asyncio.sleep(1)
        leader.cancel()
        found = await asyncio.gather(*followers)
        assert leader.cancelled()
    assert {one.reveal() for one in found} == {"fake-component-token-1"}
    assert platform.refreshes == 1
    assert now() == 5


@virtual
async def test_when_all_are_cancelled() -> None:
    """K-02: a refresh whose callers are all gone goes on.

    So what WeChat hands out is not lost.
    """
    platform = Platform(delay=5.0)
    async with component_tokens(platform) as tokens:
        callers = [asyncio.create_task(token(tokens)) for _ in range(3)]
        await asyncio.sleep(1)
        for caller in callers:
            caller.cancel()
        await asyncio.sleep(5)
        assert await shown(tokens, timeout=0.0) == "fake-component-token-1"
    assert platform.refreshes == 1


@virtual
async def test_a_caller_cancelled_at_any_await() -> None:
    """C-01: wherever a caller is cancelled, the next one gets a token.

    No second refresh is made.
    """
    for step in range(5):
        platform = Platform()
        async with component_tokens(platform) as tokens:
            caller = CancelAt(token(tokens), step)

            async def run(one: CancelAt[Secret] = caller) -> Secret:
                return await one

            await asyncio.gather(asyncio.create_task(run()), return_exceptions=True)
            assert await shown(tokens) == "fake-component-token-1"
        assert platform.refreshes == 1
        if not caller.reached:
            assert step > 0
            return
    pytest.fail("the call has more awaits than this test cancels at")


@virtual
async def test_a_failed_refresh_fails_all_once() -> None:
    """K-03: when the refresh fails every caller gets an error of its own.

    A caller within the next second gets the same without a request.
    """
    platform = Platform(40125)
    async with component_tokens(platform) as tokens:
        errors = await asyncio.gather(*(token(tokens) for _ in range(50)), return_exceptions=True)
        assert all(isinstance(error, TokenUnavailableError) for error in errors)
        assert len({id(error) for error in errors}) == 50
        assert len({str(error) for error in errors}) == 1
        await asyncio.sleep(0.5)
        with pytest.raises(TokenUnavailableError) as caught:
            await token(tokens)
        assert all(caught.value is not error for error in errors)
        assert platform.refreshes == 1
        await asyncio.sleep(2)
        assert await shown(tokens) == "fake-component-token-2"
    assert_no_leak(caught.value, *errors, secrets=SECRETS)


class Ended(asyncio.Future[Any]):
    """A task that has ended."""

    def set_name(self, _name: object) -> None:
        """Take a name, as newer loops set one for their tasks."""


class Eager:
    """A task factory that runs at once what it can.

    ``asyncio.eager_task_factory`` of Python 3.12 does so.
    """

    def __call__(self, loop: Any, work: Any, *, context: Context | None = None) -> Any:
        """Return a task, or a finished future if the work never waits."""
        if work.__name__ != "_fly" or context is None:
            return asyncio.Task(work, loop=loop, context=context)
        done = Ended(loop=loop)
        try:
            context.run(work.send, None)
        except StopIteration as end:
            done.set_result(end.value)
        else:
            pytest.fail("the work was expected to end at once")
        return done


@virtual
async def test_tasks_that_begin_at_once() -> None:
    """On a loop with eager tasks a refresh may end before its task is returned.

    The refresh is over then; the next call makes another.
    """
    loop, tickets = asyncio.get_running_loop(), MemoryTicketStore()
    async with component_tokens(Platform(), tickets=tickets) as tokens:
        loop.set_task_factory(Eager())
        with pytest.raises(TokenUnavailableError, match="no component_verify_ticket yet"):
            await token(tokens)
        loop.set_task_factory(None)
        await tickets.put(Ticket(TICKET, 1_700_000_000.0))
        await asyncio.sleep(5)
        assert await shown(tokens) == "fake-component-token-1"


@virtual
async def test_many_late_refusals() -> None:
    """K-08, K-09: 300 late refusals of one token cost one refresh.

    All calls succeed.
    """
    platform = Platform()
    refused = 0

    async def handler(request: HttpRequest) -> HttpResponse:
        nonlocal refused
        await asyncio.sleep(3 + refused % 7)
        if request.wire_url().endswith("-1"):
            refused += 1
            return refusal(42001)
        return answer()

    async with component_tokens(platform) as tokens:
        client, transport = ams_client(handler=handler, tokens=tokens, limiter=LocalRateLimiter(rate=Rate(10_000)))
        await asyncio.gather(*(client.send(Read()) for _ in range(300)))
    assert refused == 300
    assert len(transport.requests) == 600
    assert platform.refreshes == 2


@virtual
async def test_a_refusal_of_a_token_that_was_replaced() -> None:
    """K-08: a refusal counts only if it is of the token in use."""
    platform = Platform()
    told: list[Any] = []
    async with component_tokens(platform, on_event=told.append) as tokens:
        old = await token(tokens)
        await reject(tokens, old)
        new = await token(tokens)
        told.clear()
        for late in (old, old.reveal(), Secret(old.reveal())):
            await reject(tokens, late)
        assert await token(tokens, timeout=0.0) == new
        assert told == []
        await reject(tokens, new.reveal())
        assert await shown(tokens) == "fake-component-token-3"


@virtual
async def test_authorizers_do_not_wait_for_each_other() -> None:
    """Tokens of different accounts are refreshed side by side.

    All use one component token.
    """
    platform = Platform(delay=2.0)
    from wxrevenue import TokenKind

    async with component_tokens(platform) as tokens:
        for number in range(20):
            await tokens.add_authorizer(f"wx{number}", f"fake-refresh-token-{number}")
        found = await asyncio.gather(*(tokens.get(TokenKind.AUTHORIZER, f"wx{n % 20}", timeout=30.0) for n in range(100)))
    assert len({one.reveal() for one in found}) == 20
    assert dict(platform.calls) == {"api_component_token": 1, "api_authorizer_token": 20}
    assert now() == 4


# -- a model ---------------------------------------------------------------------------------------


@attrs.frozen
class Caller:
    """Comes ``at`` some time and waits for so long.

    It is cancelled after ``cancel`` seconds, and may have its token refused.
    """

    at: float
    patience: float
    cancel: float | None
    refuses: bool


TIMES = st.integers(min_value=0, max_value=40).map(lambda tick: tick / 4)
CALLERS = st.builds(Caller, at=TIMES, patience=TIMES.map(lambda time: time + 0.125), cancel=st.none() | TIMES, refuses=st.booleans())


@pytest.mark.slow("simulates many orders of events against a model")
@given(
    callers=st.lists(CALLERS, min_size=1, max_size=25),
    trouble=st.lists(st.sampled_from([None, None, 61005, NotSentError("down", reason="connect")]), max_size=6),
    delay=TIMES,
)
@settings(max_examples=150)
def test_model_of_single_flight(callers: list[Caller], trouble: list[int | Exception | None], delay: float) -> None:
    """K-01, K-02, K-03: at most one refresh runs at a time, and each caller ends well.

    Callers come, are cancelled and are refused at any time. A caller ends by a token that was
    handed out, by an error of its own, by its time-out, or by its own cancellation. It never ends
    later than its time-out, and never by another caller's cancellation. Refusals cost a bounded
    number of refreshes.
    """
    ends: Counter[str] = Counter()
    instances: set[int] = set()
    kept: list[BaseException] = []

    async def main() -> None:
        running = most = 0
        platform = Platform(*trouble, delay=delay)

        async def handler(request: HttpRequest) -> HttpResponse:
            nonlocal running, most
            running += 1
            most = max(most, running)
            try:
                return await platform(request)
            finally:
                running -= 1

        async def call(caller: Caller) -> None:
            await asyncio.sleep(caller.at)
            begun = now()
            try:
                found = await token(tokens, timeout=caller.patience)
            except (TokenUnavailableError, DeadlineExceededError) as error:
                kept.append(error)
                instances.add(id(error))
                ends["error"] += 1
            else:
                assert 1 <= int(found.reveal().rpartition("-")[2]) <= platform.refreshes
                ends["token"] += 1
                if caller.refuses:
                    await reject(tokens, found)
            assert now() <= begun + caller.patience

        async with component_tokens(handler) as tokens:
            tasks = [asyncio.create_task(call(caller)) for caller in callers]
            for task, caller in zip(tasks, callers, strict=True):
                if caller.cancel is not None:
                    asyncio.get_running_loop().call_later(caller.cancel, task.cancel)
            done = await asyncio.gather(*tasks, return_exceptions=True)
            cancelled = sum(isinstance(one, asyncio.CancelledError) for one in done)
            assert cancelled <= sum(caller.cancel is not None for caller in callers)
            assert all(one is None or isinstance(one, asyncio.CancelledError) for one in done)
            assert sum(ends.values()) + cancelled == len(callers)
        assert most <= 1
        assert platform.refreshes <= (len(trouble) + MOST_REFUSED + 1) * 3

    run_virtual(main())
    assert len(instances) == len(kept)
