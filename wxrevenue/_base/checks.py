"""Checks of what a user hands to a constructor.

Each names the field, what came, and what is allowed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import urlsplit

from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    import attrs

T = TypeVar("T")
_IS_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+(:[0-9]{1,5})?", re.ASCII)
_HARMLESS = re.compile(r"[0-9TZ年月日:./\\ -]{1,20}")  # a date or a number, however it is written; no token
_LONGEST_SHOWN = 24


def shown(value: object) -> str:
    """Return a value as an error shows it.

    A number, or a str that can only be a number or a date, is shown as it is. Of all else the type
    is shown.
    """
    is_number = isinstance(value, (int, float)) or type(value).__name__ == "Decimal"
    text = str(value) if is_number else repr(value)
    if is_number or value is None:
        return text if len(text) <= _LONGEST_SHOWN else type(value).__name__
    return text if isinstance(value, str) and _HARMLESS.fullmatch(value) else type(value).__name__


class Validator(Protocol):
    """A check of a field, of whatever type, as attrs calls it.

    It raises ``ConfigurationError``.
    """

    def __call__(self, instance: object, attribute: attrs.Attribute[T], value: T, /) -> None:
        """Check the value of a field."""
        ...


def seconds(where: str, value: object) -> float:
    """Return a positive, finite number of seconds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigurationError(f"{where}: expected seconds as a number, got {type(value).__name__}")
    if not 0 < value <= sys.float_info.max:
        raise ConfigurationError(f"{where}: expected a positive, finite number of seconds, got {shown(value)}")
    return value


def count(where: str, value: object, least: int = 1) -> int:
    """Return a whole number, at least so large."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigurationError(f"{where}: expected a whole number, got {type(value).__name__}")
    if value < least:
        raise ConfigurationError(f"{where}: expected at least {least}, got {value}")
    return value


def base_url(where: str, value: object) -> str:
    """Return ``https://host[:port][/path]`` without a slash at its end.

    ``http`` is for a sandbox or for the caller's own gateway.
    """
    if not isinstance(value, str):
        raise ConfigurationError(f"{where}: expected a str, got {type(value).__name__}")
    if not _is_base_url(value):
        meant = f"; got {value!r}: write https://{value}" if _IS_HOST.fullmatch(value) else ""
        raise ConfigurationError(f"{where}: expected http(s)://host[:port][/path] without user, query or fragment{meant}")
    return value.rstrip("/")


def _is_base_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    plain = text.isascii() and text.isprintable() and not any(sign in text for sign in ' ?#@\\"<>')
    return plain and parts.scheme in {"http", "https"} and bool(parts.hostname)


def text(where: str, value: object) -> str:
    """Return a printable ``str`` that is not empty."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{where}: expected a str, got {type(value).__name__}")
    if not value or not value.isprintable():
        raise ConfigurationError(f"{where}: expected printable characters, at least one")
    return value


def flaw_of_credential(value: str) -> str | None:
    """Return what is wrong with a credential that was given, or ``None``.

    The one rule for all of them: tokens, secrets, tickets, refresh tokens, appids, the numbers of
    merchants and certificates, given as an argument, by a function or in the environment. None is
    empty. None holds white space, or a character that cannot be printed: a line end, a byte that is
    not UTF-8, or U+FFFD in the place of one. Such a value was copied or read wrongly. It is refused
    by name, never stripped. Keys in PEM have lines, and are their parser's matter.
    """
    if not value:
        return "expected a value that is not empty"
    odd = [sign in " \ufffd" or not sign.isprintable() for sign in value]
    if not any(odd):
        return None
    place = "at its beginning" if odd[0] else "at its end" if odd[-1] else "inside of it"
    return f"expected no white space and no character that cannot be printed; there is one {place}: remove it"


def credential(where: str, value: object) -> str:
    """Return a credential that is not secret.

    It is an appid, or the number of a merchant or certificate.
    """
    if not isinstance(value, str):
        raise ConfigurationError(f"{where}: expected a str, got {getattr(value, 'kind', type(value).__name__)}")
    flaw = flaw_of_credential(value)
    if flaw is not None:
        raise ConfigurationError(f"{where}: {flaw}")
    return value


def flag(where: str, value: object) -> bool:
    """Return ``True`` or ``False``."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{where}: expected a bool, got {type(value).__name__}")
    return value


def number(where: str, value: object, allowed: range) -> int:
    """Return an int within a range."""
    if type(value) is not int or value not in allowed:
        raise ConfigurationError(f"{where}: expected an int, {allowed[0]} to {allowed[-1]}, got {shown(value)}")
    return value


def instance(where: str, value: T, kind: type) -> T:
    """Return an instance of that class, or ``None``."""
    if value is not None and not isinstance(value, kind):
        raise ConfigurationError(f"{where}: expected a {kind.__name__}, got {type(value).__name__}")
    return value


def function(where: str, value: T) -> T:
    """Return something that can be called, or ``None``."""
    if value is not None and not callable(value):
        raise ConfigurationError(f"{where}: expected a function, got {type(value).__name__}")
    return value


def plain_function(where: str, value: T, instead: str = "") -> T:
    """Return something that can be called and answers at once, or ``None``.

    An ``async def`` would never run.
    """
    called = next((vars(kind)["__call__"] for kind in type(value).__mro__ if "__call__" in vars(kind)), None)
    if any(map(iscoroutinefunction, (value, called, getattr(value, "func", None)))):
        raise ConfigurationError(f"{where}: expected a plain function, got an 'async def', which would never run{instead}")
    return function(where, value)


def listener(where: str, value: T) -> T:
    """Return a plain function that is told of events, or ``None``."""
    return plain_function(where, value, ": put events into a queue")


def instances(where: str, values: Iterable[object], kind: type[T]) -> list[T]:
    """Return values of one class as a list."""
    if not isinstance(values, Iterable):
        raise ConfigurationError(f"{where}: expected an iterable of {kind.__name__}, got {type(values).__name__}")
    found: list[T] = []
    for value in values:
        if not isinstance(value, kind):
            raise ConfigurationError(f"{where}: expected {kind.__name__} values, got {type(value).__name__}")
        found.append(value)
    return found
