"""What a sandbox is made with, looked through before anything is made up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from wxrevenue._base import checks
from wxrevenue.errors import ConfigurationError
from wxrevenue.sandbox._trouble import Trouble

_ALLOWED: Final = {
    "components": range(1, 100_001),
    "programs": range(1, 10_000_001),
    "years": range(1, 101),
    "token_lifetime": range(1, 1_000_000_001),
}
_KINDS: Final[Mapping[str, type]] = {"today": date, "books": Mapping, "trouble": Trouble}
_FUNCTIONS: Final = ("now", "sleep")
_ADS_TOKENS: Final = (None, "component", "authorizer")


def check_options(options: Mapping[str, object]) -> None:
    """Refuse options that are not allowed.

    Raises:
        ConfigurationError: one of them is named.
    """
    for name, allowed in _ALLOWED.items():
        checks.number(f"Sandbox.{name}", options[name], allowed)
    for name, kind in _KINDS.items():
        checks.instance(f"Sandbox.{name}", options[name], kind)
    for name in _FUNCTIONS:
        if not callable(options[name]):
            raise ConfigurationError(f"Sandbox.{name}: expected a function, got {type(options[name]).__name__}")
    if options["ads_token"] not in _ADS_TOKENS:
        raise ConfigurationError("Sandbox.ads_token: expected 'component', 'authorizer' or None")
