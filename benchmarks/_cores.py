"""Which processor cores a client and its server run on.

A server that shares its core with the client takes the client's caches, and a client that moves
from core to core loses its own. With two cores or more, a server gets the last one for itself.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator


def allowed() -> list[int]:
    """Return the cores that this process may use; none where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []


class _Shared:
    """The core that servers have, while there are any: several servers share it."""

    core: int | None = None


@contextlib.contextmanager
def beside_a_server() -> Generator[int | None]:
    """Keep this process, and those it starts, off the last core; give that core.

    Gives ``None`` where there is one core only, or the system cannot pin.
    """
    cores = allowed()
    if _Shared.core is not None or len(cores) < 2 or sys.platform != "linux":
        yield _Shared.core
        return
    _Shared.core = cores[-1]
    os.sched_setaffinity(0, cores[:-1])
    try:
        yield _Shared.core
    finally:
        _Shared.core = None
        os.sched_setaffinity(0, cores)


def pin(core: int | None, pid: int = 0) -> None:
    """Keep a process on a core, if there is one for it."""
    if core is not None and sys.platform == "linux":
        os.sched_setaffinity(pid, {core})
