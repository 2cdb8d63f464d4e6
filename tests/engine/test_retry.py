"""Whether a failed attempt is made again, and after how long."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

import pytest
from support.fakes import BY_SAFETY, Add, Put, Read, ams_client, answer, ratio, refusal
from support.leaks import assert_no_leak
from support.virtual import WallClock, now, virtual

from wxrevenue import (
    ApiError,
    ConfigurationError,
    DecodeError,
    HttpRequest,
    HttpResponse,
    LocalRateLimiter,
    NotSentError,
    OutcomeUnknownError,
    ResponseLostError,
    RetryEvent,
    RetryPolicy,
    Safety,
    ServerBusyError,
    TooFastError,
    WxRevenueError,
)
from wxrevenue._engine.retry import Retries, RetryQuota
from wxrevenue._wire.codes import api_error
from wxrevenue._wire.http import retry_after

if TYPE_CHECKING:
    from collections.abc import Callable

SAFE, REPEATABLE, UNSAFE = Safety.SAFE, Safety.REPEATABLE, Safety.UNSAFE
FULL = RetryPolicy(jitter=lambda: 1.0)


def lost() -> ResponseLostError:
    """Return a lost answer."""
    return ResponseLostError("gone", reason="reset")


def not_sent() -> NotSentError:
    """Return a request that never left."""
    return NotSentError("refused", reason="connect")


FAULTS: dict[str, tuple[Callable[[], Any], bool, bool, type[WxRevenueError]]] = {
    # name: (what happens, retryable, ambiguous, the error)
    "not sent": (not_sent, True, False, NotSentError),
    "bad certificate": (lambda: NotSentError(reason="tls"), False, False, NotSentError),
    "lost": (lost, True, True, ResponseLostError),
    "too large": (lambda: ResponseLostError(reason="too_large"), False, True, ResponseLostError),
    "-1": (lambda: refusal(-1), True, True, ServerBusyError),
    "-202": (lambda: refusal(-202), True, True, ServerBusyError),
    "429": (lambda: answer(b"", 429), True, False, ServerBusyError),
    "408": (lambda: answer(b"", 408), True, True, ServerBusyError),
    "500": (lambda: answer(b"", 500), True, True, ServerBusyError),
    "502": (lambda: answer(b"<html>", 502), True, True, ServerBusyError),
    "503": (lambda: answer(b"", 503), True, True, ServerBusyError),
    "504": (lambda: answer(b"", 504), True, True, ServerBusyError),
    "501": (lambda: answer(b"", 501), False, True, ApiError),
    "505": (lambda: answer(b"", 505), False, True, ApiError),
    "302": (lambda: answer(b"", 302), False, False, ApiError),
    "404": (lambda: answer(b"", 404), False, False, ApiError),
    "2056": (lambda: refusal(2056), False, False, ApiError),
    "unknown code": (lambda: refusal(987654), False, False, ApiError),
    "cut JSON": (lambda: answer(b'{"ret":'), True, True, DecodeError),
    "empty body": (lambda: answer(b""), True, True, DecodeError),
    "a list": (lambda: answer([]), False, True, DecodeError),
    "a code that is no number": (lambda: answer({"ret": 1.5}), False, True, DecodeError),
}


@pytest.mark.parametrize("safety", Safety, ids=lambda safety: safety.value)
@pytest.mark.parametrize("fault", FAULTS)
@virtual
async def test_which_calls_are_repeated(fault: str, safety: Safety) -> None:
    """A call is repeated if and only if the error is retryable and not (ambiguous while the call must not be made twice)."""
    happen, retryable, ambiguous, kind = FAULTS[fault]
    repeated = retryable and not (ambiguous and safety is UNSAFE)
    client, transport = ams_client(*(happen() for _ in range(3)))
    with pytest.raises(WxRevenueError) as caught:
        await client.send(BY_SAFETY[safety])
    error = caught.value
    assert len(transport.requests) == (3 if repeated else 1) == error.attempts
    assert error.endpoint == BY_SAFETY[safety].endpoint.action
    assert error.ambiguous is ambiguous
    if isinstance(error, OutcomeUnknownError):
        assert safety is not SAFE
        assert ambiguous
        assert type(error.last) is kind is ResponseLostError
    else:
        assert isinstance(error, kind)
        assert not (kind is ResponseLostError and safety is not SAFE)


@pytest.mark.parametrize(
    ("last", "kind", "wrapped"),
    [
        (not_sent, NotSentError, True),
        (lambda: refusal(1737), TooFastError, True),
        (lambda: refusal(2056), ApiError, False),
        (lambda: answer([]), DecodeError, False),
        (lambda: answer({"ret": 0}, 404), ApiError, False),
    ],
    ids=["not sent", "too fast", "refused", "undecodable", "404"],
)
@virtual
async def test_ambiguity_belongs_to_the_call(last: Callable[[], Any], kind: type[WxRevenueError], wrapped: bool) -> None:  # noqa: FBT001
    """After one ambiguous attempt of a write every error is ambiguous; errors that say nothing of it become OutcomeUnknownError."""
    client, _ = ams_client(lost(), last(), last(), last())
    with pytest.raises(WxRevenueError) as caught:
        await client.send(Put())
    error = caught.value
    assert error.ambiguous
    assert isinstance(error, OutcomeUnknownError) is wrapped
    assert isinstance(error.last if isinstance(error, OutcomeUnknownError) else error, kind)
    assert error.endpoint == "fake_put"


@virtual
async def test_ambiguity_of_a_read_does_not_stick() -> None:
    """A read that once lost an answer ends with its last error as it is."""
    client, _ = ams_client(lost(), not_sent(), not_sent())
    with pytest.raises(NotSentError) as caught:
        await client.send(Read())
    assert not caught.value.ambiguous
    assert caught.value.attempts == 3


@virtual
async def test_a_call_that_must_not_be_made_twice_is_made_again_when_it_was_not_sent() -> None:
    """T-01: nothing arrived, so even an UNSAFE call is repeated."""
    client, transport = ams_client(not_sent(), answer())
    await client.send(Add())
    assert len(transport.requests) == 2


@virtual
async def test_read_timeouts_of_writes() -> None:
    """R-25: an UNSAFE call that got no answer is sent once, a REPEATABLE one as often as allowed; both end unknown."""
    client, transport = ams_client(*[20, answer()] * 4, timeout=5.0)
    with pytest.raises(OutcomeUnknownError) as caught:
        await client.send(Add())
    assert (len(transport.requests), caught.value.attempts) == (1, 1)
    with pytest.raises(OutcomeUnknownError) as caught:
        await client.send(Put())
    assert (len(transport.requests), caught.value.attempts) == (4, 3)
    assert isinstance(caught.value.last, ResponseLostError)


# -- how long ------------------------------------------------------------------------------------------------------


async def waits(*script: Any, policy: RetryPolicy = FULL, request: Any = None, **options: Any) -> list[float]:
    """Return the back-offs of one call, as told to ``on_event`` and as they really took."""
    told: list[Any] = []
    client, transport = ams_client(*script, retry=policy, on_event=told.append, **options)
    started = now()
    with contextlib.suppress(WxRevenueError):
        await client.send(request or Read())
    waited = [event.wait for event in told if isinstance(event, RetryEvent)]
    assert now() - started == pytest.approx(sum(waited))
    assert len(transport.requests) == len(waited) + 1
    return waited


@virtual
async def test_numbers_of_the_2026_standard_mode() -> None:
    """R-01: after transient faults the waits are 50 ms and 100 ms, times the jitter."""
    assert await waits(answer(b"", 500), answer(b"", 500), answer()) == pytest.approx([0.05, 0.1])


@pytest.mark.parametrize("busy", [lambda: refusal(-1), lambda: refusal(-202), lambda: answer(b"", 429)], ids=["-1", "-202", "429"])
@virtual
async def test_throttling_waits_longer(busy: Callable[[], HttpResponse]) -> None:
    """R-14: when the server asks for less load, the first wait is one second."""
    assert await waits(busy(), busy(), answer()) == pytest.approx([1.0, 2.0])


@virtual
async def test_cap() -> None:
    """No wait of our own choosing is longer than the cap."""
    policy = RetryPolicy(max_attempts=6, base=1.0, cap=5.0, jitter=lambda: 1.0)
    assert await waits(*[not_sent() for _ in range(6)], policy=policy, deadline=100.0) == pytest.approx([1, 2, 4, 5, 5])


@virtual
async def test_factor() -> None:
    """Each further wait is ``factor`` times as long."""
    policy = RetryPolicy(max_attempts=4, base=0.5, factor=3.0, jitter=lambda: 1.0)
    assert await waits(*[not_sent() for _ in range(4)], policy=policy) == pytest.approx([0.5, 1.5, 4.5])


@pytest.mark.parametrize(("jitter", "expected"), [(0.0, [0.0, 0.0]), (0.5, [0.025, 0.05]), (1.0, [0.05, 0.1])])
@virtual
async def test_jitter(jitter: float, expected: list[float]) -> None:
    """R-04: the jitter multiplies the wait; zero means at once."""
    assert await waits(not_sent(), not_sent(), answer(), policy=RetryPolicy(jitter=lambda: jitter)) == pytest.approx(expected)


@virtual
async def test_default_jitter_stays_below_the_step() -> None:
    """R-04: by default a wait lies between nothing and its step."""
    found = await waits(not_sent(), not_sent(), answer(), policy=RetryPolicy())
    assert all(0 <= wait <= step for wait, step in zip(found, [0.05, 0.1], strict=True))


@pytest.mark.parametrize(("jitter", "expected"), [(-3.0, 0.0), (float("nan"), 0.0), (7.0, 0.05), (float("inf"), 0.05)])
@virtual
async def test_jitter_outside_its_range(jitter: float, expected: float) -> None:
    """R-04: a jitter of a user's own makes no wait negative, endless or longer than its step."""
    assert await waits(not_sent(), answer(), policy=RetryPolicy(jitter=lambda: jitter)) == pytest.approx([expected])


