"""Obeying "operating too fast": one gate per scope, a probe, then the others, paced and in order."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from support.fakes import COMPONENT, OTHER, OfAuthorizer, Put, Read, Tokens, ams_client, answer, refusal
from support.virtual import HandClock, LeapingClock, WallClock, armed_timers, now, settle, virtual

from wxrevenue import (
    ClientStateError,
    ConfigurationError,
    GateEvent,
    HttpRequest,
    HttpResponse,
    LocalRateLimiter,
    NotSentError,
    OutcomeUnknownError,
    QuotaExceededError,
    RateLimiter,
    ResponseLostError,
    RetryPolicy,
    TooFastError,
    Turn,
    Verdict,
)

SCOPE = "account/-/action"
PACE = 0.05
MIDNIGHT = 1_700_064_000.0
"""A midnight in Beijing."""
NO_RETRY = RetryPolicy(max_attempts=1)


def same_scope(request: object, default: str) -> str:
    """Put every request into one scope."""
    return "all"


class Server:
    """Answers 1737 for the first ``refusals`` requests, keeping when each request came and whose it was."""

    def __init__(self, refusals: int = 1, code: int = 1737) -> None:
        self.refusals = refusals
        self.code = code
        self.times: list[float] = []

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        self.times.append(now())
        if len(self.times) <= self.refusals:
            return refusal(self.code)
        return answer()


async def closed(limiter: LocalRateLimiter, verdict: Verdict = Verdict.TOO_FAST, scope: str = SCOPE) -> None:
    """Close a scope."""
    turn = await limiter.acquire(scope, timeout=1)
    await turn.report(verdict)
    turn.release()


async def queue_up(limiter: LocalRateLimiter, names: str, *, timeout: float = 1_000.0) -> tuple[list[str], dict[str, asyncio.Task[Turn]]]:
    """Have callers wait in this order; return who got a turn so far, and their tasks."""
    got: list[str] = []

    async def caller(name: str) -> Turn:
        turn = await limiter.acquire(SCOPE, timeout=timeout)
        got.append(name)
        return turn

    tasks: dict[str, asyncio.Task[Turn]] = {}
    for name in names:
        tasks[name] = asyncio.create_task(caller(name))
        await asyncio.sleep(0)
    return got, tasks


# -- through the client --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1737, 45011])
@virtual
async def test_the_refused_call_waits_out_the_cooldown(code: int) -> None:
    """A call that came too fast is repeated after the cool-down within the same attempt, even with retries off."""
    client, transport = ams_client(refusal(code), answer(), retry=NO_RETRY, deadline=100.0)
    await client.send(Read())
    assert now() == 60
    assert len(transport.requests) == 2


@virtual
async def test_cooldown_is_configurable() -> None:
    """``LocalRateLimiter(cooldown=…)`` says for how long a refusal closes a scope."""
    client, _ = ams_client(refusal(1737), answer(), limiter=LocalRateLimiter(cooldown=7.0))
    await client.send(Read())
    assert now() == 7


@virtual
async def test_a_nearer_deadline_fails_at_once() -> None:
    """R-08: the caller whose deadline comes before the gate opens hears so at once, and for how long to wait."""
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
    """A write whose answer was lost and whose repetition came too fast ends with OutcomeUnknownError, the refusal inside."""
    client, _ = ams_client(ResponseLostError(reason="reset"), refusal(1737))
    with pytest.raises(OutcomeUnknownError) as caught:
        await client.send(Put())
    assert isinstance(caught.value.last, TooFastError)
    assert caught.value.last.retry_after == pytest.approx(60)


@virtual
async def test_a_storm_of_200_callers() -> None:
    """R-05, R-07: late refusals extend the gate and never add up; then one probe, then the others, at most 50 ms apart."""
    server = Server(refusals=200)

    async def slowly(request: HttpRequest) -> HttpResponse:
        found = server(request)
        if len(server.times) <= 200:
            await asyncio.sleep(len(server.times) * 0.01)  # the refusals come in over two seconds
        elif len(server.times) == 201:
            await asyncio.sleep(1)
        return found

    limiter = LocalRateLimiter()
    client, _ = ams_client(handler=slowly, deadline=300.0, limiter=limiter)
    await asyncio.gather(*(client.send(Read()) for _ in range(200)))
    assert len(server.times) == 400
    probe, *others = server.times[200:]
    assert probe == pytest.approx(62)  # 60 s after the last refusal
    assert others[0] == pytest.approx(63)  # when the probe was accepted
    gaps = [later - earlier for earlier, later in itertools.pairwise(others)]
    assert all(0 < gap <= PACE + 1e-6 for gap in gaps)
    assert not limiter.gates


@virtual
async def test_a_server_that_extends_its_block() -> None:
    """R-06: against a server that blocks anew at each call made during the block, everyone gets through."""
    blocked_until, calls = 0.0, 0

    def handler(request: HttpRequest) -> HttpResponse:
        nonlocal blocked_until, calls
        calls += 1
        if now() < blocked_until or calls % 60 == 0:
            blocked_until = now() + 60
            return refusal(1737)
        return answer()

    client, _ = ams_client(handler=handler, deadline=3_600.0)
    await asyncio.gather(*(client.send(Read()) for _ in range(200)))
    assert calls < 420


@virtual
async def test_a_refused_probe_closes_the_gate_again() -> None:
    """R-12: after a refused probe the others stay parked for another cool-down; who cannot wait that long hears so."""
    server = Server(refusals=2)
    client, _ = ams_client(handler=server, deadline=500.0)
    first = asyncio.create_task(client.send(Read()))
    await settle()
    patient = asyncio.create_task(client.send(Read()))
    hurried = asyncio.create_task(client.with_options(deadline=90.0).send(Read()))
    await asyncio.sleep(61)
    assert server.times == [0, 60]
    assert hurried.done()
    assert isinstance(hurried.exception(), TooFastError)
    await asyncio.gather(first, patient)
    assert server.times == pytest.approx([0, 60, 120, 120.05])


@virtual
async def test_the_refused_call_keeps_its_place() -> None:
    """The refused call is the probe, ahead of those that came while it was on its way."""
    order: list[str] = []

    def handler(request: HttpRequest) -> HttpResponse:
        order.append(request.url.partition("action=")[2].partition("&")[0])
        return refusal(1737) if len(order) == 1 else answer()

    client, _ = ams_client(handler=handler, deadline=100.0, scope=same_scope)
    await asyncio.gather(client.send(Read()), client.send(Put()))
    assert order[0] == "fake_read"
    assert order.count("fake_read") == 2
    again = asyncio.create_task(client.send(Read()))
    await again


@virtual
async def test_scopes_are_apart() -> None:
    """The gate of one action, component or authorizer does not hold up another's."""
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
    """While calls wait for the gate, no token is asked for and nothing is with the transport."""
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
    """A limiter given to two clients of one account closes for both; neither closes it."""
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


