"""A limiter's knowledge as plain data, with wall-clock times, so that the next process can go on from it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from wxrevenue._base import checks as _checks
from wxrevenue.errors import ConfigurationError
from wxrevenue.limiters._local.gate import longest_pause
from wxrevenue.limiters._quota.inference import Kind, QuotaEstimate
from wxrevenue.limiters._quota.learner import QuotaLearner
from wxrevenue.limiters._quota.stated import FixedRate

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.limiters._local.gate import Gate
    from wxrevenue.limiters._local.registry import ScopeRegistry
    from wxrevenue.limiters._local.scope import ScopeLimiter

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
    return {"scopes": list(limiter.scopes), **_gate(limiter.gate, now, shift), **pace}


def _gate(gate: Gate, now: float, shift: float) -> dict[str, Any]:
    return {
        "opens": gate.opens + shift if gate.closed else None,
        "quota_ends": gate.quota_ends + shift if gate.quota_ends > now else None,
        "failed": gate.failed,
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
        "tested_at": pace.tested_at + shift if math.isfinite(pace.tested_at) else None,
        "proven": pace.proven,
        "recent": [[when + shift, calls] for when, calls in pace.log.entries()],
    }


# ---------------------------------------------------------------------- reading


def load(registry: ScopeRegistry, snapshot: Any) -> None:
    """Take over what :func:`dump` returned, after checking all of it."""
    where = "snapshot"
    _member(f"{where}.version", _get(where, snapshot, "version"), (VERSION,))
    _member(f"{where}.window", _get(where, snapshot, "window"), (registry.cooldown,))
    rows = _list(f"{where}.lanes", _get(where, snapshot, "lanes"))
    checked = [_checked(f"{where}.lanes[{number}]", row) for number, row in enumerate(rows)]
    scopes = [scope for row in checked for scope in row["scopes"]]
    if len(scopes) != len(set(scopes)):
        raise ConfigurationError(f"{where}.lanes: expected every scope once")
    now = registry.clock.now()
    for row in checked:
        registry.register(_restored(registry, row, now))


def _restored(registry: ScopeRegistry, row: dict[str, Any], now: float) -> ScopeLimiter:
    shift = now - registry.clock.unix()
    limiter = registry.new_limiter(tuple(row["scopes"]))
    if row["opens"] is not None:
        latest = now + longest_pause(registry.cooldown)  # whoever saved it may have had a wrong clock
        limiter.gate.closed, limiter.gate.opens, limiter.gate.failed = True, min(row["opens"] + shift, latest), row["failed"]
        limiter.gate.quota_ends = min((row["quota_ends"] or -math.inf) + shift, now + _DAY)
    if isinstance(limiter.pacer, QuotaLearner):
        _teach(limiter.pacer, row, shift, now)
    elif row["due"] is not None:
        limiter.pacer.gcra.due = min(row["due"] + shift, now + limiter.pacer.gcra.rate.burst * limiter.pacer.gcra.gap)
    limiter.allow_fast_path_if_idle(now)
    return limiter


def _teach(pace: QuotaLearner, row: dict[str, Any], shift: float, now: float) -> None:
    span, budget, kind = row["span"] or pace.estimate.span, row["budget"], Kind(row["kind"])
    pace.estimate = QuotaEstimate(span, budget, kind, row["lasted"], row["interval"])
    pace.proven = row["proven"]
    pace.recall([(min(now, when + shift), calls) for when, calls in row["recent"]])
    if row["tested_at"] is not None:
        pace.tested_at = min(row["tested_at"] + shift, now)
        pace.postpone_test(now)


_OPTIONAL_TIME: Final = ("opens", "quota_ends", "tested_at", "due")


def _checked(where: str, row: Any) -> dict[str, Any]:
    """Return a limiter's row with every field in it, each of the right kind."""
    found: dict[str, Any] = {"scopes": _scopes(f"{where}.scopes", _get(where, row, "scopes"))}
    for name in _OPTIONAL_TIME:
        found[name] = _optional(f"{where}.{name}", row.get(name), _number)
    found["budget"] = _optional(f"{where}.budget", row.get("budget"), _checks.count)
    found["span"] = _optional(f"{where}.span", row.get("span"), _checks.seconds)
    found["kind"] = _member(f"{where}.kind", row.get("kind", "unknown"), tuple(kind.value for kind in Kind))
    found["proven"] = _checks.count(f"{where}.proven", row.get("proven", 0), 0)
    found["failed"] = _checks.count(f"{where}.failed", row.get("failed", 0), 0)
    found["lasted"] = _number(f"{where}.lasted", row.get("lasted", 0.0))
    found["interval"] = _number(f"{where}.interval", row.get("interval", 0.0))
    recent = _list(f"{where}.recent", row.get("recent", []))
    found["recent"] = sorted(_recent(f"{where}.recent[{number}]", entry) for number, entry in enumerate(recent))
    return found


def _recent(where: str, entry: Any) -> tuple[float, int]:
    pair = _list(where, entry)
    if len(pair) != 2:  # noqa: PLR2004
        raise ConfigurationError(f"{where}: expected a time and a count")
    return _number(f"{where}[0]", pair[0]), _checks.count(f"{where}[1]", pair[1])


def _scopes(where: str, value: Any) -> list[str]:
    scopes = _list(where, value)
    if not scopes or not all(isinstance(scope, str) for scope in scopes):
        raise ConfigurationError(f"{where}: expected a list of str, at least one")
    return scopes


def _get(where: str, value: Any, name: str) -> Any:
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where}: expected a dict, got {type(value).__name__}")
    if name not in value:
        raise ConfigurationError(f"{where}.{name}: expected, but it is missing")
    return value[name]  # pyright: ignore[reportUnknownVariableType]


def _list(where: str, value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise ConfigurationError(f"{where}: expected a list, got {type(value).__name__}")
    return list(value)  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]


def _member(where: str, value: Any, allowed: tuple[Any, ...]) -> Any:
    if value not in allowed or isinstance(value, bool):
        raise ConfigurationError(f"{where}: expected {' or '.join(map(repr, allowed))}")
    return value


def _number(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigurationError(f"{where}: expected a number, got {type(value).__name__}")
    if not -_FARTHEST < value < _FARTHEST:
        raise ConfigurationError(f"{where}: expected a finite number")
    return value


def _optional(where: str, value: Any, check: Callable[[str, Any], Any]) -> Any:
    return None if value is None else check(where, value)
