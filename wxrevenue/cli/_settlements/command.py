"""Settlements on the terminal, through a pipe, or in a file."""

from __future__ import annotations

import asyncio
import sys
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import attrs
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from wxrevenue import export
from wxrevenue._base.calendar import HalfMonth
from wxrevenue.cli import _terminal
from wxrevenue.cli._client import client_for
from wxrevenue.cli._demo.screen import money
from wxrevenue.cli._ledger.reading import ledger_at, provider_of
from wxrevenue.cli._problem import Problem
from wxrevenue.cli._settlements import charts as _charts
from wxrevenue.cli._settlements import listing as _listing
from wxrevenue.cli._settlements.charts import Sums
from wxrevenue.cli._settlements.journal import PartFile
from wxrevenue.cli._settlements.options import FILES_ALONE
from wxrevenue.cli._waits import Waits
from wxrevenue.errors import ConfigurationError, PageDriftError
from wxrevenue.events import PageEvent
from wxrevenue.export import _csv, _excel, _jsonl, _parquet
from wxrevenue.export._pump import in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from wxrevenue import RevenueClient
    from wxrevenue.ams.settlement import Settlement
    from wxrevenue.cli._settlements.options import Format, Job
    from wxrevenue.events import Event
    from wxrevenue.export._pump import FileFormat


@attrs.define
class Found:
    """What came of it."""

    sums: Sums = attrs.field(factory=Sums)
    notes: list[str] = attrs.field(factory=list[str])
    """What users of the rows should know."""
    journal: PartFile | None = None
    """What a run that failed leaves behind, to be resumed."""

    def revised(self, rows: int) -> None:
        """Note how many rows changed under the walk."""
        if rows:
            self.notes.append(f"Note: {rows:,} rows changed while the list was read; they are as they came first.")


class ProgressBar:
    """A progress bar on stderr, if that is a terminal."""

    def __init__(self, *, shown: bool) -> None:
        self.waits = Waits(self._event)
        self._shown, console = shown, self.waits.console
        columns = (TextColumn("settlements"), BarColumn(), MofNCompleteColumn(), self.waits.column)
        self.bars = Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal))
        self._bar = self.bars.add_task("", total=None)
        self.drift = False
        """The server announced other numbers of rows than it sent."""
        self.again = False
        """The list is being read a second time, because it changed."""

    def begin(self, rows: int) -> None:
        """Start at that many rows, which were fetched before."""
        self.bars.update(self._bar, completed=rows)

    def showing(self) -> AbstractContextManager[None]:
        """Return the context in which the bar is shown.

        Without a bar, it shows the seconds that calls wait.
        """
        return self.waits.within(self.bars) if self._shown else self.waits.alone()

    def __call__(self, event: Event) -> None:
        self.waits(event)

    def _event(self, event: Event) -> None:
        if isinstance(event, PageEvent):
            self.drift |= event.drift
            self.again |= event.again
            self.bars.update(self._bar, total=event.total, advance=event.fresh)


def execute(job: Job) -> None:
    """Do what was asked.

    Data goes to stdout, or to the file. Everything else goes to stderr.

    Raises:
        Exit: it failed; why, and what to do about it, was told.
    """
    found = Found()
    problem = Problem.of_doing(lambda: asyncio.run(_run(job, found)))
    problem.tell(before=found.notes, after=_left_behind(found))
    if job.out is not None:
        typer.echo(f"{found.sums.rows:,} settlements, {money(found.sums.fen)} yuan: {job.out}", err=True)
    if not found.sums.rows:
        typer.echo(
            f"No settlements from {job.start} to {job.end}." if job.ledger is None else "No such settlements in the ledger.", err=True
        )
    elif job.chart:
        _charts.show(Console(stderr=job.out is None and job.format != "table"), found.sums, job.lang)


def _left_behind(found: Found) -> tuple[str, ...]:
    if found.journal is None:
        return ()
    return (f"{found.journal.rows:,} rows are kept in {found.journal.path}: the same command with --resume goes on behind them.",)


async def _run(job: Job, found: Found) -> None:
    if job.ledger is not None:
        await from_ledger(job, job.ledger, found)
        return
    watch = ProgressBar(shown=job.out is not None or not sys.stdout.isatty())
    async with _client(job, watch) as client:
        with watch.showing():
            await (_to_stdout(job, client, watch, found) if job.out is None else _to_file(job, job.out, client, watch, found))
    if watch.drift:
        found.notes.append("Note: the server announced another number of rows than it sent, also when it was asked again.")


def _client(job: Job, watch: ProgressBar) -> RevenueClient:
    return client_for(sandbox=job.sandbox, base_url=job.base_url, on_event=watch)


