"""Everything that a learner knows, as one record that JSON can carry.

A learner made from the record, in another process too, gives the same answers from then on.
Records of earlier releases lack some of the fields: what is left out is what a new learner has.
"""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from wxrevenue._base import checks
from wxrevenue.errors import ConfigurationError
from wxrevenue.limiters._quota.inference import Kind, Observation, QuotaEstimate
from wxrevenue.limiters._quota.phase import Phase
from wxrevenue.limiters._quota.refill import Refill

if TYPE_CHECKING:
    from collections.abc import Callable

FARTHEST: Final = 1e15
"""Seconds; no time is farther from 0, and sums of smaller ones stay finite."""
_PAST: Final = ("sent_at", "blocked_at", "answered_at", "since", "tested_at", "settled_at", "spent_at")
"""The fields that are times when something happened."""

Plain: TypeAlias = dict[str, Any]
"""A JSON object."""
Field: TypeAlias = "attrs.Attribute[Any]"
Check: TypeAlias = "Callable[[object, Field, Any], None]"
Rows: TypeAlias = list[list[float]]


def known_time(time: float) -> float | None:
    """Return the time, or ``None`` where it never was."""
    return time if math.isfinite(time) else None


def check_time(_record: object, attribute: Field, value: float | None) -> None:
    """Refuse a number that is not a time, and not a duration."""
    if value is not None and not -FARTHEST < value < FARTHEST:
        raise ConfigurationError(f"{attribute.name}: expected a finite number")


def check_seconds(_record: object, attribute: Field, value: float | None) -> None:
    """Refuse a number that is not a duration of anything that takes time."""
    if value is not None:
        checks.seconds(attribute.name, value)


def at_least(least: int) -> Check:
    """Return a validator that refuses smaller counts."""

    def check(_record: object, attribute: Field, value: int | None) -> None:
        if value is not None:
            checks.count(attribute.name, value, least)

    return check


def _one_of(kind: type[enum.Enum]) -> Check:
    allowed = [member.value for member in kind]

    def check(_record: object, attribute: Field, value: str | None) -> None:
        if value is not None and value not in allowed:
            raise ConfigurationError(f"{attribute.name}: expected {' or '.join(map(repr, allowed))}")

    return check


def _rows(length: int, least: int) -> Callable[[object, Field, Rows], None]:
    """Return a validator of rows in which times and counts alternate."""

    def check(_record: object, attribute: Field, value: Rows) -> None:
        for number, row in enumerate(value):
            where = f"{attribute.name}[{number}]"
            if len(row) != length:
                raise ConfigurationError(f"{where}: expected {length} numbers: a time, a count" + ", and so on" * (length > 2))  # noqa: PLR2004
            for place, found in enumerate(row):
                if not -FARTHEST < found < FARTHEST:
                    raise ConfigurationError(f"{where}[{place}]: expected a finite number")
                if place % 2 and not (found >= least * (place == 1) and found == int(found)):
                    raise ConfigurationError(f"{where}[{place}]: expected a whole number, at least {least}")

    return check


def _check_numbers(_record: object, attribute: Field, value: Refill | Observation | None) -> None:
    """Refuse what no measurement and no count can be.

    A gap of 0 would let every call go at once.
    """
    numbers = {} if value is None else {name: number for name, number in attrs.asdict(value).items() if isinstance(number, (int, float))}
    for name, number in numbers.items():
        if not -FARTHEST < number < FARTHEST or (number < 0 and name not in {"since", "last"}) or (name == "gap" and not number):
            raise ConfigurationError(f"{attribute.name}.{name}: expected a finite number that is possible")


