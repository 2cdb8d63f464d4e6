"""AWS's standard retry tables, run through policy parameters and the real engine.

The figures are those of smithy-lang/smithy-kotlin (Apache-2.0, commit 6373a5f),
``runtime/runtime-core``, its resources for ``retries/impl``: the standard mode before 2026 and that
of 2026, long-polling rows left out (nothing here polls). A wire failure of theirs is the HTTP
status itself; their ``Throttling`` code is a 429, their ``x-amz-retry-after`` (milliseconds) a
``Retry-After`` (seconds). Each step says what remains of the quota after it and how long the
back-off before the next is.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import pytest
from support.fakes import Read, ams_client, answer
from support.virtual import now, run_virtual, virtual

from wxrevenue import CallEvent, RetryEvent, RetryPolicy, ServerBusyError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxrevenue import HttpResponse, RevenueClient
    from wxrevenue.events import Event

RETRIED, SUCCEEDED, ATTEMPTS_SPENT, QUOTA_SPENT = "retry_request", "success", "max_attempts_exceeded", "retry_quota_exceeded"


class Step(NamedTuple):
    """One answer of the server, and the outcome, quota left and back-off in seconds."""

    status: int
    outcome: str
    quota: float
    delay: float | None = None
    retry_after: str | None = None


class Row(NamedTuple):
    """One scenario: the policy it is run under, and its steps."""

    policy: RetryPolicy
    steps: list[Step]


def retried(status: int, quota: float, delay: float, retry_after: str | None = None) -> Step:
    """Return an answer after which the call is made again."""
    return Step(status, RETRIED, quota, delay, retry_after)


def success(quota: float) -> Step:
    """Return an answer that ends the call well."""
    return Step(200, SUCCEEDED, quota)


def before_2026(attempts: int = 3, quota: float = 500, cap: float = 20) -> RetryPolicy:
    """Return the earlier policy: one second to begin with, five a repetition."""
    return RetryPolicy(attempts, base=1, throttle_base=1, cap=cap, quota=quota, cost=5, throttle_cost=5, jitter=lambda: 1.0)


def in_2026(attempts: int = 3, quota: float = 500, cap: float = 20) -> RetryPolicy:
    """Return the present policy, which is our default, without its randomness."""
    return RetryPolicy(max_attempts=attempts, quota=quota, cap=cap, jitter=lambda: 1.0)


TABLE: Mapping[str, Row] = {
    # before 2026
    "old: retry eventually succeeds": Row(before_2026(), [retried(500, 495, 1), retried(500, 490, 2), success(495)]),
    "old: max attempts reached": Row(before_2026(), [retried(502, 495, 1), retried(502, 490, 2), Step(502, ATTEMPTS_SPENT, 490)]),
    "old: quota reached after a single retry": Row(before_2026(quota=5), [retried(500, 0, 1), Step(502, QUOTA_SPENT, 0)]),
    "old: no retries if the quota is 0": Row(before_2026(quota=0), [Step(500, QUOTA_SPENT, 0)]),
    "old: exponential back-off": Row(
        before_2026(5),
        [retried(500, 495, 1), retried(500, 490, 2), retried(500, 485, 4), retried(500, 480, 8), Step(500, ATTEMPTS_SPENT, 480)],
    ),
    "old: longest back-off": Row(
        before_2026(5, cap=3),
        [retried(500, 495, 1), retried(500, 490, 2), retried(500, 485, 3), retried(500, 480, 3), Step(500, ATTEMPTS_SPENT, 480)],
    ),
    # 2026
    "retry eventually succeeds": Row(in_2026(), [retried(500, 486, 0.05), retried(500, 472, 0.1), success(486)]),
    "max attempts reached": Row(in_2026(), [retried(502, 486, 0.05), retried(502, 472, 0.1), Step(502, ATTEMPTS_SPENT, 472)]),
    "quota reached after a single retry": Row(in_2026(quota=14), [retried(500, 0, 0.05), Step(500, QUOTA_SPENT, 0)]),
    "no retries if the quota is 0": Row(in_2026(quota=0), [Step(500, QUOTA_SPENT, 0)]),
    "exponential back-off": Row(
        in_2026(5),
        [
            retried(500, 486, 0.05),
            retried(500, 472, 0.1),
            retried(500, 458, 0.2),
            retried(500, 444, 0.4),
            Step(500, ATTEMPTS_SPENT, 444),
        ],
    ),
    "longest back-off": Row(
        in_2026(5, cap=0.2),
        [
            retried(500, 486, 0.05),
            retried(500, 472, 0.1),
            retried(500, 458, 0.2),
            retried(500, 444, 0.2),
            Step(500, ATTEMPTS_SPENT, 444),
        ],
    ),
    "stops when the quota is exhausted": Row(in_2026(5, quota=20), [retried(500, 6, 0.05), Step(502, QUOTA_SPENT, 6)]),
    "throttling": Row(in_2026(), [retried(429, 495, 1.0), success(500)]),
    "retry-after is honoured": Row(in_2026(), [retried(500, 486, 1.5, "1.5"), success(500)]),
    "retry-after is at least the back-off": Row(in_2026(), [retried(500, 486, 0.05, "0"), success(500)]),
    "retry-after is at most 5 s and the back-off": Row(in_2026(), [retried(500, 486, 5.05, "10"), success(500)]),
    "invalid retry-after": Row(in_2026(), [retried(500, 486, 0.05, "invalid"), success(500)]),
    "quota recovers after successes": Row(
        in_2026(5, quota=30),
        [retried(500, 16, 0.05), retried(502, 2, 0.1), success(16), retried(500, 2, 0.05), success(16)],
    ),
}
"""All rows but the one of concurrent calls, which has a test of its own."""

DIFFERENT: Mapping[str, tuple[str, list[Step]]] = {
    "retry-after is at most 5 s and the back-off": (
        "a wait that the server asks for is honoured in full, up to 120 s within the deadline: a call made sooner meets the same no",
        [retried(500, 486, 10, "10"), success(500)],
    ),
}
"""Where we differ on purpose: why, and what happens instead."""


def served(step: Step) -> HttpResponse:
    """Return the server's answer of a step."""
    return answer(None if step.status == 200 else b"", step.status, {} if step.retry_after is None else {"Retry-After": step.retry_after})


