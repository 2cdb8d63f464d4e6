"""How much memory this process has, and had at most.

The most is the process's own: ``ru_maxrss`` survives fork and exec, so that a process started by a
large one tells its parent's.
"""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Final

MEGABYTE: Final = 1 << 20


def resident() -> int:
    """Return the bytes that are in memory now.

    Where the system does not say, it is the most there ever were.
    """
    statm = Path("/proc/self/statm")
    pages = int(statm.read_text().split()[1]) if statm.exists() else 0
    return pages * resource.getpagesize() or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def peak() -> int:
    """Return the most bytes that this process ever had in memory.

    Where the system does not say, it is the most that it or its parent had.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    own = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
    return 1024 * (own or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
