"""Checks that request classes of several chapters share.

Each names the argument and says what is allowed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from wxrevenue._base.calendar import beijing_date
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    import attrs

LARGEST_PAGE_SIZE: Final = 10_000
"""Above this a ``page_size`` is surely a mistake.

The pages name no maximum; the server may cap it lower by itself.
"""
SLOT: Final = "SLOT_ID_"
"""How the names of advertising slots begin."""


def whole_number(least: int = 1, most: int | None = None) -> Any:
    """Return an attrs validator.

    An ``int`` of at least ``least`` and, if given, at most ``most``.
    """

    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        where = f"{type(instance).__name__}.{attribute.name}"
        if type(value) is not int:
            raise ConfigurationError(f"{where}: expected an int, got {type(value).__name__}")
        if value < least or (most is not None and value > most):
            raise ConfigurationError(f"{where}: expected {least} {f'to {most}' if most else 'or more'}")

    return check


def one_of_numbers(allowed: Collection[int]) -> Any:
    """Return an attrs validator: an ``int`` that is one of those allowed."""

    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        where = f"{type(instance).__name__}.{attribute.name}"
        if isinstance(value, bool) or not isinstance(value, int):
            raise ConfigurationError(f"{where}: expected an int, got {type(value).__name__}")
        if value not in allowed:
            raise ConfigurationError(f"{where}: expected one of {', '.join(map(str, sorted(allowed)))}; got {value}")

    return check


def slot_name(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Let, as an attrs validator, the name of an advertising slot pass, be it listed or not."""
    where = f"{type(instance).__name__}.{attribute.name}"
    if not isinstance(value, str):
        raise ConfigurationError(f"{where}: expected a str, got {type(value).__name__}")
    name = value.removeprefix(SLOT)
    if name == value or not (name.isascii() and name.replace("_", "").isalnum() and name == name.upper()) or len(value) > _LONGEST_SLOT:
        raise ConfigurationError(f"{where}: expected the name of a slot such as {SLOT}WEAPP_BANNER")


def as_day(value: str | date) -> str:
    """Return, as an attrs converter, a day as the wire spells it.

    What is none is left for :func:`day` to refuse.
    """
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value  # type: ignore[return-value]


def day(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Let, as an attrs validator, a Beijing calendar day pass."""
    beijing_date(value, f"{type(instance).__name__}.{attribute.name}")  # type: ignore[arg-type]


def not_before_start(instance: Any, _attribute: attrs.Attribute[Any], value: str) -> None:
    """Let, as an attrs validator, an ``end_date`` pass that is not before ``start_date``."""
    if value < instance.start_date:
        raise ConfigurationError(f"{type(instance).__name__}.end_date: expected start_date or a later day")


def values(where: str, given: Any, read: Callable[[str, Any], Any]) -> tuple[Any, ...]:
    """Return the elements of a list, each as ``read(where, element)`` returns it.

    Raises:
        ConfigurationError: it is no list (a str is none either).
    """
    elements: Any = given  # as far as pyright is concerned, isinstance would make its elements unknown
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise ConfigurationError(f"{where}: expected a list, got {type(given).__name__}")
    return tuple(read(f"{where}[{number}]", one) for number, one in enumerate(elements))


def plain_text(value: Any) -> Any:
    """Return, as an attrs converter, the plain ``str`` of a member of an enum of texts."""
    return str(value) if isinstance(value, str) else value


_LONGEST_SLOT: Final = 64
