"""Which proxy a request goes through.

It is the given one, or one that the environment names.
"""

from __future__ import annotations

import os
import re
from base64 import b64encode
from ipaddress import ip_address, ip_network
from typing import Final
from urllib.parse import unquote_to_bytes, urlsplit
from urllib.request import getproxies_environment

import attrs

from wxrevenue._base.secret import NotASecret, Secret
from wxrevenue.errors import ConfigurationError, NotSentError

_URL: Final = re.compile(
    r"(?P<scheme>https?)://"
    r"(?:(?P<user>(?:[\w.~!$&'()*+,;=:-]|%[0-9a-f]{2})*)@)?"  # RFC 3986: anything else in a password is percent-encoded
    r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)"
    r"(?::(?P<port>[0-9]{1,5}))?/?",
    re.ASCII | re.IGNORECASE,
)
_EXPECTED: Final = "expected http://host:port or http://user:password@host:port (or https), no path: percent-encode the password"
_LAST_PORT: Final = 0xFFFF
_PORTS: Final = {"http": 80, "https": 443}


@attrs.frozen
class Proxy:
    """An HTTP proxy."""

    url: str
    """Its scheme, host and port; may be shown."""
    authorization: Secret | None
    """The value of the ``Proxy-Authorization`` header."""
    source: str
    """Where it comes from, for messages.

    It is an argument, or a variable of the environment.
    """


def check_proxy(owner: str, value: object) -> Proxy | None:
    """Return the proxy that an argument names.

    It is as :func:`wxrevenue._base.secret.as_secret` returns it.

    Raises:
        ConfigurationError: it is not a URL of an HTTP proxy; no piece of it is shown, for any may
            be one of the password.
    """
    if value is None:
        return None
    if not isinstance(value, Secret):
        kind, value = value.kind if isinstance(value, NotASecret) else type(value).__name__, None
        raise ConfigurationError(f"{owner}.proxy: expected a str or a Secret, got {kind}")
    found = _parsed(value, "proxy=")
    if found is None:
        raise ConfigurationError(f"{owner}.proxy: {_EXPECTED}")
    return found


def proxy_of_environment(url: str) -> Proxy | None:
    """Return the proxy that the environment names for a URL, if any.

    The variables: ``http_proxy``, ``https_proxy``, ``all_proxy``, ``no_proxy``.

    Raises:
        NotSentError: the variable names nothing that can be used; to do without it would show the
            request to others.
    """
    found = _named(url)
    if isinstance(found, str):
        raise NotSentError(f"the variable {found} of the environment: {_EXPECTED}", reason="proxy", retryable=False)
    return found


def _named(url: str) -> Proxy | str | None:
    """Return the proxy, or the variable that names one in vain."""
    named = getproxies_environment()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None  # the URL cannot be sent to anyway
    if any(_spares(entry.strip().lower(), host, port) for entry in named.get("no", "").split(",")):
        return None
    scheme = next((one for one in (parts.scheme, "all") if one in named), None)
    if scheme is None:
        return None
    variable = f"{scheme}_proxy" if os.environ.get(f"{scheme}_proxy") else f"{scheme}_proxy".upper()
    value = named[scheme].strip()
    return _parsed(Secret(value if "://" in value else f"http://{value}"), variable) or variable


def _spares(entry: str, host: str, port: int | None) -> bool:
    """Return whether an entry of ``no_proxy`` is about a host.

    It is a name, the end of one, an address, a network; or all (``*``).
    """
    if "/" in entry:
        try:
            return ip_address(host) in ip_network(entry, strict=False)
        except ValueError:
            return False
    name = entry.lstrip("*.")
    hosts = (host, f"[{host}]", f"{host}:{port}", f"[{host}]:{port}")
    return entry == "*" or bool(name and (name in hosts or any(one.endswith(f".{name}") for one in hosts)))


def _parsed(value: Secret, source: str) -> Proxy | None:
    """Return the proxy that a URL names, or nothing.

    This never raises: its locals hold the password.
    """
    found = _URL.fullmatch(value.reveal().strip())
    if found is None or not 0 < int(found["port"] or 1) <= _LAST_PORT:
        return None
    user = unquote_to_bytes(found["user"] or "")
    if user and b":" not in user:
        user += b":"
    port = f":{found['port']}" if found["port"] else ""
    authorization = Secret(f"Basic {b64encode(user).decode()}") if user else None
    return Proxy(f"{found['scheme'].lower()}://{found['host'].lower()}{port}", authorization, source)