# -- 45009: the day's quota ----------------------------------------------------------------------------------------


@virtual
async def test_spent_quota_fails_at_once() -> None:
    """R-13: a spent daily quota surfaces at once, is never retried, and says when the next probe may go."""
    client, transport = ams_client(refusal(45009, "reach max api daily quota limit"), clock=WallClock(MIDNIGHT - 7_200), deadline=5_000.0)
    with pytest.raises(QuotaExceededError) as caught:
        await client.send(Read())
    assert (caught.value.retry_after, caught.value.attempts, caught.value.status) == (600, 1, 200)
    await asyncio.sleep(100)
    with pytest.raises(QuotaExceededError) as caught:
        await client.with_options(deadline=300.0).send(Read())
    error = caught.value
    assert (error.retry_after, error.code, error.status, error.attempts) == (500, 45009, 0, 1)
    assert len(transport.requests) == 1
    assert now() == 100


@virtual
async def test_one_probe_every_ten_minutes() -> None:
    """R-13: while the quota is spent one call may probe every 600 s; the others hear at once when the next may."""
    server = Server(refusals=3, code=45009)
    client, _ = ams_client(handler=server, clock=WallClock(MIDNIGHT - 7_200), deadline=650.0)
    with pytest.raises(QuotaExceededError):
        await client.send(Read())
    for _ in range(2):
        ends = await asyncio.gather(*(client.send(Read()) for _ in range(3)), return_exceptions=True)
        assert [type(end) for end in ends] == [QuotaExceededError] * 3
    assert server.times == [0, 600, 1200]
    await asyncio.gather(*(client.send(Read()) for _ in range(3)))
    assert server.times[3:] == pytest.approx([1800, 1800.05, 1800.1])


