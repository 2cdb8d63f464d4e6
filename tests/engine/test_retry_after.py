"""``Retry-After``, and what is sent with a repetition."""

from __future__ import annotations

from typing import Any

import pytest
from support.fakes import Read, ams_client, answer, ratio
from support.retrying import lost, not_sent, waits
from support.virtual import WallClock, now, virtual

from wxrevenue import (
    HttpRequest,
    HttpResponse,
    LocalRateLimiter,
    NotSentError,
    RetryEvent,
    RetryPolicy,
    ServerBusyError,
)
from wxrevenue._wire.http import retry_after

# -- Retry-After -----------------------------------------------------------------------------------

NOW = 1_696_004_797.0
"""Fri, 29 Sep 2023 16:26:37 GMT."""

# The figures are those of the table in tests/test_client.py of openai-python (Apache-2.0). Where
# that falls back to a back-off of its own, so do we; what lies above 120 s is still parsed here,
# and refused by the policy below.
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
    """T-43: seconds and dates in the future count.

    Everything else is as if the header were missing.
    """
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
    """Without the header there is no wait for it."""
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
    """A wait that the server asks for is exact.

    It is neither jittered nor limited by the policy's cap on its own waits.
    """
    policy = RetryPolicy(jitter=lambda: 0.0)
    assert await waits(throttled("60"), throttled("120"), answer(), policy=policy, deadline=300.0) == [60, 120]


@virtual
async def test_retry_after_date() -> None:
    """R-21: a date is measured against the client's clock."""
    script = (throttled("Fri, 29 Sep 2023 16:26:57 GMT"), answer())
    assert await waits(*script, clock=WallClock(NOW)) == pytest.approx([20])


@virtual
async def test_retry_after_in_the_past_falls_back() -> None:
    """R-21: a server whose clock is slow gets the client's own back-off."""
    script = (throttled("Fri, 29 Sep 2023 16:26:27 GMT"), answer())
    assert await waits(*script, clock=WallClock(NOW)) == pytest.approx([1.0])


@virtual
async def test_retry_after_above_the_cap_surfaces() -> None:
    """A request to wait for more than 120 s surfaces as an error.

    The error says how long to wait.
    """
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
    """T-43: after an impossible date the call is retried like after any other 503."""
    strange = answer(b"", 503, {"Retry-After": "Fri, 29 Sep 99999999999999999999 16:26:57 GMT"})
    assert await waits(strange, answer()) == pytest.approx([0.05])


@virtual
async def test_wall_clock_steps_do_not_matter() -> None:
    """R-16: waits and deadlines follow the monotonic clock, not the wall clock."""

    class Stepping(WallClock):
        def time(self) -> float:
            self._unix += 3_600 * (-1) ** int(now() * 1_000)
            return super().time()

    assert await waits(not_sent(), answer(b"", 500), answer(), clock=Stepping()) == pytest.approx([0.05, 0.1])


@virtual
async def test_calls_time_counts_for_the_deadline() -> None:
    """R-17: slow attempts use the deadline up.

    The next one is not begun when the back-off would outlive it.
    """
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
