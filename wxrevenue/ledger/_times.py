"""Times as a ledger keeps them: microseconds of Unix time."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from typing import Final

from wxrevenue.errors import ConfigurationError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
SECOND: Final = 1_000_000
"""Microseconds."""


@functools.lru_cache  # whatever one transaction writes has the same time
def utc(micros: int) -> datetime:
    """Return a time of day of the UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def micros(where: str, moment: object) -> int:
    """Return a time of day in microseconds.

    Raises:
        ConfigurationError: it is none, or without a time zone.
    """
    if not isinstance(moment, datetime):
        raise ConfigurationError(f"{where}: expected a datetime, got {type(moment).__name__}")
    if moment.tzinfo is None:
        raise ConfigurationError(f"{where}: expected a datetime with a time zone: whose clock would it mean?")
    return (moment - _EPOCH) // _MICROSECOND
