"""The limiter's simulation: servers admit by their rules, the ideal is the ideal, and a seed decides everything."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from benchmarks import _sim_world as world
from benchmarks._sim_servers import KINDS, Limit, Server, ideal

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE = [0.0] * 4
TABLE: list[tuple[str, Limit, list[float], str]] = [
    ("fixed", Limit(3), [*AT_ONCE, 59.9, 60.0, 60.0, 60.0, 119.0, 120.0], "+++--+++-+"),
    ("fixed", Limit(2), [59.0, 59.5, 60.0, 60.1, 60.2], "++++-"),
    ("fixed?", Limit(3, phase=25.0), [*AT_ONCE, 24.9, 25.0, 25.0, 25.0, 84.9, 85.0], "+++--+++-+"),
    ("sliding", Limit(3), [0.0, 10.0, 20.0, 59.9, 60.0, 60.1, 70.0, 79.0, 80.0], "+++-+-+-+"),
    ("bucket", Limit(3), [*AT_ONCE, 19.0, 20.0, 21.0, 60.0, 60.0, 200.0, *AT_ONCE], "+++--+-++"),
    ("gcra-q", Limit(3), [*AT_ONCE, 19.0, 20.0, 21.0, 60.0, 60.0, 60.0], "+++--+-++-"),
    ("gcra-q/10", Limit(20), [0.0, 0.0, 0.0, 2.9, 3.0, 3.1, 6.0, 60.0, 60.0, 60.0], "++--+-+++-"),
    ("gcra-1", Limit(3), [0.0, 0.0, 19.9, 20.0, 20.1, 40.0, 90.0, 90.0], "+--+-++-"),
    ("extend", Limit(3), [*AT_ONCE, 30.0, 60.0, 119.9, 179.8, 239.8, 239.8], "+++-----++"),
    ("extend", Limit(3), [0.0, 0.0, 0.0, 60.0, 60.0, 60.0, 60.0, 119.9, 180.0], "++++++--+"),
]


def verdicts(server: Server, arrivals: list[float]) -> str:
    """Return one sign per arrival: plus if it was admitted."""
    return "".join("+" if server.admit("action", arrival) else "-" for arrival in arrivals)


@pytest.mark.parametrize(("kind", "limit", "arrivals", "expected"), TABLE)
def test_each_server_admits_by_its_rule(kind: str, limit: Limit, arrivals: list[float], expected: str) -> None:
    """Boundaries, refills, bursts and extended blocks are where the rule puts them, to the moment."""
    arrivals = arrivals[: len(expected)]
    assert arrivals == sorted(arrivals)
    assert verdicts(Server(kind, limit), arrivals) == expected


CHANGES: list[tuple[str, float, list[float], str]] = [
    ("fixed", 0.5, [*AT_ONCE, 60.0, 60.0, 60.0], "++++++-"),
    ("fixed", 2.0, [*AT_ONCE, 0.1, 29.9, 30.0, 30.0, 30.0, 30.0, 30.0], "++++--++++-"),
    ("sliding", 0.5, [0.0, 0.0, 20.0, 25.0, 60.0, 79.0, 80.0, 85.0, 120.0], "++++--++-"),
    ("bucket", 0.5, [30.0, 30.0, 30.0, 59.0, 60.0], "++--+"),
    ("bucket", 2.0, [*AT_ONCE, 30.0, 30.0, 30.0, 37.5, 45.0, 45.0], "++++++-++-"),
    ("gcra-q", 0.5, [30.0, 30.0, 30.0, 59.0, 60.0], "++--+"),
    ("extend", 0.5, [*AT_ONCE, 60.0, 60.0, 60.0, 119.0, 179.0, 179.0, 179.0], "++++++--++-"),
]


@pytest.mark.parametrize(("kind", "factor", "arrivals", "expected"), CHANGES)
def test_a_quota_changes_midway(kind: str, factor: float, arrivals: list[float], expected: str) -> None:
    """A quota of four that is halved or doubled after half a minute counts from then on, calls already admitted included."""
    assert verdicts(Server(kind, Limit(4, changes=30.0, factor=factor)), arrivals) == expected


@pytest.mark.parametrize(("shared", "expected"), [(True, "++--"), (False, "++++")])
def test_actions_share_a_quota_or_have_their_own(shared: bool, expected: str) -> None:  # noqa: FBT001
    """Per component all actions count against one quota; per action each has one."""
    server = Server("fixed", Limit(2), shared=shared)
    assert "".join("+" if server.admit(action, 0.0) else "-" for action in "abab") == expected


@pytest.mark.parametrize("factor", [1.0, 0.5, 2.0])
@pytest.mark.parametrize("quota", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_faster_than_the_ideal(kind: str, quota: int, factor: float) -> None:
    """Of all ways to send five calls at multiples of five seconds, the quickest that is never refused takes as long as the ideal."""
    limit = Limit(quota, phase=20.0 if kind == "fixed?" else 0.0, changes=60.0, factor=factor)
    expected = ideal(kind, limit, calls=5, callers=5, latency=0.0)
    moments = [step * 5.0 for step in range(round(expected / 5.0) + 1)]
    assert min(plan[-1] for plan in _plans(kind, limit, moments, 5)) == pytest.approx(expected)


def _plans(kind: str, limit: Limit, moments: list[float], calls: int) -> Iterator[list[float]]:
    """Yield every way to send the calls of which none is refused."""
    if not calls:
        yield []
        return
    for plan in _plans(kind, limit, moments, calls - 1):
        for moment in moments:
            if (not plan or moment >= plan[-1]) and "-" not in verdicts(Server(kind, limit), [*plan, moment]):
                yield [*plan, moment]


@pytest.mark.parametrize(("callers", "seconds"), [(1, 100 * 0.5), (10, 10 * 0.5), (100, 0.5), (1_000, 0.5)])
def test_the_ideal_knows_how_many_may_call_at_once(callers: int, seconds: float) -> None:
    """Within the quota, it takes as many rounds of latency as there are calls for each caller."""
    assert ideal("fixed", Limit(100), calls=100, callers=callers, latency=0.5) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("kind", "seconds"), [("fixed", 540.0), ("sliding", 540.0), ("bucket", 540.0), ("gcra-q/10", 594.0), ("gcra-1", 599.4)]
)
def test_the_ideal_for_ten_windows(kind: str, seconds: float) -> None:
    """Whoever may begin with a whole quota needs nine more windows; a smaller burst costs what it falls short by."""
    assert ideal(kind, Limit(100), calls=1_000, callers=1_000, latency=0.02) == pytest.approx(seconds + 0.015, abs=0.006)


def test_time_jumps_and_shows_on_every_clock() -> None:
    """A long sleep takes no time, and the wall clock moves with the loop's."""

    async def sleep() -> tuple[float, float]:
        await asyncio.sleep(100_000.0)
        return world.now(), world.WallClock(5.0).time()

    assert world.run_virtual(sleep()) == pytest.approx((100_000.0, 100_005.0))


def test_waiting_for_nothing_is_found_out() -> None:
    """A run in which nothing can happen any more ends with an error instead of hanging."""

    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(world.NeverEndsError):
        world.run_virtual(wait())


def test_a_network_keeps_the_books_and_gives_up() -> None:
    """Calls arrive half a latency later, within its jitter; beyond the agreed number the run is given up."""

    async def three() -> world.Network:
        network = world.Network(Server("fixed", Limit(1)), latency=10.0, seed=1, most=2)
        assert await network.send("action")
        assert not await network.send("action")
        with pytest.raises(world.NeverEndsError, match="2 calls"):
            await network.send("action")
        return network

    network = world.run_virtual(three())
    assert network.calls == 2
    assert 3.5 <= network.admitted[0] <= 6.5
    assert 10.5 <= network.refused[0] <= 19.5