@attrs.frozen(kw_only=True)
class LearnerState:
    """The record.

    Times are seconds; ``None`` is a time that never was, or a number not known.
    """

    budget: int | None = attrs.field(default=None, validator=at_least(1))
    span: float | None = attrs.field(default=None, validator=check_seconds)
    kind: str = attrs.field(default=Kind.UNKNOWN.value, validator=_one_of(Kind))
    lasted: float = attrs.field(default=0.0, validator=check_time)
    interval: float = attrs.field(default=0.0, validator=check_time)
    small: bool = False
    before: int | None = attrs.field(default=None, validator=at_least(1))
    doubts: int = attrs.field(default=0, validator=at_least(0))
    stretched: int = attrs.field(default=0, validator=at_least(0))
    phase: str | None = attrs.field(default=None, validator=_one_of(Phase))
    proven: int = attrs.field(default=0, validator=at_least(0))
    in_flight: int = attrs.field(default=0, validator=at_least(0))
    sent_at: float | None = attrs.field(default=None, validator=check_time)
    blocked_at: float | None = attrs.field(default=None, validator=check_time)
    answered_at: float | None = attrs.field(default=None, validator=check_time)
    since: float | None = attrs.field(default=None, validator=check_time)
    counted: int = attrs.field(default=0, validator=at_least(0))
    test_at: float | None = attrs.field(default=None, validator=check_time)
    tested_at: float | None = attrs.field(default=None, validator=check_time)
    settled_at: float | None = attrs.field(default=None, validator=check_time)
    spent_at: float | None = attrs.field(default=None, validator=check_time)
    extra: int = attrs.field(default=0, validator=at_least(0))
    step: int = attrs.field(default=1, validator=at_least(1))
    refill: Refill | None = attrs.field(default=None, validator=_check_numbers)
    observation: Observation | None = attrs.field(default=None, validator=_check_numbers)
    limit: int = attrs.field(default=0, validator=at_least(0))
    deferred: int = attrs.field(default=0, validator=at_least(0))
    deferred_at_most: int = attrs.field(default=0, validator=at_least(0))
    recent: Rows = attrs.field(factory=list["list[float]"], validator=_rows(2, 1))
    """Slices of the calls that count.

    Each: when the last was answered, and how many they are.
    """
    recent_more: Rows = attrs.field(factory=list["list[float]"], validator=_rows(2, 0))
    """More of each slice of ``recent``.

    When the first call was answered, and of how many it is unknown whether they were accepted.
    """
    past: Rows = attrs.field(factory=list["list[float]"], validator=_rows(4, 1))
    """All of this of the slices before them."""

    def estimate(self, window: float) -> QuotaEstimate:
        """Return what is known of the quota; ``window`` is its span where none is named."""
        return QuotaEstimate(
            self.span or window,
            self.budget,
            Kind(self.kind),
            lasted=self.lasted,
            interval=self.interval,
            small=self.small,
            before=self.before,
            doubts=self.doubts,
            stretched=self.stretched,
        )

    def moved(self, shift: float, latest: float = FARTHEST) -> LearnerState:
        """Return the record with its times later by ``shift``.

        Nothing happened after ``latest``.
        """

        def move(time: float) -> float:
            return min(time + shift, latest)

        times: Plain = {name: None if (time := getattr(self, name)) is None else move(time) for name in _PAST}
        return attrs.evolve(
            self,
            **times,
            test_at=None if self.test_at is None else self.test_at + shift,
            refill=None if self.refill is None else self.refill.moved(move),
            recent=[_moved(row, move) for row in self.recent],
            recent_more=[_moved(row, move) for row in self.recent_more],
            past=[_moved(row, move) for row in self.past],
        )

    def plain(self) -> Plain:
        """Return the record as dicts, lists, strings and numbers."""
        fields = attrs.asdict(self, recurse=False)
        for name in ("refill", "observation"):
            if fields[name] is not None:
                fields[name] = attrs.asdict(fields[name], value_serializer=_plain)
        return fields

    @classmethod
    def read(cls, data: Plain) -> LearnerState:
        """Return the record that :meth:`plain` returned.

        Fields that it does not know are passed over.
        """
        known = {field.name: data[field.name] for field in attrs.fields(cls) if field.name in data}
        for name, kind in (("refill", Refill), ("observation", Observation)):
            if known.get(name) is not None:
                known[name] = kind(**known[name])
        return cls(**known)

    def completed(self, now: float) -> LearnerState:
        """Return the record of an earlier release, completed.

        What is added follows from the calls that it has.
        """
        if self.answered_at is not None or not self.recent:
            return self if self.answered_at is not None else attrs.evolve(self, answered_at=now)
        counted = sum(int(row[1]) for row in self.recent)
        since, last = min(row[0] for row in self.recent), max(row[0] for row in self.recent)
        return attrs.evolve(self, answered_at=last, since=since, counted=counted, proven=max(self.proven, counted))


def _moved(row: list[float], move: Callable[[float], float]) -> list[float]:
    return [number if place % 2 else move(number) for place, number in enumerate(row)]


def _plain(_record: object, _field: object, value: object) -> object:
    return value.value if isinstance(value, enum.Enum) else value
