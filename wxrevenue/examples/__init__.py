"""Whole programs to begin with; ``wxrevenue example NAME`` prints one.

Each reads the variables of ``RevenueClient.from_env`` where it needs credentials, and its first
lines say how to run it.
"""

from __future__ import annotations

from importlib import resources
from typing import Final

from wxrevenue.errors import ConfigurationError

__all__ = ["EXAMPLES", "source"]

EXAMPLES: Final = {
    "first_call": "read the ratio of a Mini Program",
    "nightly_sync": "keep a ledger of settlements, and say what changed",
    "fastapi_app": "a web application: one client, errors as HTTP statuses",
    "push_receiver": "the server that takes WeChat's tickets and authorizations (aiohttp)",
    "worker": "synchronous workers, as Celery has them: one event loop for each process",
    "test_own_code": "pytest tests of your own code, with the fixtures of the package",
    "kms_signer": "funds distribution with a private key that stays in a KMS",
}
"""What is there, and what each shows."""


def source(name: str) -> str:
    """Return the text of an example.

    Args:
        name: one of ``EXAMPLES``; ``first-call`` and ``first_call.py`` are ``first_call``.

    Raises:
        ConfigurationError: there is no such example.
    """
    module = name.removesuffix(".py").replace("-", "_")
    if module not in EXAMPLES:
        raise ConfigurationError(f"no example is called {name!r}; there are: {', '.join(EXAMPLES)}")
    return resources.files(__name__).joinpath(f"{module}.py").read_text("utf-8")
