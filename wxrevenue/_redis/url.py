"""The URL of a Redis, checked before anything is looked up.

No piece of its password is taken for a host.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from redis.asyncio import BlockingConnectionPool

    from wxrevenue._base.secret import Secret

_SHAPES: Final = "redis://host, rediss://host or unix:///path, and at most a number behind the host for the database"
_ENCODE: Final = "percent-encode the password (urllib.parse.quote(password, safe=''))"
_PORT: Final = 6379
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%25[A-Za-z0-9._-]+)?")
_DATABASE: Final = re.compile(r"/?[0-9]{0,9}", re.ASCII)
_OPTIONS: Final = (
    "client_name",
    "db",
    "health_check_interval",
    "max_connections",
    "password",
    "protocol",
    "socket_connect_timeout",
    "socket_keepalive",
    "socket_timeout",
    "ssl_ca_certs",
    "ssl_ca_data",
    "ssl_ca_path",
    "ssl_cert_reqs",
    "ssl_certfile",
    "ssl_check_hostname",
    "ssl_ciphers",
    "ssl_keyfile",
    "ssl_password",
    "timeout",
    "username",
)
"""What may stand behind the question mark.

Options of redis-py that are strings, numbers or flags.
"""


def place_of(where: str, url: Secret) -> str:
    """Return what messages may show of a URL: where it leads to.

    Raises:
        ConfigurationError: it leads nowhere for certain, or has options that are not known.
    """
    place = _place(url)
    if place is None:
        raise ConfigurationError(f"{where}: expected {_SHAPES}, without white space; {_ENCODE}")
    if not _has_known_options(url):
        raise ConfigurationError(f"{where}: expected options of {', '.join(_OPTIONS)} behind the question mark; {_ENCODE}")
    return f"Redis at {place}"


def pool_at(where: str, url: Secret, **settings: object) -> BlockingConnectionPool:
    """Return a pool of redis-py's for a URL, which has connected to nothing yet.

    Options of the URL's win.

    Raises:
        ConfigurationError: an option has a value that redis-py does not know.
    """
    pool = _pool(url, settings)
    if pool is None:
        raise ConfigurationError(f"{where}: redis-py does not accept the value of an option behind the question mark")
    return pool


def _pool(url: Secret, settings: dict[str, object]) -> BlockingConnectionPool | None:
    """Return the pool, or ``None``. Raises nothing: a traceback would show the URL."""
    from redis.asyncio import BlockingConnectionPool

    with suppress(Exception):
        pool: BlockingConnectionPool = BlockingConnectionPool.from_url(url.reveal(), **settings)  # pyright: ignore[reportUnknownMemberType]
        pool.make_connection()  # type: ignore[no-untyped-call]
        return pool
    return None


def _place(url: Secret) -> str | None:
    """Return where a URL leads to, if that is certain.

    It raises nothing: a traceback would show the URL.
    """
    if not _is_plain(url.reveal()):
        return None
    with suppress(ValueError):
        parts = urlsplit(url.reveal())
        return _socket(parts) if parts.scheme == "unix" else _address(parts)
    return None


def _is_plain(text: str) -> bool:
    return text.isprintable() and " " not in text and "#" not in text


def _address(parts: SplitResult) -> str | None:
    host = parts.hostname or ""
    if parts.scheme not in {"redis", "rediss"} or "@" in parts.query or parts.port == 0:
        return None
    if _HOST.fullmatch(host) is None or _DATABASE.fullmatch(parts.path) is None:
        return None
    return f"{f'[{host}]' if ':' in host else host}:{parts.port or _PORT}"


def _socket(parts: SplitResult) -> str | None:
    _, at, host = parts.netloc.rpartition("@")
    is_certain = not host and not (at and "@" in parts.path + parts.query)
    return parts.path if is_certain and len(parts.path) > 1 else None


def _has_known_options(url: Secret) -> bool:
    with suppress(ValueError):
        query = urlsplit(url.reveal()).query
        return not query or {name for name, _ in parse_qsl(query, strict_parsing=True, keep_blank_values=True)} <= {*_OPTIONS}
    return False
