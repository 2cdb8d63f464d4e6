"""The limiters of all scopes.

Made when a scope is first used, merged when scopes share a quota, put to rest when nobody uses
them, forgotten when they are of no use.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Final

from wxrevenue._base import checks as _checks
from wxrevenue.limiters._local.clock import LimiterClock
from wxrevenue.limiters._local.gate import Gate
from wxrevenue.limiters._local.resting import RestingScopes
from wxrevenue.limiters._local.scope import Common, ScopeLimiter
from wxrevenue.limiters._local.scope_names import account_of, family_of
from wxrevenue.limiters._quota.fixed_rate import FixedRate
from wxrevenue.limiters._quota.inference import QuotaEstimate
from wxrevenue.limiters._quota.learner import QuotaLearner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from wxrevenue.limiters._quota.fixed_rate import Rate
    from wxrevenue.limiters._quota.pacer import Pacer
    from wxrevenue.ports import Clock

_MANY: Final = 1_024
"""Scopes below which none is forgotten."""
_SOME: Final = 64
"""Scopes in use below which none is put to rest."""
SPLIT_WINDOWS: Final = 10.0
"""Windows for which scopes stay split after merging them did not help."""
_MERGED_WINDOWS: Final = 30.0
"""Windows without a refusal after which scopes are split.

They may have been merged by mistake.
"""

_SHARING_WINDOWS: Final = 2.0
"""Windows within which scopes were refused that may share a quota."""
_CROWD: Final = 8
_CROWD_WINDOWS: Final = 1 / 30
"""Windows within which so many scopes of one account are refused.

Most likely they share a quota.
"""

_UNTRIED: Final = 4
"""Scopes that were refused at their very first call.