@virtual
async def test_jitter_is_taken_of_the_capped_step() -> None:
    """R-04: the cap comes first, so that calls that have reached it are still spread."""
    policy = RetryPolicy(base=8.0, cap=10.0, jitter=lambda: 0.5)
    assert await waits(not_sent(), not_sent(), answer(), policy=policy) == pytest.approx([4.0, 5.0])


@pytest.mark.parametrize("factor", [2.0, 1e200])
@virtual
async def test_steps_never_overflow(factor: float) -> None:
    """However many attempts are allowed, the wait stays at the cap instead of growing out of what a float can hold."""
    policy = RetryPolicy(max_attempts=1_100, factor=factor, base=1.0, cap=1.0, quota=1e6, jitter=lambda: 1.0)
    found = await waits(*[not_sent() for _ in range(1_099)], answer(), policy=policy, deadline=1e6)
    assert found == [1.0] * 1_099


@pytest.mark.parametrize(("attempts", "requests"), [(1, 1), (2, 2), (5, 5)])
@virtual
async def test_max_attempts(attempts: int, requests: int) -> None:
    """R-15: ``max_attempts`` counts the first attempt; 1 switches retries off; the error tells how many there were."""
    client, transport = ams_client(*[not_sent() for _ in range(requests)], retry=RetryPolicy(max_attempts=attempts))
    with pytest.raises(NotSentError) as caught:
        await client.send(Read())
    assert len(transport.requests) == requests == caught.value.attempts


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("max_attempts", bad) for bad in (0, -1, True, 2.0, "3", None)],
        *[
            (name, bad)
            for name in ("base", "throttle_base", "cap", "quota", "cost", "throttle_cost", "retry_after_cap")
            for bad in (-1, True, "1", float("inf"), float("nan"))
        ],
        ("factor", 0.5),
    ],
)
def test_policies_that_make_no_sense(name: str, value: Any) -> None:
    """R-18: a policy that cannot be meant is refused, and the message names the field."""
    with pytest.raises(ConfigurationError, match=rf"RetryPolicy\.{name}"):
        RetryPolicy(**{name: value})


