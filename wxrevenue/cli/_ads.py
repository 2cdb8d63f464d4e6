"""``wxrevenue ads``: a provider's ad data to stdout, or into a file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypedDict, Unpack

import attrs
import typer

from wxrevenue import AdRow
from wxrevenue.cli._client import client_for
from wxrevenue.cli._demo.screen import money
from wxrevenue.cli._output import Format, Output
from wxrevenue.cli._problem import Problem, day_as_typed
from wxrevenue.cli._waits import Waits
from wxrevenue.errors import ConfigurationError
from wxrevenue.events import PageEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from wxrevenue import Paginator, RevenueClient
    from wxrevenue.events import Event

    class _Options(TypedDict):
        """The command's options, but for the file."""

        start: str | None
        end: str | None
        days: int | None
        by: By
        page_size: int
        sandbox: bool
        base_url: str | None


By: TypeAlias = Literal["slot", "unit"]
_HINTS: Final = {"start_date": "--from", "end_date": "--to", "days": "--days", "page_size": "--page-size"}


@attrs.frozen(kw_only=True)
class Job:
    """What was asked for."""

    start: str | None
    end: str | None
    days: int | None
    by: By
    output: Output
    page_size: int
    sandbox: bool
    base_url: str | None

    def walk(self, client: RevenueClient) -> Paginator[AdRow]:
        """Return the walk over the rows.

        Raises:
            BadParameter: the days are not right.
        """
        walk = client.iter_agency_ads_stat if self.by == "slot" else client.iter_agency_ads_detail
        try:
            return walk(self.start, self.end, days=self.days, page_size=self.page_size)
        except ConfigurationError as error:
            field, _, said = error.message.partition(": ")
            hints = [_HINTS[name] for name in field.rpartition(".")[2].split(", ") if name in _HINTS]
        raise typer.BadParameter(day_as_typed(said).replace(", or days", ", or --days"), param_hint=", ".join(hints) or None)


@attrs.define
class _Found:
    """What came of it."""

    rows: int = 0
    fen: int = 0
    drift: bool = False

    def watch(self, event: Event) -> None:
        """Note that the server announced other numbers of rows than it sent."""
        self.drift |= isinstance(event, PageEvent) and event.drift

    async def counted(self, walk: Paginator[AdRow]) -> AsyncIterator[AdRow]:
        """Yield the rows of a walk and count them."""
        async with walk:
            async for row in walk:
                self.rows += 1
                self.fen += row.income or 0
                yield row


def job(*, format: Format | None, out: Path | None, bom: bool, **options: Unpack[_Options]) -> Job:
    """Return the job that the options describe.

    Raises:
        BadParameter: they do not go together.
    """
    return Job(output=Output.chosen(format, out, bom=bom), **options)


def execute(job: Job) -> None:
    """Do what was asked. Data goes to stdout, or to the file; all else goes to stderr.

    Raises:
        Exit: it failed; why, and what to do about it, was told.
    """
    found = _Found()
    problem = Problem.of_doing(lambda: asyncio.run(_run(job, found)))
    drift = ("Note: the server announced another number of rows than it sent, also when it was asked again.",) if found.drift else ()
    problem.tell(before=drift)
    if job.output.out is not None:
        typer.echo(f"{found.rows:,} rows, {money(found.fen)} yuan: {job.output.out}", err=True)


async def _run(job: Job, found: _Found) -> None:
    waits = Waits(found.watch)
    async with client_for(sandbox=job.sandbox, base_url=job.base_url, on_event=waits) as client:
        with waits.alone():
            await job.output.write("ads", found.counted(job.walk(client)), AdRow, waits)
