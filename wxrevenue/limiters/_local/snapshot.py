"""A limiter's knowledge as plain data, with wall-clock times, so that the next process can go on from it."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from wxrevenue._base import checks
from wxrevenue._wire.codec import structure_hook
from wxrevenue.errors import ConfigurationError, DecodeError
from wxrevenue.limiters._local.gate import longest_pause
from wxrevenue.limiters._quota.fixed_rate import FixedRate
from wxrevenue.limiters._quota.inference import Kind, QuotaEstimate
from wxrevenue.limiters._quota.learner import QuotaLearner

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.limiters._local.gate import Gate
    from wxrevenue.limiters._local.registry import ScopeRegistry
    from wxrevenue.limiters._local.scope import ScopeLimiter

T = TypeVar("T")
VERSION: Final = 1
"""The version of the layout that :func:`dump` writes; :func:`load` reads no other."""

_DAY: Final = 86_400.0
_FARTHEST: Final = 1e15
"""Seconds; no time of ours is farther from 1970, and sums of smaller ones stay finite."""

# ---------------------------------------------------------------------- writing


def dump(registry: ScopeRegistry) -> dict[str, Any]:
    """Return what is known, as dicts, lists, strings and numbers."""
    now = registry.clock.now()
    shift = registry.clock.unix() - now
    found = [_scope_row(limiter, now, shift) for limiter in registry if not limiter.useless(now)]
    return {"version": VERSION, "window": registry.cooldown, "lanes": found}


def _scope_row(limiter: ScopeLimiter, now: float, shift: float) -> dict[str, Any]:
    limiter.pacer.count_deferred(now)
    limiter.allow_fast_path_if_idle(now)
    pace = _stated(limiter.pacer, shift) if isinstance(limiter.pacer, FixedRate) else _learned(limiter.pacer, shift)
    return {"scopes": list(limiter.scopes), **_gate(limiter.gate_at(now), now, shift), **pace}


def _gate(gate: Gate, now: float, shift: float) -> dict[str, Any]:
    return {
        "opens": gate.opens + shift if gate.closed else None,
        "quota_ends": gate.quota_ends + shift if gate.quota_ends > now else None,
        "failed": gate.failed,
        "pause": gate.pause,
        "tripped": gate.tripped + shift if math.isfinite(gate.tripped) else None,
    }


def _stated(pace: FixedRate, shift: float) -> dict[str, Any]:
    return {"due": pace.gcra.due + shift if math.isfinite(pace.gcra.due) else None}


def _learned(pace: QuotaLearner, shift: float) -> dict[str, Any]:
    known = pace.estimate
    return {
        "budget": known.budget,
        "span": known.span,
        "kind": known.kind.value,
        "lasted": known.lasted,
        "interval": known.interval,
        "before": known.before,
        "doubts": known.doubts,
        "stretched": known.stretched,
        "tested_at": pace.growth.tested_at + shift if math.isfinite(pace.growth.tested_at) else None,
        "proven": pace.proven,
        "recent": [[when + shift, calls] for when, calls in pace.log.entries()],
    }


# ---------------------------------------------------------------------- reading


def _time(_row: Any, attribute: attrs.Attribute[Any], value: float | None) -> None:
    if value is not None and not -_FARTHEST < value < _FARTHEST:
        raise ConfigurationError(f"{attribute.name}: expected a finite number")


def _seconds(_row: Any, attribute: attrs.Attribute[Any], value: float | None) -> None:
    if value is not None:
        checks.seconds(attribute.name, value)


def _at_least(least: int) -> Any:
    def check(_row: Any, attribute: attrs.Attribute[Any], value: int | None) -> None:
        if value is not None:
            checks.count(attribute.name, value, least)

    return check


def _scopes(_row: Any, attribute: attrs.Attribute[Any], value: list[str]) -> None:
    if not value:
        raise ConfigurationError(f"{attribute.name}: expected at least one")


def _kind(_row: Any, attribute: attrs.Attribute[Any], value: str) -> None:
    allowed = [kind.value for kind in Kind]
    if value not in allowed:
        raise ConfigurationError(f"{attribute.name}: expected {' or '.join(map(repr, allowed))}")


def _recent(_row: Any, attribute: attrs.Attribute[Any], value: list[list[float]]) -> None:
    for number, pair in enumerate(value):
        where = f"{attribute.name}[{number}]"
        if len(pair) != 2:  # noqa: PLR2004
            raise ConfigurationError(f"{where}: expected a time and a count")
        if not -_FARTHEST < pair[0] < _FARTHEST:
            raise ConfigurationError(f"{where}[0]: expected a finite number")
        if not (1 <= pair[1] < _FARTHEST and pair[1].is_integer()):
            raise ConfigurationError(f"{where}[1]: expected a whole number, at least 1")


@attrs.frozen(kw_only=True)
class _ScopeState:
    """A row of a snapshot; see :meth:`wxrevenue.LocalRateLimiter.snapshot`."""

    scopes: list[str] = attrs.field(validator=_scopes)
    opens: float | None = attrs.field(default=None, validator=_time)
    quota_ends: float | None = attrs.field(default=None, validator=_time)
    failed: int = attrs.field(default=0, validator=_at_least(0))
    pause: float | None = attrs.field(default=None, validator=_seconds)
    tripped: float | None = attrs.field(default=None, validator=_time)
    due: float | None = attrs.field(default=None, validator=_time)
    budget: int | None = attrs.field(default=None, validator=_at_least(1))
    span: float | None = attrs.field(default=None, validator=_seconds)
    kind: str = attrs.field(default=Kind.UNKNOWN.value, validator=_kind)
    lasted: float = attrs.field(default=0.0, validator=_time)
    interval: float = attrs.field(default=0.0, validator=_time)
    before: int | None = attrs.field(default=None, validator=_at_least(1))
    doubts: int = attrs.field(default=0, validator=_at_least(0))
    stretched: int = attrs.field(default=0, validator=_at_least(0))
    tested_at: float | None = attrs.field(default=None, validator=_time)
    proven: int = attrs.field(default=0, validator=_at_least(0))
    recent: list[list[float]] = attrs.field(factory=list["list[float]"], validator=_recent)


@attrs.frozen
class _Snapshot:
    """What :func:`dump` returns, its rows not looked into."""

    version: int
    window: float
    lanes: list[Any]


def _read(kind: Callable[..., T], value: Any, where: str) -> T:
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


def load(registry: ScopeRegistry, data: Any) -> None:
    """Take over what :func:`dump` returned, after checking all of it."""
    snapshot = _read(_Snapshot, data, "snapshot")
    if snapshot.version != VERSION:
        raise ConfigurationError(f"snapshot.version: expected {VERSION}")
    if snapshot.window != registry.cooldown:
        raise ConfigurationError(f"snapshot.window: expected {registry.cooldown}, the limiter's cooldown")
    rows = [_read(_ScopeState, row, f"snapshot.lanes[{number}]") for number, row in enumerate(snapshot.lanes)]
    scopes = list(itertools.chain.from_iterable(row.scopes for row in rows))
    if len(scopes) != len(set(scopes)):
        raise ConfigurationError("snapshot.lanes: expected every scope once")
    now = registry.clock.now()
    for row in rows:
        registry.register(_restored(registry, row, now))


def _restored(registry: ScopeRegistry, row: _ScopeState, now: float) -> ScopeLimiter:
    shift = now - registry.clock.unix()
    limiter = registry.new_limiter(tuple(row.scopes))
    _close(limiter.gate, row, registry, now)
    if isinstance(limiter.pacer, QuotaLearner):
        _teach(limiter.pacer, row, shift, now)
    elif row.due is not None:
        limiter.pacer.gcra.due = min(row.due + shift, now + limiter.pacer.gcra.rate.burst * limiter.pacer.gcra.gap)
    limiter.allow_fast_path_if_idle(now)
    return limiter


def _close(gate: Gate, row: _ScopeState, registry: ScopeRegistry, now: float) -> None:
    """Give the gate its times. Whoever saved them may have had a wrong clock: none is far ahead."""
    unix = registry.clock.unix()
    shift = now - unix
    gate.tripped = now if row.tripped is None else min(now, row.tripped + shift)
    gate.pause = min(max(registry.cooldown, row.pause or 0.0), longest_pause(registry.cooldown))
    if row.opens is not None:
        opens = min(row.opens, unix + longest_pause(registry.cooldown))
        gate.closed, gate.opens, gate.failed = True, opens + shift, row.failed
        if row.quota_ends is not None and row.quota_ends > unix:
            gate.calendar = opens, min(row.quota_ends, unix + _DAY)
            gate.follow_calendar(now, unix)


def _teach(learner: QuotaLearner, row: _ScopeState, shift: float, now: float) -> None:
    span = row.span or learner.estimate.span
    kind = Kind(row.kind)
    learner.estimate = QuotaEstimate(
        span, row.budget, kind, row.lasted, row.interval, before=row.before, doubts=row.doubts, stretched=row.stretched
    )
    learner.proven = row.proven
    learner.recall([(min(now, when + shift), int(calls)) for when, calls in sorted(row.recent)])
    if row.tested_at is not None:
        learner.growth.tested_at = min(row.tested_at + shift, now)
    learner.growth.postpone(learner.estimate, now)
