"""G12: how long a program waits for ``from wxrevenue import RevenueClient``.

Fair because the rival imports what any asyncio program built on attrs and cattrs imports before its
first own line; both start a fresh interpreter, whose start-up is counted on both sides. Both find
their modules compiled, as a program does that was started before.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Final

from benchmarks._measure import Outcome, in_turns

LIMIT: Final = 0.70
OURS: Final = "from wxrevenue import RevenueClient"
RIVAL: Final = "import asyncio, attrs, cattrs"
_ENVIRONMENT: Final = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def milliseconds(statement: str) -> float:
    """Return the wall time of an interpreter that runs the statement, in milliseconds."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True, env=_ENVIRONMENT)  # noqa: S603  (one of the two above)
    return (time.perf_counter() - started) * 1e3


def run(*, quick: bool = False) -> list[Outcome]:
    """Measure."""
    rounds = 7 if quick else 31
    found = in_turns(lambda: milliseconds(OURS), lambda: milliseconds(RIVAL), rounds)
    return [found.outcome("G12", f"{OURS} / {RIVAL}", "ms", LIMIT)]
