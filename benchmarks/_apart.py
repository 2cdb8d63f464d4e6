"""Parts of a benchmark in processes of their own.

They end with the block that starts them, at the latest. Ctrl-C is for the program that was started
by hand: a terminal would send it to each of its processes.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

_HERE: Final = Path(__file__).parent.parent


@contextlib.contextmanager
def started(
    *arguments: object, under: Sequence[str] = (), stdin: int | None = None, stderr: int | None = None
) -> Generator[subprocess.Popen[bytes]]:
    """Run Python with these arguments, its standard output a pipe.

    Args:
        arguments: Python's.
        under: the program, with arguments, that runs Python.
        stdin: as ``subprocess`` knows it.
        stderr: likewise.
    """
    command = [*under, sys.executable, *map(str, arguments)]
    process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, cwd=_HERE, process_group=0)  # noqa: S603
    with process:
        try:
            yield process
        finally:
            process.kill()


def apart(module: str, *arguments: object) -> Any:
    """Run a module as a program; return what it prints.

    What it takes is its own: no memory, and no module, of this process.
    """
    return together(module, [arguments])[0]


def together(module: str, each: Sequence[Sequence[object]]) -> list[Any]:
    """Run a module as several programs at once; return what each prints.

    Raises:
        RuntimeError: one failed.
    """
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(started("-m", module, *arguments)) for arguments in each]
        printed = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        raise RuntimeError(f"{module} {each[0][0]}: a process failed: see above")
    return [json.loads(text) for text in printed]
