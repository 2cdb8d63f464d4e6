"""Settlements on the terminal, through a pipe, or in a file, whichever was asked for."""

from __future__ import annotations

import asyncio
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import attrs
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from wxrevenue import RevenueClient, export
from wxrevenue.cli._demo.screen import money
from wxrevenue.cli._settlements import charts as _charts
from wxrevenue.cli._settlements import listing as _listing
from wxrevenue.cli._settlements.charts import Sums
from wxrevenue.cli._settlements.journal import PartFile
from wxrevenue.cli._settlements.problem import Problem
from wxrevenue.errors import ConfigurationError, PageDriftError, WxRevenueError
from wxrevenue.events import GateEvent, PageEvent
from wxrevenue.export import _csv, _jsonl, _parquet
from wxrevenue.export._pump import in_thread
from wxrevenue.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from wxrevenue.ams.settlement import Settlement
    from wxrevenue.cli._settlements.options import Format, Job
    from wxrevenue.events import Event
    from wxrevenue.export._pump import FileFormat


@attrs.define
class Found:
    """What came of it."""

    sums: Sums = attrs.field(factory=Sums)
    notes: list[str] = attrs.field(factory=list[str])
    """What whoever uses the rows should know of them."""
    journal: PartFile | None = None
    """What a run that failed leaves behind, to be resumed."""

    def revised(self, rows: int) -> None:
        """Note how many rows changed under the walk."""
        if rows:
            self.notes.append(f"Note: {rows:,} rows changed while the list was read; they are as they came first.")


class ProgressBar:
    """A progress bar on stderr, if that is a terminal."""

    def __init__(self, *, shown: bool) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("settlements"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"))
        self.bars = Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal))
        self._bar = self.bars.add_task("", total=None, note="")
        self.drift = False
        """The server announced other numbers of rows than it sent."""
        self.again = False
        """The list is being read a second time, because it changed."""

    def begin(self, rows: int) -> None:
        """Start at that many rows, which were fetched before."""
        self.bars.update(self._bar, completed=rows)

    def __call__(self, event: Event) -> None:
        if isinstance(event, PageEvent):
            self.drift |= event.drift
            self.again |= event.again
            self.bars.update(self._bar, total=event.total, advance=event.fresh, note="")
        elif isinstance(event, GateEvent):
            rest = "" if event.closed_for is None else f", waiting {event.closed_for:.0f} s"
            self.bars.update(self._bar, note=f"[yellow]operating too fast{rest}")


def execute(job: Job) -> None:
    """Do what was asked. Data goes to stdout, or to the file; whatever else there is to say goes to stderr.

    Raises:
        Exit: it failed; why, and what to do about it, was told.
    """
    found, problem = Found(), Problem()
    try:
        asyncio.run(_run(job, found))
    except BrokenPipeError:  # whoever reads has had enough
        raise
    except (WxRevenueError, OSError, KeyboardInterrupt) as error:
        problem = Problem.of(error)
    for line in (*found.notes, *problem.lines, *_left_behind(found)):
        typer.echo(line, err=True)
    if problem.exit_code:
        raise typer.Exit(problem.exit_code)
    if job.out is not None:
        typer.echo(f"{found.sums.rows:,} settlements, {money(found.sums.fen)} yuan: {job.out}", err=True)
    if not found.sums.rows:
        typer.echo(f"No settlements from {job.start} to {job.end}.", err=True)
    elif job.chart:
        _charts.show(Console(stderr=job.out is None and job.format != "table"), found.sums)


def _left_behind(found: Found) -> tuple[str, ...]:
    if found.journal is None:
        return ()
    return (f"{found.journal.rows:,} rows are kept in {found.journal.path}: the same command with --resume goes on behind them.",)


async def _run(job: Job, found: Found) -> None:
    watch = ProgressBar(shown=job.out is not None or not sys.stdout.isatty())
    async with _client(job, watch) as client:
        with watch.bars:
            await (_to_stdout(job, client, found) if job.out is None else _to_file(job, job.out, client, watch, found))
    if watch.drift:
        found.notes.append("Note: the server announced another number of rows than it sent, also when it was asked again.")


def _client(job: Job, watch: ProgressBar) -> RevenueClient:
    if job.sandbox:
        sandbox = Sandbox()
        component = sandbox.components[0]
        return RevenueClient(sandbox.tokens(component), component, transport=sandbox.transport(), on_event=watch)
    server = {"base_url": job.base_url} if job.base_url else {}
    try:
        return RevenueClient.from_env(on_event=watch, **server)
    except ConfigurationError as error:
        problem = f"{error}. Credentials come from the environment; --sandbox tries the command without any."
    raise ConfigurationError(problem)


async def _to_stdout(job: Job, client: RevenueClient, found: Found) -> None:
    """Write every page as soon as it is there. A reader that takes its time holds nothing up but the walk."""
    formats: Mapping[Format, FileFormat] = {
        "table": _listing.table,
        "csv": _csv.csv_format(bom=job.bom, by=job.by),
        "jsonl": _jsonl.jsonl_format,
    }
    out = sys.stdout.buffer
    async with client.iter_agency_settlement(job.start, job.end, job.page_size) as walk:
        with formats[job.format](out) as add:
            async for page in walk.by_page():
                await in_thread(add, list(found.sums.watch(page)))
                await in_thread(out.flush)
    found.revised(len(walk.revisions))


async def _to_file(job: Job, out: Path, client: RevenueClient, watch: ProgressBar, found: Found) -> None:
    """Fetch everything into a journal, then write the file from that: whatever happens, nothing is fetched twice."""
    if job.format == "parquet":
        await in_thread(_parquet.parquet_format)  # an extra that is missing shows now, not in the end
    with closing(PartFile(out, job.query, resume=job.resume)) as journal:
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
    """Delete the part file; what was exported, or went wrong, stands whether that works or not."""
    try:
        journal.remove()
    except OSError as error:
        found.notes.append(f"Note: {journal.path} is of no use any more, but cannot be deleted ({error.strerror}).")


async def _fetch(job: Job, client: RevenueClient, journal: PartFile, watch: ProgressBar, found: Found) -> None:
    """Fetch what the journal has not. Only an unchanged list is gone on with: of one that changed, rows would come twice."""
    if not journal.complete and not await _walk(job, client, journal, watch, found):
        found.notes.append("Note: the list has changed since the run was broken off, so it was read from its beginning.")
        await in_thread(journal.clear)
        watch.begin(0)
        await _walk(job, client, journal, watch, found)


async def _walk(job: Job, client: RevenueClient, journal: PartFile, watch: ProgressBar, found: Found) -> bool:
    """Walk on from where the journal stands; return whether the list is still the one that the journal began with."""
    watch.again, resumed = False, journal.cursor is not None
    async with client.iter_agency_settlement(job.start, job.end, job.page_size, cursor=journal.cursor) as walk:
        async for page in walk.by_page():
            if watch.again and resumed:
                return False
            await in_thread(journal.add, page, None if watch.again else walk.cursor)
    await in_thread(journal.end)
    found.revised(len(walk.revisions))
    return True


async def _export(job: Job, out: Path, rows: Iterator[Settlement]) -> None:
    if job.format == "csv":
        await export.to_csv(rows, out, bom=job.bom, by=job.by)
    elif job.format == "jsonl":
        await export.to_jsonl(rows, out)
    else:
        await export.to_parquet(rows, out)
