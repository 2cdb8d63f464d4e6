"""What the log ``wxrevenue`` says of gates.

A warning when one closes, a line when it is open again. It does not depend on the limiter, or on a
listener: a pause of a minute must be logged.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from wxrevenue.errors import QuotaExceededError

if TYPE_CHECKING:
    from wxrevenue._engine.call import Call
    from wxrevenue.errors import ApiError
    from wxrevenue.ports import Turn

_log = logging.getLogger("wxrevenue")
_MOST: Final = 10_000
"""Scopes kept at most; those that were not called again are dropped."""
_USUAL_S: Final = 60.0
"""Seconds that a gate is taken to be closed for where the limiter does not say."""
_EARLY_S: Final = 0.01


def gate_closed(gates: dict[str, float], account: str, call: Call[object], turn: Turn, error: ApiError) -> None:
    """Log that a refusal closed a gate.

    Once, however many calls were on their way then.

    Args:
        gates: the scopes that were told as closed, each with the time when it opens.
        account: whose scope it is.
        call: the call that was refused.
        turn: its turn.
        error: the refusal.
    """
    scope = call.scope or ""
    known = gates.get(scope)
    if known is not None and call.now < known - _EARLY_S:
        return  # it was on its way when the gate closed
    seconds = getattr(turn, "closed_for", None) or error.retry_after or _USUAL_S
    if len(gates) >= _MOST:
        gates.clear()
    gates[scope] = call.now + seconds
    name, code = call.endpoint.name, error.code
    if isinstance(error, QuotaExceededError):
        _log.warning("%s of %s: %s, the quota is spent: its calls fail; the next try is in %.0f s", name, account, code, seconds)
    else:
        _log.warning("%s of %s: %s, too fast: calls of this account and action wait %.0f s", name, account, code, seconds)


def gate_opened(gates: dict[str, float], account: str, call: Call[object]) -> None:
    """Log that a scope which was told as closed took a call again."""
    if gates.pop(call.scope or "", None) is not None:
        _log.info("%s of %s: open again", call.endpoint.name, account)