async def _to_stdout(job: Job, client: RevenueClient, watch: ProgressBar, found: Found) -> None:
    """Write every page as soon as it is there.

    A slow reader holds up the walk, and nothing else.
    """
    out = sys.stdout.buffer
    async with client.iter_agency_settlement(job.start, job.end, job.page_size) as walk:
        with _stdout_format(job)(out) as add:
            async for page in walk.by_page():
                rows = list(found.sums.watch(page))
                with watch.waits.above():
                    await in_thread(add, rows)
                    await in_thread(out.flush)
    found.revised(len(walk.revisions))


def _stdout_format(job: Job) -> FileFormat:
    formats: Mapping[Format, FileFormat] = {
        "table": partial(_listing.table, lang=job.lang, encoding=sys.stdout.encoding, columns=_terminal.table_columns()),
        "csv": _csv.csv_format(bom=job.bom, by=job.by),
        "jsonl": _jsonl.jsonl_format,
    }
    return formats[job.format]


async def from_ledger(job: Job, url: str, found: Found) -> None:
    """Print or export what a ledger has of one account; nothing is fetched."""
    start, end = HalfMonth.of(job.start), HalfMonth.of(job.end)
    async with ledger_at(url) as ledger:
        owner = await provider_of(ledger, job.owner)
        rows = _counted(ledger.settlements(owner=owner, start=start, end=end), found.sums)
        if job.out is not None:
            await _export(job, job.out, rows)
            return
        out = sys.stdout.buffer
        with _stdout_format(job)(out) as add:
            async for row in rows:
                add([row])
        out.flush()


async def _counted(rows: AsyncIterator[tuple[str, Settlement]], sums: Sums) -> AsyncGenerator[Settlement]:
    async for _, row in rows:
        sums.add(row)
        yield row


async def _to_file(job: Job, out: Path, client: RevenueClient, watch: ProgressBar, found: Found) -> None:
    """Fetch everything into a part file, then write the file from it.

    Whatever happens, nothing is fetched twice.
    """
    if job.format in FILES_ALONE:  # an extra that is missing shows now, not in the end
        await in_thread(_parquet.parquet_format if job.format == "parquet" else _excel.excel_format)
    with closing(PartFile(out, job.query, resume=job.resume)) as journal:
        if journal.discarded:
            typer.echo(
                f"{journal.discarded:,} rows of an earlier run in {journal.path} are discarded; --resume would have kept them.", err=True
            )
        watch.begin(journal.rows)
        try:
            await _fetch(job, client, journal, watch, found)
            await _export(job, out, found.sums.watch(journal.settlements()))
        except BaseException as error:
            if not journal.resumable or isinstance(error, PageDriftError):
                _remove(journal, found)  # there is nothing in it that can be vouched for
            elif not isinstance(error, ConfigurationError):
                found.journal = journal
            raise
        _remove(journal, found)


def _remove(journal: PartFile, found: Found) -> None:
    """Delete the part file; if that fails, note it."""
    try:
        journal.remove()
    except OSError as error:
        found.notes.append(f"Note: {journal.path} is of no use any more, but cannot be deleted ({error.strerror}).")


async def _fetch(job: Job, client: RevenueClient, journal: PartFile, watch: ProgressBar, found: Found) -> None:
    """Fetch what the part file has not.

    Only a list that did not change is resumed: of another one, rows would come twice.
    """
    if not journal.complete and not await _walk(job, client, journal, watch, found):
        found.notes.append("Note: the list has changed since the run was broken off, so it was read from its beginning.")
        await in_thread(journal.clear)
        watch.begin(0)
        await _walk(job, client, journal, watch, found)


async def _walk(job: Job, client: RevenueClient, journal: PartFile, watch: ProgressBar, found: Found) -> bool:
    """Walk on from where the part file ends.

    Return whether the list is still the one that it began with.
    """
    watch.again, resumed = False, journal.cursor is not None
    async with client.iter_agency_settlement(job.start, job.end, job.page_size, cursor=journal.cursor) as walk:
        async for page in walk.by_page():
            if watch.again and resumed:
                return False
            await in_thread(journal.add, page, None if watch.again else walk.cursor)
    await in_thread(journal.end)
    found.revised(len(walk.revisions))
    return True


async def _export(job: Job, out: Path, rows: Iterator[Settlement] | AsyncIterator[Settlement]) -> None:
    if job.format == "csv":
        await export.to_csv(rows, out, bom=job.bom, by=job.by)
    elif job.format == "xlsx":
        await export.to_excel(rows, out, by=job.by)
    elif job.format == "jsonl":
        await export.to_jsonl(rows, out)
    else:
        await export.to_parquet(rows, out)
