"""Ratios of a fleet: read, planned and set."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from wxrevenue import (
    RatioChange,
    RatioState,
    RatioStatus,
    ratio_status,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from support.fleet import Fleet


GET, GET_CUSTOM, SET, SET_CUSTOM = (
    "get_share_ratio",
    "agency_get_custom_share_ratio",
    "set_share_ratio",
    "agency_set_custom_share_ratio",
)
IN_FORCE, AWAITING, UNSIGNED, FAILED = RatioState


async def read(fleet: Fleet, appids: Iterable[str], **options: Any) -> dict[str, RatioStatus]:
    """Return the rows of these Mini Programs; each comes once."""
    rows = [row async for row in ratio_status(fleet.client, appids, **options)]
    found = {row.appid: row for row in rows}
    assert len(found) == len(rows)
    return found


def status(appid: str, custom: int | None = None, **facts: Any) -> RatioStatus:
    """Return the row of a Mini Program of a provider whose default is 50."""
    values: dict[str, Any] = {"default": Decimal(50), "in_force": Decimal(50), "state": IN_FORCE, "error": None, **facts}
    return RatioStatus(appid=appid, custom=None if custom is None else Decimal(custom), **values)


def change(appid: str | None, before: int | None, after: int) -> RatioChange:
    """Return a change."""
    return RatioChange(appid, None if before is None else Decimal(before), Decimal(after))
