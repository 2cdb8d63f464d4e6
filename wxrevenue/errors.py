"""Every error this package raises.

::

    WxRevenueError
    ├── ConfigurationError      (also ValueError)    a value you gave is not allowed; nothing was sent
    ├── ClientStateError        (also RuntimeError)  closed client, other event loop, forked child, walked paginator
    ├── TransportError
    │   ├── NotSentError                             no byte of the request can have arrived
    │   ├── ResponseLostError                        it may have arrived, its answer did not
    │   └── OutcomeUnknownError                      a write ended without anyone knowing whether it was done
    ├── DecodeError                                  an answer that is not what the documents say
    ├── ApiError                                     the server said no: code, meaning, solution
    │   ├── TooFastError                             operating too fast: wait ``retry_after`` seconds
    │   ├── QuotaExceededError                       the day's quota is spent
    │   ├── ServerBusyError                          the server is busy or broken; retried for you
    │   ├── InvalidParameterError                    a parameter is wrong
    │   ├── AgreementUnsignedError                   the merchant has not signed
    │   ├── AccountNotOpenError                      the advertising account is not open
    │   ├── TokenError                               the token was refused
    │   └── PermissionDeniedError                    not allowed, or the wrong kind of token
    ├── TokenUnavailableError                        no token could be had
    ├── SignatureError                               an answer's signature is missing or wrong
    ├── PageDriftError                               a walk over pages lost its footing
    └── DeadlineExceededError   (also TimeoutError)  the call's time is up
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "AccountNotOpenError", "AgreementUnsignedError", "ApiError", "ClientStateError", "ConfigurationError", "DeadlineExceededError",
    "DecodeError", "InvalidParameterError", "NotSentError", "OutcomeUnknownError", "PageDriftError", "PermissionDeniedError",
    "QuotaExceededError", "ResponseLostError", "ServerBusyError", "SignatureError", "TokenError", "TokenUnavailableError",
    "TooFastError", "TransportError", "WxRevenueError",
]  # fmt: skip


Reason: TypeAlias = Literal["dns", "connect", "tls", "proxy", "pool", "timeout", "reset", "protocol", "too_large"]
"""What broke below HTTP. ``tls`` and ``too_large`` would break again: they are not retried."""

_HOPELESS = frozenset({"tls", "too_large"})


def _rebuild(kind: type[WxRevenueError], args: tuple[Any, ...], facts: dict[str, Any]) -> WxRevenueError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(facts)
    return error


class WxRevenueError(Exception):
    """Root of every error here. Its facts are attributes; its text, attributes and pickle hold no secret."""

    retryable: bool = False
    """The same call may succeed if simply made again."""
    ambiguous: bool = False
    """The call may have taken effect on the server although it failed."""
    attempts: int | None = None
    """How many attempts the call made, where it got as far as making any."""
    endpoint: str | None = None
    """The interface that was called, such as ``get_share_ratio``."""
    cursor: str | None = None
    """Where to resume the walk that this error ended, where it ended one."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)

    def __str__(self) -> str:
        return f"{self.endpoint}: {self.explained()}" if self.endpoint else self.explained()

    def explained(self) -> str:
        """Return what happened, without the endpoint's name."""
        return self.message


class ConfigurationError(WxRevenueError, ValueError):
    """A value given by the caller is not allowed. Raised before any I/O; names the field and what is allowed."""


class ClientStateError(WxRevenueError, RuntimeError):
    """The client, or the paginator, cannot be used here and now: closed, another event loop, a forked child, already walked."""


class TransportError(WxRevenueError):
    """The exchange with the server failed below the level of its answers."""


class _ExchangeError(TransportError):
    def __init__(self, message: str = "", *, reason: Reason, retryable: bool = True) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.retryable = retryable and reason not in _HOPELESS

    def explained(self) -> str:
        return f"{self.message} ({self.reason})" if self.message else self.reason


class NotSentError(_ExchangeError):
    """No byte of the request can have reached the server, so that repeating it is always safe.

    Args:
        message: what happened, without URL or secret.
        reason: where it broke, see :data:`Reason`.
        retryable: whether a repetition may help.
    """


class ResponseLostError(_ExchangeError):
    """The request may have reached the server; its answer was lost or unreadable. Arguments as :class:`NotSentError`."""

    ambiguous = True


class OutcomeUnknownError(TransportError):
    """A call that changes something ended without anyone knowing whether it took effect.

    ``last`` is the error that ended it. Read the state back (or repeat the call, where the interface allows it) before
    telling a user that it failed.
    """

    ambiguous = True

    def __init__(self, message: str = "", *, last: WxRevenueError) -> None:
        super().__init__(message)
        self.last = last

    def explained(self) -> str:
        return f"{self.message or 'it is unknown whether the call took effect'}; last error: {self.last.explained()}"


