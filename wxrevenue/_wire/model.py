"""The base of every model of an answer, and types with several spellings.

The documents say that the spelling of these types varies on the wire.
"""

from __future__ import annotations

import enum
from collections.abc import Callable  # noqa: TC003  (attrs reads the annotation)
from datetime import date
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Self, TypeAlias, TypeGuard, TypeVar, cast

import attrs

from wxrevenue._base.json_types import JsonValue  # noqa: TC001  (likewise)
from wxrevenue._base.printable import Printable

if TYPE_CHECKING:
    from types import ModuleType

T = TypeVar("T")

_DIGITS: Final = "digits"
_STRIPPED: Final = "stripped"
_LENIENT: Final = "lenient"
_DAY: Final = "day"
_ALSO: Final = "wxrevenue.also_spelled"
_LONGEST_NUMBER: Final = 20
_SURELY_FITS: Final = 19
_EXACT: Final = 2.0**53
_NUMBERS: Final = range(-(2**63), 2**64)
"""What fits 64 bits, signed or not: the JSON parser rounds anything beyond."""

Count: TypeAlias = Annotated[int, _DIGITS]
"""A number of things: an int, or a string of digits, never negative."""
Name: TypeAlias = Annotated[str, _STRIPPED]
"""A name that some pages print with blanks around it."""
Day: TypeAlias = Annotated[date, _DAY]
"""A day; whatever follows its ten characters, such as a time, is cut off."""

# Fields for display or bookkeeping, which never cost a row its money. What cannot be read is
# ``None``; as it came it stands in ``extra``.
DisplayText: TypeAlias = Annotated[str, _LENIENT]
"""A text."""
DisplayName: TypeAlias = Annotated[str, _LENIENT, _STRIPPED]
"""A name, blanks around it taken off; of a number its digits."""
DisplayNumber: TypeAlias = Annotated[str, _LENIENT, _DIGITS]
"""A number that is text; of one that is not its digits."""
DisplayCount: TypeAlias = Annotated[int, _LENIENT]
"""A number of things: an int, or a string of digits, never negative."""
DisplayDate: TypeAlias = Annotated[date, _LENIENT]
"""A day such as ``2020-03-25``."""


@attrs.frozen
class Respelled:
    """Marks a type that the wire spells in several ways.

    ``Annotated[int, Respelled(whole, usual=int)]`` is one.

    Args:
        read: turns another spelling into the usual one. What it cannot read it returns as it is,
            for the type's own check to refuse; ``None`` says that there is nothing.
        usual: the JSON type of the usual spelling, for which ``read`` is not asked; ``None``: it
            is always asked.
        key: ``read`` is asked for objects with this key, and for nothing else.
        outside: fields of a model that stand beside an object under ``key`` in which all others
            stand. ``read`` makes one object of both, and is asked only where they stand otherwise.
    """

    read: Callable[[Any], object]
    usual: type | None = None
    key: str | None = None
    outside: frozenset[str] | None = None


def whole(value: JsonValue) -> object:
    """Return an int for a float that is one: ``1.0`` is a count of 1."""
    return int(value) if type(value) is float and value.is_integer() and -_EXACT < value < _EXACT else value


def one_of_one(value: JsonValue) -> object:
    """Return the only element of an array.

    Some pages say array where their samples show one object.
    """
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def listed(value: JsonValue) -> object:
    """Return one object as an array of it.

    Some pages say object where their samples show an array.
    """
    return [value] if type(value) is dict else value


def number_in_text(value: JsonValue) -> object:
    """Return the number that a string of digits stands for.

    Of an empty string return ``None``, and any other value as it is.
    """
    if type(value) is not str:
        return value
    text = value.strip()
    found = digits(text)
    return found if found is not None or not text else value


Tally: TypeAlias = Annotated[int, "tally"]
"""A count of advertising events.

An int, a string of digits, or a float without a fraction.
"""


def also_spelled(name: str) -> dict[str, object]:
    """Return the metadata of an answer's field that some answers call ``name``.

    No other field has that name.
    """
    return {_ALSO: name}


def other_spelling(field: attrs.Attribute[T]) -> str | None:
    """Return the other name of a field, if it has one."""
    return field.metadata.get(_ALSO)


class OpenEnum(enum.IntEnum):
    """Numbers with names.

    Open: a number that is not listed survives as ``UNKNOWN_<number>``.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if type(value) is not int:
            return None
        unknown = int.__new__(cls, value)
        unknown._name_ = f"UNKNOWN_{value}"
        unknown._value_ = value
        return unknown


@attrs.define
class Model(Printable):
    """Base of every answer.

    Fields that the documents do not know are kept in :attr:`extra`.
    """

    at_least_one: ClassVar[tuple[str, ...]] = ()
    """Wire names of which an answer must hold at least one.

    Each alone may be missing.
    """
    respelled: ClassVar[Respelled | None] = None
    """How its object is brought into the usual form, where the wire has others."""

    _extra: dict[str, Any] | None = attrs.field(default=None, kw_only=True, repr=False)

    @property
    def extra(self) -> dict[str, Any]:
        """Whatever else the server sent, by wire name."""
        return self._extra or {}

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data under the wire's names, ready for JSON.

        Values are as :func:`wxrevenue.to_json` has them.

        Raises:
            ConfigurationError: it holds a ``Secret``.
        """
        from wxrevenue._wire.plain import plain

        return cast("dict[str, Any]", plain(self))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> dict[str, object]:
        return _pydantic_schema().core_schema(cls)  # type: ignore[no-any-return]

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: object, handler: object) -> dict[str, object]:
        return _pydantic_schema().json_schema(cls)  # type: ignore[no-any-return]


def _pydantic_schema() -> ModuleType:
    return import_module("wxrevenue._wire.pydantic_schema")  # by name: it knows what models are


def is_attrs(kind: object) -> TypeGuard[type[attrs.AttrsInstance]]:
    """Return whether a type is an attrs class."""
    return attrs.has(cast("type", kind))


def attrs_fields(kind: object) -> tuple[attrs.Attribute[object], ...]:
    """Return the fields of an attrs class.

    Raises:
        NotAnAttrsClassError: it is none, though the caller knew so.
    """
    fields: tuple[attrs.Attribute[object], ...] = attrs.fields(cast("type[attrs.AttrsInstance]", kind))
    return fields


def digits(value: object) -> int | None:
    """Return an int, or a string of digits, as an int.

    The digits may have a minus in front. Of anything else return ``None``.
    """
    if type(value) is int:
        return value
    if type(value) is not str or not value.isascii():
        return None
    if len(value) < _SURELY_FITS and value.isdigit():
        return int(value)
    if len(value) <= _LONGEST_NUMBER and value.removeprefix("-").isdigit():
        number = int(value)
        return number if number in _NUMBERS else None
    return None
