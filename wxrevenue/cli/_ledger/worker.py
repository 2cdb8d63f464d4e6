"""``wxrevenue worker``: jobs of a queue are fetched, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import AsyncExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final

import attrs
import typer

from wxrevenue import Secret, open_ledger
from wxrevenue._base.secret import as_secret
from wxrevenue.cli._ledger.provider import sharing_provider
from wxrevenue.cli._ledger.screen import Screen
from wxrevenue.cli._problem import Problem

if TYPE_CHECKING:
    from collections.abc import Generator

    from rich.console import Console

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@attrs.frozen(kw_only=True)
class Options:
    """What was asked for."""

    redis: Secret = attrs.field(converter=as_secret)
    ledger: Secret = attrs.field(converter=as_secret)
    concurrency: int
    grace: float
    base_url: str | None
    sandbox: bool


def execute(options: Options) -> None:
    """Work until told to stop.

    Raises:
        Exit: something failed; what, and what to do about it, was told.
    """
    Problem.of_doing(lambda: asyncio.run(_run(options))).tell()


async def _run(options: Options) -> None:
    from wxrevenue.fleet.workers import work

    screen = Screen()
    opened = open_ledger(options.ledger.reveal())  # refuses what is no ledger, now
    async with AsyncExitStack() as stack:
        stack.enter_context(_logging(screen.progress.console))
        client, queue = await stack.enter_async_context(sharing_provider(options.redis, options, on_event=screen))
        ledger = await stack.enter_async_context(opened)
        typer.echo(f"The worker fetches up to {options.concurrency} jobs at once, from {queue.place}, until Ctrl-C.", err=True)
        stack.enter_context(screen.progress)
        stop = stack.enter_context(_stopped_by_signals(screen.progress.console))
        await work(queue, client, ledger, concurrency=options.concurrency, grace=options.grace, stop=stop)
    typer.echo("Stopped.", err=True)


@contextmanager
def _stopped_by_signals(console: Console) -> Generator[asyncio.Event]:
    """Yield an event that the first signal sets; the second one ends the process."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def told() -> None:
        console.print("Stopping: the running jobs end first; a second time stops at once.", highlight=False, soft_wrap=True)
        stop.set()
        _forget(loop)

    with suppress(NotImplementedError):  # Windows: Ctrl-C cancels, and the jobs are given back
        for number in _SIGNALS:
            loop.add_signal_handler(number, told)
    try:
        yield stop
    finally:
        _forget(loop)


def _forget(loop: asyncio.AbstractEventLoop) -> None:
    with suppress(NotImplementedError):
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


class _AboveBars(logging.Handler):
    """Prints lines above what the console shows."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Print a line."""
        try:
            self._console.print(self.format(record), markup=False, highlight=False, soft_wrap=True)
        except Exception:  # noqa: BLE001  (a terminal that is closed ends no worker)
            self.handleError(record)


@contextmanager
def _logging(console: Console) -> Generator[None]:
    """Print what workers log: jobs that failed, a Redis that is away."""
    handler, log = _AboveBars(console), logging.getLogger("wxrevenue.fleet")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
