"""Calls for sweeps, and their outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wxrevenue import Outcome, Sweep


async def outcomes(one: Sweep[Any, Any]) -> list[Outcome[Any, Any]]:
    """Return all outcomes of a sweep."""
    return [outcome async for outcome in one]
