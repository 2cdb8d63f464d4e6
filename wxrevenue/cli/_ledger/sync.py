"""``wxrevenue sync``: what a ledger misses is fetched, once or again and again."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import attrs
import typer

from wxrevenue import Secret, open_ledger, sync
from wxrevenue._base.calendar import beijing_day, check_range
from wxrevenue._base.secret import as_secret
from wxrevenue.cli._ledger.failures import Failures
from wxrevenue.cli._ledger.owners import check_appids, named_owners
from wxrevenue.cli._ledger.provider import provider, sharing_provider
from wxrevenue.cli._ledger.reading import ledger_at
from wxrevenue.cli._ledger.screen import Screen
from wxrevenue.cli._ledger.words import Tally
from wxrevenue.cli._problem import WRONG, Problem, day_as_typed
from wxrevenue.errors import ConfigurationError, WxRevenueError
from wxrevenue.fleet import ratio_status
from wxrevenue.ledger._arguments import pieces

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from datetime import date

    from wxrevenue import AdRow, RevenueClient
    from wxrevenue.fleet.workers import JobQueue
    from wxrevenue.ledger import Ledger

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_TOGETHER: Final = 100


@attrs.frozen(kw_only=True)
class Options:
    """What was asked for."""

    ledger: str
    start: str
    end: str | None
    appids: Sequence[str]
    owners: str | None
    redis: Secret | None = attrs.field(converter=attrs.converters.optional(as_secret))
    again: bool
    ads: int | None
    ratios: bool
    watch: str | None
    concurrency: int
    sandbox: bool
    base_url: str | None


def seconds(text: str) -> int:
    """Return the seconds of a duration such as ``6h``.

    Raises:
        BadParameter: it is none.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", text)
    if found is None:
        raise typer.BadParameter("expected a duration such as 90s, 30m, 6h or 1d", param_hint="--watch")
    return int(found[1]) * _UNITS[found[2]]


def execute(options: Options) -> None:
    """Bring the ledger up to date.

    Raises:
        Exit: something failed; what, and what to do about it, was told.
    """
    pause = None if options.watch is None else seconds(options.watch)
    Problem.of_doing(lambda: _check(options)).tell()
    try:
        problem = Problem.of_doing(lambda: asyncio.run(_run(options, pause)))
    except _FailedError as error:
        raise typer.Exit(error.exit_code) from None
    problem.tell()


class _FailedError(Exception):
    """Some owners could not be fetched; they were named."""

    def __init__(self, exit_code: int) -> None:
        self.exit_code = exit_code


async def _run(options: Options, pause: int | None) -> None:
    screen = Screen()
    async with AsyncExitStack() as stack:
        queue: JobQueue | None = None
        if options.redis is None:
            client = await stack.enter_async_context(provider(options, on_event=screen))
        else:
            client, queue = await stack.enter_async_context(sharing_provider(options.redis, options, on_event=screen))
        ledger = await stack.enter_async_context(open_ledger(options.ledger))
        run = _SyncRun(options, client, ledger, screen)
        run.queue = queue
        while pause is not None:
            await _told(run)
            await asyncio.sleep(pause)
        await run.once()


async def _told(run: _SyncRun) -> None:
    """Run once; what fails is told.

    It is tried again the next time, unless it would fail then for certain.
    """
    try:
        await run.once()
    except _FailedError:
        return
    except WxRevenueError as error:
        problem = Problem.of(error)
        if problem.exit_code == WRONG:
            raise
        for said in problem.lines:
            typer.echo(said, err=True)