@virtual
async def test_a_back_off_that_does_not_fit_the_deadline() -> None:
    """When the wait would outlive the deadline the call ends at once, with the last error."""
    client, _ = ams_client(refusal(-1), retry=FULL, deadline=1.0)
    with pytest.raises(ServerBusyError) as caught:
        await client.send(Read())
    assert now() == 0
    assert caught.value.attempts == 1


@virtual
async def test_a_back_off_that_does_not_fit_ends_a_lost_write_unknown() -> None:
    """The same rule for a write: its lost answer surfaces as OutcomeUnknownError, not as a deadline."""
    client, _ = ams_client(lost(), retry=RetryPolicy(base=5.0, jitter=lambda: 1.0), deadline=5.0)
    with pytest.raises(OutcomeUnknownError) as caught:
        await client.send(Put())
    assert isinstance(caught.value.last, ResponseLostError)
    assert now() == 0


@virtual
async def test_retries_log_no_exceptions(caplog: pytest.LogCaptureFixture) -> None:
    """R-20: what an exception says is for the caller alone: no log shows it, and backoff's own logger is silent."""
    caplog.set_level(logging.DEBUG)
    said = "fake-value-of-an-exception"
    client, transport = ams_client(NotSentError(said, reason="connect"), ResponseLostError(said, reason="reset"), answer(b"", 503))
    with pytest.raises(ServerBusyError):
        await client.send(Read())
    assert len(transport.requests) == 3
    assert_no_leak(secrets=[said], caplog=caplog)
    assert not [record for record in caplog.records if record.name.startswith("backoff")]


