"""The keys of what several machines keep in Redis, from the environment."""

from __future__ import annotations

import base64
import contextlib
import os
from typing import Final

from wxrevenue._base.secret import Secret
from wxrevenue.errors import ConfigurationError

_STORE_KEY: Final = "WXREVENUE_STORE_KEY"
_KEY_BYTES: Final = 32


def store_keys(*, needed_for: str | None) -> tuple[Secret, ...]:
    """Return the keys of what is kept in Redis, each 32 bytes.

    The first encrypts, all decrypt.

    Args:
        needed_for: what cannot do without; ``None``: there may be none.

    Raises:
        ConfigurationError: one is needed, or is none.
    """
    texts = [Secret(text) for text in os.environ.get(_STORE_KEY, "").split(",") if text.strip()]
    if not texts and needed_for is not None:
        how = "32 random bytes in base64, the same on every machine (openssl rand -base64 32)"
        raise ConfigurationError(f"the environment variable {_STORE_KEY} is not set: {needed_for}; set it to {how}")
    return tuple(_key(text) for text in texts)


def _key(text: Secret) -> Secret:
    found = _decoded(text)
    if found is None:
        raise ConfigurationError(
            f"the environment variable {_STORE_KEY}: expected {_KEY_BYTES} bytes in base64, or several such keys with commas between"
        )
    return found


def _decoded(text: Secret) -> Secret | None:
    """Return the key, or ``None``. Raises nothing: a traceback would show it."""
    with contextlib.suppress(ValueError):
        found = Secret(base64.b64decode(text.reveal().strip(), validate=True).decode("latin-1"))
        return found if len(found.reveal()) == _KEY_BYTES else None
    return None
