"""What a limiter knows can be saved as plain data for the next process."""

from __future__ import annotations

import asyncio
import copy
import json
from typing import Any

import pytest
from support.limiting import MIDNIGHT, SCOPE, closed
from support.virtual import WallClock, now, run_virtual, virtual

from wxrevenue import ClientStateError, ConfigurationError, LocalRateLimiter, QuotaExceededError, Rate, TooFastError, Verdict

UNIX = 1_700_000_000.0
WINDOW = 60.0


async def accepted(limiter: LocalRateLimiter, calls: int, scope: str = SCOPE) -> None:
    """Make calls that are accepted, one after the other, a hundredth of a second each."""
    for _ in range(calls):
        turn = await limiter.acquire(scope, timeout=1e6)
        await asyncio.sleep(0.01)
        turn.report(Verdict.OK)
        turn.release()


async def learned(budget: int, clock: WallClock) -> LocalRateLimiter:
    """Return a limiter that knows a budget and has spent part of it."""
    limiter = LocalRateLimiter(clock=clock)
    await accepted(limiter, budget)
    await closed(limiter)
    await accepted(limiter, budget - 2)
    return limiter


def saved(limiter: LocalRateLimiter) -> dict[str, Any]:
    """Return a snapshot that went through JSON."""
    return dict(json.loads(json.dumps(limiter.snapshot())))


def later(snapshot: dict[str, Any], *, after: float) -> LocalRateLimiter:
    """Return a limiter of another process that takes over the snapshot.

    It runs on another loop's time.
    """
    limiter = LocalRateLimiter(clock=WallClock(UNIX + after))
    limiter.restore(snapshot)
    return limiter


def test_a_budget_outlives_its_process() -> None:
    """Budget and recent calls are taken over.

    The next process makes the two calls that are left, and no more.
    """

    async def first() -> dict[str, Any]:
        return saved(await learned(20, WallClock(UNIX)))

    async def second() -> None:
        limiter = later(snapshot, after=70.0)
        await accepted(limiter, 2)
        assert now() == pytest.approx(0.02)
        with pytest.raises(TooFastError) as caught:
            await limiter.acquire(SCOPE, timeout=1)
        assert (caught.value.retry_after or 0) > 1

    snapshot = run_virtual(first())
    [row] = snapshot["lanes"]
    assert (row["scopes"], row["budget"], sum(calls for _, calls in row["recent"])) == ([SCOPE], 20, 18)
    run_virtual(second())


@virtual
async def test_a_snapshot_of_what_was_restored_is_the_same() -> None:
    """Nothing is lost or changed on the way.

    Only a new process begins carefully.
    """
    clock = WallClock(UNIX)
    limiter = await learned(20, clock)
    await limiter.acquire("another/-/x", timeout=1)
    snapshot = saved(limiter)
    copied = LocalRateLimiter(clock=clock)
    copied.restore(copy.deepcopy(snapshot))
    again = saved(copied)
    for before, after in zip(snapshot["lanes"], again["lanes"], strict=True):
        careful = ["test_at"] if not before["in_flight"] else [name for name in after if name not in {"scopes", "budget", "kind", "span"}]
        assert after == {**before, **{name: after[name] for name in careful}}


@virtual
async def test_a_shut_gate_stays_shut() -> None:
    """A scope that cools down does so in the next process too.

    It is then tried by one probe.
    """
    clock = WallClock(UNIX)
    limiter = LocalRateLimiter(clock=clock)
    await closed(limiter)
    await asyncio.sleep(20)
    copied = LocalRateLimiter(clock=clock)
    copied.restore(saved(limiter))
    with pytest.raises(TooFastError) as caught:
        await copied.acquire(SCOPE, timeout=30)
    assert caught.value.retry_after == pytest.approx(40)
    probe = await copied.acquire(SCOPE, timeout=60)
    with pytest.raises(TooFastError):
        await copied.acquire(SCOPE, timeout=5)
    probe.release()


