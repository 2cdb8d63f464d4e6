"""Scopes that nobody uses take little memory.

Nobody can tell that they rested.
"""

from __future__ import annotations

import asyncio
import random
import tracemalloc
from typing import Any

import pytest
from support.limiting import SCOPE, closed, queue_up
from support.virtual import WallClock, virtual

from wxrevenue import ApiError, LocalRateLimiter, Rate, TooFastError, Verdict
from wxrevenue.limiters._local import registry

MANY = 300
UNIX = 1_700_000_000.0
WINDOW = 60.0
BYTES = 600
"""What a scope at rest may take, its name included."""


async def called(limiter: LocalRateLimiter, scope: str, calls: int = 1, verdict: Verdict = Verdict.OK) -> None:
    """Make calls one after the other."""
    for _ in range(calls):
        turn = await limiter.acquire(scope, timeout=1e6)
        turn.report(verdict)
        turn.release()


async def others(limiter: LocalRateLimiter, count: int = MANY) -> None:
    """Call so many other scopes, each of an account of its own."""
    for number in range(count):
        await called(limiter, f"other-{number}/-/action")


def rows(limiter: LocalRateLimiter) -> dict[str, dict[str, Any]]:
    """Return what is known of each scope."""
    return {row["scopes"][0]: row for row in limiter.snapshot()["lanes"]}


def exact(row: dict[str, Any], clock: WallClock) -> dict[str, Any]:
    """Return what a scope in use knows exactly, too.

    It does not look at the clock every time.
    """
    recent = [calls for calls in zip(row["recent"], row["recent_more"], strict=True) if calls[0][0] > clock.time() - WINDOW]
    return row | {"recent": recent, "recent_more": None, "past": None, "sent_at": None, "proven": None}


class Ahead(WallClock):
    """A clock that may go on while the event loop's timers have not fired yet."""

    ahead = 0.0

    def monotonic(self) -> float:
        """Return seconds."""
        return super().monotonic() + self.ahead


@virtual
async def test_a_scope_at_rest_takes_little() -> None:
    """Scopes that were called five times each take a tenth of what they had in use."""
    limiter = LocalRateLimiter()
    await others(limiter)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(2_000):
            await called(limiter, f"account-{number}/-/action", 5)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert taken / 2_000 < BYTES


@virtual
@pytest.mark.parametrize("seed", range(20))
async def test_nobody_can_tell(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scopes that may rest at any time know what others know.

    They let the same calls go.
    """
    chance, clock = random.Random(seed), WallClock(UNIX)
    monkeypatch.setattr("random.random", lambda: 0.5)
    awake = LocalRateLimiter(clock=clock)
    monkeypatch.setattr(registry, "_SOME", 0)
    resting = LocalRateLimiter(clock=clock)
    scopes = [f"account-{number % 3}/wx{number}/action" for number in range(12)]
    out: list[tuple[Any, Any]] = []
    for _ in range(400):
        await asyncio.sleep(chance.choice([0.0, 0.01, 0.7, 10.0]))
        if out and chance.random() < 0.5:
            verdict = chance.choices([*Verdict], [1 if verdict is not Verdict.OK else 40 for verdict in Verdict])[0]
            for turn in out.pop(chance.randrange(len(out))):
                turn.report(verdict)
                turn.release()
        else:
            scope, turns = chance.choice(scopes), list[Any]()
            for limiter in (resting, awake):
                try:
                    turns.append(await limiter.acquire(scope, timeout=0.0))
                except ApiError as error:  # "too fast", or the quota is spent
                    turns.append(error.retry_after or 0.0)
            if isinstance(turns[0], float):
                assert turns[0] == turns[1]
            else:
                out.append((turns[0], turns[1]))
    await called(resting, "new/-/action")
    await called(awake, "new/-/action")
    known = rows(awake)
    found = rows(resting)
    assert {scope: exact(row, clock) for scope, row in found.items()} == {scope: exact(row, clock) for scope, row in known.items()}
    assert all(row["proven"] <= known[scope]["proven"] for scope, row in found.items())
    assert known


@virtual
async def test_lessons_and_gates_stay() -> None:
    """A learned budget and a closed gate are there after many other scopes."""
    limiter = LocalRateLimiter(clock=WallClock(UNIX))
    await called(limiter, "learned/-/action", 50)
    await called(limiter, "learned/-/action", 1, Verdict.TOO_FAST)
    await called(limiter, "learned/-/action")
    await closed(limiter)
    before = rows(limiter)
    await others(limiter)
    after = rows(limiter)
    assert before["learned/-/action"]["budget"] == 50
    assert {scope: after[scope] for scope in before} == before
    with pytest.raises(TooFastError):
        await limiter.acquire(SCOPE, timeout=1)


@virtual
async def test_who_waits_keeps_the_place() -> None:
    """Callers of a closed scope go in order of arrival, whoever else called."""
    limiter = LocalRateLimiter()
    await closed(limiter)
    got, tasks = await queue_up(limiter, "abc")
    await others(limiter)
    _, later = await queue_up(limiter, "de")
    for task in tasks.values():
        (await task).report(Verdict.OK)
    assert got == [*"abc"]
    for task in later.values():
        (await task).release()


@virtual
async def test_a_call_in_flight_counts() -> None:
    """A scope with a call in flight does not rest, and the call counts."""
    limiter = LocalRateLimiter()
    turn = await limiter.acquire(SCOPE, timeout=0)
    await others(limiter)
    assert rows(limiter)[SCOPE]["in_flight"] == 1
    turn.report(Verdict.OK)
    assert (rows(limiter)[SCOPE]["in_flight"], rows(limiter)[SCOPE]["counted"]) == (0, 1)


@virtual
async def test_calls_of_scopes_at_rest_may_have_spent_the_quota() -> None:
    """What scopes at rest called lately is told to one that is refused."""
    limiter = LocalRateLimiter()
    for number in range(30):
        await called(limiter, f"account/wx{number}/action", 2)
    await others(limiter)
    await called(limiter, "account/-/refused", 1, Verdict.TOO_FAST)
    assert rows(limiter)["account/-/refused"]["observation"]["others"] == 60


@virtual
async def test_a_stated_rate_is_kept_by_scopes_that_rested() -> None:
    """A scope with a stated rate rests when its calls are paid for, and not before."""
    limiter = LocalRateLimiter(rate=Rate(60, 60.0, 2))
    await called(limiter, SCOPE, 2)
    await others(limiter)
    with pytest.raises(TooFastError):
        await limiter.acquire(SCOPE, timeout=0.5)
    await asyncio.sleep(2)
    await others(limiter)
    assert SCOPE not in {scope for row in limiter.snapshot()["lanes"] for scope in row["scopes"]}
    await called(limiter, SCOPE, 2)


@virtual
async def test_who_waits_is_not_forgotten_when_the_turn_is_due() -> None:
    """A caller whose turn is due, but not told so, keeps its scope in use."""
    clock = Ahead(UNIX)
    limiter = LocalRateLimiter(rate=Rate(60, 60.0, 1), clock=clock)
    await called(limiter, SCOPE)
    got, tasks = await queue_up(limiter, "a")
    clock.ahead = 5.0
    await others(limiter)
    (await tasks["a"]).release()
    assert got == ["a"]
    assert limiter.snapshot()["lanes"]
