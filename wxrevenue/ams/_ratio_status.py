"""Which ratios a Mini Program has, as several calls together say."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import attrs

from wxrevenue._base.printable import Printable

if TYPE_CHECKING:
    from decimal import Decimal

    from wxrevenue.errors import WxRevenueError

__all__ = ["RatioState", "RatioStatus"]


class RatioState(enum.StrEnum):
    """How far the ratio that is set for a Mini Program has come."""

    IN_FORCE = "in_force"
    """What is set is in force."""
    AWAITING_CONFIRMATION = "awaiting_confirmation"
    """Something else is in force until the merchant confirms: renew the authorization."""
    UNSIGNED = "unsigned"
    """The merchant has not signed the agreement (1735)."""
    FAILED = "failed"
    """The ratios could not be read."""


@attrs.frozen
class RatioStatus(Printable):
    """The ratios of a Mini Program: the provider's share, in percent."""

    appid: str
    """The Mini Program."""
    default: Decimal | None
    """The provider's default; ``None`` if it could not be read."""
    custom: Decimal | None
    """What is set for this Mini Program.

    ``None`` if nothing is set, or if it could not be read.
    """
    in_force: Decimal | None
    """What counts today; ``None`` if it could not be read."""
    state: RatioState
    error: WxRevenueError | None
    """Why it could not be read; of an unsigned one the server's refusal."""
