"""Credentials from the environment.

A token that another program refreshes, or what it takes to refresh it here.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

from wxrevenue._base import checks as _checks
from wxrevenue._base.secret import Secret, require_secret
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wxrevenue.events import Event
    from wxrevenue.ports import Clock, TicketStore, TokenStore, Transport
    from wxrevenue.tokens._component import ComponentTokens

    class _Settings(TypedDict, total=False):
        """What a client shares with its tokens."""

        store: TokenStore | None
        transport: Transport | None
        base_url: str
        clock: Clock | None
        on_event: Callable[[Event], object] | None


_TOKEN: Final = "WXREVENUE_COMPONENT_TOKEN"  # noqa: S105  (a name)
_SECRET: Final = "WXREVENUE_COMPONENT_SECRET"  # noqa: S105  (a name)
_APPID: Final = "WXREVENUE_COMPONENT_APPID"
_TICKETS: Final = "WXREVENUE_TICKET_FILE"
_BASE_URL: Final = "WXREVENUE_BASE_URL"


def variables(given: Mapping[str, object]) -> dict[str, str]:
    """Return the settings of a client that the environment has.

    Secrets, and settings that are given by hand, are left out.
    """
    found = {"component_appid": _APPID, "base_url": _BASE_URL}
    return {name: _variable(variable) for name, variable in found.items() if name not in given and os.environ.get(variable)}


def has_token() -> bool:
    """Return whether the environment has a token that another program refreshes."""
    return bool(os.environ.get(_TOKEN))


def tokens(component_appid: str | None, *, tickets: TicketStore | None = None, **settings: Unpack[_Settings]) -> Secret | ComponentTokens:
    """Return the component's token, or what refreshes it.

    Args:
        component_appid: the account, which only a fixed token does without.
        tickets: where the tickets are kept if the environment names no file.
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
    kept = _ticket_file() or tickets
    if kept is None:
        raise ConfigurationError(f"the environment variable {_TICKETS} is not set: {_SECRET} needs the file that tickets are kept in")
    if not component_appid:
        raise ConfigurationError(f"the environment variable {_APPID} is not set: {_SECRET} needs the appid that it belongs to")
    from wxrevenue.tokens._component import ComponentTokens  # not needed for a fixed token

    return ComponentTokens(component_appid, secret, tickets=kept, **settings)


def _ticket_file() -> TicketStore | None:
    if not os.environ.get(_TICKETS):
        return None
    from wxrevenue.tickets._file import FileTicketStore

    return FileTicketStore(_checks.text(_named(_TICKETS), os.environ[_TICKETS]))  # may have blanks, but no line end that came with it


def _named(variable: str) -> str:
    return f"the environment variable {variable}"


def _variable(variable: str) -> str:
    return _checks.credential(_named(variable), os.environ[variable])


def _secret(variable: str) -> Secret | None:
    found = Secret(os.environ.get(variable, ""))
    return require_secret(_named(variable), found) if found.reveal() else None