class DecodeError(WxRevenueError):
    """An answer is not what the documents say. Names the path in wire names, never the value.

    Args:
        message: what was expected and what kind of value stood there.
        path: where, such as ``$.settlement_list[3].order``.
    """

    ambiguous = True

    def __init__(self, message: str = "", *, path: str = "$", retryable: bool = False) -> None:
        super().__init__(message)
        self.path = path
        self.retryable = retryable

    def explained(self) -> str:
        return f"{self.message} @ {self.path}"


class ApiError(WxRevenueError):
    """The server answered, and the answer is no.

    Args:
        message: the server's own words, secrets starred out.
        code: the server's code: an ``int`` (AMS), a ``str`` (WeChat Pay), ``None`` where the answer had none.
        status: the HTTP status; 0 where the limiter refused and nothing was sent.
        detail: further data that the server attached.
        request_id: what WeChat's support asks for (``rid``, ``Request-ID``).
        retry_after: seconds the server, or the limiter, asks to wait.
        meaning: what the code means, in English, with WeChat's own words in brackets; ``None`` for a code we do not know.
        solution: what to do about it; ``None`` for a code we do not know.
    """

    def __init__(  # noqa: PLR0913  (facts, all by keyword)
        self,
        message: str = "",
        *,
        code: int | str | None = None,
        status: int = 200,
        detail: Any = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        meaning: str | None = None,
        solution: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.detail = detail
        self.request_id = request_id
        self.retry_after = retry_after
        self.meaning = meaning
        self.solution = solution

    def explained(self) -> str:
        head = f"code {self.code}" if self.code is not None else f"HTTP {self.status}"
        said = self.message and (f"server said {self.message!r}" if self.status else self.message)
        wait = self.retry_after is not None and f"retry after {self.retry_after:.0f} s"
        solution = self.solution and f"what to do: {self.solution}"
        return "; ".join(part for part in (head, self.meaning, said, wait, solution) if part)


class TooFastError(ApiError):
    """Operating too fast. ``retry_after`` is how many seconds to wait before the scope's next turn can come."""


class QuotaExceededError(ApiError):
    """The day's quota is spent. ``retry_after`` says when the limiter lets the next probe go."""


class ServerBusyError(ApiError):
    """The server is overloaded or broke down. Retried within the policy; surfaces when that did not help."""

    retryable = True


class InvalidParameterError(ApiError):
    """The server found a parameter wrong."""


class AgreementUnsignedError(ApiError):
    """The merchant has not completed the agreement."""


class AccountNotOpenError(ApiError):
    """The provider's or the Mini Program's advertising account is not open."""


class TokenError(ApiError):
    """The server refused the token (and, where another one could be had, that one too)."""


class PermissionDeniedError(ApiError):
    """The account may not do this, or the token is of the wrong kind for this interface."""


class TokenUnavailableError(WxRevenueError):
    """No token could be had: nobody refused one, there was none to send.

    ``last`` is the error that kept a new token from being had, where there was one: its ``code`` is the server's. The text says
    what to do about it.
    """

    def __init__(self, message: str = "", *, last: WxRevenueError | None = None) -> None:
        super().__init__(message)
        self.last = last
        self.retryable = last is not None and last.retryable


class SignatureError(WxRevenueError):
    """An answer's signature is missing or wrong: whoever sent it may not be WeChat Pay.

    ``is_probe`` marks one of the deliberately wrong signatures with which WeChat Pay tests that its callers verify.
    """

    ambiguous = True

    def __init__(self, message: str = "", *, is_probe: bool = False) -> None:
        super().__init__(message)
        self.is_probe = is_probe
        self.retryable = is_probe


class PageDriftError(WxRevenueError):
    """A walk over pages cannot vouch that it saw every row: the list kept changing, or the server ignores the page number.

    ``got`` is how many rows it yielded before that; they are good. Walk again later, from the beginning or from ``cursor``.
    """

    def __init__(self, message: str = "", *, got: int = 0) -> None:
        super().__init__(message)
        self.got = got


class DeadlineExceededError(WxRevenueError, TimeoutError):
    """The call's time is up."""


def without_history(error: Any) -> Any:
    """Return the error with its traceback and chain cut off: what they hold was never meant to be printed."""
    error.__traceback__ = error.__cause__ = error.__context__ = None
    return error


def one_of(allowed: Sequence[str]) -> str:
    """Return ``'a', 'b' or 'c'`` for a message that says what is allowed."""
    *first, last = (repr(name) for name in allowed)
    return f"{', '.join(first)} or {last}" if first else last
