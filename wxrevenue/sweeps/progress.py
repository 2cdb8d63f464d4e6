"""A ready-made progress bar for sweeps (extra ``cli``).

One bar for all jobs, and one for each owner under way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wxrevenue._base import checks
from wxrevenue._base.extras import missing
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from rich.console import Console
    from rich.progress import Progress, TaskID

    from wxrevenue.events import JobEvent

__all__ = ["SweepProgress"]

_OF_ALL: Final = "all jobs"
_LAST: Final = frozenset({"done", "failed", "skipped"})


class SweepProgress:
    """Shows how a sweep goes on.

    Use it as ``with SweepProgress() as progress: … sweep(…, on_event=progress)``. The first bar
    counts jobs. Each owner that has yielded a page has a bar of its own, which goes when its job
    ends. Where output is not a terminal nothing is drawn. Needs the extra ``cli``.

    Args:
        owner: returns the text that stands for a job; jobs of one text share a bar. By default
            ``str(job)``.
        console: where to draw; stderr by default.
        most: how many bars of owners are shown at most.

    Raises:
        ConfigurationError: an argument is not allowed, or the extra is missing.
    """

    def __init__(self, *, owner: Callable[[Any], str] = str, console: Console | None = None, most: int = 10) -> None:
        checks.plain_function("SweepProgress.owner", owner)
        self._most = checks.count("SweepProgress.most", most, least=0)
        self._owner = owner
        self.bars = _bars(console)
        """What rich draws."""
        self._all = self.bars.add_task(_OF_ALL, total=None, told="")
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.bars.stop()

    def __call__(self, event: JobEvent) -> None:
        """Take an event of the sweep; this is what ``on_event`` is given."""
        told = [f"{event.total_rows:,} rows"]
        told += [f"{count:,} {name}" for name in ("failed", "skipped", "cooling") if (count := getattr(event, name))]
        self.bars.update(self._all, completed=event.done + event.failed + event.skipped, total=event.jobs, told=", ".join(told))
        owner = self._owner(event.job)
        if event.state in _LAST:
            self._drop(owner)
        elif event.state == "cooling":
            self._update(owner, 0, "waits")
        else:
            self._update(owner, event.rows, "")

    def _update(self, owner: str, rows: int, told: str) -> None:
        task = self._tasks.get(owner)
        if task is None:
            if len(self._tasks) >= self._most:
                return
            task = self._tasks[owner] = self.bars.add_task(owner, total=None, told="")
        self.bars.update(task, advance=rows, told=told)

    def _drop(self, owner: str) -> None:
        task = self._tasks.pop(owner, None)
        if task is not None:
            self.bars.remove_task(task)


def _bars(console: Console | None) -> Progress:
    """Return bars that are not drawn yet.

    Raises:
        ConfigurationError: rich is missing.
    """
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    except ImportError:
        problem = missing("SweepProgress", "rich", "cli")
    else:
        where = Console(stderr=True) if console is None else console
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[told]}"))
        return Progress(*columns, console=where, disable=not where.is_terminal)
    raise ConfigurationError(problem)
