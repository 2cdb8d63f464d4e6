"""Checks that request classes of several chapters share.

Each names the argument and says what is allowed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from wxrevenue._base.calendar import beijing_date, is_day
from wxrevenue._base.checks import shown
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    import attrs

    from wxrevenue._base.checks import Validator

T = TypeVar("T")

LARGEST_PAGE_SIZE: Final = 10_000
"""Rows above which a ``page_size`` is surely a mistake.

The pages name no maximum; the server may cap it lower by itself.
"""
SLOT: Final = "SLOT_ID_"
"""How the names of advertising slots begin."""


def whole_number(least: int = 1, most: int | None = None) -> Validator:
    """Return an attrs validator.

    An ``int`` of at least ``least`` and, if given, at most ``most``.
    """

    def check(instance: object, attribute: attrs.Attribute[T], value: T) -> None:
        number: object = value
        if type(number) is int and number >= least and (most is None or number <= most):
            return
        where = f"{type(instance).__name__}.{attribute.name}"
        if type(value) is not int:
            raise ConfigurationError(f"{where}: expected an int, got {type(value).__name__}")
        raise ConfigurationError(f"{where}: expected {least} {f'to {most}' if most else 'or more'}, got {shown(value)}")

    return check


def one_of_numbers(allowed: Collection[int]) -> Validator:
    """Return an attrs validator: an ``int`` that is one of those allowed."""

    def check(instance: object, attribute: attrs.Attribute[T], value: T) -> None:
        where = f"{type(instance).__name__}.{attribute.name}"
        if isinstance(value, bool) or not isinstance(value, int):
            raise ConfigurationError(f"{where}: expected an int, got {type(value).__name__}")
        if value not in allowed:
            raise ConfigurationError(f"{where}: expected one of {', '.join(map(str, sorted(allowed)))}; got {value}")

    return check


def slot_name(instance: object, attribute: attrs.Attribute[T], value: T) -> None:
    """Let the name of an advertising slot pass, be it listed or not.

    It is an attrs validator.
    """
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
    if type(value) is str:
        return value
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value  # type: ignore[return-value]


def day(instance: object, attribute: attrs.Attribute[T], value: T) -> None:
    """Let, as an attrs validator, a Beijing calendar day pass."""
    if type(value) is not str or not is_day(value):
        beijing_date(value, f"{type(instance).__name__}.{attribute.name}")  # type: ignore[arg-type]


def day_not_before_start(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    """Let an ``end_date`` pass that is not before ``start_date``.

    It is an attrs validator. The value must be a day.
    """
    if type(value) is not str or not is_day(value):
        day(instance, attribute, value)
    start: str = getattr(instance, "start_date")  # noqa: B009  (whatever request has both)
    if value < start:
        raise ConfigurationError(f"{type(instance).__name__}.end_date: expected start_date or a later day: {value} comes before {start}")


def values(where: str, given: Iterable[object], read: Callable[[str, object], T]) -> tuple[T, ...]:
    """Return the elements of a list, each as ``read(where, element)`` returns it.

    Raises:
        ConfigurationError: it is not a list (nor is a str).
    """
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise ConfigurationError(f"{where}: expected a list, got {type(given).__name__}")
    return tuple(read(f"{where}[{number}]", one) for number, one in enumerate(given))


def plain_text(value: Any) -> Any:
    """Return the plain ``str`` of a member of a str enum.

    It is an attrs converter.
    """
    return str(value) if isinstance(value, str) else value


_LONGEST_SLOT: Final = 64