@virtual
async def test_the_quota_returns_at_midnight_in_beijing() -> None:
    """R-13: the next probe goes at midnight in Beijing, when that is nearer than ten minutes."""
    server = Server(code=45009)
    client, _ = ams_client(handler=server, clock=WallClock(MIDNIGHT - 250), deadline=300.0)
    with pytest.raises(QuotaExceededError) as caught:
        await client.send(Read())
    assert caught.value.retry_after == 250
    await client.send(Read())
    assert server.times == [0, 250]


@virtual
async def test_reopen() -> None:
    """R-13: ``reopen(scope)`` lets everyone go, paced."""
    limiter = LocalRateLimiter(clock=WallClock(MIDNIGHT - 7_200))
    server = Server(code=45009)
    client, _ = ams_client(handler=server, limiter=limiter, deadline=5_000.0)
    with pytest.raises(QuotaExceededError):
        await client.send(Read())
    calls = [asyncio.create_task(client.send(Read())) for _ in range(3)]
    await asyncio.sleep(10)
    await limiter.reopen(f"{COMPONENT}/-/fake_read")
    await asyncio.gather(*calls)
    assert server.times == pytest.approx([0, 10, 10.05, 10.1])
    assert not limiter.gates


@virtual
async def test_reopen_a_scope_that_is_open() -> None:
    """Reopening what is open, or was never used, does nothing."""
    limiter = LocalRateLimiter()
    await limiter.reopen(SCOPE)
    assert not limiter.gates


@virtual
async def test_too_fast_after_a_spent_quota_is_too_fast() -> None:
    """Once an accepted probe has reopened the scope, a later refusal is TooFastError again."""
    limiter = LocalRateLimiter(clock=WallClock(MIDNIGHT - 7_200))
    await closed(limiter, Verdict.QUOTA_SPENT)
    turn = await limiter.acquire(SCOPE, timeout=700)
    await turn.report(Verdict.OK)
    await closed(limiter)
    with pytest.raises(TooFastError):
        await limiter.acquire(SCOPE, timeout=1)


# -- the limiter by itself -----------------------------------------------------------------------------------------


def test_it_is_a_rate_limiter() -> None:
    """LocalRateLimiter has the port's shape, and needs no running loop to be made."""
    assert isinstance(LocalRateLimiter(), RateLimiter)


@pytest.mark.parametrize("cooldown", [0, -1, True, "60", float("inf"), float("nan"), None])
def test_cooldowns_that_make_no_sense(cooldown: Any) -> None:
    """A cool-down is a positive, finite number of seconds."""
    with pytest.raises(ConfigurationError, match=r"LocalRateLimiter\.cooldown"):
        LocalRateLimiter(cooldown)


@virtual
async def test_a_scope_never_refused_costs_nothing() -> None:
    """Turns of an open scope come at once and leave neither gate nor timer."""
    limiter = LocalRateLimiter()
    for verdict in (Verdict.OK, Verdict.UNKNOWN):
        turn = await limiter.acquire(SCOPE, timeout=0.0)
        await turn.report(verdict)
        await turn.again(timeout=0.0)
        turn.release()
        turn.release()
        await turn.report(Verdict.TOO_FAST)  # too late: the turn is over
    assert not limiter.gates
    assert now() == 0


