"""Claimed jobs.

They are handed out one by one, renewed while they are fetched, given back at the end.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from wxrevenue._base.calendar import HalfMonth
from wxrevenue._base.tasks import end, start, whole
from wxrevenue.errors import LedgerError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
    from typing import Self

    from wxrevenue.ledger import Claim, FetchJob, Ledger

_RENEWALS: Final = 3
"""Renewals within a lease: one that comes late does not lose the claim."""
_AHEAD: Final = 2
"""Pieces of jobs that are claimed while another one is handed out."""
_LONGEST_PAUSE_S: Final = 1.0
_GATHER_S: Final = 0.05
"""Seconds in which claims are gathered that are given back together.

Each time the ledger is written to for them.
"""


@runtime_checkable
class _TakesMany(Protocol):
    """A ledger that takes several claims back at once."""

    async def give_back_all(self, claims: Sequence[Claim]) -> None:
        """Let others claim the jobs."""
        ...


class ClaimedJobs:
    """The claims of this process; inside ``async with`` they are renewed.

    Args:
        ledger: where the jobs are claimed.
        lease: seconds that a claim lasts without renewal.
        since: what was recorded after this time is not fetched again; ``None``: everything is.
        again: complete half-months are fetched, too.
    """

    def __init__(self, ledger: Ledger, *, lease: float, since: dt.datetime | None, again: bool) -> None:
        self._ledger, self._lease = ledger, lease
        self.since, self._again = since, again
        self._live: dict[FetchJob, Claim] = {}
        self.held: list[FetchJob] = []
        """Jobs that another process held when they were asked for."""
        self._renewing: asyncio.Task[None] | None = None
        self._over: list[Claim] = []
        """Claims to be given back."""
        self._leaving = asyncio.Event()
        self._returning: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._renewing = start(self._renew())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if exc_info[0] is GeneratorExit:  # thrown away with its loop: the claims end with their leases
            return
        if self._renewing is not None:
            await end([self._renewing])
        await whole(self._give_back_all())  # also for a caller that is cancelled only now

    async def _give_back_all(self) -> None:
        """Give back what is left, one first.

        Where the ledger fails the others need not be tried.
        """
        self._leaving.set()
        if self._returning is not None:
            await asyncio.wait([self._returning])
        claims = [*self._live.values()]
        with suppress(LedgerError):
            for first in claims[:1]:
                await self.give_back(first)
            await asyncio.gather(*map(self.give_back, claims[1:]), return_exceptions=True)

    async def those_of(self, jobs: AsyncIterator[FetchJob], size: int) -> AsyncGenerator[Claim]:
        """Claim jobs so many at a time, ahead of those that are handed out.

        Yield the claims of those that are still missing.
        """
        some: list[FetchJob] = []
        claiming: deque[asyncio.Task[list[Claim]]] = deque()
        try:
            async with _closing(jobs):
                async for job in jobs:
                    some.append(job)
                    if len(some) == size:
                        claiming.append(start(self.those_free(some)))
                        some = []
                        if len(claiming) > _AHEAD:
                            for claim in await claiming.popleft():
                                yield claim
            claiming.append(start(self.those_free(some)))
            while claiming:
                for claim in await claiming.popleft():
                    yield claim
        finally:
            await end(claiming)

    async def those_held(self, size: int) -> AsyncGenerator[Claim]:
        """Yield claims of the jobs that others held, as they become free.

        Only those that are still missing.
        """
        while self.held:
            jobs, self.held = self.held, []
            for begin in range(0, len(jobs), size):
                for claim in await self.those_free(jobs[begin : begin + size]):
                    yield claim
            if len(self.held) == len(jobs):
                await asyncio.sleep(min(self._lease / _RENEWALS, _LONGEST_PAUSE_S))

    async def give_back(self, claim: Claim) -> None:
        """Let others claim the job."""
        self._live.pop(claim.job, None)
        await self._ledger.give_back(claim)

    def give_back_soon(self, claim: Claim) -> None:
        """Let others claim the job, and do not wait until they can."""
        self._live.pop(claim.job, None)
        self._over.append(claim)
        if self._returning is None:
            self._returning = start(self._give_back_over())

    async def _give_back_over(self) -> None:
        """Give back what is over by now, and again what is over when that is done.

        A claim that cannot be given back ends with its lease.
        """
        try:
            while self._over:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_GATHER_S):
                        await self._leaving.wait()
                claims, self._over = self._over, []
                with suppress(Exception):
                    await self._give_back_many(claims)
        finally:
            self._returning = None

    async def _give_back_many(self, claims: Sequence[Claim]) -> None:
        if isinstance(self._ledger, _TakesMany):
            await self._ledger.give_back_all(claims)
        else:
            await asyncio.gather(*map(self._ledger.give_back, claims), return_exceptions=True)

    def lost(self, claim: Claim) -> None:
        """Note that the job has passed to another process: it is looked at again later."""
        self._live.pop(claim.job, None)
        self.held.append(claim.job)

    async def those_free(self, jobs: Sequence[FetchJob]) -> list[Claim]:
        """Claim jobs at once, and return the claims of those that are still missing.

        The others are in ``held``.
        """
        if not jobs:
            return []
        claims = await whole(self._hold(jobs))
        return await self._missing(claims)

    async def _hold(self, jobs: Sequence[FetchJob]) -> list[Claim]:
        """Claim jobs.

        A caller that is cancelled meanwhile has the claims, and gives them back.
        """
        claims = await self._ledger.claim(jobs, limit=len(jobs), lease=self._lease)
        claimed = {claim.job for claim in claims}
        self._live |= {claim.job: claim for claim in claims}
        self.held += [job for job in jobs if job not in claimed]
        return claims

    async def _missing(self, claims: Sequence[Claim]) -> list[Claim]:
        """Return the claims of jobs that were not recorded before they were claimed.

        Give back the others.
        """
        if not claims:
            return []
        owners = [claim.job.owner for claim in claims]
        first = HalfMonth.at(min(claim.job.first.ordinal for claim in claims))
        last = HalfMonth.at(max(claim.job.last.ordinal for claim in claims))
        found = [job async for job in self._ledger.missing(owners, first.start, last.end, again=self._again, since=self.since)]
        of_owner: dict[str, list[FetchJob]] = {}
        for job in found:
            of_owner.setdefault(job.owner, []).append(job)
        wanted: list[Claim] = []
        for claim in claims:
            if any(_overlap(claim.job, job) for job in of_owner.get(claim.job.owner, ())):
                wanted.append(claim)
            else:
                self.give_back_soon(claim)
        return wanted

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._lease / _RENEWALS)
            # together, so that the last of many is not too late; what fails shows when the job is
            # recorded
            await asyncio.gather(*map(self._ledger.renew, [*self._live.values()]), return_exceptions=True)


@asynccontextmanager
async def _closing(values: AsyncIterator[FetchJob]) -> AsyncGenerator[None]:
    """Close an asynchronous generator at the end.

    Another ledger's iterator may be of another kind.
    """
    try:
        yield
    finally:
        close: Callable[[], Awaitable[object]] | None = getattr(values, "aclose", None)
        if close is not None:
            await close()


def _overlap(one: FetchJob, other: FetchJob) -> bool:
    return one.first.ordinal <= other.last.ordinal and other.first.ordinal <= one.last.ordinal
