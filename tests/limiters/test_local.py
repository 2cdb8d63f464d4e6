"""Every rate limiter of ours comes through the conformance suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wxrevenue import LocalRateLimiter
from wxrevenue.testing import LimiterCase, limiter_cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue import RateLimiter

LIMITERS: dict[str, Callable[..., RateLimiter]] = {"local": LocalRateLimiter}


@pytest.mark.parametrize("case", limiter_cases(), ids=str)
@pytest.mark.parametrize("make", LIMITERS.values(), ids=LIMITERS)
def test_conforms(make: Callable[..., RateLimiter], case: LimiterCase) -> None:
    """A rate limiter does what the case says."""
    case.run(make)
