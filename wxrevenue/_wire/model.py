"""What answers are made of: the base of every model, and the types whose spelling on the wire is documented to vary."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, ClassVar, Final, TypeAlias

import attrs

from wxrevenue._base.printable import Printable

_DIGITS: Final = "digits"
_STRIPPED: Final = "stripped"
_LENIENT: Final = "lenient"
_LONGEST_NUMBER: Final = 20
_SURELY_FITS: Final = 19
_NUMBERS: Final = range(-(2**63), 2**64)
"""What fits 64 bits, signed or not: the JSON parser rounds anything beyond."""

Count: TypeAlias = Annotated[int, _DIGITS]
"""A number of things: an int, or a string of digits, never negative."""
Name: TypeAlias = Annotated[str, _STRIPPED]
"""A name that some pages print with blanks around it."""

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


@attrs.define
class Model(Printable):
    """Base of every answer. Fields that the documents do not know are kept in :attr:`extra`."""

    at_least_one: ClassVar[tuple[str, ...]] = ()
    """Wire names of which an answer must hold at least one, though each alone may be missing."""

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
