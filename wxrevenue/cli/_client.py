"""The client of a command: of WeChat, or of a sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wxrevenue import RevenueClient
from wxrevenue.cli._variables import CREDENTIALS
from wxrevenue.errors import ConfigurationError
from wxrevenue.sandbox import Sandbox
from wxrevenue.sandbox._client_tokens import SandboxTokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.clients._options import RevenueSettings
    from wxrevenue.events import Event


DEADLINE_S: Final = 150.0
"""Seconds for a call: long enough to wait twice for WeChat's pause of a minute."""


def client_for(*, sandbox: bool, base_url: str | None, on_event: Callable[[Event], object] | None = None) -> RevenueClient:
    """Return the client.

    Raises:
        ConfigurationError: credentials are missing or not allowed.
    """
    if sandbox:
        made_up = Sandbox()
        component = made_up.components[0]
        tokens, transport = SandboxTokens(made_up, component), made_up.transport()
        return RevenueClient(tokens, component, transport=transport, on_event=on_event, deadline=DEADLINE_S)
    given: RevenueSettings = {"on_event": on_event, "deadline": DEADLINE_S}
    if base_url:
        given["base_url"] = base_url
    try:
        return RevenueClient.from_env(**given)
    except ConfigurationError as error:
        if not any(name in error.message for name in CREDENTIALS):
            raise
        problem = f"{error}. Credentials come from the environment; --sandbox tries the command without any."
    raise ConfigurationError(problem)