# -- the retry quota -----------------------------------------------------------------------------------------------


def busy() -> ServerBusyError:
    """Return an HTTP 500 as an error."""
    error = api_error("", code=None, status=500)
    assert isinstance(error, ServerBusyError)
    return error


def test_quota_over_one_call() -> None:
    """R-01: 500, 486, 472, and 486 after the success."""
    quota = RetryQuota(500)
    retries = Retries(FULL, quota)
    assert quota.remaining == 500
    assert retries.wait(busy(), SAFE, 1, 30) == pytest.approx(0.05)
    assert quota.remaining == 486
    assert retries.wait(busy(), SAFE, 2, 30) == pytest.approx(0.1)
    assert quota.remaining == 472
    retries.succeeded()
    assert quota.remaining == 486


def test_throttling_costs_less() -> None:
    """R-14: a repetition after throttling costs 5."""
    quota = RetryQuota(500)
    Retries(FULL, quota).wait(api_error("", code=-1, status=200), SAFE, 1, 30)
    assert quota.remaining == 495


def test_quota_comes_back_one_by_one_and_never_above_its_size() -> None:
    """Each first-time success returns 1, up to the size."""
    quota = RetryQuota(10)
    assert quota.spend(4)
    for _ in range(9):
        quota.refund(1)
    assert quota.remaining == 10


def test_refused_repetitions_cost_nothing() -> None:
    """What is not repeated leaves the quota alone."""
    quota = RetryQuota(500)
    assert Retries(FULL, quota).wait(busy(), UNSAFE, 1, 30) is None
    assert Retries(FULL, quota).wait(busy(), SAFE, 3, 30) is None
    assert Retries(FULL, quota).wait(busy(), SAFE, 1, 0.01) is None
    assert quota.remaining == 500


@virtual
async def test_an_empty_quota_fails_at_once() -> None:
    """R-02: when the quota is spent, the error surfaces without a wait."""
    policy = RetryPolicy(quota=20, jitter=lambda: 1.0)
    client, transport = ams_client(answer(b"", 500), answer(b"", 500), answer(b"", 500), retry=policy)
    with pytest.raises(ServerBusyError) as caught:
        await client.send(Read())
    assert caught.value.attempts == 2  # 20 - 14 leaves 6: not enough for another
    started = now()
    with pytest.raises(ServerBusyError):
        await client.send(Read())
    assert now() == started
    assert len(transport.requests) == 3


@virtual
async def test_successes_refill_the_quota_for_later_calls() -> None:
    """A call that succeeds at first try gives 1 back, so that repetitions become possible again."""
    policy = RetryPolicy(quota=14, jitter=lambda: 0.0)
    client, transport = ams_client(answer(b"", 500), answer(b"", 500), answer(), *[answer()] * 14, answer(b"", 500), answer(), retry=policy)
    with pytest.raises(ServerBusyError):
        await client.send(Read())
    for _ in range(15):
        await client.send(Read())
    await client.send(Read())
    assert len(transport.requests) == 19