So many show that new ones will be, too.
"""


class ScopeRegistry:
    """The limiters by scope, and what they have in common.

    Args:
        cooldown: seconds for which a refusal closes a scope; also the window.
        rate: what the user says of the quota.
        clock: where the time comes from.
    """

    def __init__(self, cooldown: float, rate: Rate | None, clock: Clock) -> None:
        self.cooldown = cooldown
        self.rate = rate
        self.clock = LimiterClock(clock)
        self.random: Callable[[], float] = random.random
        """Spreads widened pauses."""
        self.by_scope: dict[str, ScopeLimiter] = {}
        """For looking only; :meth:`limiter_of` makes the one that is missing."""
        self._resting = RestingScopes(cooldown)
        self._rest_at, self._forget_at = _SOME, _MANY
        self._shared: dict[str, ScopeLimiter] = {}
        """By family.

        The limiter of scopes some of which were refused at their very first call. Others had used
        up what they share, and a new scope of the family shares it, too.
        """
        self._common = Common(self.clock, self.limiter_of, self.on_refused, self.on_quiet)

    def __iter__(self) -> Iterator[ScopeLimiter]:
        """Go over the limiters in use."""
        return iter({id(limiter): limiter for limiter in self.by_scope.values()}.values())

    def at_rest(self) -> Iterator[ScopeLimiter]:
        """Go over the others, each made for the purpose."""
        return (self.new_limiter((scope,), learner) for scope, learner in self._resting)

    def check_open(self) -> None:
        """Raise ``ClientStateError`` once the limiter is closed."""
        self._common.check_open()

    def close(self) -> None:
        """End every wait, and let nobody in any more."""
        self._common.closed = True
        for limiter in self:
            limiter.end_waits()

    def limiter_of(self, scope: str) -> ScopeLimiter:
        """Return the scope's limiter."""
        limiter = self.by_scope.get(scope)
        if limiter is None:
            _checks.text("scope", scope)
            self._tidy()
            learner, family = self._resting.take(scope), family_of(scope)
            shared = None if family is None or learner is not None else self._shared.get(family)
            if shared is not None:
                shared.scopes += (scope,)
                return self.by_scope.setdefault(scope, shared)
            limiter = self.by_scope[scope] = self.new_limiter((scope,), learner)
            if not self._common.closed:
                limiter.allow_fast_path(self.clock.now())
        return limiter

    def find(self, scope: str) -> ScopeLimiter | None:
        """Return the scope's limiter if there is one."""
        return self.by_scope.get(scope)

    def new_limiter(self, scopes: tuple[str, ...], pacer: Pacer | None = None) -> ScopeLimiter:
        """Return a limiter that nobody uses yet."""
        if pacer is None:
            pacer = QuotaLearner(self.cooldown) if self.rate is None else FixedRate(self.rate)
        return ScopeLimiter(self._common, scopes, Gate(self.cooldown, self.random, self.clock.margin), pacer)

    def register(self, limiter: ScopeLimiter, families: Iterable[str] = ()) -> None:
        """Make this the limiter of its scopes, and of new scopes of these families."""
        for scope in limiter.scopes:
            self.by_scope[scope] = limiter
        self._shared |= dict.fromkeys(families, limiter)

    def families_of(self, limiter: ScopeLimiter) -> list[str]:
        """Return the families whose new scopes share what the limiter keeps to."""
        return [family for family, shared in self._shared.items() if shared is limiter]

    def _tidy(self) -> None:
        """Put to rest, and forget, the limiters of which nobody would notice.

        At times, so that it costs little.
        """
        if len(self.by_scope) >= self._rest_at:
            now, shared = self.clock.now_or_last(), set(self._shared.values())
            for scope, limiter in [*self.by_scope.items()]:
                if limiter not in shared and self._resting.put(limiter, now):
                    del self.by_scope[scope]
            self._rest_at = max(_SOME, 2 * len(self.by_scope))
        if len(self.by_scope) + len(self._resting) >= self._forget_at:
            self._forget_useless(self.clock.now_or_last())
            self._forget_at = max(_MANY, 2 * (len(self.by_scope) + len(self._resting)))

    def _forget_useless(self, now: float) -> None:
        self._resting.forget_useless(now)
        for scope in [scope for scope, limiter in self.by_scope.items() if limiter.useless(now)]:
            del self.by_scope[scope]
        self._shared = {family: limiter for family, limiter in self._shared.items() if limiter.scopes[0] in self.by_scope}

    # ------------------------------------------------------------------ merging and splitting

    def on_refused(self, limiter: ScopeLimiter, now: float, probe: bool) -> None:  # noqa: FBT001  (a callback)
        """Look for the scopes that use the same quota.

        Somebody does if a probe is refused after a quiet window, and most likely if a crowd of
        scopes is refused at once. If all of them kept quiet together twice already, then merging
        was wrong, and they are split.
        """
        if self.rate is not None:
            return
        self._note_others(account_of(limiter.scopes[0]), now)
        windows = _SHARING_WINDOWS if probe else _CROWD_WINDOWS
        sharing = scopes_sharing_quota(limiter, self, now, windows * self.cooldown)
        scopes = sum(len(one.scopes) for one in sharing) + len(limiter.scopes)
        if sharing and (probe or scopes >= _CROWD):
            self._merge((limiter, *sharing))
        elif probe and len(limiter.scopes) > 1 and limiter.gate.failed > 1:
            self._split(limiter, now, closed=True)

    def _note_others(self, account: str, now: float) -> None:
        """Tell learners what the account's other scopes called lately.

        These are the learners of scopes that were refused just now.
        """
        refused, called = list[QuotaLearner](), self._resting.answered_since(account, now - self.cooldown)
        for one in self:
            if account_of(one.scopes[0]) != account or not isinstance(one.pacer, QuotaLearner):
                continue
            if not one.gate.closed:
                called += one.pacer.answered_since(now - self.cooldown)
            elif now - one.gate.tripped <= _CROWD_WINDOWS * self.cooldown:
                refused.append(one.pacer)
        for learner in refused:
            learner.note_others(called)

    def on_quiet(self, limiter: ScopeLimiter, now: float) -> None:
        """Split scopes that have not been refused anything for long."""
        if not limiter.gate.closed and now - limiter.gate.tripped >= _MERGED_WINDOWS * self.cooldown:
            self._split(limiter, now, closed=False)

    def _merge(self, limiters: tuple[ScopeLimiter, ...]) -> None:
        merged = self.new_limiter(tuple(scope for limiter in limiters for scope in limiter.scopes))
        merged.pacer = merged_learner([limiter.pacer for limiter in limiters], self.cooldown)
        merged.gate.close_like_last([limiter.gate for limiter in limiters])
        families = self._families_sharing(limiters)
        self._replace(limiters, (merged,))
        self._shared |= dict.fromkeys(families, merged)

    def _families_sharing(self, limiters: tuple[ScopeLimiter, ...]) -> set[str]:
        """Return the families of scopes with which new ones share a quota.

        A family is of one action, or of several.
        """
        known = {family for family, limiter in self._shared.items() if limiter in limiters}
        untried = (one for one in limiters if isinstance(one.pacer, QuotaLearner) and one.pacer.is_untried)
        counts = Counter(family_of(limiter.scopes[0]) for limiter in untried)
        return known | {family for family, count in counts.items() if family is not None and count >= _UNTRIED}

    def _split(self, limiter: ScopeLimiter, now: float, *, closed: bool) -> None:
        split = tuple(self.new_limiter((scope,)) for scope in limiter.scopes)
        for one in split:
            one.split_until = now + SPLIT_WINDOWS * self.cooldown
            if closed:
                one.gate.close_like(limiter.gate)
        self._replace((limiter,), split)

    def _replace(self, old: tuple[ScopeLimiter, ...], new: tuple[ScopeLimiter, ...]) -> None:
        self._shared = {family: limiter for family, limiter in self._shared.items() if limiter not in old}
        for limiter in new:
            self.register(limiter)
            for replaced in old:
                replaced.move_to(limiter)
        for replaced in old:
            replaced.retire()
        for limiter in new:
            limiter.advance(self.clock.now())


def scopes_sharing_quota(limiter: ScopeLimiter, registry: ScopeRegistry, now: float, seconds: float) -> tuple[ScopeLimiter, ...]:
    """Return the limiters of the scopes that may well share a quota with this one.

    Those refused so lately.
    """
    account = account_of(limiter.scopes[0])
    since = now - seconds
    return tuple(
        other for other in registry if other is not limiter and account_of(other.scopes[0]) == account and _tripped(other, since, now)
    )


def _tripped(limiter: ScopeLimiter, since: float, now: float) -> bool:
    return limiter.gate.closed and limiter.gate.tripped >= since and limiter.split_until <= now and not limiter.gate.quota_ends > now


def merged_learner(pacers: Iterable[Pacer], window: float) -> QuotaLearner:
    """Return a learner for all.

    They were allowed the sum of their budgets, as far as these are known.
    """
    learners = [pacer for pacer in pacers if isinstance(pacer, QuotaLearner)]
    budgets = [learner.estimate.budget or 0 for learner in learners]
    merged = QuotaLearner(window, QuotaEstimate(window, sum(budgets) if all(budgets) else None))
    merged.in_flight = sum(learner.in_flight for learner in learners)
    return merged
