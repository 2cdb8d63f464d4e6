"""What commands say while calls wait after "operating too fast" (1737).

On a terminal the seconds count down. Elsewhere one line says how long the calls wait: a run in a
log file that stands still for a minute would look as if it hung.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer
from rich.console import Console
from rich.progress import Progress, ProgressColumn, Task
from rich.text import Text

from wxrevenue.events import AttemptEvent, GateEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from wxrevenue.events import Event

_TOO_FAST: Final = "too_fast"
_EARLY_S: Final = 0.01
"""Seconds by which a gate may seem closed that has just opened."""


class Waits:
    """How long calls still wait. A listener of a client's events.

    Args:
        on_event: the command's own listener; it is told of every event, too.
    """

    def __init__(self, on_event: Callable[[Event], object] | None = None) -> None:
        self.console = Console(stderr=True)
        self.column = WaitColumn(self)
        self._on_event = on_event
        self._until: dict[str, float] = {}
        """When each scope opens."""
        self._code: int | str = "1737"
        self._bars: Progress | None = None
        """What is shown while calls wait, if that is a terminal."""
        self._is_alone = False
        """Whether it shows nothing else, and so begins with the wait."""

    def __call__(self, event: Event) -> None:
        if isinstance(event, AttemptEvent) and event.outcome == "TooFastError" and event.code is not None:
            self._code = event.code
        elif isinstance(event, GateEvent) and event.verdict == _TOO_FAST and event.closed_for is not None:
            self._gate_closed(event, event.closed_for)
        if self._on_event is not None:
            self._on_event(event)

    def _gate_closed(self, event: GateEvent, seconds: float) -> None:
        now = time.monotonic()
        was_closed = self._until.get(event.scope, now) > now + _EARLY_S
        self._until[event.scope] = now + seconds
        if self._bars is not None and self._is_alone:
            self._bars.start()
        if not self.console.is_terminal and not was_closed:  # calls on their way are refused, too
            said = f"{self._code}, operating too fast ({event.endpoint} of {event.account})"
            typer.echo(f"waits {seconds:.0f} s: {said}", err=True)

    @property
    def left(self) -> str:
        """The seconds that are left, as they are shown; empty when nothing waits."""
        seconds = max(self._until.values(), default=0.0) - time.monotonic()
        return f"{self._code}, {seconds:.0f} s left" if seconds > 0 else ""

    @contextmanager
    def within(self, bars: Progress) -> Generator[None]:
        """Show bars, of which :attr:`column` is one column."""
        self._bars = bars
        try:
            with bars:
                yield
        finally:
            self._bars = None

    @contextmanager
    def alone(self) -> Generator[None]:
        """Show the seconds alone, for commands that have no bar."""
        bars = Progress(self.column, console=self.console, transient=True, disable=not self.console.is_terminal)
        bars.add_task("", total=None)
        self._bars, self._is_alone = bars, True
        try:
            yield
        finally:
            bars.stop()
            self._bars, self._is_alone = None, False

    @contextmanager
    def above(self) -> Generator[None]:
        """Take away what is shown while something else is printed.

        Both may go to one terminal.
        """
        bars = self._bars
        if bars is None or not bars.live.is_started:
            yield
            return
        bars.stop()
        yield
        if not self._is_alone or self.left:
            bars.start()


class WaitColumn(ProgressColumn):
    """The column of bars that counts the seconds down."""

    def __init__(self, waits: Waits) -> None:
        self._waits = waits
        super().__init__()

    def render(self, task: Task) -> Text:  # noqa: ARG002  (it is the same for all)
        """Return the seconds that are left."""
        return Text(self._waits.left, style="yellow")
