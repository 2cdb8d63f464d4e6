"""One case: a server, its latency, how many callers; and how a policy does in it."""

from __future__ import annotations

import asyncio
import functools
import random
from typing import TYPE_CHECKING, Any, Final

import attrs

from benchmarks.limiter_sim.policies import OURS, Ours, rival
from benchmarks.limiter_sim.servers import WINDOW, Limit, Server, ideal
from benchmarks.limiter_sim.world import UNIX, Network, NeverEndsError, now, run_virtual
from wxrevenue.testing import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.limiter_sim.policies import Policy

Knowledge = dict[str, Any]
"""What a limiter of this package saves."""
WINDOWS: Final = 10
"""There are as many calls to make as the first quota admits in so many windows."""
CHANGES: Final = WINDOWS / 2 * WINDOW
"""When a quota that changes does so."""
MOST_CALLS: Final = 20
"""A run is given up after so many times the calls that had to be made."""
PATIENCE: Final = 60 * WINDOW
"""Seconds without an admitted call after which a run is given up."""
LONGEST: Final = 60
"""A run is given up after so many times the ideal makespan."""
_REST: Final = 2 * WINDOW
"""Seconds between the run that learns and the run that uses it."""
_LEARNING: Final = 7919
"""Added to the seed for the run that learns: its latencies are others."""


@attrs.frozen
class Case:
    """What is simulated.

    Args:
        kind: the server's rule.
        quota: calls per window, before any change.
        latency: mean seconds of an exchange.
        callers: how many call at once.
        actions: how many actions they call in turn; this package's limiter has a gate for each.
        shared: whether all actions count against one quota ("per component"), or each against its
            own ("per action").
        factor: by which the quota is multiplied midway.
        seed: decides every latency, every jitter and every phase.
    """

    kind: str
    quota: int
    latency: float = 0.02
    callers: int = 200
    actions: int = 1
    shared: bool = False
    factor: float = 1.0
    seed: int = 1

    @property
    def limit(self) -> Limit:
        """The server's limit."""
        phase = random.Random(self.seed).uniform(0.0, WINDOW) if self.kind == "fixed?" else 0.0  # noqa: S311  (not a key)
        if self.factor == 1:
            return Limit(self.quota, phase)
        return Limit(self.quota, phase, CHANGES, self.factor)

    @property
    def steady(self) -> bool:
        """Whether there is one action, and a quota that stays the same."""
        return self.actions == 1 and self.factor == 1

    @property
    def quotas(self) -> int:
        """How many quotas there are."""
        return 1 if self.shared else self.actions

    @property
    def calls(self) -> int:
        """How many calls have to be made: no policy makes fewer."""
        return WINDOWS * self.quota * self.quotas

    @functools.cached_property
    def ideal(self) -> float:
        """The seconds that a caller that knows the rule needs.

        For windows of unknown phase it does not know the phase, because no caller can.
        """
        limit = attrs.evolve(self.limit, phase=0.0)
        return ideal(self.kind, limit, self.calls // self.quotas, max(1, self.callers // self.quotas), self.latency)


@attrs.frozen
class Result:
    """How a policy did.

    Args:
        case: where.
        ended: whether every call was accepted in the end.
        makespan: the seconds until then, or until the run was given up.
        admitted: when each admitted call arrived.
        refused: when each refused call arrived.
    """

    case: Case
    ended: bool
    makespan: float
    admitted: tuple[float, ...] = attrs.field(repr=False)
    refused: tuple[float, ...] = attrs.field(repr=False)

    @property
    def calls_ratio(self) -> float:
        """Calls made ÷ calls that had to be made."""
        return (len(self.admitted) + len(self.refused)) / self.case.calls

    @property
    def unprovoked_ratio(self) -> float:
        """Refusals since the quota changed that were not provoked ÷ the quota before.

        Provoked is one refusal for every window's length in which there were any, the first
        excepted: a caller has to ask in order to know how much is allowed now.
        """
        closings, refusals, shut = 0, 0, 0.0
        for moment in self.refused:
            if moment >= CHANGES:
                refusals += 1
                closings += moment >= shut
                shut = moment + WINDOW if moment >= shut else shut
        return (refusals - max(0, closings - 1)) / self.case.quota

    @property
    def time_ratio(self) -> float:
        """Makespan ÷ ideal makespan."""
        return self.makespan / self.case.ideal


def run(case: Case, policy: str) -> Result:
    """Simulate a case under a policy.

    The policy is one of :data:`benchmarks.limiter_sim.policies.OURS` or ``RIVALS``.
    """
    if policy == "saved":
        unix, knowledge = _learned(attrs.evolve(case, factor=1.0, seed=case.seed + _LEARNING))
        return _simulated(case, lambda: Ours(VirtualClock(unix + _REST), knowledge))[0]
    if policy in OURS:
        return _simulated(case, lambda: Ours(VirtualClock(UNIX)))[0]
    return _simulated(case, lambda: rival(policy, case.quota, shared=case.shared))[0]


@functools.lru_cache(maxsize=16)
def _learned(case: Case) -> tuple[float, Knowledge]:
    """Return when a whole run ends, in Unix time, and what the limiter knows then."""
    result, knowledge = _simulated(case, lambda: Ours(VirtualClock(UNIX)))
    return UNIX + result.makespan, knowledge


def _simulated(case: Case, make: Callable[[], Policy]) -> tuple[Result, Knowledge]:
    random.seed(case.seed)  # whoever jitters by the interpreter's own generator
    return run_virtual(_all_calls(case, make))


async def _all_calls(case: Case, make: Callable[[], Policy]) -> tuple[Result, Knowledge]:
    """Make all calls; stop when the last is accepted, or when the run is given up."""
    network = Network(Server(case.kind, case.limit, case.shared), case.latency, case.seed, MOST_CALLS * case.calls, PATIENCE)
    policy = make()
    jobs = iter([f"action-{number % case.actions}" for number in range(case.calls)])
    ended = True
    try:
        async with asyncio.timeout(LONGEST * case.ideal), asyncio.TaskGroup() as callers:
            for _ in range(min(case.callers, case.calls)):
                callers.create_task(_caller(policy, network, jobs))
    except* (NeverEndsError, TimeoutError):
        ended = False
    knowledge = policy.limiter.snapshot() if isinstance(policy, Ours) else {}
    return Result(case, ended, now(), tuple(network.admitted), tuple(network.refused)), knowledge


async def _caller(policy: Policy, network: Network, jobs: Iterator[str]) -> None:
    """Make one call after the other, while there are any."""
    for action in jobs:
        await policy.call(network.send, action)
