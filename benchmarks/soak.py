"""A long run under trouble: clients against the sandbox over real HTTP.

::

    python -m benchmarks.soak --seconds 600

One per cent of the calls meets each mishap: busy, expired tokens, broken connections, web pages,
cut bodies, wrong signatures. "Operating too fast" comes every five seconds. Besides, one call in a
hundred is cancelled and one gets a deadline that is too short for it. The soak prints one line
every ten seconds and a summary. It fails unless every call ended in a result or an error of the
package, within its deadline; no task and no connection is left; and memory did not grow after the
first quarter. Linux only: it reads ``/proc/self``.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import attrs

from benchmarks import _program
from benchmarks._troubled import troubled
from wxrevenue import (
    ClientStateError,
    ConfigurationError,
    FundsDistributionClient,
    LocalRateLimiter,
    RevenueClient,
    StaticVerifier,
    WxRevenueError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from wxrevenue import Secret, TokenKind

DEADLINE: Final = 5.0
"""Seconds that a call has; a page of a walk as well."""
GRACE: Final = 0.5
"""Seconds by which a call may end late: the loop is busy."""
SHORT: Final = 0.003
"""Seconds that the few calls have whose deadline is too short."""
WORKERS: Final = 32
GROWTH: Final = 4.0
"""MiB by which memory may differ between the second quarter and the last."""
ORDERS: Final = 500
PAGES: Final = 4
"""Pages that a walk has at most."""
_MIX: Final = (40, 2, 20, 38)
"""How often each of the four calls is made.

The second one is refused as too fast, and then waits in line. It is rare enough that the line does
not delay all workers.
"""
_SAMPLE: Final = 0.25
_TOLD_EVERY: Final = 10.0
_COOLDOWN: Final = 0.2
_MIB: Final = 1024 * 1024


class NumberedTokens:
    """Follows the sandbox's tokens, which are numbered.

    A refused one is followed by the next.
    """

    def __init__(self, appid: str) -> None:
        self.component_appid = appid
        self._number = 1

    async def get(self, kind: TokenKind, appid: str | None, *, timeout: float) -> Secret | str:  # noqa: ARG002
        """Return the token of the present number."""
        return f"sandbox-component-{self.component_appid}-{self._number}"

    async def reject(self, kind: TokenKind, appid: str | None, token: Secret | str) -> None:  # noqa: ARG002
        """Move on, unless another call did so meanwhile."""
        if isinstance(token, str) and token.endswith(f"-{self._number}"):
            self._number += 1


@attrs.define
class Tally:
    """What happened so far.

    ``stray`` counts exceptions that no trouble explains, ``late`` is the worst overrun in seconds.
    """

    outcomes: Counter[str] = attrs.field(factory=Counter[str])
    stray: Counter[str] = attrs.field(factory=Counter[str])
    late: float = -DEADLINE
    memory: list[float] = attrs.field(factory=list[float])

    def grown(self) -> float:
        """Return by how many MiB the last quarter's memory is above the second quarter's."""
        quarter = max(1, len(self.memory) // 4)
        return median(self.memory[-quarter:]) - median(self.memory[quarter : 2 * quarter] or self.memory)


@attrs.define
class Fleet:
    """The clients, and the calls that workers make with them at random."""

    clients: Sequence[tuple[RevenueClient, Sequence[str]]]
    funds: FundsDistributionClient
    today: str
    tally: Tally = attrs.field(factory=Tally)
    random: random.Random = attrs.field(factory=lambda: random.Random(1))  # noqa: S311  (no secret)

    async def work(self, until: float) -> None:
        """Make one call after the other."""
        while time.monotonic() < until:
            await self.one()

    async def one(self) -> None:
        """Make one call, and note how it ended."""
        chance, started, most = self.random.random(), time.monotonic(), DEADLINE
        try:
            if chance < 0.01:
                async with asyncio.timeout(self.random.random() * SHORT):
                    await self.call(DEADLINE)()
            elif chance < 0.02:
                most = SHORT
                await self.call(most)()
            elif chance < 0.1:
                most = DEADLINE * PAGES
                await self.walk()
            else:
                await self.call(DEADLINE)()
            ended = "ok"
        except Exception as error:  # noqa: BLE001  (what must not happen is counted, too)
            ours = isinstance(error, WxRevenueError)
            ended = "cancelled" if isinstance(error, TimeoutError) and not ours else type(error).__name__
            if isinstance(error, (ConfigurationError, ClientStateError)) or not (ours or ended == "cancelled"):
                self.tally.stray[ended] += 1
        self.tally.outcomes[ended] += 1
        self.tally.late = max(self.tally.late, time.monotonic() - started - most)

    def call(self, deadline: float) -> Callable[[], Awaitable[Any]]:
        """Return one of the four calls."""
        client, programs = self.random.choice(self.clients)
        client = client if deadline == DEADLINE else client.with_options(deadline=deadline)
        funds = self.funds if deadline == DEADLINE else self.funds.with_options(deadline=deadline)
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: client.get_share_ratio(self.random.choice(programs)),
            lambda: client.set_share_ratio(self.random.randint(0, 100)),
            lambda: client.get_agency_settlement("2020-01-01", self.today, page=self.random.randint(1, 3), page_size=20),
            lambda: funds.mark_transaction(f"fake-order-{self.random.randrange(ORDERS)}"),
        ]
        return self.random.choices(calls, _MIX)[0]

    async def walk(self) -> None:
        """Stream settlements, at times not to the end."""
        client, _ = self.random.choice(self.clients)
        most = self.random.choice((10, 50))
        async with client.iter_agency_settlement("2024-01-01", "2024-12-31", page_size=20) as rows:
            seen = 0
            async for _ in rows:
                seen += 1
                if seen == most:
                    break


@attrs.frozen
class Report:
    """How it went."""

    tally: Tally
    seconds: float
    tasks: int
    sockets: int

    def problems(self) -> list[str]:
        """Return what must not be; nothing if all is well."""
        found = {
            f"exceptions that no weather explains: {dict(self.tally.stray)}": bool(self.tally.stray),
            f"a call ended {self.tally.late:.2f} s after its deadline": self.tally.late > GRACE,
            f"memory grew by {self.tally.grown():.1f} MiB": self.tally.grown() > GROWTH,
            f"{self.tasks} tasks are left": self.tasks > 0,
            f"{self.sockets} connections are left": self.sockets > 0,
        }
        return [problem for problem, is_one in found.items() if is_one]

    def lines(self) -> list[str]:
        """Return the summary."""
        calls, memory = self.tally.outcomes.total(), self.tally.memory
        ends = (f"  {name:<26} {count:>9} {count / calls:>8.3%}" for name, count in self.tally.outcomes.most_common())
        return [
            f"{calls} calls in {self.seconds:.0f} s, {calls / self.seconds:.0f} a second",
            *ends,
            f"latest end, seconds after the deadline: {self.tally.late:.3f} (before it where negative)",
            f"memory, MiB: {memory[0]:.1f} at first, {max(memory):.1f} at most, {memory[-1]:.1f} at last; grown {self.tally.grown():+.1f}",
            f"left: {self.tasks} tasks, {self.sockets} connections",
            *(f"FAILED: {problem}" for problem in self.problems()),
        ]


def resident() -> float:
    """Return this process's memory in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / _MIB


