"""Ctrl-C before a command begins.

The modules of the command line take most of a second to load. A ``KeyboardInterrupt`` in the
middle of an import is a traceback, and some imports turn it into another error. Nothing is open
yet, so the process simply ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

STOPPED: Final = 130
"""The exit code after Ctrl-C, as shells have it."""
_STDERR: Final = 2


@contextlib.contextmanager
def quiet_interrupts() -> Generator[None]:
    """Have Ctrl-C end the process with one line; afterwards it does as before.

    One that is ignored, or handled by the program around it, stays so. Python lets only the main
    thread handle signals.
    """
    handler = signal.getsignal(signal.SIGINT)
    if handler is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """End at once: an exception could be swallowed by the import that it breaks off."""
    del number, frame
    with contextlib.suppress(OSError):  # nobody reads it any more
        os.write(_STDERR, b"Stopped.\n")
    os._exit(STOPPED)
