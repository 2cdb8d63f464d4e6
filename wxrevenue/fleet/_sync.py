"""Bringing a ledger up to date.

What is missing is claimed, fetched, and recorded job by job.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue._base import checks
from wxrevenue._base.calendar import check_range
from wxrevenue._base.printable import Printable
from wxrevenue.errors import ConfigurationError, LedgerError, WxRevenueError
from wxrevenue.fleet._claimed import ClaimedJobs
from wxrevenue.fleet._ratios import own_appid
from wxrevenue.fleet._rows import ours
from wxrevenue.fleet._teller import Teller
from wxrevenue.ledger import ChangeKind, FetchJob, Ledger, Recorded
from wxrevenue.ledger._arguments import lease_of
from wxrevenue.ledger._recorded import kinds_of
from wxrevenue.sweeps._jobs import jobs_of
from wxrevenue.sweeps._sweep import MOST_AT_ONCE, sweep

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import date
    from typing import TypeAlias

    from wxrevenue.ams.settlement import Settlement
    from wxrevenue.clients._revenue import RevenueClient
    from wxrevenue.fleet._rows import Appids
    from wxrevenue.ledger import Change, Claim
    from wxrevenue.pagination._paginator import Paginator
    from wxrevenue.sweeps._outcome import Outcome

    Day: TypeAlias = str | date

_MOST_BEHIND: Final = 64
"""Jobs beyond those that are fetched: a ledger's file commits so many together."""
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

__all__ = ["SyncReport", "fetch", "sync"]


@attrs.frozen
class SyncReport(Printable):
    """What a run of :func:`sync` did."""

    jobs: int
    """Jobs that were fetched and recorded."""
    calls: int
    """Attempts of calls that were made for them."""
    waited: float
    """Seconds that jobs waited: for turns, tokens and back-offs.

    They wait side by side.
    """
    changes: Counter[ChangeKind]
    """How many of the changes that this run recorded are of each kind."""
    failed: tuple[tuple[FetchJob, WxRevenueError], ...]
    """Jobs that could not be fetched, and why: the next run fetches them."""
    last_seq: int
    """The number of the newest change in the ledger."""


async def sync(  # noqa: PLR0913  (settings, by keyword)
    client: RevenueClient,
    ledger: Ledger,
    owners: Appids,
    start: Day,
    end: Day,
    *,
    concurrency: int = 16,
    again: bool = False,
    lease: float = 10.0,
    on_change: Callable[[Change], object] | None = None,
) -> SyncReport:
    """Fetch the settlements that a ledger misses, and record them.

    A job (:class:`FetchJob`) is claimed, fetched by one walk, and recorded as a whole when the walk
    has ended, its empty half-months too. So a run may be killed anywhere, run twice, and run in
    several processes at once: nothing is lost, nothing doubled. One owner that fails stops no
    other. A job that another process holds is waited for, and fetched only if it is still missing.

    Args:
        client: the provider's client; it must know its ``component_appid``. Its own settlements are
            fetched by ``GetAgencySettlement``, those of any other owner by ``GetSettlement``.
        ledger: an open ledger.
        owners: whose settlements, any iterable of appids; they are pulled as they are needed.
        start: first day, Beijing calendar.
        end: last day, inclusive. Half-months that have not ended are left for later.
        concurrency: how many jobs to fetch at once. Up to as many are recorded meanwhile, at most
            64, and up to three times as many are claimed ahead.
        again: fetch half-months that are complete, too.
        lease: seconds after which another process may fetch what this one left when it was killed;
            renewed at a third of it.
        on_change: a plain function, told of each change in the ledger after its commit, in order,
            at least once: what a run that was killed has not told, or a run without a listener, or
            another process, this one tells. A first listener that is not to hear of what is there
            already calls ``ledger.told((await ledger.progress()).last_seq)`` before.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        LedgerError: the ledger's database failed. What was recorded before stays.
    """
    where = "sync"
    own = own_appid(where, client)
    checks.number(f"{where}.concurrency", concurrency, range(1, MOST_AT_ONCE + 1))
    lease_of(f"{where}.lease", lease)
    checks.flag(f"{where}.again", again)
    checks.listener(f"{where}.on_change", on_change)
    owners = jobs_of(f"{where}.owners", owners)
    check_range(where, start, end)  # now, before anything is asked for
    since = (await checked_ledger(where, ledger).progress()).newest or _NEVER
    await _note_provider(ledger, own)
    missing = ledger.missing(owners, start, end, again=again, since=since)
    teller = await Teller.of(ledger, on_change)
    async with ClaimedJobs(ledger, lease=lease, since=since, again=again) as claimed:
        run = _SyncRun(_Fetcher(client, ledger, own, concurrency), claimed, teller, concurrency)
        await teller.tell()
        await run.over(claimed.those_of(missing, concurrency))
        while claimed.held:
            await run.over(claimed.those_held(concurrency))
    await teller.end()
    return run.report((await ledger.progress()).last_seq)


