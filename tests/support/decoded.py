"""Settlements as tests decode them, and what decoding refuses."""

from __future__ import annotations

from typing import Any

from wxrevenue import DecodeError, Settlement, SettlementPage
from wxrevenue._wire.codec import decode

ROW: dict[str, Any] = {"month": "202003", "order": 1, "settled_revenue": 5}


def page(**changes: Any) -> SettlementPage:
    """Return a decoded page."""
    found: SettlementPage = made(SettlementPage, {"total_num": 1, **changes})
    return found


def row(**changes: Any) -> Settlement:
    """Return a decoded row."""
    found: Settlement = made(Settlement, {**ROW, **changes})
    return found


def made(kind: type[Any], payload: object) -> Any:
    """Return the payload as that model."""
    found = decode(kind, payload)
    assert isinstance(found, kind), found
    return found


def refused(kind: type[Any], payload: object) -> str:
    """Return the path and the reason of a payload that does not fit."""
    found = decode(kind, payload)
    assert type(found) is DecodeError, found
    return str(found)
