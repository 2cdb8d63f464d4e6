"""The command line (extra ``cli``)."""

from __future__ import annotations

import io
import sys

_EXTRA = frozenset({"rich", "typer"})


def main() -> None:
    """Run the command line; without the extra's packages exit 1 and say how to get them."""
    try:
        from wxrevenue.cli._app import app  # without the extra there is a message, not a traceback
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package not in _EXTRA:
            raise
        sys.exit(f'the wxrevenue command needs {package}: pip install "wxrevenue[cli]"')
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without 操作过快 shows question marks, not a traceback
    app()
