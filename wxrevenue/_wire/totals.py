"""The sums in the header of a page of settlements."""

from __future__ import annotations

import attrs

from wxrevenue._base.printable import Printable

__all__ = ["Totals"]


@attrs.frozen
class Totals(Printable):
    """What the header of a page of settlements says. The sums are all-time; fen."""

    revenue_all: int | None
    """Everything earned, also what has no settlement yet."""
    penalty_all: int | None
    """Everything deducted."""
    settled_revenue_all: int | None
    """Everything settled."""
    body: str | None
    """The company that settles."""
