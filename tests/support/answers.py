"""Answers of every kind of field, which tests decode and encode."""

from __future__ import annotations

import datetime as dt
import enum
from decimal import Decimal
from typing import Any, Literal

import attrs

from wxrevenue._wire.model import Count, Model, Name

VALUE = "fake-value-123"


class Level(enum.IntEnum):
    """An open number enum."""

    LOW = 1

    @classmethod
    def _missing_(cls, value: object) -> Level:
        unknown = int.__new__(cls, value)  # type: ignore[call-overload]
        unknown._name_ = f"UNKNOWN_{value}"
        return unknown  # type: ignore[no-any-return]


class Colour(enum.Enum):
    """A closed enum, which a user may have, and no page of the package has."""

    RED = "red"


@attrs.define
class Inner(Model):
    """An object inside of another."""

    number: int


@attrs.define
class Outer(Model):
    """One field of every kind that a model may have."""

    count: Count | None = None
    name: Name | None = None
    text: str | None = None
    flag: bool | None = None
    fraction: float | None = None
    exact: Decimal | None = None
    day: dt.date | None = None
    level: Level | None = None
    colour: Colour | None = None
    word: Literal["a", "b"] | None = None
    anything: Any = None
    object: dict[str, Any] | None = None
    bare: dict | None = None  # type: ignore[type-arg]
    amounts: dict[str, int] | None = None
    inner: Inner | None = None
    inners: list[Inner] = attrs.field(factory=list[Inner])
    matrix: list[list[int]] | None = None
    maybe: list[int | None] | None = None
    mixed: list | None = None  # type: ignore[type-arg]
    defaulted: int = 5
    keyword: int = attrs.field(default=6, kw_only=True)
    made_up: int = attrs.field(init=False, default=7)


@attrs.define
class Plain:
    """A user's attrs class that is no ``Model``."""

    number: int
    text: str = "none"


def short(value: object) -> str:
    """Return a short name for a test's parameter."""
    return repr(value)[:24]
