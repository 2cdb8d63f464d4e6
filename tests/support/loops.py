"""The event loops that the suite can run on, beside asyncio's own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

LOOPS = ("asyncio", "uvloop", "eager")


def use(name: str) -> None:
    """Make this the loop that tests get.

    ``uvloop``: wherever a test does not make a loop itself; virtual time needs asyncio's.
    ``eager``: asyncio's own loops, virtual ones too, run a new task at once (Python 3.12 and
    later).
    """
    if name == "uvloop":
        policy: Any = pytest.importorskip("uvloop").EventLoopPolicy()
        asyncio.set_event_loop_policy(policy)  # pyright: ignore[reportDeprecated]  (until 3.16)
    elif name == "eager":
        _make_tasks_eager()


def _make_tasks_eager() -> None:
    factory = getattr(asyncio, "eager_task_factory", None)
    if factory is None:
        raise pytest.UsageError("--loop eager needs Python 3.12 or later")
    loops: Any = asyncio.BaseEventLoop
    make = loops.__init__

    def make_eager(loop: Any) -> None:
        make(loop)
        loop.set_task_factory(factory)

    loops.__init__ = make_eager
