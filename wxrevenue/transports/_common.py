"""What every transport of ours has in common: the limits it keeps and the settings it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from ssl import SSLContext

KEEP_ALIVE: Final = 7.0
"""Seconds; WeChat's servers close idle connections at 8, and a request sent just then would be lost."""
STREAM_CHUNK: Final = 64 * 1024
"""Bytes of a streamed body handed out at a time, at most."""


def host_of(url: str) -> str:
    """Return the host and port of a URL, for a message."""
    try:
        return urlsplit(url).netloc
    except ValueError:
        return "no host"


def check_limit(owner: str, limit: object) -> None:
    """Refuse anything but a number of connections."""
    if type(limit) is not int or limit < 1:
        raise ConfigurationError(f"{owner}.limit: expected an int, 1 or more")


def check_tls(owner: str, context: SSLContext | None) -> None:
    """Refuse a TLS context that speaks less than TLS 1.2 or does not verify whom it talks to."""
    if context is None:
        return
    import ssl  # noqa: PLC0415  (needed by few)

    if not isinstance(context, ssl.SSLContext):
        raise ConfigurationError(f"{owner}.ssl: expected an ssl.SSLContext, got {type(context).__name__}")
    if context.minimum_version < ssl.TLSVersion.TLSv1_2:
        raise ConfigurationError(f"{owner}.ssl: expected a context whose minimum_version is TLSv1_2 or newer")
    if context.verify_mode != ssl.CERT_REQUIRED or not context.check_hostname:
        raise ConfigurationError(f"{owner}.ssl: expected a context that verifies certificates and their host names")
