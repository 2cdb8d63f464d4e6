"""Checks of what a user hands to a constructor: each names the field, what came, and what is allowed."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import urlsplit

from wxrevenue.errors import ConfigurationError


def seconds(where: str, value: object) -> float:
    """Return a positive, finite number of seconds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigurationError(f"{where}: expected seconds as a number, got {type(value).__name__}")
    if not 0 < value <= sys.float_info.max:
        raise ConfigurationError(f"{where}: expected a positive, finite number of seconds")
    return value


def count(where: str, value: object, least: int = 1) -> int:
    """Return a whole number, at least so large."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigurationError(f"{where}: expected a whole number, got {type(value).__name__}")
    if value < least:
        raise ConfigurationError(f"{where}: expected at least {least}")
    return value


def base_url(where: str, value: object) -> str:
    """Return ``https://host[:port][/path]`` without a slash at its end; ``http`` is for a sandbox or a gateway of your own."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{where}: expected a str, got {type(value).__name__}")
    if not _is_base_url(value):
        raise ConfigurationError(f"{where}: expected http(s)://host[:port][/path] without user, query or fragment")
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
    """Return what is wrong with a credential that somebody gave, or ``None``.

    The one rule for all of them: tokens, secrets, tickets, refresh tokens, appids, the numbers of merchants and certificates, given
    as an argument, by a function or in the environment. None is empty, and none holds white space or a character that cannot be
    printed (a line end, a byte that is no UTF-8): such a value was copied or read wrongly. It is refused by name, never stripped.
    Keys in PEM have lines, and are their parser's matter.
    """
    if not value:
        return "expected a value that is not empty"
    odd = [sign == " " or not sign.isprintable() for sign in value]
    if not any(odd):
        return None
    place = "at its beginning" if odd[0] else "at its end" if odd[-1] else "inside of it"
    return f"expected no white space and no character that cannot be printed; there is one {place}"


def credential(where: str, value: object) -> str:
    """Return a credential that is no secret: an appid, or the number of a merchant or certificate."""
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
        raise ConfigurationError(f"{where}: expected an int, {allowed[0]} to {allowed[-1]}")
    return value


def instance(where: str, value: Any, kind: type) -> Any:
    """Return an instance of that class, or ``None``."""
    if value is not None and not isinstance(value, kind):
        raise ConfigurationError(f"{where}: expected a {kind.__name__}, got {type(value).__name__}")
    return value


def function(where: str, value: Any) -> Any:
    """Return something that can be called, or ``None``."""
    if value is not None and not callable(value):
        raise ConfigurationError(f"{where}: expected a function, got {type(value).__name__}")
    return value