@virtual
async def test_a_spent_quota_stays_spent() -> None:
    """R-13: a spent daily quota stays spent in the next process."""
    clock = WallClock(MIDNIGHT - 7_200)
    limiter = LocalRateLimiter(clock=clock)
    await closed(limiter, Verdict.QUOTA_SPENT)
    copied = LocalRateLimiter(clock=clock)
    copied.restore(saved(limiter))
    with pytest.raises(QuotaExceededError) as caught:
        await copied.acquire(SCOPE, timeout=30)
    assert caught.value.retry_after == pytest.approx(600)


@virtual
async def test_a_stated_rate_goes_on() -> None:
    """R-24: what was used of a stated rate counts in the next process."""
    clock = WallClock(UNIX)
    limiter = LocalRateLimiter(rate=Rate(60, 60.0, 3), clock=clock)
    for _ in range(3):
        (await limiter.acquire(SCOPE, timeout=0)).release()
    copied = LocalRateLimiter(rate=Rate(60, 60.0, 3), clock=clock)
    copied.restore(saved(limiter))
    (await copied.acquire(SCOPE, timeout=5)).release()
    assert now() == pytest.approx(1)


@virtual
async def test_knowledge_does_not_prevail_over_a_stated_rate() -> None:
    """A saved budget means nothing to a limiter with a stated rate.

    A saved rate means nothing to a limiter that learns.
    """
    clock = WallClock(UNIX)
    stated = LocalRateLimiter(rate=Rate(1000), clock=clock)
    stated.restore(saved(await learned(5, clock)))
    for _ in range(100):
        (await stated.acquire(SCOPE, timeout=0)).release()
    learning = LocalRateLimiter(clock=clock)
    learning.restore(saved(stated))
    (await learning.acquire(SCOPE, timeout=0)).release()


@virtual
async def test_only_before_the_first_turn() -> None:
    """A limiter in use, or closed, is not restored."""
    limiter = LocalRateLimiter()
    snapshot = limiter.snapshot()
    (await limiter.acquire(SCOPE, timeout=0)).release()
    with pytest.raises(ClientStateError):
        limiter.restore(snapshot)
    fresh = LocalRateLimiter()
    await fresh.aclose()
    with pytest.raises(ClientStateError):
        fresh.restore(snapshot)


def test_a_hand_over_in_the_first_pause() -> None:
    """R-37: after a refusal the next process learns what the old one would have."""

    async def first() -> dict[str, Any]:
        limiter = LocalRateLimiter(clock=WallClock(UNIX))
        await accepted(limiter, 50)
        await closed(limiter)
        assert limiter.snapshot()["lanes"][0]["budget"] is None
        return saved(limiter)

    async def second() -> None:
        limiter = later(snapshot, after=70.0)
        await accepted(limiter, 1)
        [row] = limiter.snapshot()["lanes"]
        assert (row["budget"], row["phase"]) == (50, "keeping")

    snapshot = run_virtual(first())
    run_virtual(second())


@virtual
async def test_new_scopes_share_what_others_used_up() -> None:
    """R-37: a scope new to an account whose quota is spent waits with the others.

    This holds in the next process too.
    """
    clock = WallClock(UNIX)
    limiter = LocalRateLimiter(clock=clock)
    turns = [await limiter.acquire(f"account/wx{number}/action", timeout=1) for number in range(16)]
    for turn in turns:
        turn.report(Verdict.TOO_FAST)
    copied = LocalRateLimiter(clock=clock)
    copied.restore(saved(limiter))
    with pytest.raises(TooFastError):
        await copied.acquire("account/wx-new/action", timeout=1)
    (await copied.acquire("account/wx-new/other", timeout=1)).release()


def test_calls_in_flight_count_for_the_next_process() -> None:
    """R-37: calls in flight when a snapshot was taken may have been counted.

    They use the budget, and pass no test.
    """

    async def first() -> dict[str, Any]:
        limiter = await learned(20, WallClock(UNIX))
        await limiter.acquire(SCOPE, timeout=1)
        return saved(limiter)

    async def second() -> None:
        limiter = later(snapshot, after=70.0)
        [row] = limiter.snapshot()["lanes"]
        assert (row["in_flight"], sum(calls for _, calls in row["recent"])) == (0, 19)
        assert sum(unknown for _, unknown in row["recent_more"]) == 1
        await accepted(limiter, 1)
        with pytest.raises(TooFastError):
            await limiter.acquire(SCOPE, timeout=0.5)

    snapshot = run_virtual(first())
    run_virtual(second())