@virtual
async def test_probe_then_order_of_arrival() -> None:
    """One goes; when it was accepted the others follow in order of arrival, 50 ms apart, and the gate goes away."""
    limiter = LocalRateLimiter()
    await closed(limiter)
    got, tasks = await queue_up(limiter, "abcd")
    await asyncio.sleep(59.9)
    assert got == []
    await asyncio.sleep(20)
    assert got == ["a"]
    await (await tasks["a"]).report(Verdict.OK)
    await settle()
    assert got == ["a", "b"]
    await asyncio.sleep(PACE)
    assert got == ["a", "b", "c"]
    await asyncio.sleep(PACE)
    assert got == ["a", "b", "c", "d"]
    await asyncio.gather(*tasks.values())
    await asyncio.sleep(PACE)
    (await limiter.acquire(SCOPE, timeout=0)).release()
    assert armed_timers() == 0


@pytest.mark.parametrize("how", ["released", "unknown", "cancelled"])
@virtual
async def test_a_probe_without_a_verdict_hands_on(how: str) -> None:
    """R-11: a probe that ends without a verdict passes its role to the next in line, at once."""
    limiter = LocalRateLimiter()
    await closed(limiter)
    got, tasks = await queue_up(limiter, "abc")
    await asyncio.sleep(60)
    await settle()
    assert got == ["a"]
    turn = await tasks["a"]
    if how == "unknown":
        await turn.report(Verdict.UNKNOWN)
    turn.release()
    await settle()
    assert got == ["a", "b"]
    await (await tasks["b"]).report(Verdict.OK)
    await asyncio.wait_for(tasks["c"], 1)


@virtual
async def test_a_cancelled_waiter_leaves_nothing() -> None:
    """R-10: cancelled waiters leave the queue; the next in line becomes the prober; without waiters there is no timer."""
    limiter = LocalRateLimiter()
    await closed(limiter)
    got, tasks = await queue_up(limiter, "abc")
    tasks["a"].cancel()
    await settle()
    await asyncio.sleep(60)
    await settle()
    assert got == ["b"]
    (await tasks["b"]).release()
    (await tasks["c"]).release()
    await closed(limiter)
    got, tasks = await queue_up(limiter, "abc")
    for task in tasks.values():
        task.cancel()
    await settle()
    assert armed_timers() == 0
    assert all(task.cancelled() for task in tasks.values())


@virtual
async def test_cancelled_in_the_moment_of_its_turn() -> None:
    """R-10: a waiter cancelled in the very moment its turn comes hands the turn on."""
    limiter = LocalRateLimiter()
    await closed(limiter)
    got, tasks = await queue_up(limiter, "ab")
    loop = asyncio.get_running_loop()
    loop.call_at(loop.time() + 60 + 5e-10, tasks["a"].cancel)  # right after the gate's timer, before the task runs
    await asyncio.sleep(60)
    await settle()
    assert tasks["a"].cancelled()
    assert got == ["b"]


@virtual
async def test_cancelled_just_before_its_turn() -> None:
    """R-10: a waiter that is cancelled, and not yet gone, when the gate opens is passed over."""
    limiter = LocalRateLimiter()
    await closed(limiter)
    got, tasks = await queue_up(limiter, "ab")
    tasks["a"].cancel()
    await limiter.reopen(SCOPE)  # before the task had a chance to go
    await asyncio.sleep(1)
    assert tasks["a"].cancelled()
    assert got == ["b"]
    assert now() == 1


@virtual
async def test_a_turn_that_comes_at_the_last_moment() -> None:
    """A waiter whose time is up in the moment its turn comes gets the turn."""
    limiter = LocalRateLimiter()
    await closed(limiter)
    (await limiter.acquire(SCOPE, timeout=60 + 5e-10)).release()
    assert now() == pytest.approx(60)


@virtual
async def test_refused_in_the_moment_of_its_cancellation() -> None:
    """A waiter that is refused and cancelled in the same moment is cancelled, and nothing complains."""
    limiter = LocalRateLimiter(cooldown=60)
    await closed(limiter)
    _, tasks = await queue_up(limiter, "a")
    await limiter.aclose()
    tasks["a"].cancel()
    await settle()
    assert tasks["a"].cancelled()


