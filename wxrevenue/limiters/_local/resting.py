"""The scopes that are not in use, and of which little is known.

A sweep over thousands of accounts makes a scope for each. A scope in use takes 3.5 kB, one at rest
some 0.4 kB with its name. Nobody can tell a scope that rested from one that did not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue.limiters._local.scope_names import account_of
from wxrevenue.limiters._quota.fixed_rate import FixedRate
from wxrevenue.limiters._quota.learner import QuotaLearner
from wxrevenue.limiters._quota.resting import answered_since, is_useless

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wxrevenue.limiters._local.scope import ScopeLimiter


class RestingScopes:
    """What is kept of them.

    Args:
        window: seconds that a quota is supposed to be for.
    """

    def __init__(self, window: float) -> None:
        self._window = window
        self._kept: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[tuple[str, QuotaLearner]]:
        for scope, kept in self._kept.items():
            yield scope, QuotaLearner.woken(self._window, kept)

    def put(self, limiter: ScopeLimiter, now: float) -> bool:
        """Keep what is needed of a limiter, if that is little; return whether it was.

        It is more where a call is in flight or waits, where something was ever refused, and where
        several scopes share a quota.
        """
        pacer, (scope, *sharing) = limiter.pacer, limiter.scopes
        if sharing or limiter.queue or not limiter.gate.is_new or limiter.split_until > now:
            return False
        kept = pacer.rest(now) if isinstance(pacer, (QuotaLearner, FixedRate)) else None
        if kept:
            self._kept[scope] = kept
        return kept is not None

    def take(self, scope: str) -> QuotaLearner | None:
        """Return the learner of a scope that was at rest, and keep it no longer."""
        kept = self._kept.pop(scope, None)
        return None if kept is None else QuotaLearner.woken(self._window, kept)

    def forget_useless(self, now: float) -> None:
        """Forget the scopes of which nobody would notice."""
        self._kept = {scope: kept for scope, kept in self._kept.items() if not is_useless(kept, now, self._window)}

    def answered_since(self, account: str, start: float) -> int:
        """Return how many calls of an account's scopes were answered from then on."""
        return sum(answered_since(kept, start) for scope, kept in self._kept.items() if account_of(scope) == account)
