"""G12: how long a program waits for ``RevenueClient``, and for the first one.

Fair because the rival imports what any asyncio program built on attrs and cattrs imports before its
first own line; both start a fresh interpreter, whose start-up is counted on both sides. Both find
their modules compiled, as a program does that was started before.

The first client is timed inside its interpreter, once the class is imported. Nor does the time of
``import aiohttp`` count the interpreter's start-up.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

from benchmarks._measure import Outcome, in_turns

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT: Final = 0.70
OURS: Final = "from wxrevenue import RevenueClient"
RIVAL: Final = "import asyncio, attrs, cattrs"
CLIENT_LIMIT: Final = 0.60
CLIENT: Final = "RevenueClient('fake-token', 'wx-benchmark')"
AIOHTTP: Final = "import aiohttp"
_ENVIRONMENT: Final[Mapping[str, str]] = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def milliseconds(statement: str) -> float:
    """Return the wall time of an interpreter that runs the statement, in milliseconds."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True, env=_ENVIRONMENT, process_group=0)  # noqa: S603  (one of those above)
    return (time.perf_counter() - started) * 1e3


def milliseconds_inside(statement: str, before: str = "pass") -> float:
    """Return the wall time of a statement in a fresh interpreter, in milliseconds.

    Args:
        statement: what is timed.
        before: a statement that is not.
    """
    program = f"{before}\nimport time\nbegan = time.perf_counter()\n{statement}\nprint((time.perf_counter() - began) * 1e3)"
    done = subprocess.run([sys.executable, "-c", program], check=True, env=_ENVIRONMENT, stdout=subprocess.PIPE, process_group=0)  # noqa: S603  (likewise)
    return float(done.stdout)


def run(*, quick: bool = False) -> list[Outcome]:
    """Measure."""
    rounds = 5 if quick else 31
    found = in_turns(lambda: milliseconds(OURS), lambda: milliseconds(RIVAL), rounds)
    client = in_turns(lambda: milliseconds_inside(CLIENT, OURS), lambda: milliseconds_inside(AIOHTTP), rounds)
    return [
        found.outcome("G12", f"{OURS} / {RIVAL}", "ms", LIMIT),
        client.outcome("G12", f"the first client made / {AIOHTTP}", "ms", CLIENT_LIMIT),
    ]
