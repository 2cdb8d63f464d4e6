"""The conformance suite of rate limiters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue.testing._limiter_suite import ending as _ending
from wxrevenue.testing._limiter_suite import gating as _gating
from wxrevenue.testing._limiter_suite import queueing as _queueing
from wxrevenue.testing._limiter_suite import spending as _spending
from wxrevenue.testing._limiter_suite import storming as _storming

if TYPE_CHECKING:
    from wxrevenue.testing._limiter_suite.case import LimiterCase


def limiter_cases() -> list[LimiterCase]:
    """Return what a rate limiter must come through, case by case.

    A limiter may pace its callers as it likes, as long as they get their turns in order and within
    their deadlines.
    """
    return [*_gating.CASES, *_queueing.CASES, *_spending.CASES, *_ending.CASES, *_storming.CASES]
