"""The only place a token, key or ticket is kept: a box that never prints what is in it."""

from __future__ import annotations

import re
from typing import Any, NoReturn, final
from urllib.parse import quote, quote_plus, unquote

from wxrevenue.errors import ConfigurationError, TokenUnavailableError

STARS = "***"
_TOKEN_PARAMETER = re.compile(r"((?:component_|authorizer_)?access_token\s*=\s*)[^&\s\"'<>]+", re.IGNORECASE)


@final
class Secret:
    """A string that does not show itself in ``repr``, ``str``, formatting, pickles or comparisons' timing.

    Args:
        value: the secret text.
    """

    __slots__ = ("_value", "derived")

    def __init__(self, value: str) -> None:
        self._value = value
        self.derived: dict[str, Any] = {}
        """Values computed from the secret (encoded forms, URLs), kept here so that they live no longer than it does."""

    def reveal(self) -> str:
        """Return the secret text. Keep it out of locals: pass it straight on."""
        return self._value

    def encoded(self) -> Secret:
        """Return the secret percent-encoded for a URL query, computed once."""
        found: Secret | None = self.derived.get("encoded")
        if found is None:
            found = self.derived["encoded"] = Secret(quote(self._value, safe=""))
        return found

    def __repr__(self) -> str:
        return f"Secret({STARS})"

    def __str__(self) -> str:
        return STARS

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        from hmac import compare_digest  # noqa: PLC0415  (costs a millisecond that an import need not pay)

        return compare_digest(self._value.encode(errors="surrogatepass"), other._value.encode(errors="surrogatepass"))

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never pickled: hand the secret over by other means and wrap it there")


class NotASecret:
    """Stands for a value of a type that no secret has; the value may be one all the same, and is let go of."""

    def __init__(self, kind: str) -> None:
        self.kind = kind


def as_secret(value: Any, *methods: str) -> Any:
    """Return a value that may be raised beside: a string as a ``Secret``; a function, or an object with those methods, as it is.

    The first thing that whoever takes a token or key does with it, since a traceback shows the locals of its frames.
    """
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, Secret) or callable(value) or (methods and all(hasattr(value, name) for name in methods)):
        return value
    return NotASecret(type(value).__name__)


def require_secret(where: str, value: object) -> Secret:
    """Return a value as a ``Secret`` that is a ``Secret`` and not empty.

    Raises:
        ConfigurationError: it is something else.
    """
    if not isinstance(value, Secret):
        kind = value.kind if isinstance(value, NotASecret) else type(value).__name__
        raise ConfigurationError(f"{where}: expected a str or a Secret, got {kind}")
    if not value.reveal():
        raise ConfigurationError(f"{where}: expected a secret that is not empty")
    return value


def as_secret_key(value: Any, *methods: str) -> Any:
    """Return a PEM key, ``str`` or ``bytes``, as a ``Secret``; else as :func:`as_secret`."""
    return as_secret(value.decode("latin-1") if isinstance(value, bytes) else value, *methods)


def require_token(value: object) -> Secret:
    """Return what a source handed out as a ``Secret``."""
    if isinstance(value, str):
        value = Secret(value)
    if not isinstance(value, Secret):
        kind, value = value.kind if isinstance(value, NotASecret) else type(value).__name__, None
        raise ConfigurationError(f"a token must be a str or a Secret, got {kind}")
    if not value.reveal():
        raise TokenUnavailableError("the token is empty")
    return value


def scrub(text: str, *secrets: Secret | None) -> str:
    """Return server text with every given secret (raw or percent-encoded) and every ``access_token=…`` starred out."""
    for secret in secrets:
        if secret is not None:
            text = _spelled(secret).sub(STARS, text)
    return _TOKEN_PARAMETER.sub(rf"\g<1>{STARS}", text)


def _spelled(secret: Secret) -> re.Pattern[str]:
    """Return a pattern of every spelling a URL, a proxy or an error page may give the secret."""
    found: re.Pattern[str] | None = secret.derived.get("spelled")
    if found is None:
        found = secret.derived["spelled"] = re.compile(_alternatives(secret), re.IGNORECASE)
    return found


def _alternatives(secret: Secret) -> str:
    spellings = {spelling for box in (secret, Secret(unquote(secret.reveal())), secret.encoded()) for spelling in _quoted(box)}
    return "|".join(re.escape(s) for s in sorted(spellings, key=len, reverse=True) if s) or "(?!)"


def _quoted(secret: Secret) -> tuple[str, ...]:
    return secret.reveal(), quote(secret.reveal()), quote(secret.reveal(), safe=""), quote_plus(secret.reveal())
