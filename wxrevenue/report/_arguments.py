"""What reports are given, checked before anything is read."""

from __future__ import annotations

from wxrevenue._base.calendar import HalfMonth
from wxrevenue.errors import ConfigurationError
from wxrevenue.ledger import Ledger


def checked_half_month(where: str, ledger: object, half_month: object) -> HalfMonth:
    """Return a half-month, if it is one, and the ledger is one.

    Raises:
        ConfigurationError: one of them is not.
    """
    if not isinstance(ledger, Ledger):
        raise ConfigurationError(f"{where}.ledger: expected a Ledger, got {type(ledger).__name__}")
    if not isinstance(half_month, HalfMonth):
        raise ConfigurationError(f"{where}.half_month: expected a HalfMonth, got {type(half_month).__name__}")
    return half_month