def test_a_snapshot_of_an_earlier_release() -> None:
    """The fields that an earlier release's snapshot lacks follow from the others."""

    async def second() -> None:
        limiter = later({"version": 1, "window": WINDOW, "lanes": [row]}, after=0.0)
        await accepted(limiter, 2)
        with pytest.raises(TooFastError):
            await limiter.acquire(SCOPE, timeout=1)

    row = {
        "scopes": [SCOPE], "opens": None, "quota_ends": None, "failed": 0, "pause": 60.0, "tripped": UNIX - 100.0, "budget": 5,
        "span": 60.0, "kind": "window", "lasted": 0.1, "interval": 8.0, "before": None, "doubts": 0, "stretched": 0,
        "tested_at": UNIX - 90.0, "proven": 5, "recent": [[UNIX - 1.0, 2], [UNIX - 0.5, 1]],
    }  # fmt: skip
    run_virtual(second())


ROW: dict[str, Any] = {"scopes": ["a/-/x"], "budget": 5, "span": 60.0, "kind": "window", "recent": [[UNIX, 3]]}
SEEN: dict[str, Any] = {"cause": "test", "in_span": 5, "counted": 5, "lasted": 0.1, "elapsed": 0.1}
WRONG: list[tuple[Any, str]] = [
    (None, r"snapshot: expected an object, got null"),
    ({}, r"snapshot\.version: missing"),
    ({"version": 2, "window": 60.0, "lanes": []}, r"snapshot\.version: expected 1"),
    ({"version": True, "window": 60.0, "lanes": []}, r"snapshot\.version: expected an integer, got a boolean"),
    ({"version": 1}, r"snapshot\.window"),
    ({"version": 1, "window": 30.0, "lanes": []}, r"snapshot\.window: expected 60\.0"),
    ({"version": 1, "window": 60.0, "lanes": {}}, r"snapshot\.lanes: expected an array, got an object"),
    ({"version": 1, "window": 60.0, "lanes": [ROW, ROW]}, r"snapshot\.lanes: expected every scope once"),
]
WRONG_LANES: list[tuple[dict[str, Any], str]] = [
    ({"scopes": []}, "scopes"),
    ({"scopes": [1]}, r"scopes\[0\]"),
    ({"scopes": "a"}, "scopes"),
    ({"budget": 0}, "budget"),
    ({"budget": 1.5}, "budget"),
    ({"budget": "5"}, "budget"),
    ({"span": 0}, "span"),
    ({"span": float("nan")}, "span"),
    ({"kind": "tub"}, "kind"),
    ({"proven": -1}, "proven"),
    ({"failed": -1}, "failed"),
    ({"interval": "8"}, "interval"),
    ({"lasted": float("inf")}, "lasted"),
    ({"tested_at": "noon"}, "tested_at"),
    ({"opens": True}, "opens"),
    ({"quota_ends": []}, "quota_ends"),
    ({"due": {}}, "due"),
    ({"recent": 5}, "recent"),
    ({"recent": [5]}, r"recent\[0\]"),
    ({"recent": [[UNIX]]}, r"recent\[0\]"),
    ({"recent": [["noon", 1]]}, r"recent\[0\]\[0\]"),
    ({"recent": [[UNIX, 0]]}, r"recent\[0\]\[1\]"),
    ({"past": [[UNIX, 1]]}, r"past\[0\]"),
    ({"past": [[UNIX, 1, float("nan"), 0]]}, r"past\[0\]\[2\]"),
    ({"recent_more": [[UNIX, 0.5]]}, r"recent_more\[0\]\[1\]"),
    ({"phase": "asleep"}, "phase"),
    ({"step": 0}, "step"),
    ({"refill": {"gap": 0.0}}, r"refill\.gap"),
    ({"refill": {"gap": 1.0, "answered": -1}}, r"refill\.answered"),
    ({"observation": {**SEEN, "elapsed": float("inf")}}, r"observation\.elapsed"),
    ({"observation": {**SEEN, "in_span": -1}}, r"observation\.in_span"),
    ({"calendar": [UNIX]}, "calendar"),
    ({"split_until": float("inf")}, "split_until"),
    ({"families": [1]}, r"families\[0\]"),
]


