"""Every error this package raises.

::

    WxRevenueError
    ├── ConfigurationError      (also ValueError)   a value given is not allowed; nothing was sent
    ├── ClientStateError        (also RuntimeError) client closed, of another loop, or forked
    ├── TransportError
    │   ├── NotSentError                            no byte of the request can have arrived
    │   ├── ResponseLostError                       it may have arrived, its answer did not
    │   └── OutcomeUnknownError                     a write ended; it is unknown whether it was done
    ├── DecodeError                                 an answer that is not what the documents say
    ├── ApiError                                    the server said no: code, meaning, solution
    │   ├── TooFastError                            operating too fast: wait ``retry_after`` seconds
    │   ├── QuotaExceededError                      the day's quota is spent
    │   ├── ServerBusyError                         the server is busy or broken; retried for you
    │   ├── InvalidParameterError                   a parameter is wrong
    │   ├── AgreementUnsignedError                  the merchant has not signed
    │   ├── AccountNotOpenError                     the advertising account is not open
    │   ├── TokenError                              the token was refused
    │   └── PermissionDeniedError                   not allowed, or the wrong kind of token
    ├── TokenUnavailableError                       there was no token to send
    ├── SignatureError                              an answer's signature is missing or wrong
    ├── PageDriftError                              a walk over pages lost its footing
    ├── LedgerError                                 a ledger's database failed; nothing was recorded
    └── DeadlineExceededError   (also TimeoutError) the call's time is up
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from wxrevenue import _error_base
from wxrevenue._error_base import BY_REASON, WxRevenueError

__all__ = [
    "AccountNotOpenError", "AgreementUnsignedError", "ApiError", "ClientStateError", "ConfigurationError", "DeadlineExceededError",
    "DecodeError", "InvalidParameterError", "LedgerError", "NotSentError", "OutcomeUnknownError", "PageDriftError", "PermissionDeniedError",
    "QuotaExceededError", "ResponseLostError", "ServerBusyError", "SignatureError", "TokenError", "TokenUnavailableError",
    "TooFastError", "TransportError", "WxRevenueError",
]  # fmt: skip


Reason: TypeAlias = _error_base.Reason
one_of = _error_base.one_of
without_history = _error_base.without_history
_HOPELESS: Final = frozenset({"tls", "too_large"})


class ConfigurationError(WxRevenueError, ValueError):
    """A value given by the caller is not allowed.

    Raised before any I/O. Names the field and what is allowed.
    """


class ClientStateError(WxRevenueError, RuntimeError):
    """The client, or the paginator, cannot be used here and now.

    It is closed, belongs to another event loop, was made before a fork, or was already walked.
    """


class TransportError(WxRevenueError):
    """The exchange with the server failed below the level of its answers."""

    def _remedy(self) -> str | None:
        return self.solution


class _ExchangeError(TransportError):
    def __init__(self, message: str = "", *, reason: Reason, retryable: bool = True) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.retryable = retryable and reason not in _HOPELESS
        self.solution = BY_REASON[reason]

    def explained(self) -> str:
        return f"{self.message} ({self.reason})" if self.message else self.reason


class NotSentError(_ExchangeError):
    """No byte of the request can have reached the server: repeating it is safe.

    Args:
        message: what happened, without URL or secret.
        reason: where it broke, see :data:`Reason`.
        retryable: whether a repetition may help.
    """


class ResponseLostError(_ExchangeError):
    """The request may have reached the server, but its answer was lost or unreadable.

    Arguments as :class:`NotSentError`.
    """

    ambiguous = True


class OutcomeUnknownError(TransportError):
    """A call that changes something ended, and it is unknown whether it took effect.

    ``last`` is the error that ended it. Read the state back (or repeat the call, where the
    interface allows it) before telling a user that it failed.
    """

    ambiguous = True

    def __init__(self, message: str = "", *, last: WxRevenueError) -> None:
        super().__init__(message)
        self.last = last

    def explained(self) -> str:
        return f"{self.message or 'it is unknown whether the call took effect'}; last error: {self.last.explained()}"


class DecodeError(WxRevenueError):
    """An answer is not what the documents say.

    Names the path in wire names, never the value.

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
        return self.message if self.path == "$" else f"{self.message} @ {self.path}"

    def _remedy(self) -> str | None:
        return self.solution


