"""The environment variables that ``wxrevenue --help`` lists."""

from __future__ import annotations

from typing import Final

VARIABLES: Final = {
    "WXREVENUE_COMPONENT_APPID": "the component's appid",
    "WXREVENUE_COMPONENT_SECRET": "its secret; needs the ticket file",
    "WXREVENUE_TICKET_FILE": "where the push server keeps the ticket",
    "WXREVENUE_COMPONENT_TOKEN": "or a token that another program refreshes, in place of secret and ticket",
    "WXREVENUE_REDIS": "the Redis that workers share (worker, sync)",
    "WXREVENUE_STORE_KEY": "32 bytes in base64 that seal what workers keep in it; several with commas between, the first seals",
    "WXREVENUE_LEDGER": "the ledger of workers (worker)",
    "WXREVENUE_BASE_URL": "another server than WeChat's",
    "WXREVENUE_LOG": "a log of calls on stderr: info or debug",
    "WXREVENUE_REDIRECT_URI": "where the link of an authorization leads back to (ratios)",
    "WXREVENUE_MERCHANT_FILE": "the merchant's numbers and keys (funds)",
}
"""What each holds. None has a default."""
CREDENTIALS: Final = tuple(name for name in VARIABLES if "COMPONENT" in name)
"""Those that say who calls WeChat."""


def listed() -> str:
    """Return a list of them, in Markdown."""
    return "\n".join(("Environment variables; none has a default:\n", *(f"- {name}: {holds}" for name, holds in VARIABLES.items())))
