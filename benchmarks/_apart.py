"""Parts of a benchmark in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

_HERE: Final = Path(__file__).parent.parent


def apart(module: str, *arguments: object) -> Any:
    """Run a module as a program; return what it prints.

    What it takes is its own: no memory, and no module, of this process.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=_HERE).stdout)  # noqa: S603
