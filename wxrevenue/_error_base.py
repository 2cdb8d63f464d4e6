"""The root of all errors: their facts, their text, what to do about each class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Reason: TypeAlias = Literal["dns", "connect", "tls", "proxy", "pool", "timeout", "reset", "protocol", "too_large"]
"""What broke below HTTP.

``tls`` and ``too_large`` would break again, so they are not retried.
"""

E = TypeVar("E", bound=BaseException)

BY_REASON: Final[Mapping[Reason, str]] = {
    "dns": "Check the host's name in base_url, and this machine's name server.",
    "connect": "Check that the server is running, and that a firewall lets this machine through.",
    "tls": "Check this machine's clock and certificates, and whether a proxy stands between.",
    "proxy": "Check the proxy's address and password, and whether it lets this host through.",
    "pool": "Make fewer calls at the same time, or give the transport a larger limit=.",
    "timeout": "Call again later. If it lasts, check the network, or give a longer timeout=.",
    "reset": "Call again later. If it lasts, check the network and what stands between.",
    "protocol": "Check that base_url names WeChat or your gateway, and what stands between.",
    "too_large": "Ask for fewer rows at a time.",
}
"""What to do about an exchange that failed, by its reason."""
_BY_CLASS: Final[Mapping[str, str]] = {
    "ConfigurationError": "Give a value that the message allows.",
    "ClientStateError": "Make one client for each process and event loop, use it there, and close it last.",
    "TransportError": "Check the network, and call again later.",
    "NotSentError": "Nothing arrived: check the network, and call again.",
    "ResponseLostError": "Call again later. If the call changes something, read that back first.",
    "OutcomeUnknownError": "Read back what the call changes before you repeat it.",
    "DecodeError": "Check base_url and what stands between; else report it with its path.",
    "ApiError": "Look the code up in WeChat's documents, or ask WeChat's support with the request id.",
    "TooFastError": "Wait for retry_after seconds, or give the call a longer deadline=.",
    "QuotaExceededError": "Wait until midnight in Beijing, or have the quota reset at WeChat.",
    "ServerBusyError": "Call again later.",
    "InvalidParameterError": "Check the parameters against the interface's page.",
    "AgreementUnsignedError": "Have the merchant sign in the authorization flow.",
    "AccountNotOpenError": "Open the advertising account first.",
    "TokenError": "Make sure that one process alone refreshes the token, and that it is of the right kind.",
    "PermissionDeniedError": "Check which permissions the account was granted, and the kind of the token.",
    "TokenUnavailableError": "Check the secret, the ticket or the token that the message names.",
    "SignatureError": "Do not trust the answer. If it lasts, check the verifier's keys and this machine's clock.",
    "PageDriftError": "Walk again from the beginning, or go on at the cursor.",
    "LedgerError": "Repair the database, then run it again.",
    "DeadlineExceededError": "Give the call more time, or call again when the server is less busy.",
}
"""What to do about an error whose message or code does not say more, by class.

A subclass has what its base has.
"""
_LONG_S: Final = 1.0
"""Seconds from which one attempt is long enough for the text to say so."""


def _rebuild(kind: type[WxRevenueError], args: tuple[object, ...], facts: dict[str, object]) -> WxRevenueError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(facts)
    return error


class WxRevenueError(Exception):
    """Root of every error here.

    Its facts are attributes. Its text, attributes and pickle hold no secret.
    """

    retryable: bool = False
    """The same call may succeed if simply made again."""
    ambiguous: bool = False
    """The call may have taken effect on the server although it failed."""
    attempts: int | None = None
    """How many attempts the call made, where it got as far as making any."""
    duration: float | None = None
    """Seconds that these attempts and the waits between them took."""
    endpoint: str | None = None
    """The interface that was called, such as ``get_share_ratio``."""
    cursor: str | None = None
    """Where to resume the walk that this error ended, where it ended one."""
    limit: str | None = None
    """The setting whose time was up, such as ``deadline=30 s``."""
    place: str | None = None
    """Host and path from which an unreadable answer came, without the query."""
    solution: str = "Read the message; report it if that does not help."
    """What to do about it."""

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        if cls.__name__ in _BY_CLASS and "solution" not in vars(cls):
            cls.solution = _BY_CLASS[cls.__name__]

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)

    def __str__(self) -> str:
        head = (self.endpoint, ", ".join(part for part in (self._effort(), self.limit, self.place) if part))
        text = ": ".join(part for part in (*head, self.explained()) if part)
        is_of_a_call = self.attempts is not None or self.cursor is not None
        remedy = self._remedy() if is_of_a_call else None
        return f"{text}; what to do: {remedy}" if remedy else text

    def explained(self) -> str:
        """Return what happened, without the endpoint's name."""
        return self.message

    def _effort(self) -> str | None:
        """Return how often and how long it was tried, where that is worth telling."""
        if not self.attempts or self.duration is None or (self.attempts == 1 and self.duration < _LONG_S):
            return None
        return f"{self.attempts} attempt{'' if self.attempts == 1 else 's'} in {self.duration:.1f} s"

    def _remedy(self) -> str | None:
        """Return what the text of a call's error adds.

        ``None`` where the message already says what is allowed.
        """
        return None


WxRevenueError.__module__ = "wxrevenue.errors"  # where users find it


def without_history(error: E) -> E:
    """Return the error with its traceback and chain cut off.

    They may hold what must not be printed.
    """
    error.__traceback__ = error.__cause__ = error.__context__ = None
    return error


def one_of(allowed: Sequence[str]) -> str:
    """Return ``'a', 'b' or 'c'`` for a message that says what is allowed."""
    *first, last = (repr(name) for name in allowed)
    return f"{', '.join(first)} or {last}" if first else last
