"""How a program ends: without a traceback where it is stopped, or nobody reads on."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, NoReturn

from benchmarks._measure import module

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_STOPPED: Final = 130
"""The exit status of what Ctrl-C ended."""


def run(main: Callable[[], int | None], *, needs: Sequence[str] = ()) -> NoReturn:
    """Run a program's main function, and exit with what it returns.

    Args:
        main: returns the exit status.
        needs: modules without which it cannot run.

    Raises:
        SystemExit: always.
    """
    if missing := [name for name in needs if module(name) is None]:
        sys.exit(f"not installed: {', '.join(missing)} (pip install -e '.[bench]')")
    try:
        status = main()
        sys.stdout.flush()
        sys.exit(status)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        sys.exit(_STOPPED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more
        sys.exit(1)