class _SyncRun:
    def __init__(self, options: Options, client: RevenueClient, ledger: Ledger, screen: Screen) -> None:
        self._options, self._client, self._ledger, self._screen = options, client, ledger, screen
        self.queue: JobQueue | None = None
        """Where workers get the jobs from, if they do."""
        self._failures = Failures()

    async def once(self) -> None:
        """Fetch what is missing, and say what changed.

        Raises:
            _FailedError: some of it could not be fetched.
        """
        self._failures = Failures()
        before = (await self._ledger.progress()).last_seq
        with self._screen.waits.within(self._screen.progress):
            await self._settlements()
            if self._options.ads is not None:
                await self._ads(self._options.ads)
            if self._options.ratios:
                await self._ratios()
        tally = Tally()
        async for change in self._ledger.changes(before):
            tally.add(change)
        typer.echo(str(tally))
        exit_code = self._failures.tell()
        if exit_code:
            raise _FailedError(exit_code)

    async def _settlements(self) -> None:
        end = self._options.end or beijing_day(None)
        owners = self._screen.counted(self._owners())
        if self.queue is not None:
            await self._by_workers(self.queue, owners, end)
            return
        given = self._options
        report = await sync(self._client, self._ledger, owners, given.start, end, again=given.again, concurrency=given.concurrency)
        for job, error in report.failed:
            self._failures.add(job, error)

    async def _by_workers(self, queue: JobQueue, owners: AsyncIterator[str], end: str | date) -> None:
        from wxrevenue.fleet.workers import sync_by_workers

        given = self._options
        report = await sync_by_workers(queue, self._ledger, owners, given.start, end, again=given.again, on_progress=self._screen.fleet)
        for job, reason in report.failed:
            self._failures.add(job, WxRevenueError(reason))

    async def _owners(self) -> AsyncIterator[str]:
        """Yield the owners.

        They are those named, those of the file, or the provider and all that authorized it.
        """
        if self._options.owners is not None or self._options.appids:
            for appid in (*self._options.appids, *named_owners(self._options.owners)):
                yield appid
            return
        yield self._client.component_appid
        async with self._client.iter_authorizer_list() as listed:
            async for one in listed:
                yield one.authorizer_appid

    async def _programs(self) -> AsyncIterator[str]:
        async for owner in self._owners():
            if owner != self._client.component_appid:
                yield owner

    async def _ads(self, days: int) -> None:
        """Record the last days' ad data of all Mini Programs, one walk for all of them.

        A day of which nothing comes any more is cleared.
        """
        today = beijing_day(None)
        first, last = today - timedelta(days=days), today - timedelta(days=1)
        found: defaultdict[tuple[str, date], list[AdRow]] = defaultdict(list)
        left_out = 0
        async with self._client.iter_agency_ads_stat(first, last, page_size=_TOGETHER) as rows:
            async for row in rows:
                appid = row.publisher_appid or row.appid
                if appid is None or row.date is None:
                    left_out += 1
                else:
                    found[appid, row.date].append(row)
        async for appid, row in self._ledger.ads(start=first, end=last):
            if row.date is not None:
                _ = found[appid, row.date]  # none came: it is recorded as empty
        await self._record_ads([*found.items()])
        if left_out:
            typer.echo(f"{left_out:,} rows of ad data name no Mini Program or no day: they are left out.", err=True)

    async def _record_ads(self, days: Sequence[tuple[tuple[str, date], list[AdRow]]]) -> None:
        """Record days side by side: a commit for each alone takes long for many."""
        for begin in range(0, len(days), _TOGETHER):
            some = days[begin : begin + _TOGETHER]
            await asyncio.gather(*(self._ledger.record_ads(appid, day, rows) for (appid, day), rows in some))

    async def _ratios(self) -> None:
        """Record the Mini Programs' ratios."""
        async for some in pieces(ratio_status(self._client, self._programs(), concurrency=self._options.concurrency), _TOGETHER):
            await self._ledger.record_ratios(some)


def _check(options: Options) -> None:
    """Refuse what is not allowed, by the option's name.

    That is before anything is opened.
    """
    for hint, days in (("--from", (options.start,) * 2), ("--to", (options.start, options.end or options.start))):
        try:
            check_range("sync", *days)
        except ConfigurationError as error:
            raise typer.BadParameter(day_as_typed(error.message.partition(": ")[2]), param_hint=hint) from None
    today = beijing_day(None).isoformat()
    if options.end is None and options.start > today:
        told = f"expected today or an earlier day, or a later --to: {today} comes before {options.start}"
        raise typer.BadParameter(told, param_hint="--from")
    named_owners(options.owners)
    check_appids(options.appids)
    open_ledger(options.ledger)


def show_changes(ledger: str, since: int, line: Callable[..., str]) -> None:
    """Print the changes after a number.

    Raises:
        Exit: the ledger cannot be read; why was told.
    """

    async def read() -> None:
        async with ledger_at(ledger) as opened:
            async for change in opened.changes(since):
                typer.echo(line(change))

    Problem.of_doing(lambda: asyncio.run(read())).tell()
