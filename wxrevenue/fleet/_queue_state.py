"""How a queue of jobs stands."""

from __future__ import annotations

import attrs

from wxrevenue._base.printable import Printable

__all__ = ["QueueState"]


@attrs.frozen
class QueueState(Printable):
    """How many jobs a queue has, and how many workers."""

    waiting: int
    """Jobs that wait for a worker."""
    postponed: int
    """Jobs that wait for another try."""
    running: int
    """Jobs that a worker has."""
    workers: int
    """Workers that gave a sign of life of late."""