@virtual
async def test_a_waiter_whose_time_is_up() -> None:
    """A waiter whose deadline comes while a probe is out hears TooFastError then, not later."""
    limiter = LocalRateLimiter()
    await closed(limiter)
    _, tasks = await queue_up(limiter, "a")
    await asyncio.sleep(60)
    turn = await tasks["a"]
    with pytest.raises(TooFastError) as caught:
        await limiter.acquire(SCOPE, timeout=5)
    assert now() == pytest.approx(65)
    assert caught.value.retry_after == 0.05  # the probe may end any moment
    turn.release()
    (await limiter.acquire(SCOPE, timeout=5)).release()


@virtual
async def test_those_behind_a_long_queue_hear_at_once() -> None:
    """Whose place is too far behind for its deadline is refused at once, not at the deadline."""
    limiter = LocalRateLimiter()
    await closed(limiter)
    _, tasks = await queue_up(limiter, "x" * 1 + "abcdefghijklmnopqrst", timeout=100)
    with pytest.raises(TooFastError):
        await limiter.acquire(SCOPE, timeout=60.5)
    assert now() == 0
    for task in tasks.values():
        task.cancel()


@virtual
async def test_who_goes_again_is_ahead_of_those_who_came_later() -> None:
    """A refused turn's own place counts, not the length of the queue behind it."""
    limiter = LocalRateLimiter()
    await closed(limiter)
    got, tasks = await queue_up(limiter, "abcdefghijklmnopqrstuvwxyz")
    await asyncio.sleep(60)
    probe = await tasks["a"]
    await probe.report(Verdict.TOO_FAST)
    await probe.again(timeout=60.5)  # 25 callers wait, but behind it
    assert now() == pytest.approx(120)
    assert got == ["a"]
    await probe.report(Verdict.OK)
    await asyncio.gather(*tasks.values())


@virtual
async def test_late_refusals_extend_and_never_add_up() -> None:
    """R-07: each refusal closes the gate until 60 s after itself, whatever came before."""
    limiter = LocalRateLimiter()
    turns = [await limiter.acquire(SCOPE, timeout=1) for _ in range(3)]
    for turn in turns:
        await turn.report(Verdict.TOO_FAST)
        await asyncio.sleep(1)
    await limiter.acquire(SCOPE, timeout=100)
    assert now() == 62


@virtual
async def test_too_fast_does_not_shorten_a_spent_quota() -> None:
    """A late 1737 leaves a scope closed for as long as its spent quota closed it."""
    limiter = LocalRateLimiter(clock=WallClock(MIDNIGHT - 7_200))
    straggler = await limiter.acquire(SCOPE, timeout=1)
    await closed(limiter, Verdict.QUOTA_SPENT)
    await straggler.report(Verdict.TOO_FAST)
    with pytest.raises(QuotaExceededError) as caught:
        await limiter.acquire(SCOPE, timeout=100)
    assert caught.value.retry_after == 600


@virtual
async def test_a_late_refusal_while_the_probe_is_out() -> None:
    """A refusal that comes in late keeps the gate closed although the probe is accepted."""
    limiter = LocalRateLimiter()
    straggler = await limiter.acquire(SCOPE, timeout=1)
    await closed(limiter)
    got, tasks = await queue_up(limiter, "ab")
    await asyncio.sleep(60)
    await straggler.report(Verdict.TOO_FAST)
    await (await tasks["a"]).report(Verdict.OK)
    await asyncio.sleep(59)
    assert got == ["a"]
    await tasks["b"]
    assert now() == pytest.approx(120)


@virtual
async def test_a_refusal_during_the_paced_release() -> None:
    """A refusal while the others are being released closes the gate for the rest."""
    limiter = LocalRateLimiter()
    await closed(limiter)
    got, tasks = await queue_up(limiter, "abc")
    await asyncio.sleep(60)
    await (await tasks["a"]).report(Verdict.OK)
    await (await tasks["b"]).report(Verdict.TOO_FAST)
    started = now()
    await tasks["c"]
    assert now() - started == pytest.approx(60)
    assert got == ["a", "b", "c"]