def quota_of(client: RevenueClient) -> float:
    """Return what is left of the client's quota."""
    return client._parts.engine.quota.remaining  # pyright: ignore[reportPrivateUsage]


async def played(row: Row) -> list[Step]:
    """Return what really happens.

    Calls are made until every answer of the row is used up.
    """
    found: list[Step] = []

    def note(event: Event) -> None:
        if isinstance(event, RetryEvent):
            step = row.steps[len(found)]
            found.append(Step(step.status, RETRIED, quota_of(client), round(event.wait, 9), step.retry_after))

    client, transport = ams_client(*map(served, row.steps), retry=row.policy, deadline=600.0, on_event=note)

    while len(found) < len(row.steps):
        started, before = now(), len(found)
        try:
            await client.send(Read())
        except ServerBusyError as error:
            outcome = ATTEMPTS_SPENT if error.attempts == row.policy.max_attempts else QUOTA_SPENT
            found.append(Step(error.status, outcome, quota_of(client)))
        else:
            found.append(success(quota_of(client)))
        assert now() - started == pytest.approx(sum(step.delay or 0 for step in found[before:]))
    assert len(transport.requests) == len(found)
    return found


@pytest.mark.parametrize("name", TABLE)
@virtual
async def test_every_row(name: str) -> None:
    """R-01 R-02 R-14: every step is the table's, or the one we chose instead.

    Compared are outcome, quota and back-off.
    """
    expected = DIFFERENT[name][1] if name in DIFFERENT else TABLE[name].steps
    assert await played(TABLE[name]) == expected


@virtual
async def test_calls_side_by_side() -> None:
    """R-03: two concurrent calls draw on one quota in the order of events.

    It is the table's row of two calls. They end with 486.
    """
    script = iter([500, 500, 500, 200, 200])
    quota: list[tuple[float, str]] = []

    def note(event: Event) -> None:
        if isinstance(event, (RetryEvent, CallEvent)):
            quota.append((quota_of(client), type(event).__name__))

    client, _ = ams_client(handler=lambda _: served(Step(next(script), "", 0)), retry=in_2026(5), on_event=note)

    async def later() -> None:
        await asyncio.sleep(0.06)
        await client.send(Read())

    await asyncio.gather(client.send(Read()), later())
    assert quota == [(486, "RetryEvent"), (472, "RetryEvent"), (458, "RetryEvent"), (472, "CallEvent"), (486, "CallEvent")]


def test_agreement() -> None:
    """All rows but the listed one agree with the table, and the listed one differs.

    So the count cannot change unnoticed.
    """
    agree = {name for name, row in TABLE.items() if run_virtual(played(row)) == row.steps}
    assert set(TABLE) - agree == set(DIFFERENT)
    assert (len(agree), len(TABLE)) == (18, 19)
    print(f"standard mode: {len(agree) + 1} of {len(TABLE) + 1} rows agree")  # noqa: T201  (with the concurrent one)
    for name, (reason, _) in DIFFERENT.items():
        print(f"  differs: {name}: {reason}")  # noqa: T201
