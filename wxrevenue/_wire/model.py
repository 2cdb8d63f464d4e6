"""What answers are made of: the base of every model, and the types whose spelling on the wire is documented to vary."""

from __future__ import annotations

import enum
from collections.abc import Callable  # noqa: TC003  (attrs reads the annotation)
from datetime import date
from typing import Annotated, Any, ClassVar, Final, Self, TypeAlias

import attrs

from wxrevenue._base.printable import Printable

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

# Fields for display or bookkeeping, which never cost a row its money. What cannot be read is ``None``; as it came it stands
# in ``extra``.
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
    """Marks a type that the wire spells in several ways: ``Annotated[int, Respelled(whole, usual=int)]``.

    Args:
        read: turns another spelling into the usual one. What it cannot read it returns as it is, for the type's own check to
            refuse; ``None`` says that there is nothing.
        usual: the JSON type of the usual spelling, for which ``read`` is not asked; ``None``: it is always asked.
        key: ``read`` is asked for objects with this key, and for nothing else.
    """

    read: Callable[[Any], Any]
    usual: type | None = None
    key: str | None = None


def whole(value: Any) -> Any:
    """Return an int for a float that is one: ``1.0`` is a count of 1."""
    return int(value) if type(value) is float and value.is_integer() and -_EXACT < value < _EXACT else value


def one_of_one(value: Any) -> Any:
    """Return the only element of an array: some pages say array where their samples show one object."""
    return value[0] if value.__class__ is list and len(value) == 1 else value


def listed(value: Any) -> Any:
    """Return one object as an array of it: some pages say object where their samples show an array."""
    return [value] if type(value) is dict else value


def number_in_text(value: Any) -> Any:
    """Return the number that a text of digits stands for, and ``None`` for an empty text."""
    if type(value) is not str:
        return value
    text = value.strip()
    found = digits(text)
    return found if found is not None or not text else value


Tally: TypeAlias = Annotated[int, "tally"]
"""A count of advertising events: an int, a string of digits, or a float without a fraction."""


def also_spelled(name: str) -> dict[str, Any]:
    """Return the metadata of an answer's field that some answers call ``name``, which is no other field's name."""
    return {_ALSO: name}


def other_spelling(field: attrs.Attribute[Any]) -> str | None:
    """Return the other name of a field, if it has one."""
    return field.metadata.get(_ALSO)


class OpenEnum(enum.IntEnum):
    """Numbers with names. Open: a number that is not listed survives as ``UNKNOWN_<number>``."""

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
    """Base of every answer. Fields that the documents do not know are kept in :attr:`extra`."""

    at_least_one: ClassVar[tuple[str, ...]] = ()
    """Wire names of which an answer must hold at least one, though each alone may be missing."""
    respelled: ClassVar[Respelled | None] = None
    """How its object is brought into the usual form, where the wire has others."""

    _extra: dict[str, Any] | None = attrs.field(default=None, kw_only=True, repr=False)

    @property
    def extra(self) -> dict[str, Any]:
        """Whatever else the server sent, by wire name."""
        return self._extra or {}


def digits(value: Any) -> int | None:
    """Return an int, or a string of digits with an optional minus, as an int; ``None`` for anything else."""
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
