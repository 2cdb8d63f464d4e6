"""Values as plain data that JSON has: what ``to_dict`` and ``to_json`` return."""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar, cast

import attrs
import orjson

from wxrevenue._base.calendar import HalfMonth
from wxrevenue._base.secret import Secret
from wxrevenue.errors import ConfigurationError, WxRevenueError

if TYPE_CHECKING:
    from wxrevenue._base.json_types import JsonValue

T = TypeVar("T")
_FACTS: Final = ("endpoint", "attempts", "retryable", "ambiguous", "code", "request_id", "retry_after", "cursor", "solution")
"""What is told of an error, where it has it."""


def to_json(value: object) -> bytes:
    """Return a value as JSON.

    The value is a model, an event, an error, a change of a ledger, or lists and dicts of them.

    Names are the wire's. Money stays an ``int`` in fen. A ``Decimal`` is a string of the same
    digits, a day is ``2024-01-31``, a half-month ``2024-01-2``, a member of an enum its value.
    Fields without a value are ``null``.

    Raises:
        ConfigurationError: it holds a ``Secret``, or something that JSON has no form for. Nothing
            is written.
    """
    found = plain(value)
    try:
        return orjson.dumps(found, option=orjson.OPT_PASSTHROUGH_SUBCLASS)
    except orjson.JSONEncodeError:  # a number beyond 64 bits, or half a surrogate pair, that a server sent
        return json.dumps(found, separators=(",", ":")).encode()


def as_sent(value: object) -> bytes:
    """Return a value as JSON as a server would send it: decimals are numbers.

    Raises:
        ConfigurationError: as :func:`to_json`.
    """
    return orjson.dumps(_Writer(number).plain(value, "$"))


def plain(value: object) -> JsonValue:
    """Return a value as dicts, lists, texts and numbers.

    Raises:
        ConfigurationError: as :func:`to_json`.
    """
    return cast("JsonValue", _Writer(_digits).plain(value, "$"))


def number(value: Decimal) -> orjson.Fragment:
    """Return a decimal as a JSON number of the same digits.

    Zero is ``0``, however it is written.
    """
    return orjson.Fragment(format(value, "f").encode() if value else b"0")


def _digits(value: Decimal) -> str:
    return format(value, "f")


class _Writer:
    """Turns values into plain data; paths say where a value stands, for errors.

    Args:
        decimal: the form of a decimal number.
    """

    def __init__(self, decimal: Callable[[Decimal], object]) -> None:
        self._decimal = decimal

    def plain(self, value: object, path: str) -> object:
        """Return a value as plain data."""
        if isinstance(value, enum.Enum):
            value = value.value
        if value is None or type(value) in (bool, int, str):
            return value
        if isinstance(value, float) and math.isfinite(value):
            return value
        if isinstance(value, Decimal) and value.is_finite():
            return self._decimal(value)
        if isinstance(value, date):  # a datetime is one, too
            return value.isoformat()
        return str(value) if isinstance(value, HalfMonth) else self._contents(value, path)

    def _contents(self, value: object, path: str) -> object:
        """Return what holds other values."""
        if isinstance(value, WxRevenueError):
            facts: dict[str, object] = {name: getattr(value, name, None) for name in _FACTS}
            return {"error": type(value).__name__, "message": str(value), **self._named(facts, path)}
        if getattr(type(value), "__attrs_attrs__", None) is not None:
            return self._fields(value, path)
        if isinstance(value, Mapping):
            return self._named(cast("Mapping[object, object]", value), path)
        if isinstance(value, (AbstractSet, list, tuple)):
            items = cast("Iterable[object]", sorted(cast("AbstractSet[str]", value)) if isinstance(value, AbstractSet) else value)
            return [self.plain(item, f"{path}[{place}]") for place, item in enumerate(items)]
        if isinstance(value, Secret):
            raise ConfigurationError(f"{path}: expected no secret: keep it elsewhere, or reveal() it there yourself")
        raise ConfigurationError(f"{path}: expected something that JSON can hold, got {type(value).__name__}")

    def _named(self, values: Mapping[T, object], path: str) -> dict[str, object]:
        """Return what a mapping holds, under texts."""
        return {str(self.plain(key, path)): self.plain(item, f"{path}.{key}") for key, item in values.items()}

    def _fields(self, value: object, path: str) -> dict[str, object]:
        """Return the fields of an attrs class by their names.

        What the server sent besides does not replace one.
        """
        names = [field.name for field in attrs.fields(cast("type[attrs.AttrsInstance]", type(value))) if not field.name.startswith("_")]
        found = {name: self.plain(getattr(value, name), f"{path}.{name}") for name in names}
        if not hasattr(value, "_extra"):
            return found
        extra: Mapping[str, object] = getattr(value, "extra")  # noqa: B009  (every model has it)
        return {**self._named(extra, path), **found}