@virtual
async def test_concurrent_calls_and_clones_share_the_quota() -> None:
    """R-03: the quota is the client's: what one call or clone spends, another lacks."""
    policy = RetryPolicy(quota=28, jitter=lambda: 1.0)
    client, transport = ams_client(handler=lambda _: answer(b"", 500), retry=policy)
    clone = client.with_options(timeout=3.0)
    ends = await asyncio.gather(*(one.send(Read()) for one in (client, clone, client, clone)), return_exceptions=True)
    assert all(isinstance(end, ServerBusyError) for end in ends)
    assert len(transport.requests) == 4 + 2


@virtual
async def test_concurrent_successes_return_what_they_spent() -> None:
    """R-03: two calls that each failed once and then succeeded leave the quota as it was: enough for two more."""
    fails = iter([True, True, False, False] * 3)
    policy = RetryPolicy(quota=28, jitter=lambda: 1.0)
    client, _ = ams_client(handler=lambda _: answer(b"", 500) if next(fails) else answer(), retry=policy)
    for _ in range(3):
        await asyncio.gather(client.send(Read()), client.send(Read()))
    assert next(fails, None) is None


# -- Retry-After ---------------------------------------------------------------------------------------------------

NOW = 1_696_004_797.0
"""Fri, 29 Sep 2023 16:26:37 GMT."""

# The figures are those of the table in tests/test_client.py of openai-python (Apache-2.0). Where that falls back to a
# back-off of its own, so do we; what lies above 120 s is still parsed here, and refused by the policy below.
HEADERS: list[tuple[str, float | None]] = [
    ("20", 20),
    ("0", None),
    ("-10", None),
    ("60", 60),
    ("61", 61),
    ("120", 120),
    ("121", 121),
    ("Fri, 29 Sep 2023 16:26:57 GMT", 20),
    ("Fri, 29 Sep 2023 16:26:37 GMT", None),
    ("Fri, 29 Sep 2023 16:26:27 GMT", None),
    ("Fri, 29 Sep 2023 16:27:37 GMT", 60),
    ("Fri, 29 Sep 2023 16:27:38 GMT", 61),
    ("Fri, 29 Sep 2023 16:28:37 GMT", 120),
    ("Fri, 29 Sep 2023 16:28:38 GMT", 121),
    ("99999999999999999999999999999999999", 1e35),
    ("inf", None),
    ("nan", None),
    ("Zun, 29 Sep 2023 16:26:27 GMT", None),
    ("Fri, 29 Sep 100000 16:26:57 GMT", None),
    ("", None),
]


@pytest.mark.parametrize(("header", "expected"), HEADERS)
def test_retry_after_headers(header: str, expected: float | None) -> None:
    """T-43: seconds and dates in the future count, everything else is as if the header were not there."""
    assert retry_after(header, NOW) == expected


@pytest.mark.parametrize(
    "header",
    [
        "Fri, 29 Sep 99999999999999999999 16:26:57 GMT",
        "Fri, 29 Sep 2023 16:26:57 +99999999999999999999",
        "Fri, 99 Sep 2023 16:26:57 GMT",
        "Fri, 29 Sep 0000 16:26:57 GMT",
        "soon",
        "\x00",
        "-inf",
        "9" * 65,
        "0x10",
    ],
)
def test_retry_after_that_is_nonsense(header: str) -> None:
    """T-43: no header, however strange, breaks the call."""
    assert retry_after(header, NOW) is None


def test_retry_after_absent() -> None:
    """No header asks for nothing."""
    assert retry_after(None, NOW) is None


def test_retry_after_date_without_a_zone_is_utc() -> None:
    """A date that names no zone is read as UTC."""
    assert retry_after("Fri, 29 Sep 2023 16:26:57", NOW) == 20
    assert retry_after("Fri, 29 Sep 2023 16:26:57 -0000", NOW) == 20


def throttled(header: str) -> HttpResponse:
    """Return a 429 with a ``Retry-After``."""
    return answer(b"", 429, {"retry-after": header})


@virtual
async def test_retry_after_is_waited_for_exactly() -> None:
    """What the server asks for is neither jittered nor capped by our own cap."""
    policy = RetryPolicy(jitter=lambda: 0.0)
    assert await waits(throttled("60"), throttled("120"), answer(), policy=policy, deadline=300.0) == [60, 120]


