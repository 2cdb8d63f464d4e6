"""How a single value is read, as lines of code for each type.

:mod:`wxrevenue._wire.structure` writes them into its functions.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from wxrevenue._base.remembered import Remembered
from wxrevenue._base.secret import Secret
from wxrevenue._wire.model import Count, Day, DisplayCount, DisplayDate, DisplayName, DisplayNumber, DisplayText, Name, Tally, digits, whole
from wxrevenue.errors import DecodeError, WxRevenueError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _mismatch(path: str, expected: str, value: object) -> DecodeError:
    kind = type(value)
    return DecodeError(f"expected {expected}, got {_KINDS.get(kind, kind.__name__)}", path=path)


_KINDS: Mapping[type, str] = {
    dict: "an object",
    list: "an array",
    str: "a string",
    NoneType: "null",
    bool: "a boolean",
    int: "an integer",
    float: "a fraction",
}


def _with(odd: dict[str, object] | None, name: str, value: object) -> dict[str, object]:
    """Return what could not be read, with one value more."""
    return {**(odd or {}), name: value}


def _extra(payload: Mapping[str, object], known: frozenset[str], odd: Mapping[str, object] | None) -> dict[str, object] | None:
    """Return what no field of a model holds.

    These are fields that the model does not know, and values that could not be read.
    """
    return {**{name: value for name, value in payload.items() if name not in known}, **(odd or {})} or None


def _number_text(value: object) -> str | None:
    """Return the digits of a number that stands where a string should."""
    return str(value) if type(value) is int and value >= 0 else None


def _day(value: object) -> date:
    """Return the day that a string begins with."""
    if type(value) is not str or len(value) < _WRITTEN or value[7] != "-":
        raise ValueError
    return date.fromisoformat(value[:_WRITTEN])


def _under_path(path: str, hook: Callable[..., Any], value: object, kind: object) -> object:
    """Structure a value of a type that has no inline form.

    Whatever goes wrong is placed at the path.
    """
    try:
        return hook(value, kind)
    except WxRevenueError as error:
        found = error.message, getattr(error, "path", "$").removeprefix("$")
    except Exception as error:  # noqa: BLE001  (a user's own hook may raise anything)
        found = f"does not fit {getattr(kind, '__name__', kind)}: {type(error).__name__}", ""
    raise DecodeError(found[0], path=path + found[1])


def _placed(path: str, error: DecodeError) -> DecodeError:
    return DecodeError(error.message, path=path + error.path.removeprefix("$"))


def _display_day(value: object) -> date:
    """Return the day that a string stands for."""
    if type(value) is not str or len(value) != _WRITTEN or value[7] != "-":
        raise ValueError
    return date.fromisoformat(value)


def as_parsed(name: str) -> str:
    """Return a name as the parser's own object.

    orjson has one for each name that it has met lately. An object in which a name is looked up
    finds it at once by that: it compares the texts of two strings only where they are two.
    """
    (own,) = orjson.loads(orjson.dumps({name: None}))
    return cast("str", own)


_MOST_DAYS: Final = 512
"""Remembered of each kind: a page has hundreds of rows and few days."""
NAMES: Final[Mapping[str, object]] = {
    "nested": _under_path,
    "placed": _placed,
    "display_days": Remembered(_display_day, _MOST_DAYS),
    "few": {str(number): number for number in range(100)},
    "keep": _with,
    "extra": _extra,
    "number_text": _number_text,
    "misfit": _mismatch,
    "digits": digits,
    "whole": whole,
    "DecodeError": DecodeError,
    "fromisoformat": date.fromisoformat,
    "days": Remembered(_day, _MOST_DAYS),
    "Decimal": Decimal,
    "make": object.__new__,
    "Secret": Secret,
}
"""What generated code may call."""
_EXACT: Final = 2.0**53
_WRITTEN: Final = len("2020-03-25")
_INTEGER = "if type({v}) is not int: raise misfit(f'{path}', 'an integer', {v})"
_STRING = "if type({v}) is not str: raise misfit(f'{path}', 'a string', {v})"
_OBJECT = "if type({v}) is not dict: raise misfit(f'{path}', 'an object', {v})"
LEAVES: Mapping[object, tuple[str, ...]] = {
    int: (_INTEGER,),
    str: (_STRING,),
    Name: (_STRING, "{v} = {v}.strip()"),
    Count: (
        "if type({v}) is not int:",
        "    number = digits({v})",
        "    if number is None: raise misfit(f'{path}', 'an integer or a string of digits', {v})",
        "    {v} = number",
        "if {v} < 0: raise misfit(f'{path}', 'no negative number', {v})",
    ),
    Tally: (
        "if type({v}) is not int:",
        "    number = digits(whole({v}))",
        "    if number is None: raise misfit(f'{path}', 'a whole number or a string of digits', {v})",
        "    {v} = number",
        "if {v} < 0: raise misfit(f'{path}', 'no negative number', {v})",
    ),
    dict: (_OBJECT,),
    dict[str, Any]: (_OBJECT,),
    bool: ("if type({v}) is not bool: raise misfit(f'{path}', 'a boolean', {v})",),
    int | str: ("if type({v}) is not int and type({v}) is not str: raise misfit(f'{path}', 'an integer or a string', {v})",),
    float: (
        "if type({v}) is not float and type({v}) is not int: raise misfit(f'{path}', 'a number', {v})",
        "try: {v} = float({v})",
        "except OverflowError: raise misfit(f'{path}', 'a number that a float can hold', {v}) from None",
    ),
    Decimal: (
        "if type({v}) is int: {v} = Decimal({v})",
        "elif type({v}) is not float: raise misfit(f'{path}', 'a number', {v})",
        f"elif not -{_EXACT} < {{v}} < {_EXACT}: raise misfit(f'{{path}}', 'a number of at most 15 digits', {{v}})",
        "else: {v} = Decimal(repr({v}))",
    ),
    Secret: (_STRING, "{v} = Secret({v}.strip())"),
    date: (
        "if type({v}) is not str or len({v}) != 10 or {v}[7] != '-': raise misfit(f'{path}', 'a date such as 2020-03-25', {v})",
        "try: {v} = fromisoformat({v})",
        "except ValueError: raise misfit(f'{path}', 'a date such as 2020-03-25', {v}) from None",
    ),
    Day: (
        "try: {v} = days[{v}]",
        "except (TypeError, ValueError): raise misfit(f'{path}', 'a date such as 2020-03-25', {v}) from None",
    ),
}
"""How each leaf type is checked and converted.

Lines of code about ``{v}``, which stands at ``{path}``.
"""
_KEEP = "{seen} = -1; {odd} = keep({odd}, {name}, {v})"  # a count that is never right: the rest is looked at
LENIENT: Mapping[object, tuple[str, ...]] = {
    DisplayText: (f"if type({{v}}) is not str: {_KEEP}; {{v}} = None",),
    DisplayName: (f"if type({{v}}) is not str: {_KEEP}; {{v}} = number_text({{v}})", "else: {v} = {v}.strip()"),
    DisplayNumber: (f"if type({{v}}) is not str: {_KEEP}; {{v}} = number_text({{v}})",),
    DisplayCount: (
        "try: number = few.get({v})",
        "except TypeError: number = None",
        "if number is None:",
        "    number = digits({v})",
        f"    if number is None or number < 0: {_KEEP}; number = None",
        "{v} = number",
    ),
    DisplayDate: (
        "try: {v} = display_days[{v}]",
        f"except (TypeError, ValueError): {_KEEP}; {{v}} = None",
    ),
}
"""How a field is read that is for display or bookkeeping.

What cannot be read is kept as it came, and costs nothing.
"""
