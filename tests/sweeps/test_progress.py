"""The ready-made progress bar.

It counts jobs, has a bar for each owner under way, and is absent without a terminal.
"""

from __future__ import annotations

import builtins
import io
from typing import Any

import pytest
from rich.console import Console
from support.virtual import virtual

from wxrevenue import ConfigurationError, RevenueClient, sweep, sweep_authorizer_settlements
from wxrevenue.events import JobEvent
from wxrevenue.sandbox import Sandbox
from wxrevenue.sweeps.progress import SweepProgress


def screen(*, terminal: bool = True) -> tuple[Console, io.StringIO]:
    """Return a console and its output."""
    written = io.StringIO()
    return Console(file=written, force_terminal=terminal, width=100, color_system=None), written


def event(state: str, job: Any, **totals: Any) -> JobEvent:
    """Return an event of a sweep over three jobs."""
    usual: dict[str, Any] = {"key": None, "rows": 0, "done": 0, "failed": 0, "skipped": 0, "cooling": 0, "jobs": 3, **totals}
    return JobEvent(endpoint="sweep", account="", state=state, job=job, **usual)


def shown(progress: SweepProgress) -> list[tuple[str, float, float | None, str]]:
    """Return each bar: its text, its position, its total, and the text beside it."""
    return [(task.description, task.completed, task.total, task.fields["told"]) for task in progress.bars.tasks]


def test_bars() -> None:
    """Jobs are counted in the first bar.

    An owner has a bar from its first page until its job ends.
    """
    progress = SweepProgress(console=screen()[0])
    progress(event("page", "wx1", rows=20, total_rows=20))
    progress(event("page", "wx1", rows=5, total_rows=25))
    progress(event("cooling", "wx2", cooling=1, total_rows=25))
    assert shown(progress) == [("all jobs", 0, 3, "25 rows, 1 cooling"), ("wx1", 25, None, ""), ("wx2", 0, None, "waits")]
    progress(event("done", "wx1", done=1, total_rows=25))
    progress(event("failed", "wx2", done=1, failed=1, total_rows=25))
    progress(event("skipped", "wx3", done=1, failed=1, skipped=1, total_rows=25))
    assert shown(progress) == [("all jobs", 3, 3, "25 rows, 1 failed, 1 skipped")]


def test_owners() -> None:
    """Jobs of one owner share a bar, and only so many owners are shown."""
    progress = SweepProgress(owner=lambda job: job[0], console=screen()[0], most=1)
    for job in (("wx1", "January"), ("wx1", "February"), ("wx2", "January")):
        progress(event("page", job, rows=1))
    assert [name for name, *_ in shown(progress)] == ["all jobs", "wx1"]


@virtual
async def test_a_sweep_is_drawn() -> None:
    """The last line on a terminal has the numbers of jobs and rows."""
    sandbox = Sandbox()
    appid = sandbox.components[0]
    client = RevenueClient(sandbox.tokens(appid), component_appid=appid, transport=sandbox.transport())
    console, written = screen()
    jobs = sandbox.programs(appid)
    rows = 0
    with SweepProgress(console=console) as progress:
        async for outcome in sweep_authorizer_settlements(client, jobs, "2024-01-01", "2024-01-31", on_event=progress):
            rows += len(outcome.value or [])
    assert f"{len(jobs)}/{len(jobs)}" in written.getvalue()
    assert f"{rows} rows" in written.getvalue()


async def test_no_terminal() -> None:
    """In a pipe no bar is drawn, and the sweep runs as usual."""
    console, written = screen(terminal=False)

    async def call(job: int) -> int:
        return job

    with SweepProgress(console=console) as progress:
        found = [outcome.value async for outcome in sweep(call, range(3), on_event=progress)]
    assert sorted(found, key=str) == [0, 1, 2]
    assert written.getvalue().strip() == ""


async def test_totals_of_jobs_without_a_length() -> None:
    """A generator has no length: the total stays unknown."""
    told: list[JobEvent] = []

    async def call(job: int) -> list[int]:
        return [job] * 2

    async for _ in sweep(call, (n for n in range(3)), on_event=told.append):
        pass
    assert {one.jobs for one in told} == {None}
    assert told[-1].total_rows == 6


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without rich the error names the extra."""
    real = builtins.__import__

    def importing(name: str, *args: Any) -> Any:
        if name.startswith("rich"):
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", importing)
    with pytest.raises(ConfigurationError, match=r"SweepProgress needs rich: pip install 'wxrevenue\[cli\]'"):
        SweepProgress()


@pytest.mark.parametrize("wrong", [{"most": -1}, {"owner": 5}])
def test_wrong_arguments(wrong: Any) -> None:
    """A wrong argument is refused by name."""
    with pytest.raises(ConfigurationError, match=rf"SweepProgress\.{next(iter(wrong))}"):
        SweepProgress(**wrong)
