"""Why a call is refused without being sent, and when to come again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wxrevenue._wire.codes import api_error
from wxrevenue.limiters._quota.schedule import RELEASE

if TYPE_CHECKING:
    from wxrevenue.errors import ApiError
    from wxrevenue.limiters._local.gate import Gate

_TOO_FAST_CODE: Final = 1737
_QUOTA_CODE: Final = 45009


def refusal(gate: Gate, now: float, earliest: float) -> ApiError:
    """Return the error for a caller whose turn cannot come before ``earliest``."""
    after = max(RELEASE, earliest - now)
    if gate.quota_ends > now:
        return api_error("not sent: the quota is spent", code=_QUOTA_CODE, status=0, retry_after=after)
    why = "the scope is cooling down" if gate.closed else "its turn does not come in time"
    return api_error(f"not sent: {why}", code=_TOO_FAST_CODE, status=0, retry_after=after)