class ApiError(WxRevenueError):
    """The server answered, and the answer is no.

    Args:
        message: the server's own words, secrets starred out.
        code: the server's code: an ``int`` (AMS), a ``str`` (WeChat Pay), ``None`` where the answer
            had none.
        status: the HTTP status; 0 where the limiter refused and nothing was sent.
        detail: further data that the server attached.
        request_id: what WeChat's support asks for (``rid``, ``Request-ID``).
        retry_after: seconds the server, or the limiter, asks to wait.
        meaning: what the code means, in English, with WeChat's own words in brackets; ``None`` for
            a code that is not known.
        solution: what to do about it; ``None``: what the class says.
    """

    clock_skew: float | None = None
    """Seconds that this machine's clock is ahead of the server's.

    Set where a refused signature (401) came with the server's time.
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
        self.code, self.status, self.detail, self.request_id = code, status, detail, request_id
        self.retry_after, self.meaning = retry_after, meaning
        if solution is not None:
            self.solution = solution

    def explained(self) -> str:
        head = f"code {self.code}" if self.code is not None else f"HTTP {self.status}"
        said = self.message and (f"server said {self.message!r}" if self.status else self.message)
        wait = self.retry_after is not None and f"retry after {self.retry_after:.0f} s"
        solution = self._has_own_solution() and f"what to do: {self.solution}"
        return "; ".join(part for part in (head, self.meaning, said, wait, solution) if part)

    def _has_own_solution(self) -> bool:
        return "solution" in vars(self)

    def _remedy(self) -> str | None:
        return None if self._has_own_solution() else self.solution


class TooFastError(ApiError):
    """Operating too fast.

    ``retry_after`` is how many seconds to wait before the scope's next turn can come.
    """


class QuotaExceededError(ApiError):
    """The day's quota is spent.

    ``retry_after`` says when the limiter lets the next probe go.
    """


class ServerBusyError(ApiError):
    """The server is overloaded or broke down; the policy's retries did not help."""

    retryable = True


class InvalidParameterError(ApiError):
    """The server found a parameter wrong."""


class AgreementUnsignedError(ApiError):
    """The merchant has not completed the agreement."""


class AccountNotOpenError(ApiError):
    """The provider's or the Mini Program's advertising account is not open."""


class TokenError(ApiError):
    """The server refused the token, and also the next one where there was one."""


class PermissionDeniedError(ApiError):
    """The account may not do this, or the interface takes another kind of token."""


class TokenUnavailableError(WxRevenueError):
    """There was no token to send. None was refused.

    ``last`` is the error that prevented a new token, where there was one: its ``code`` is the
    server's. The text says what to do about it.
    """

    def __init__(self, message: str = "", *, last: WxRevenueError | None = None) -> None:
        super().__init__(message)
        self.last = last
        self.retryable = last is not None and last.retryable


class SignatureError(WxRevenueError):
    """An answer's signature is missing or wrong.

    The answer may come from another sender than WeChat Pay. ``is_probe`` marks one of the
    deliberately wrong signatures with which WeChat Pay tests that its callers verify.
    """

    ambiguous = True

    def __init__(self, message: str = "", *, is_probe: bool = False) -> None:
        super().__init__(message)
        self.is_probe = is_probe
        self.retryable = is_probe

    def _remedy(self) -> str | None:
        return self.solution


class PageDriftError(WxRevenueError):
    """Rows may be missing from a walk over pages.

    The list kept changing, or the server ignores the page number. ``got`` is how many rows it
    yielded before that; they are good. Walk again later, from the beginning or from ``cursor``.
    """

    def __init__(self, message: str = "", *, got: int = 0) -> None:
        super().__init__(message)
        self.got = got

    def _remedy(self) -> str | None:
        return self.solution


class LedgerError(WxRevenueError):
    """The database of a ledger failed, such as a full disk.

    Nothing is recorded. Where ``ambiguous`` is set, it may be recorded.
    """

    def __init__(self, message: str = "", *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class DeadlineExceededError(WxRevenueError, TimeoutError):
    """The call's time is up."""

    last: Any = None
    """What was known last, where something was waited for step by step."""

    def _remedy(self) -> str | None:
        return self.solution