@virtual
async def test_reopen_while_a_probe_is_out() -> None:
    """After ``reopen`` the others go when the probe is back, whatever became of it."""
    limiter = LocalRateLimiter()
    await closed(limiter)
    _, tasks = await queue_up(limiter, "ab")
    await asyncio.sleep(60)
    probe = await tasks["a"]
    await limiter.reopen(SCOPE)
    probe.release()
    await tasks["b"]
    assert now() == pytest.approx(60, abs=1)


@virtual
async def test_aclose_ends_every_wait() -> None:
    """Closing ends waits with ClientStateError, refuses new turns, leaves no timer, and may be done twice."""
    limiter = LocalRateLimiter()
    await closed(limiter)
    _, tasks = await queue_up(limiter, "abc")
    await limiter.aclose()
    await limiter.aclose()
    ends = await asyncio.gather(*tasks.values(), return_exceptions=True)
    assert [type(end) for end in ends] == [ClientStateError] * 3
    with pytest.raises(ClientStateError):
        await limiter.acquire(SCOPE, timeout=1)
    assert armed_timers() == 0
    assert now() == 0


@virtual
async def test_going_again_on_a_closed_limiter() -> None:
    """A turn that would wait again on a closed limiter ends with ClientStateError instead."""
    limiter = LocalRateLimiter()
    turn = await limiter.acquire(SCOPE, timeout=1)
    await turn.report(Verdict.TOO_FAST)
    await limiter.aclose()
    with pytest.raises(ClientStateError):
        await turn.again(timeout=100)
    assert now() == 0


# -- any clock -----------------------------------------------------------------------------------------------------


async def test_a_clock_whose_sleep_moves_the_time() -> None:
    """With a user's own clock the limiter needs nothing but ``monotonic``, ``time`` and ``sleep``."""
    clock = LeapingClock()
    client, transport = ams_client(refusal(1737), *[answer()] * 4, clock=clock, deadline=100.0)
    await asyncio.gather(*(client.send(Read()) for _ in range(3)))
    assert len(transport.requests) == 4
    assert 60 <= clock.now <= 60.2
    await client.aclose()


async def test_back_off_on_a_users_own_clock() -> None:
    """Back-offs sleep on the user's clock."""
    clock = LeapingClock()
    client, _ = ams_client(
        NotSentError(reason="connect"), NotSentError(reason="connect"), answer(), clock=clock, retry=RetryPolicy(jitter=lambda: 1.0)
    )
    await client.send(Read())
    assert clock.slept == pytest.approx([0.05, 0.1])


async def test_a_clock_moved_by_hand() -> None:
    """With a clock that a test moves, the gate opens exactly when that clock says so."""
    clock = HandClock()
    limiter = LocalRateLimiter(clock=clock)
    await closed(limiter)
    got, tasks = await queue_up(limiter, "abc")
    await clock.advance(59.9)
    assert got == []
    await clock.advance(0.1)
    assert got == ["a"]
    await (await tasks["a"]).report(Verdict.OK)
    await clock.advance(PACE)
    await clock.advance(PACE)
    assert got == ["a", "b", "c"]
    assert clock.sleepers == 0


async def test_a_cancelled_waiter_leaves_no_task_on_a_users_clock() -> None:
    """The limiter's sleeping task ends with its last waiter."""
    clock = HandClock()
    limiter = LocalRateLimiter(clock=clock)
    await closed(limiter)
    _, tasks = await queue_up(limiter, "ab")
    await settle()
    assert clock.sleepers == 1
    for task in tasks.values():
        task.cancel()
    await settle()
    assert clock.sleepers == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


@virtual
async def test_waiters_expire_by_the_limiters_own_clock() -> None:
    """A waiter's time is up when the limiter's clock says so, not the event loop's."""
    clock = HandClock()
    limiter = LocalRateLimiter(clock=clock)
    await closed(limiter)
    _, tasks = await queue_up(limiter, "ab", timeout=65)
    await clock.advance(60)
    probe = await tasks["a"]
    await asyncio.sleep(1_000)  # the loop's time, which is not asked
    assert not tasks["b"].done()
    await clock.advance(6)
    await asyncio.sleep(100)  # the loop only says when to look again
    assert tasks["b"].done()
    assert isinstance(tasks["b"].exception(), TooFastError)
    probe.release()