@pytest.mark.parametrize(("snapshot", "message"), WRONG)
@virtual
async def test_something_else_than_a_snapshot(snapshot: Any, message: str) -> None:
    """The error says what was expected, and where."""
    with pytest.raises(ConfigurationError, match=message):
        LocalRateLimiter().restore(snapshot)


@pytest.mark.parametrize(("change", "field"), WRONG_LANES)
@virtual
async def test_a_lane_that_is_none(change: dict[str, Any], field: str) -> None:
    """The error names the field of the row, and nothing was changed."""
    limiter = LocalRateLimiter()
    good = {**ROW, "scopes": ["b/-/x"]}
    with pytest.raises(ConfigurationError, match=rf"snapshot\.lanes\[1\]\.{field}: expected"):
        limiter.restore({"version": 1, "window": 60.0, "lanes": [good, {**ROW, **change}]})
    assert limiter.snapshot()["lanes"] == []


@pytest.mark.parametrize("name", ["opens", "quota_ends", "tested_at", "paused_until", "test_at", "answered_at", "sent_at", "split_until"])
def test_a_time_far_ahead_shuts_nobody_out(name: str) -> None:
    """A time far ahead in a snapshot does not keep a gate closed for ever.

    The process that saved it had a wrong clock. The gate is tried again after its longest pause at
    the latest.
    """

    async def main() -> None:
        row = {"scopes": [SCOPE], "opens": UNIX, "budget": 5, "interval": 4.0, name: UNIX + 1e9}
        await accepted(later({"version": 1, "window": WINDOW, "lanes": [row]}, after=0.0), 1)
        assert now() <= 17 * WINDOW + 1.0

    run_virtual(main())


@virtual
async def test_a_stated_rate_whose_last_call_is_far_ahead() -> None:
    """A stated rate whose last call is far ahead costs a whole burst at most.

    The process that saved it had a wrong clock.
    """
    limiter = LocalRateLimiter(rate=Rate(10), clock=WallClock(UNIX))
    limiter.restore({"version": 1, "window": WINDOW, "lanes": [{"scopes": [SCOPE], "due": UNIX + 1e9}]})
    await accepted(limiter, 1)
    assert now() <= WINDOW


@virtual
async def test_a_number_that_is_no_time() -> None:
    """An integer too large for a float is refused as any other wrong value."""
    limiter = LocalRateLimiter()
    with pytest.raises(ConfigurationError, match=r"lanes\[0\]\.opens"):
        limiter.restore({"version": 1, "window": WINDOW, "lanes": [{"scopes": [SCOPE], "opens": 10**400}]})


@virtual
async def test_more_recent_calls_than_the_budget() -> None:
    """Recent calls may be many times the budget in a snapshot.

    It was saved while a refill was measured. One window later they no longer count.
    """
    limiter = LocalRateLimiter(clock=WallClock(UNIX))
    row = {"scopes": [SCOPE], "budget": 10, "interval": 4.0, "recent": [[UNIX - 1.0, 1_200]]}
    limiter.restore({"version": 1, "window": WINDOW, "lanes": [row]})
    turns = [asyncio.create_task(limiter.acquire(SCOPE, timeout=2 * WINDOW)) for _ in range(5)]
    for turn in turns:
        (await turn).report(Verdict.OK)
    assert now() <= WINDOW + 5.0


@virtual
async def test_a_window_that_is_longer_than_the_cooldown() -> None:
    """R-27: a refusal closes the scope for as long as the window was found to last."""
    limiter = LocalRateLimiter(clock=WallClock(UNIX))
    row = {"scopes": [SCOPE], "budget": 5, "kind": "window", "span": 65.5, "stretched": 2}
    limiter.restore({"version": 1, "window": WINDOW, "lanes": [row]})
    await closed(limiter)
    with pytest.raises(TooFastError) as caught:
        await limiter.acquire(SCOPE, timeout=30)
    assert caught.value.retry_after == pytest.approx(65.5)
