"""The conformance suite of rate limiters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue.testing import _ending, _gating, _queueing, _spending, _storming

if TYPE_CHECKING:
    from wxrevenue.testing._limiter_case import LimiterCase


def limiter_cases() -> list[LimiterCase]:
    """Return what a rate limiter must come through, case by case.

    A limiter may pace its callers as it likes, as long as they get their turns in order and within their deadlines.
    """
    return [*_gating.CASES, *_queueing.CASES, *_spending.CASES, *_ending.CASES, *_storming.CASES]
