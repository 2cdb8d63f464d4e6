"""The demo's job in small, and its screen."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console

from wxrevenue.cli._demo import job as _demo
from wxrevenue.cli._demo import screen as _show
from wxrevenue.cli._demo.report import DemoPlan, Report

if TYPE_CHECKING:
    from wxrevenue.sandbox import Sandbox

TINY = DemoPlan(components=2, years=1, marks=2, calls=100, window=0.05, latency=0.0, rate=0.0, kill=False)


async def ran(plan: DemoPlan = TINY, sandbox: Sandbox | None = None, watcher: _demo.Watcher | None = None) -> Report:
    """Run the demo's job."""
    return await _demo.run(plan, sandbox or _demo.make_sandbox(plan), watcher)


def screen() -> tuple[_show.Screen, io.StringIO]:
    """Return a screen and the stream that it writes to."""
    written = io.StringIO()
    return _show.Screen(Console(file=written, width=100)), written