@virtual
async def test_a_clock_that_breaks() -> None:
    """What a user's clock raises in the limiter reaches the waiting call, unchanged."""

    class Broken(HandClock):
        tries = 0

        async def sleep(self, seconds: float) -> None:
            self.tries += 1
            if self.tries > 9:
                await asyncio.sleep(1_000)
            raise LookupError("the clock broke")

    clock = Broken()
    limiter = LocalRateLimiter(clock=clock)
    await closed(limiter)
    with pytest.raises(LookupError):
        await asyncio.wait_for(limiter.acquire(SCOPE, timeout=100), 10)
    assert clock.tries == 1


# -- a limiter of a user's own -------------------------------------------------------------------------------------


class RecordingTurn:
    """A turn that keeps what happens to it."""

    def __init__(self, log: list[Any]) -> None:
        self.log = log

    async def report(self, verdict: Verdict) -> None:
        """Keep it."""
        self.log.append(verdict)

    async def again(self, *, timeout: float) -> None:
        """Keep it."""
        self.log.append("again")

    def release(self) -> None:
        """Keep it."""
        self.log.append("release")


class RecordingLimiter:
    """A limiter that keeps what it is asked and told."""

    def __init__(self) -> None:
        self.log: list[Any] = []
        self.closed = False

    async def acquire(self, scope: str, *, timeout: float) -> RecordingTurn:
        """Keep it."""
        self.log.append((scope, timeout))
        return RecordingTurn(self.log)

    async def reopen(self, scope: str) -> None:
        """Do nothing."""

    async def aclose(self) -> None:
        """Keep it."""
        self.closed = True


@pytest.mark.parametrize(
    ("step", "verdicts"),
    [
        (answer(), [Verdict.OK]),
        (refusal(2056), [Verdict.OK]),
        (refusal(-1), [Verdict.UNKNOWN]),
        (answer(b"", 503), [Verdict.UNKNOWN]),
        (answer(b"junk"), [Verdict.UNKNOWN]),
        (NotSentError(reason="connect"), [Verdict.UNKNOWN]),
        (refusal(40001), [Verdict.UNKNOWN, "again", Verdict.UNKNOWN]),
        (refusal(45009), [Verdict.QUOTA_SPENT, "again"]),
    ],
    ids=["ok", "refused", "busy", "503", "junk", "not sent", "token", "quota"],
)
@virtual
async def test_what_a_limiter_is_told(step: Any, verdicts: list[Any]) -> None:
    """Each request's end is reported with its verdict, every turn is released; an answer of any business kind is OK."""
    limiter = RecordingLimiter()
    client, _ = ams_client(step, limiter=limiter, retry=NO_RETRY, deadline=9.0)
    await asyncio.gather(client.send(Read()), return_exceptions=True)
    assert limiter.log == [(f"{COMPONENT}/-/fake_read", 9.0), *verdicts, "release"]
    await client.aclose()
    assert not limiter.closed


@virtual
async def test_each_attempt_takes_a_turn() -> None:
    """T-09: the limiter is asked once per request that goes out."""
    limiter = RecordingLimiter()
    client, _ = ams_client(handler=lambda _: answer(b"", 500), limiter=limiter)
    await asyncio.gather(client.send(Read()), return_exceptions=True)
    assert limiter.log.count("release") == 3 == sum(isinstance(entry, tuple) for entry in limiter.log)


@virtual
async def test_what_a_limiter_raises_otherwise() -> None:
    """An error of the limiter's own that is none of the two refusals passes through."""

    class Broken(RecordingLimiter):
        async def acquire(self, scope: str, *, timeout: float) -> RecordingTurn:
            raise LookupError("no redis")

    client, transport = ams_client(limiter=Broken())
    with pytest.raises(LookupError):
        await client.send(Read())
    assert not transport.requests
