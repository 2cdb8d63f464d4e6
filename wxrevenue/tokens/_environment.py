"""Credentials from the environment: a token that somebody else refreshes, or what it takes to refresh it here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from wxrevenue._base.secret import Secret
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from wxrevenue.tokens._component import ComponentTokens

_TOKEN: Final = "WXREVENUE_COMPONENT_TOKEN"  # noqa: S105  (a name)
_SECRET: Final = "WXREVENUE_COMPONENT_SECRET"  # noqa: S105  (a name)
_APPID: Final = "WXREVENUE_COMPONENT_APPID"
_TICKETS: Final = "WXREVENUE_TICKET_FILE"
_BASE_URL: Final = "WXREVENUE_BASE_URL"


def variables() -> dict[str, str]:
    """Return the settings of a client that the environment has, without secrets."""
    found = {"component_appid": os.environ.get(_APPID), "base_url": os.environ.get(_BASE_URL)}
    return {name: value for name, value in found.items() if value}


def tokens(component_appid: str | None, **settings: Any) -> Secret | ComponentTokens:
    """Return the component's token, or what refreshes it.

    Args:
        component_appid: the account, which only a fixed token does without.
        settings: further arguments of :class:`ComponentTokens`.

    Raises:
        ConfigurationError: a variable is missing, or there is one too many.
    """
    token, secret = Secret(os.environ.get(_TOKEN, "")), Secret(os.environ.get(_SECRET, ""))
    if token.reveal() and secret.reveal():
        raise ConfigurationError(f"set the environment variable {_TOKEN} or {_SECRET}, not both")
    if token.reveal():
        return token
    if not secret.reveal():
        raise ConfigurationError(f"set the environment variable {_TOKEN}; or {_SECRET}, {_APPID} and {_TICKETS}")
    path = os.environ.get(_TICKETS)
    if not path:
        raise ConfigurationError(f"the environment variable {_TICKETS} is not set: {_SECRET} needs the file that tickets are kept in")
    if not component_appid:
        raise ConfigurationError(f"the environment variable {_APPID} is not set: {_SECRET} needs the appid that it belongs to")
    from wxrevenue.tickets._file import FileTicketStore  # noqa: PLC0415  (not for who has a fixed token)
    from wxrevenue.tokens._component import ComponentTokens  # noqa: PLC0415

    return ComponentTokens(component_appid, secret, tickets=FileTicketStore(path), **settings)