@virtual
async def test_retry_after_date() -> None:
    """R-21: a date is measured against the client's clock."""
    script = (throttled("Fri, 29 Sep 2023 16:26:57 GMT"), answer())
    assert await waits(*script, clock=WallClock(NOW)) == pytest.approx([20])


@virtual
async def test_retry_after_in_the_past_falls_back() -> None:
    """R-21: a server whose clock is behind ours gets our own back-off."""
    script = (throttled("Fri, 29 Sep 2023 16:26:27 GMT"), answer())
    assert await waits(*script, clock=WallClock(NOW)) == pytest.approx([1.0])


@virtual
async def test_retry_after_above_the_cap_surfaces() -> None:
    """A server that asks for more than 120 s gets an error to the caller, which says how long to wait."""
    client, transport = ams_client(throttled("121"), deadline=600.0)
    with pytest.raises(ServerBusyError) as caught:
        await client.send(Read())
    assert caught.value.retry_after == 121
    assert len(transport.requests) == 1
    assert now() == 0


@virtual
async def test_retry_after_beyond_the_deadline_surfaces() -> None:
    """A wait within the cap but beyond the deadline ends the call with the error."""
    client, _ = ams_client(throttled("60"))
    with pytest.raises(ServerBusyError):
        await client.send(Read())
    assert now() == 0


@virtual
async def test_a_malformed_retry_after_is_a_plain_busy_answer() -> None:
    """T-43: a date no calendar holds leaves the call retried like any other 503."""
    strange = answer(b"", 503, {"Retry-After": "Fri, 29 Sep 99999999999999999999 16:26:57 GMT"})
    assert await waits(strange, answer()) == pytest.approx([0.05])


@virtual
async def test_wall_clock_steps_do_not_matter() -> None:
    """R-16: waits and deadlines follow the monotonic clock, whatever the wall clock does."""

    class Stepping(WallClock):
        def time(self) -> float:
            self._unix += 3_600 * (-1) ** int(now() * 1_000)
            return super().time()

    assert await waits(not_sent(), answer(b"", 500), answer(), clock=Stepping()) == pytest.approx([0.05, 0.1])


@virtual
async def test_calls_time_counts_for_the_deadline() -> None:
    """R-17: slow attempts use the deadline up: the next one is not begun when the back-off would outlive it."""
    client, transport = ams_client(
        0.4, not_sent(), 0.4, not_sent(), retry=RetryPolicy(max_attempts=9, base=0.1, jitter=lambda: 1.0), deadline=0.95
    )
    with pytest.raises(NotSentError):
        await client.send(Read())
    assert len(transport.requests) == 2
    assert now() == pytest.approx(0.9)


@virtual
async def test_each_call_starts_its_own_steps() -> None:
    """R-19: a later call's waits begin at the base again."""
    policy = RetryPolicy(max_attempts=2, jitter=lambda: 1.0)
    told: list[Any] = []
    client, _ = ams_client(
        *[step() for _ in range(3) for step in (not_sent, ratio)],
        retry=policy,
        on_event=told.append,
    )
    for _ in range(3):
        await client.get_share_ratio("wx1")
    assert [event.wait for event in told if isinstance(event, RetryEvent)] == pytest.approx([0.05] * 3)


@virtual
async def test_a_repetition_takes_a_turn_and_a_token_of_its_own() -> None:
    """Every attempt waits for its own turn, and then asks for a token."""
    order: list[str] = []

    class Counting(LocalRateLimiter):
        async def acquire(self, scope: str, *, timeout: float) -> Any:
            order.append("turn")
            return await super().acquire(scope, timeout=timeout)

    async def token() -> str:
        order.append("token")
        return f"fake-token-{len(order)}"

    client, transport = ams_client(not_sent(), lost(), ratio(), tokens=token, limiter=Counting())
    await client.get_share_ratio("wx1")
    assert order == ["turn", "token"] * 3
    assert [request.wire_url().rpartition("-")[2] for request in transport.requests] == ["2", "4", "6"]


@virtual
async def test_the_body_of_a_repetition_is_the_same() -> None:
    """A repetition sends the same bytes to the same path."""
    client, transport = ams_client(not_sent(), ratio())
    await client.get_share_ratio("wx1")
    first, second = transport.requests
    assert (first.url, first.body) == (second.url, second.body)
    assert isinstance(first, HttpRequest)
