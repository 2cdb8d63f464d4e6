"""What the commands of ``wxrevenue ratios`` do: read, plan, set, and count.

Each step runs the event loop anew, with one client for all of them: while it asks, the command line
is no coroutine, so that Ctrl-C works as it does everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from wxrevenue.ams._service import ANONYMOUS
from wxrevenue.cli._client import client_for
from wxrevenue.cli._ratios.report import Tally, row
from wxrevenue.cli._waits import Waits
from wxrevenue.errors import ConfigurationError
from wxrevenue.fleet import RatioPlan, RatioState, RatioStatus, apply_ratios, plan_ratios, ratio_status

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
    from contextlib import AbstractContextManager
    from decimal import Decimal
    from typing import Self

    from wxrevenue.fleet import RatioResult
    from wxrevenue.fleet._rows import Appids

T = TypeVar("T")


class Job:
    """One run of a command.

    Args:
        runner: runs each step.
        redirect_uri: where the link that merchants renew the authorization with leads back to.
        base_url: another server.
        sandbox: made-up Mini Programs in place of a server.

    Raises:
        ConfigurationError: an option or credential is not allowed; nothing was sent.
    """

    def __init__(self, runner: asyncio.Runner, *, redirect_uri: str | None, base_url: str | None, sandbox: bool) -> None:
        if redirect_uri is not None and not redirect_uri.startswith(("https://", "http://")):
            raise ConfigurationError("--redirect-uri: expected an http(s) URL")
        self._runner, self._redirect_uri = runner, redirect_uri
        self._progress = ProgressBar()
        self._client = client_for(sandbox=sandbox, base_url=base_url, on_event=self._progress.waits)
        if self._client.component_appid.startswith(ANONYMOUS):
            raise ConfigurationError("set the environment variable WXREVENUE_COMPONENT_APPID: the default ratio is asked for by it")
        self._found: list[RatioStatus] = []
        self._plan = RatioPlan((), 0)
        self._results: list[RatioResult] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._run(self._client.aclose())

    # ------------------------------------------------------------------ steps

    def read(self, appids: Sequence[str] | None, tell: Callable[[RatioStatus], object]) -> None:
        """Read the ratios of these Mini Programs, or of all that authorized the provider."""
        self._run(self._read(self._everyone() if appids is None else appids, None if appids is None else len(appids), tell))

    def plan(self, wanted: Mapping[str | None, Decimal]) -> None:
        """Find out what has to be set."""
        appids = [appid for appid in wanted if appid is not None]
        self.read(appids, _tell_failed)
        found = self._found or [self._run(self._own_status())]
        self._plan = plan_ratios(wanted, found, allow_fractions=True)  # the file's reader has looked at them

    @property
    def changes(self) -> int:
        """How many ratios have to be set."""
        return len(self._plan.changes)

    @property
    def diff(self) -> str:
        """What has to be set."""
        return str(self._plan)

    def apply(self) -> None:
        """Set the ratios; what fails is told. What could not be read before is read again."""
        self._run(self._apply())
        unread = [status.appid for status in self._found if status.state is RatioState.FAILED]
        if unread:
            self._found = [status for status in self._found if status.state is not RatioState.FAILED]
            self.read(unread, lambda _: None)

    def end(self) -> None:
        """Tell how many are in force, awaiting and failed."""
        typer.echo(self._run(self._tally.sentence(self._client, self._redirect_uri)))

    @property
    def failed(self) -> bool:
        """Whether anything could not be read or set."""
        return self._tally.failed > 0

    @property
    def _tally(self) -> Tally:
        tally = Tally()
        tally.add_all(self._found, self._results)
        return tally

    # ------------------------------------------------------------------ their calls

    def _run(self, step: Coroutine[object, None, T]) -> T:
        return self._runner.run(step)

    async def _everyone(self) -> AsyncIterator[str]:
        async for authorizer in self._client.iter_authorizer_list():
            yield authorizer.authorizer_appid

    async def _read(self, appids: Appids, count: int | None, tell: Callable[[RatioStatus], object]) -> None:
        with self._progress.showing("reading", count):
            async for status in ratio_status(self._client, appids):
                self._found.append(status)
                self._progress.advance()
                with self._progress.waits.above():
                    tell(status)

    async def _own_status(self) -> RatioStatus:
        """Return the default as the provider's own: a file may have no other row."""
        own = self._client.component_appid
        ratio = (await self._client.get_share_ratio(own)).share_ratio
        return RatioStatus(own, ratio, None, ratio, RatioState.IN_FORCE, None)

    async def _apply(self) -> None:
        with self._progress.showing("setting", self.changes):
            async for result in apply_ratios(self._client, self._plan):
                self._results.append(result)
                self._progress.advance()
                if result.error is not None:
                    with self._progress.waits.above():
                        typer.echo(f"{result.change}: {result.error}", err=True)


def _tell_failed(status: RatioStatus) -> None:
    if status.state is RatioState.FAILED:
        typer.echo(row(status), err=True)


class ProgressBar:
    """A progress bar on stderr, if that is a terminal; it says why nothing goes on."""

    def __init__(self) -> None:
        self.waits = Waits()
        console = self.waits.console
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), self.waits.column)
        self.bars = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)

    def showing(self, what: str, count: int | None) -> AbstractContextManager[None]:
        """Return the context in which a step is shown."""
        for task in self.bars.task_ids:
            self.bars.remove_task(task)
        self.bars.add_task(what, total=count)
        return self.waits.within(self.bars)

    def advance(self) -> None:
        """Count one Mini Program."""
        self.bars.update(self.bars.task_ids[0], advance=1)
