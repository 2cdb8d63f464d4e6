"""Credentials from the environment: a token that somebody else refreshes, or what it takes to refresh it here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from wxrevenue._base import checks as _checks
from wxrevenue._base.secret import Secret, require_secret
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxrevenue.tokens._component import ComponentTokens

_TOKEN: Final = "WXREVENUE_COMPONENT_TOKEN"  # noqa: S105  (a name)
_SECRET: Final = "WXREVENUE_COMPONENT_SECRET"  # noqa: S105  (a name)
_APPID: Final = "WXREVENUE_COMPONENT_APPID"
_TICKETS: Final = "WXREVENUE_TICKET_FILE"
_BASE_URL: Final = "WXREVENUE_BASE_URL"


def variables(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings of a client that the environment has, without secrets and without those that are given by hand."""
    found = {"component_appid": _APPID, "base_url": _BASE_URL}
    return {name: _variable(variable) for name, variable in found.items() if name not in given and os.environ.get(variable)}


def tokens(component_appid: str | None, **settings: Any) -> Secret | ComponentTokens:
    """Return the component's token, or what refreshes it.

    Args:
        component_appid: the account, which only a fixed token does without.
        settings: further arguments of :class:`ComponentTokens`.

    Raises:
        ConfigurationError: a variable is missing or not allowed, or there is one too many.
    """
    token, secret = _secret(_TOKEN), _secret(_SECRET)
    if token is not None and secret is not None:
        raise ConfigurationError(f"set the environment variable {_TOKEN} or {_SECRET}, not both")
    if token is not None:
        return token
    if secret is None:
        raise ConfigurationError(f"set the environment variable {_TOKEN}; or {_SECRET}, {_APPID} and {_TICKETS}")
    if not os.environ.get(_TICKETS):
        raise ConfigurationError(f"the environment variable {_TICKETS} is not set: {_SECRET} needs the file that tickets are kept in")
    if not component_appid:
        raise ConfigurationError(f"the environment variable {_APPID} is not set: {_SECRET} needs the appid that it belongs to")
    from wxrevenue.tickets._file import FileTicketStore  # not for who has a fixed token
    from wxrevenue.tokens._component import ComponentTokens

    path = _checks.text(_named(_TICKETS), os.environ[_TICKETS])  # may have blanks, but no line end that came with it
    return ComponentTokens(component_appid, secret, tickets=FileTicketStore(path), **settings)


def _named(variable: str) -> str:
    return f"the environment variable {variable}"


def _variable(variable: str) -> str:
    return _checks.credential(_named(variable), os.environ[variable])


def _secret(variable: str) -> Secret | None:
    found = Secret(os.environ.get(variable, ""))
    return require_secret(_named(variable), found) if found.reveal() else None