def open_sockets() -> int:
    """Return how many sockets this process has open."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        try:
            found += link.readlink().name.startswith("socket:")
        except FileNotFoundError:  # the folder's own
            continue
    return found


async def soak(facts: Mapping[str, Any], seconds: float, *, tell: Callable[[str], None] = print) -> Report:
    """Run the workers for that long, close everything, and look at what is left."""
    tasks, sockets, started = len(asyncio.all_tasks()), open_sockets(), time.monotonic()
    async with AsyncExitStack() as stack:
        fleet = await _fleet(stack, facts)
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(fleet.work(started + seconds))
            group.create_task(_watch(fleet.tally, started, seconds, tell))
    elapsed = time.monotonic() - started
    await asyncio.sleep(_SAMPLE)  # closed connections leave in their own time
    return Report(fleet.tally, elapsed, len(asyncio.all_tasks()) - tasks, open_sockets() - sockets)


async def _fleet(stack: AsyncExitStack, facts: Mapping[str, Any]) -> Fleet:
    options: dict[str, Any] = {"base_url": facts["base_url"], "deadline": DEADLINE}
    clients: list[tuple[RevenueClient, Sequence[str]]] = []
    for appid, programs in facts["programs"].items():
        limiter = LocalRateLimiter(cooldown=_COOLDOWN)
        client = RevenueClient(NumberedTokens(appid), appid, limiter=limiter, page_deadline=DEADLINE, **options)
        clients.append((await stack.enter_async_context(client), programs))
    verifier = StaticVerifier(facts["platform_keys"])
    funds = FundsDistributionClient(facts["mchid"], facts["serial_no"], facts["private_key"], verifier=verifier, **options)
    return Fleet(clients, await stack.enter_async_context(funds), facts["today"])


async def _watch(tally: Tally, started: float, seconds: float, tell: Callable[[str], None]) -> None:
    next_line = started + _TOLD_EVERY
    while (now := time.monotonic()) < started + seconds:
        tally.memory.append(resident())
        if now >= next_line:
            next_line += _TOLD_EVERY
            tell(f"{now - started:>5.0f} s  {tally.outcomes.total():>9} calls  {tally.memory[-1]:.1f} MiB")
        await asyncio.sleep(_SAMPLE)
    tally.memory.append(resident())


def main(arguments: Sequence[str] | None = None) -> None:
    """Soak for as long as the command line says."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.soak", description="Run the clients in bad weather.")
    options.add_argument("--seconds", type=float, default=600.0, help="how long (default: 600)")
    seconds = options.parse_args(arguments).seconds
    with troubled() as facts:
        report = asyncio.run(soak(facts, seconds))
    print("\n".join(report.lines()))
    if report.problems():
        sys.exit(1)


if __name__ == "__main__":
    _program.run(main)
