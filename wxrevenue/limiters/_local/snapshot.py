"""A limiter's knowledge as plain data, with wall-clock times.

So the next process can go on from it.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from wxrevenue._wire.codec import structure_hook
from wxrevenue.errors import ConfigurationError, DecodeError
from wxrevenue.limiters._local.gate import GateState
from wxrevenue.limiters._local.registry import SPLIT_WINDOWS
from wxrevenue.limiters._quota.fixed_rate import FixedRate
from wxrevenue.limiters._quota.learner import QuotaLearner
from wxrevenue.limiters._quota.phase import Phase
from wxrevenue.limiters._quota.state import LearnerState, check_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.limiters._local.gate import Gate
    from wxrevenue.limiters._local.registry import ScopeRegistry
    from wxrevenue.limiters._local.scope import ScopeLimiter
    from wxrevenue.limiters._quota.state import Field, Plain

T = TypeVar("T")
VERSION: Final = 1
"""The version of the layout that :func:`dump` writes; :func:`load` reads no other."""

# ---------------------------------------------------------------------- writing


def dump(registry: ScopeRegistry) -> Plain:
    """Return what is known, as dicts, lists, strings and numbers."""
    now = registry.clock.now()
    shift = registry.clock.unix() - now
    known = (limiter for limiter in itertools.chain(registry, registry.at_rest()) if not limiter.useless(now))
    found = [_scope_row(limiter, registry.families_of(limiter), now, shift) for limiter in known]
    return {"version": VERSION, "window": registry.cooldown, "lanes": found}


def _scope_row(limiter: ScopeLimiter, families: list[str], now: float, shift: float) -> Plain:
    limiter.pacer.count_deferred(now)
    limiter.allow_fast_path_if_idle(now)
    split_until = limiter.split_until + shift if limiter.split_until > now else None
    gate = limiter.gate_at(now).dump(now, shift)
    scope = {"scopes": list(limiter.scopes), "families": families, "split_until": split_until}
    return {**scope, **gate, **limiter.pacer.dump(shift)}


# ---------------------------------------------------------------------- reading


def _scopes(_row: object, attribute: Field, value: list[str]) -> None:
    if not value:
        raise ConfigurationError(f"{attribute.name}: expected at least one")


@attrs.frozen(kw_only=True)
class _ScopeState:
    """What a row says beside gate and learner.

    See :meth:`wxrevenue.LocalRateLimiter.snapshot`.
    """

    scopes: list[str] = attrs.field(validator=_scopes)
    families: list[str] = attrs.field(factory=list[str])
    split_until: float | None = attrs.field(default=None, validator=check_time)
    due: float | None = attrs.field(default=None, validator=check_time)


@attrs.frozen
class _Row:
    """A row of a snapshot, in three parts."""

    scope: _ScopeState
    gate: GateState
    learner: LearnerState


@attrs.frozen
class _Snapshot:
    """What :func:`dump` returns, its rows not looked into."""

    version: int
    window: float
    lanes: list[Any]


def _read(kind: Callable[..., T], value: object, where: str) -> T:
    """Return the value as that class; what is wrong with it is named by its path."""
    try:
        read: T = structure_hook(kind)(value, kind)
    except DecodeError as error:
        problem = f"{where}{error.path.removeprefix('$')}: {error.message}"
    except ConfigurationError as error:
        problem = f"{where}.{error.message}"
    else:
        return read
    raise ConfigurationError(problem)


def load(registry: ScopeRegistry, data: object) -> None:
    """Take over what :func:`dump` returned, after checking all of it."""
    snapshot = _read(_Snapshot, data, "snapshot")
    if snapshot.version != VERSION:
        raise ConfigurationError(f"snapshot.version: expected {VERSION}")
    if snapshot.window != registry.cooldown:
        raise ConfigurationError(f"snapshot.window: expected {registry.cooldown}, the limiter's cooldown")
    rows = [_row(row, f"snapshot.lanes[{number}]") for number, row in enumerate(snapshot.lanes)]
    scopes = list(itertools.chain.from_iterable(row.scope.scopes for row in rows))
    if len(scopes) != len(set(scopes)):
        raise ConfigurationError("snapshot.lanes: expected every scope once")
    now, unix = registry.clock.now(), registry.clock.unix()
    for row in rows:
        registry.register(_restored(registry, row, now, unix), row.scope.families)


def _row(data: object, where: str) -> _Row:
    return _Row(_read(_ScopeState, data, where), _read(GateState, data, where), _read(LearnerState, data, where))


def _restored(registry: ScopeRegistry, row: _Row, now: float, unix: float) -> ScopeLimiter:
    shift = now - unix
    limiter = registry.new_limiter(tuple(row.scope.scopes))
    limiter.gate.take(row.gate.plausible(unix, registry.cooldown), now, unix)
    if row.gate.tripped is None and len(limiter.scopes) > 1:
        limiter.gate.tripped = now  # they were merged because of a refusal
    if row.scope.split_until is not None:
        limiter.split_until = min(row.scope.split_until + shift, now + SPLIT_WINDOWS * registry.cooldown)
    if not isinstance(limiter.pacer, FixedRate):
        limiter.pacer = _learner(row.learner.moved(shift, now).completed(now), limiter.gate, registry.cooldown, now)
    elif row.scope.due is not None:
        limiter.pacer.take_due(row.scope.due + shift, now)
    limiter.allow_fast_path_if_idle(now)
    return limiter


def _learner(state: LearnerState, gate: Gate, window: float, now: float) -> QuotaLearner:
    """Return a learner that goes on, and is careful.

    It is unknown what became of the calls that were in flight.
    """
    learner = QuotaLearner.of(window, state)
    learner.count_deferred(now)
    learner.lose_calls(now)
    learner.growth.postpone(learner.estimate, now)
    if not gate.closed and learner.phase is Phase.REFUSED:
        learner.on_reopened(now)
    return learner
