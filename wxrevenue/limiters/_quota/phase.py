"""The states of a learner, and what leads from one to the next.

::

    from       event                                                          to
    ---------  -------------------------------------------------------------  ---------
    NEW        a call is refused                                              REFUSED
    RELEASING  a whole window was accepted, or no call waits any more         NEW
    RELEASING  a call is refused                                              REFUSED
    KEEPING    the budget is spent and a test is due: one call more leaves    TESTING
    KEEPING    the same where the server is known to fill a bucket            MEASURING
    KEEPING    a call is refused                                              REFUSED
    KEEPING    a day without a call                                           NEW
    TESTING    the budget is no longer spent, or an answer never came         KEEPING
    TESTING    all calls beyond the budget were accepted                      KEEPING
    TESTING    the same behind a short burst, how the server counts unknown   MEASURING
    TESTING    a call is refused                                              REFUSED
    TESTING    a day without a call                                           NEW
    MEASURING  a window without an answer                                     KEEPING
    MEASURING  a call is refused                                              REFUSED
    MEASURING  a day without a call                                           NEW
    REFUSED    the pause is over, and a budget is known                       KEEPING
    REFUSED    the pause is over, and none is known                           RELEASING

The end of a pause leads to KEEPING or RELEASING from every other state as well: the gate of a
scope may have been closed by a spent quota, or by the refusal of a scope that shares its quota.
"""

from __future__ import annotations

import enum
from typing import Final


class Phase(enum.Enum):
    """What a learner is about."""

    NEW = "new"
    """No budget is known: a share of what was accepted may be in flight."""
    RELEASING = "releasing"
    """No budget is known behind a refusal: calls leave at a fixed pace."""
    KEEPING = "keeping"
    """Calls leave while the budget lasts."""
    TESTING = "testing"
    """Calls beyond the budget are out."""
    MEASURING = "measuring"
    """Calls leave ever faster, to learn how fast a bucket fills."""
    REFUSED = "refused"
    """A call was refused; what this teaches is learned when the pause is over."""


NEW: Final = Phase.NEW
RELEASING: Final = Phase.RELEASING
KEEPING: Final = Phase.KEEPING
TESTING: Final = Phase.TESTING
MEASURING: Final = Phase.MEASURING
REFUSED: Final = Phase.REFUSED
"""A member that is looked at on every call.

Before Python 3.12, to find a member in its enumeration takes long.
"""
