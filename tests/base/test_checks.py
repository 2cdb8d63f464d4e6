"""Arguments of constructors: what is allowed, and which message says so."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from support.refusals import refused

from wxrevenue._base import checks as _checks

LONE_SURROGATE = "wx\ud800"


@pytest.mark.parametrize("value", [0.001, 1, 30.0, 1e9])
def test_seconds_are_positive_numbers(value: float) -> None:
    """Whole and fractional seconds are returned unchanged."""
    assert _checks.seconds("X.timeout", value) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "X.timeout: expected seconds as a number, got bool"),
        ("1", "X.timeout: expected seconds as a number, got str"),
        (None, "X.timeout: expected seconds as a number, got NoneType"),
        (Decimal(1), "X.timeout: expected seconds as a number, got Decimal"),
        (0, "X.timeout: expected a positive, finite number of seconds, got 0"),
        (-1.5, "X.timeout: expected a positive, finite number of seconds, got -1.5"),
        (math.inf, "X.timeout: expected a positive, finite number of seconds, got inf"),
        (math.nan, "X.timeout: expected a positive, finite number of seconds, got nan"),
        (10**400, "X.timeout: expected a positive, finite number of seconds, got int"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_seconds_that_are_none(value: object, text: str) -> None:
    """A wait of another type, or zero, negative, endless or too large, is refused."""
    assert refused(_checks.seconds, "X.timeout", value) == text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://api.weixin.qq.com", "https://api.weixin.qq.com"),
        ("https://api.weixin.qq.com/", "https://api.weixin.qq.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/wx/", "http://[::1]:8080/wx"),
        ("HTTPS://gateway.example/a/b", "HTTPS://gateway.example/a/b"),
    ],
)
def test_base_urls(given: str, kept: str) -> None:
    """A base URL is a scheme, a host, and perhaps a port and a path.

    A slash at the end is removed.
    """
    assert _checks.base_url("X.base_url", given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "",
        "api.weixin.qq.com",
        "htp://host",
        "ftp://host",
        "https://",
        "https://:443",
        "https://[bad",
        "https://host:port",
        "https://host:99999",
        "https://fake-user:fake-password@host",
        "https://host?x=1",
        "https://host#x",
        "https://ho st",
        "https://host\n",
        "https://host\\x",
        "https://häst",
        'https://host/"x"',
    ],
)
def test_base_urls_that_are_none(given: str) -> None:
    """Other schemes, credentials, queries and what is no URL are refused.

    Only a bare host is repeated.
    """
    text = refused(_checks.base_url, "X.base_url", given)
    meant = "; got 'api.weixin.qq.com': write https://api.weixin.qq.com" if given == "api.weixin.qq.com" else ""
    assert text == "X.base_url: expected http(s)://host[:port][/path] without user, query or fragment" + meant


def test_base_urls_are_strings() -> None:
    """A base URL of another type is refused; the message names the type."""
    assert refused(_checks.base_url, "X.base_url", b"https://host") == "X.base_url: expected a str, got bytes"


def test_names_are_printable() -> None:
    """A name is a printable string that is not empty."""
    assert _checks.text("X.account", "wx1") == "wx1"
    assert refused(_checks.text, "X.account", 7) == "X.account: expected a str, got int"
    for bad in ("", "fake\nname", LONE_SURROGATE):
        assert refused(_checks.text, "X.account", bad) == "X.account: expected printable characters, at least one"


def test_instances_and_functions() -> None:
    """``None`` stands for the default.

    Anything else must be of the class, or callable.
    """
    assert _checks.instance("X.retry", None, int) is None
    assert _checks.instance("X.retry", 5, int) == 5
    assert refused(_checks.instance, "X.retry", "5", int) == "X.retry: expected a int, got str"
    assert _checks.function("X.on_event", None) is None
    assert _checks.function("X.on_event", print) is print
    assert refused(_checks.function, "X.on_event", "print") == "X.on_event: expected a function, got str"
