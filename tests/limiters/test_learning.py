"""The limiter against servers that count.

It learns what they allow, keeps to it, and notices when that changes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest
from support.virtual import WallClock, now, virtual

from wxrevenue import LocalRateLimiter, TooFastError, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

SCOPE = "account/-/action"
WINDOW = 60.0


class Sliding:
    """Admits so many calls within any minute.

    With ``extends`` a call too many blocks for a minute, and so does every call meanwhile.
    """

    def __init__(self, quota: int, *, extends: bool = False) -> None:
        self.quota = quota
        self.extends = extends
        self.admitted: deque[float] = deque()
        self.refused: list[float] = []
        self.calls = 0
        self.blocked_until = 0.0

    def verdict(self) -> Verdict:
        """Judge one call."""
        self.calls += 1
        while self.admitted and self.admitted[0] <= now() - WINDOW + 1e-6:
            self.admitted.popleft()
        if now() < self.blocked_until or len(self.admitted) >= self.quota:
            self.refused.append(now())
            self.blocked_until = now() + WINDOW if self.extends else 0.0
            return Verdict.TOO_FAST
        self.admitted.append(now())
        return Verdict.OK


async def call(limiter: LocalRateLimiter, server: Sliding, scope: str = SCOPE, timeout: float = 1e6) -> None:
    """Make one call until it is accepted, as the client does."""
    turn = await limiter.acquire(scope, timeout=timeout)
    try:
        while True:
            await asyncio.sleep(0.01)
            verdict = server.verdict()
            await asyncio.sleep(0.01)
            turn.report(verdict)
            if verdict is Verdict.OK:
                return
            await turn.again(timeout=timeout)
    finally:
        turn.release()


async def calls(limiter: LocalRateLimiter, server: Sliding, count: int, scopes: Sequence[str] = (SCOPE,)) -> None:
    """Make so many calls at once, of the scopes in turn."""
    await asyncio.gather(*(call(limiter, server, scopes[number % len(scopes)]) for number in range(count)))


def known(limiter: LocalRateLimiter) -> dict[str, Any]:
    """Return what the limiter knows of its only scope."""
    [row] = limiter.snapshot()["lanes"]
    return dict(row)


@virtual
async def test_a_quota_is_learned() -> None:
    """Ten windows' worth of calls at once cost few refusals.

    These are one count, and a test now and then.
    """
    limiter, server = LocalRateLimiter(), Sliding(50)
    await calls(limiter, server, 500)
    assert known(limiter)["budget"] == 50
    assert len(server.refused) <= 8
    assert now() < 9.2 * WINDOW


@virtual
async def test_a_quota_that_is_known_is_kept_to() -> None:
    """Once the budget is known, there are no more refusals."""
    limiter, server = LocalRateLimiter(), Sliding(50)
    await calls(limiter, server, 150)
    before = len(server.refused)
    await calls(limiter, server, 60)
    assert len(server.refused) <= before + 1


@virtual
async def test_a_larger_quota_is_noticed() -> None:
    """When the server allows more than before, the budget grows with it.

    Tests find the larger quota.
    """
    limiter, server = LocalRateLimiter(), Sliding(20)
    await calls(limiter, server, 100)
    assert known(limiter)["budget"] == 20
    server.quota = 80
    await calls(limiter, server, 600)
    assert known(limiter)["budget"] == 80


@virtual
async def test_a_smaller_quota_is_noticed() -> None:
    """When the server allows less, two refusals tell.

    The first is doubted, and the second is counted.
    """
    limiter, server = LocalRateLimiter(), Sliding(80)
    await calls(limiter, server, 240)
    assert known(limiter)["budget"] == 80
    before = len(server.refused)
    server.quota = 30
    await calls(limiter, server, 120)
    assert known(limiter)["budget"] == 30
    assert len(server.refused) - before <= 0.2 * 80 + 2


@virtual
async def test_a_handful_teaches_nothing_at_first() -> None:
    """A refusal after a handful of accepted calls teaches nothing.

    The same again after a quiet minute does.
    """
    limiter, server = LocalRateLimiter(), Sliding(2)
    await calls(limiter, server, 3)
    assert known(limiter)["budget"] is None
    await calls(limiter, server, 5)
    assert known(limiter)["budget"] in {1, 2}


@virtual
async def test_the_budget_tells_who_comes_too_late() -> None:
    """With the budget spent, a caller that would come too late is refused at once.

    Its deadline comes before its place in line. The error says when to come.
    """
    limiter, server = LocalRateLimiter(), Sliding(20)
    await calls(limiter, server, 45)
    started = now()
    waiting = asyncio.create_task(calls(limiter, server, 30))
    await asyncio.sleep(5)
    with pytest.raises(TooFastError) as caught:
        await limiter.acquire(SCOPE, timeout=20)
    assert now() == started + 5
    assert 20 < (caught.value.retry_after or 0) < 2 * WINDOW
    await waiting


@pytest.mark.parametrize("apart", [3.0, 7.0, 20.0])
@virtual
async def test_four_actions_on_one_quota_that_extends_its_block(apart: float) -> None:
    """R-06: four actions on one quota with extending blocks come through.

    Every refused call extends the block. Each action has a gate, and in the end they share one.
    """
    limiter, server = LocalRateLimiter(), Sliding(40, extends=True)

    async def action(number: int) -> None:
        await asyncio.sleep(number * apart)
        await calls(limiter, server, 100, [f"account/-/action-{number}"])

    await asyncio.gather(*(action(number) for number in range(4)))
    assert server.calls <= 1.25 * 400
    assert now() < 20 * WINDOW
    assert [len(row["scopes"]) for row in limiter.snapshot()["lanes"]] == [4]


@virtual
async def test_gates_of_other_accounts_stay_apart() -> None:
    """Scopes of different accounts never share a gate, whatever is refused together."""
    limiter, server = LocalRateLimiter(), Sliding(40, extends=True)
    await calls(limiter, server, 120, ["one/-/x", "two/-/x"])
    assert all(len(row["scopes"]) == 1 for row in limiter.snapshot()["lanes"])


@virtual
async def test_probes_that_keep_each_other_out_drift_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """R-12: from the second refused probe in a row the pause is wider.

    It grows by a random share, up to sixteen times.
    """
    monkeypatch.setattr("random.random", lambda: 1.0)
    limiter = LocalRateLimiter()
    pauses: list[float] = []
    turn = await limiter.acquire(SCOPE, timeout=1)
    for _ in range(8):
        turn.report(Verdict.TOO_FAST)
        started = now()
        await turn.again(timeout=1e6)
        pauses.append((now() - started) / WINDOW)
    assert pauses == pytest.approx([1, 1, 2, 4, 8, 16, 16, 16])
    turn.report(Verdict.OK)
    turn.report(Verdict.OK)


@virtual
async def test_scopes_part_when_sharing_a_gate_did_not_help() -> None:
    """Merged scopes are split when their common probe is refused twice in a row.

    None of them called in the minute before.
    """
    limiter = LocalRateLimiter()
    turns = {name: await limiter.acquire(f"account/-/{name}", timeout=1) for name in "ab"}
    for turn in turns.values():
        turn.report(Verdict.TOO_FAST)
    sizes: list[list[int]] = []
    for name in "ab":
        await turns[name].again(timeout=1e6)
        turns[name].report(Verdict.TOO_FAST)
        sizes.append([len(row["scopes"]) for row in limiter.snapshot()["lanes"]])
    await turns["a"].again(timeout=1e6)
    turns["a"].report(Verdict.TOO_FAST)
    sizes.append([len(row["scopes"]) for row in limiter.snapshot()["lanes"]])
    assert sizes == [[2], [2], [1, 1]]


@virtual
async def test_scopes_part_when_nothing_was_refused_for_long() -> None:
    """Half an hour without a refusal splits what was merged."""
    limiter = LocalRateLimiter(clock=WallClock())
    one, other = [await limiter.acquire(f"account/-/{name}", timeout=1) for name in "ab"]
    one.report(Verdict.TOO_FAST)
    other.report(Verdict.TOO_FAST)
    await one.again(timeout=1e6)
    one.report(Verdict.TOO_FAST)
    await one.again(timeout=1e6)
    one.report(Verdict.OK)
    assert len(known(limiter)["scopes"]) == 2
    await asyncio.sleep(31 * WINDOW)
    await other.again(timeout=0)
    other.report(Verdict.OK)
    assert all(len(row["scopes"]) == 1 for row in limiter.snapshot()["lanes"])


@virtual
async def test_scopes_without_use_are_forgotten() -> None:
    """Scopes without knowledge are forgotten."""
    limiter = LocalRateLimiter()
    for number in range(5_000):
        turn = await limiter.acquire(f"account-{number}/-/x", timeout=0)
        turn.report(Verdict.OK)
        turn.release()
        await asyncio.sleep(0.1)
    assert len(limiter.snapshot()["lanes"]) <= 2_100
