"""Whether a failed attempt is repeated, and after how long."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from support.fakes import BY_SAFETY, Add, Put, Read, ams_client, answer, refusal
from support.leaks import assert_no_leak
from support.retrying import FULL, SAFE, UNSAFE, lost, not_sent, waits
from support.virtual import now, virtual

from wxrevenue import (
    ApiError,
    ConfigurationError,
    DecodeError,
    HttpResponse,
    NotSentError,
    OutcomeUnknownError,
    ResponseLostError,
    RetryPolicy,
    Safety,
    ServerBusyError,
    TooFastError,
    WxRevenueError,
)

if TYPE_CHECKING:
    from collections.abc import Callable


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
    """A call is repeated if and only if its error is retryable and a repeat is safe.

    A repeat is not safe if the error is ambiguous and the call must not be made twice.
    """
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
    """After one ambiguous attempt of a write every error is ambiguous.

    An error that cannot say so becomes OutcomeUnknownError.
    """
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
    """T-01: a call that was not sent is repeated, even if it is UNSAFE."""
    client, transport = ams_client(not_sent(), answer())
    await client.send(Add())
    assert len(transport.requests) == 2


@virtual
async def test_read_timeouts_of_writes() -> None:
    """R-25: an UNSAFE call that got no answer is sent once.

    A REPEATABLE one is sent as often as allowed. Both end unknown.
    """
    client, transport = ams_client(*[20, answer()] * 4, timeout=5.0)
    with pytest.raises(OutcomeUnknownError) as caught:
        await client.send(Add())
    assert (len(transport.requests), caught.value.attempts) == (1, 1)
    with pytest.raises(OutcomeUnknownError) as caught:
        await client.send(Put())
    assert (len(transport.requests), caught.value.attempts) == (4, 3)
    assert isinstance(caught.value.last, ResponseLostError)


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
    """R-04: by default a wait lies between zero and its step."""
    found = await waits(not_sent(), not_sent(), answer(), policy=RetryPolicy())
    assert all(0 <= wait <= step for wait, step in zip(found, [0.05, 0.1], strict=True))


@pytest.mark.parametrize(("jitter", "expected"), [(-3.0, 0.0), (float("nan"), 0.0), (7.0, 0.05), (float("inf"), 0.05)])
@virtual
async def test_jitter_outside_its_range(jitter: float, expected: float) -> None:
    """R-04: a user's own jitter makes no wait negative, endless or too long.

    No wait is longer than its step.
    """
    assert await waits(not_sent(), answer(), policy=RetryPolicy(jitter=lambda: jitter)) == pytest.approx([expected])


@virtual
async def test_jitter_is_taken_of_the_capped_step() -> None:
    """R-04: the cap is applied before the jitter.

    So calls that have reached the cap are still spread.
    """
    policy = RetryPolicy(base=8.0, cap=10.0, jitter=lambda: 0.5)
    assert await waits(not_sent(), not_sent(), answer(), policy=policy) == pytest.approx([4.0, 5.0])


@pytest.mark.parametrize("factor", [2.0, 1e200])
@virtual
async def test_steps_never_overflow(factor: float) -> None:
    """The wait stays at the cap however many attempts are allowed.

    It does not grow beyond what a float can hold.
    """
    policy = RetryPolicy(max_attempts=1_100, factor=factor, base=1.0, cap=1.0, quota=1e6, jitter=lambda: 1.0)
    found = await waits(*[not_sent() for _ in range(1_099)], answer(), policy=policy, deadline=1e6)
    assert found == [1.0] * 1_099


@pytest.mark.parametrize(("attempts", "requests"), [(1, 1), (2, 2), (5, 5)])
@virtual
async def test_max_attempts(attempts: int, requests: int) -> None:
    """R-15: ``max_attempts`` counts the first attempt, and 1 switches retries off.

    The error tells how many there were.
    """
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
    """R-18: a policy that makes no sense is refused, and the message names the field."""
    with pytest.raises(ConfigurationError, match=rf"RetryPolicy\.{name}"):
        RetryPolicy(**{name: value})


@virtual
async def test_a_back_off_that_does_not_fit_the_deadline() -> None:
    """When the wait would outlive the deadline the call ends at once.

    The error is the last one.
    """
    client, _ = ams_client(refusal(-1), retry=FULL, deadline=1.0)
    with pytest.raises(ServerBusyError) as caught:
        await client.send(Read())
    assert now() == 0
    assert caught.value.attempts == 1


@virtual
async def test_a_back_off_that_does_not_fit_ends_a_lost_write_unknown() -> None:
    """A lost answer of a write surfaces as OutcomeUnknownError.

    It is not a deadline's error, although the back-off does not fit the deadline.
    """
    client, _ = ams_client(lost(), retry=RetryPolicy(base=5.0, jitter=lambda: 1.0), deadline=5.0)
    with pytest.raises(OutcomeUnknownError) as caught:
        await client.send(Put())
    assert isinstance(caught.value.last, ResponseLostError)
    assert now() == 0


@virtual
async def test_retries_log_no_exceptions(caplog: pytest.LogCaptureFixture) -> None:
    """R-20: no log shows the text of an exception.

    It is for the caller alone. backoff's own logger is silent.
    """
    caplog.set_level(logging.DEBUG)
    said = "fake-value-of-an-exception"
    client, transport = ams_client(NotSentError(said, reason="connect"), ResponseLostError(said, reason="reset"), answer(b"", 503))
    with pytest.raises(ServerBusyError):
        await client.send(Read())
    assert len(transport.requests) == 3
    assert_no_leak(secrets=[said], caplog=caplog)
    assert not [record for record in caplog.records if record.name.startswith("backoff")]