async def fetch(client: RevenueClient, ledger: Ledger, job: FetchJob | str, *, lease: float = 10.0) -> Recorded:
    """Fetch one job and record it: what a worker does that gets jobs from a queue.

    A job that another process holds is waited for, and fetched only if it is still missing then: a
    job that a queue hands out twice is fetched once.

    Args:
        client: as in :func:`sync`.
        ledger: an open ledger.
        job: a job, or its ``str()``.
        lease: as in :func:`sync`.

    Returns:
        What was recorded. ``stale``: the job passed to another process meanwhile.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        LedgerError: the ledger's database failed.
        WxRevenueError: the walk failed; nothing of the job was recorded.
    """
    where = "fetch"
    own = own_appid(where, client)
    fetcher = _Fetcher(client, checked_ledger(where, ledger), own)
    wanted = FetchJob.parse(job) if isinstance(job, str) else job
    if not isinstance(wanted, FetchJob):
        raise ConfigurationError(f"{where}.job: expected a FetchJob or its str(), got {type(job).__name__}")
    lease_of(f"{where}.lease", lease)
    await _note_provider(ledger, own)
    now = asyncio.get_running_loop().time
    begun = now()
    async with ClaimedJobs(ledger, lease=lease, since=None, again=True) as claimed:
        claims = await claimed.those_free([wanted])
        if not claims:
            async with aclosing(claimed.those_held(1)) as found:
                claims = [claim async for claim in found if not await _is_recorded(ledger, claim, lease, waited=now() - begun)]
        return await fetcher.fetch(claims[0]) if claims else Recorded((), stale=False)


async def _is_recorded(ledger: Ledger, claim: Claim, lease: float, *, waited: float) -> bool:
    """Return whether another process recorded a job that was waited for.

    It may have done so up to a lease before the wait began: it records first, and gives its claim
    back after that. Times are those of the ledger's clock.
    """
    job, claimed_at = claim.job, claim.until - timedelta(seconds=lease)
    since = claimed_at - timedelta(seconds=waited + lease)
    missing = ledger.missing([job.owner], job.first.start, job.last.end, again=True, since=since)
    return not [job async for job in missing]


def checked_ledger(where: str, ledger: object) -> Ledger:
    """Return the ledger, if it is one."""
    if not isinstance(ledger, Ledger):
        raise ConfigurationError(f"{where}.ledger: expected a Ledger, got {type(ledger).__name__}")
    return ledger


async def _note_provider(ledger: Ledger, own: str) -> None:
    """Let reports tell the provider's share from the Mini Programs'."""
    if own not in await ledger.providers():
        await ledger.record_provider(own)


class _Fetcher:
    """Fetches and records jobs.

    Args:
        client: the provider's.
        ledger: where they are recorded.
        own: the provider's appid.
        at_once: how many walks may go on side by side.
    """

    def __init__(self, client: RevenueClient, ledger: Ledger, own: str, at_once: int = 1) -> None:
        self._client, self._ledger, self._own = client, ledger, own
        self._walks = asyncio.Semaphore(at_once)

    async def fetch(self, claim: Claim) -> Recorded:
        """Fetch a job; record it when the walk has ended. Safe to begin twice."""
        walk = self._walk(claim.job)
        async with self._walks:
            rows = await walk.collect()
        return await self._ledger.record_job(claim.job, rows, claim=claim, totals=walk.totals)

    def _walk(self, job: FetchJob) -> Paginator[Settlement]:
        days = (job.first.start, job.last.end)
        if job.owner == self._own:
            return self._client.iter_agency_settlement(*days)
        return self._client.iter_settlement(*days, authorizer_appid=job.owner)


class _SyncRun:
    """One run of :func:`sync`: fetches claimed jobs side by side, and counts."""

    def __init__(self, fetcher: _Fetcher, claimed: ClaimedJobs, teller: Teller, concurrency: int) -> None:
        self._fetcher, self._claimed, self._teller = fetcher, claimed, teller
        self._in_hand = min(concurrency + min(concurrency, _MOST_BEHIND), MOST_AT_ONCE)
        self._jobs = self._calls = 0
        self._waited = 0.0
        self._changes: Counter[ChangeKind] = Counter()
        self._failed: list[tuple[FetchJob, WxRevenueError]] = []

    async def over(self, claims: AsyncIterator[Claim]) -> None:
        """Fetch what is claimed."""
        async with sweep(self._fetcher.fetch, claims, concurrency=self._in_hand) as outcomes:
            async for outcome in outcomes:
                await self._take(outcome)

    async def _take(self, outcome: Outcome[Claim, Recorded]) -> None:
        self._calls += outcome.attempts
        self._waited += outcome.waited
        if isinstance(outcome.error, LedgerError):
            raise outcome.error
        if outcome.error is not None:
            self._failed.append((outcome.job.job, ours(outcome.error)))
            self._claimed.give_back_soon(outcome.job)
        elif outcome.result().stale:
            self._claimed.lost(outcome.job)
        else:
            self._jobs += 1
            self._claimed.give_back_soon(outcome.job)
            changed = kinds_of(outcome.result())
            self._changes.update(chain.from_iterable(changed))
            if changed:
                await self._teller.tell()

    def report(self, last_seq: int) -> SyncReport:
        """Return what was done."""
        return SyncReport(self._jobs, self._calls, self._waited, self._changes, tuple(self._failed), last_seq)
