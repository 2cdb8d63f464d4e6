"""The command line (extra ``cli``)."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from wxrevenue._base import extras
from wxrevenue.cli._starting import quiet_interrupts

if TYPE_CHECKING:
    from collections.abc import Callable

_EXTRA = frozenset({"rich", "typer"})


def main() -> None:
    """Run the command line.

    Without the packages of the extra it exits 1 and says how to get them.
    """
    with quiet_interrupts():
        command = _command()
    command()


def _command() -> Callable[[], object]:
    """Load the commands."""
    try:
        from typer.main import get_command

        from wxrevenue.cli._app import app  # without the extra there is a message, not a traceback
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package not in _EXTRA:
            raise
        sys.exit(extras.missing("the wxrevenue command", package, "cli"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without 操作过快 shows question marks, not a traceback
    return get_command(app)
