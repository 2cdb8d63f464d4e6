"""Processes that tests start.

They hear signals whatever started the suite, and none outlives its test.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from types import FrameType


def keep_ignoring_interrupts() -> None:
    """Ignore SIGINT by a handler, if the suite's parent ignores it.

    A script that starts the suite in the background makes it ignore SIGINT, and ``exec`` hands that
    on. Python then installs no handler of its own, and a test that interrupts its child would wait
    without end. ``exec`` resets a handler to the default, so the processes that tests start do not
    inherit it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, _ignored)


def _ignored(number: int, frame: FrameType | None) -> None:
    """Do nothing."""


@contextlib.contextmanager
def started(command: Sequence[str]) -> Generator[subprocess.Popen[str]]:
    """Run a command whose output is read as text; kill it at the end whatever happens."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            yield process
        finally:
            process.kill()
