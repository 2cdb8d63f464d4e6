"""The only place where a token, key or ticket is kept.

It is kept in a box that never prints what is in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NoReturn, cast, final
from urllib.parse import quote, quote_plus, unquote

from wxrevenue._base.checks import flaw_of_credential
from wxrevenue.errors import ConfigurationError, TokenUnavailableError

STARS = "***"
_TOKEN_PARAMETER = re.compile(r"((?:component_|authorizer_)?access_token\s*=\s*)[^&\s\"'<>]+", re.IGNORECASE)


class NeverPickled:
    """Base of what holds a secret, in a box or in the clear.

    It is not pickled. It hands out no state to code that pickles by hand.
    """

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is never pickled: it holds secrets; hand those over by other means")

    __getstate__ = __reduce__
    """Hand out no state.

    Python 3.11 and newer give every object a method that hands out its slots.
    """


@final
class Secret(NeverPickled):
    """A string that is never shown.

    It stays out of ``repr``, ``str``, formatting and pickles, and of the timing of comparisons.

    Args:
        value: the secret text.
    """

    __slots__ = ("_value", "derived")

    def __init__(self, value: str) -> None:
        self._value = value
        self.derived: dict[str, Any] = {}
        """Values computed from the secret, such as encoded forms and URLs.

        They are kept here so that they live no longer than the secret.
        """

    def reveal(self) -> str:
        """Return the secret text. Keep it out of locals: pass it straight on."""
        return self._value

    def encoded(self) -> Secret:
        """Return the secret percent-encoded for a URL query, computed once."""
        found: Secret | None = self.derived.get("encoded")
        if found is None:
            found = self.derived["encoded"] = Secret(_quoted(self._value, safe=""))
        return found

    def __repr__(self) -> str:
        return f"Secret({STARS})"

    def __str__(self) -> str:
        return STARS

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        from hmac import compare_digest  # costs a millisecond that an import need not pay

        return compare_digest(self._value.encode(errors="surrogatepass"), other._value.encode(errors="surrogatepass"))

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self


class NotASecret:
    """Stands for a value of a type that no secret has.

    The value may be a secret all the same, so it is not kept.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind


def as_secret(value: object, *methods: str) -> Any:
    """Return a value in a form that a traceback may show.

    A string becomes a ``Secret``. A function, or an object with those methods, stays as it is. A
    function that takes a token or key calls this first, since a traceback shows the locals of its
    frames.
    """
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, (Secret, NotASecret)) or callable(value) or (methods and all(hasattr(value, name) for name in methods)):
        return value
    return NotASecret(type(value).__name__)


def as_secret_items(value: object, one: Callable[[object], object] = as_secret) -> Any:
    """Return the keys and values of a mapping, each as :func:`as_secret` returns it.

    A caller that swaps the two shows neither.
    """
    if not isinstance(value, Mapping):
        return NotASecret(type(value).__name__)
    return [(as_secret(key), one(item)) for key, item in cast("Mapping[object, object]", value).items()]


def without_key(value: object) -> Any:
    """Return a value that is not secret as it is.

    A PEM key given in its place is not kept.
    """
    is_key = isinstance(value, (bytes, bytearray)) or (isinstance(value, str) and "-----BEGIN" in value)
    return NotASecret("a key") if is_key else value


def as_port(value: object, method: str) -> Any:
    """Return an object that has the method as it is.

    Of any other object, return only its kind: it may be a key, given by mistake.
    """
    return value if hasattr(value, method) else NotASecret(type(value).__name__)


def require_secret(where: str, value: object) -> Secret:
    """Return a value that is a ``Secret`` and may be a credential.

    Raises:
        ConfigurationError: it is something else, or breaks the rule of :func:`flaw_of_credential`.
    """
    if not isinstance(value, Secret):
        kind, value = value.kind if isinstance(value, NotASecret) else type(value).__name__, None
        raise ConfigurationError(f"{where}: expected a str or a Secret, got {kind}")
    flaw = flaw_of_credential(value.reveal())
    if flaw is not None:
        raise ConfigurationError(f"{where}: {flaw}")
    return value


def as_secret_key(value: object, *methods: str) -> Any:
    """Return a PEM key, ``str`` or ``bytes``, as a ``Secret``.

    Any other value is returned as by :func:`as_secret`.
    """
    return as_secret(bytes(value).decode("latin-1") if isinstance(value, (bytes, bytearray)) else value, *methods)


def require_token(value: object, where: str = "a token") -> Secret:
    """Return what a source handed out as a ``Secret``.

    Raises:
        TokenUnavailableError: it is empty.
        ConfigurationError: as :func:`require_secret`.
    """
    value = as_secret(value)
    if isinstance(value, Secret) and not value.reveal():
        raise TokenUnavailableError(f"{where} is empty: give the component's token, or a ComponentTokens that gets it")
    return require_secret(where, value)


def scrub(text: str, *secrets: Secret | None) -> str:
    """Return server text with every given secret starred out.

    Secrets are found raw or percent-encoded. Every ``access_token=…`` is starred out as well.
    """
    for secret in secrets:
        if secret is not None:
            text = _spelled(secret).sub(STARS, text)
    return _TOKEN_PARAMETER.sub(rf"\g<1>{STARS}", text)


def _spelled(secret: Secret) -> re.Pattern[str]:
    """Return a pattern of every spelling that a secret may have.

    A URL, a proxy or an error page may spell it differently.
    """
    found: re.Pattern[str] | None = secret.derived.get("spelled")
    if found is None:
        found = secret.derived["spelled"] = re.compile(_alternatives(secret), re.IGNORECASE)
    return found


def _alternatives(secret: Secret) -> str:
    spellings = {spelling for box in (secret, Secret(unquote(secret.reveal())), secret.encoded()) for spelling in _spellings(box)}
    return "|".join(re.escape(s) for s in sorted(spellings, key=len, reverse=True) if s) or "(?!)"


def _spellings(secret: Secret) -> tuple[str, ...]:
    return secret.reveal(), _quoted(secret.reveal()), _quoted(secret.reveal(), safe=""), _quoted_plus(secret.reveal())


_quoted = partial(quote, errors="surrogatepass")
_quoted_plus = partial(quote_plus, errors="surrogatepass")
"""Quote any str, as the standard library does.

A ``UnicodeEncodeError`` of the standard library would carry all of a secret.
"""
