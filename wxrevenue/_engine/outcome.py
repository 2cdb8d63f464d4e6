"""What became of an exchange.

The error it ends in, what the rate limiter is told, how events call it.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final, NamedTuple

from wxrevenue._base.secret import scrub
from wxrevenue.errors import (
    ApiError,
    ClientStateError,
    DeadlineExceededError,
    DecodeError,
    QuotaExceededError,
    ResponseLostError,
    ServerBusyError,
    TokenError,
    TooFastError,
    WxRevenueError,
)
from wxrevenue.ports import Verdict

if TYPE_CHECKING:
    from wxrevenue._base.secret import Secret
    from wxrevenue._wire.http import HttpResponse


class Limits(NamedTuple):
    """What the text of a call's error says of the settings that it ran under.

    Args:
        timeout: of one exchange, seconds.
        base_url: where requests go.
        path: of the interface.
        paged: whether the deadline is that of a page.
    """

    timeout: float
    base_url: str
    path: str
    paged: bool

    def stamp(self, error: WxRevenueError, deadline: float) -> None:
        """Say on an error which setting ended the call.

        Also say whose answer could not be read.
        """
        if isinstance(error, (DeadlineExceededError, TooFastError)):
            error.limit = f"{'page_deadline' if self.paged else 'deadline'}={deadline:g} s"
        elif getattr(error, "reason", None) in {"timeout", "pool"}:
            error.limit = f"timeout={min(self.timeout, deadline):g} s"
        elif isinstance(error, DecodeError) or (isinstance(error, ApiError) and error.code is None):
            error.place = self.base_url.partition("://")[2] + self.path


def verdict_on(outcome: object) -> Verdict:
    """Return what an exchange's outcome tells a rate limiter."""
    if not isinstance(outcome, WxRevenueError):
        return Verdict.OK
    if isinstance(outcome, TooFastError):
        return Verdict.TOO_FAST
    if isinstance(outcome, QuotaExceededError):
        return Verdict.QUOTA_SPENT
    answered = isinstance(outcome, ApiError) and not isinstance(outcome, (ServerBusyError, TokenError))
    return Verdict.OK if answered else Verdict.UNKNOWN


def transport_error_for(failure: Exception, *, cut_by_deadline: bool) -> WxRevenueError:
    """Return the error for an exchange without an answer.

    Only the class of a foreign exception is told, for its text may show the URL.
    """
    if not isinstance(failure, WxRevenueError):
        return ResponseLostError(f"the transport raised {type(failure).__name__}", reason="protocol", retryable=False)
    if cut_by_deadline and getattr(failure, "reason", None) in {"timeout", "pool"}:
        cut = DeadlineExceededError(f"the deadline passed while the request was on its way: {failure.explained()}")
        cut.ambiguous = failure.ambiguous
        return cut
    return copy.copy(failure)  # what becomes of this call is not to be read on another's, should a transport raise it twice


def request_id(response: HttpResponse, *live: Secret | None) -> str | None:
    """Return the answer's ``Request-ID``, if it can be logged and stored.

    A header may hold any byte.
    """
    found = response.header("Request-ID")
    return scrub(found, *live) if found and len(found) <= _LONGEST_ID and found.isascii() and found.isprintable() else None


def not_sendable(*, closed: bool) -> WxRevenueError:
    """Return why nothing can be sent any more."""
    if closed:
        return ClientStateError("the client was closed while the call waited")
    return DeadlineExceededError("the deadline passed before the request could be sent")


def with_retry_after(error: ApiError, refusal: WxRevenueError | None) -> WxRevenueError:
    """Return the error to surface when a repeat was refused.

    It is the server's own, with the time at which the next turn may come.
    """
    if isinstance(refusal, type(error)):
        error.retry_after = refusal.retry_after
        return error
    return error if refusal is None else refusal


def outcome_name(outcome: object) -> str:
    """Return how events call an outcome."""
    return type(outcome).__name__ if isinstance(outcome, BaseException) else "ok"


def error_code(outcome: object) -> int | str | None:
    """Return the server's code, if the outcome is a refusal that has one."""
    return outcome.code if isinstance(outcome, ApiError) else None


_LONGEST_ID: Final = 128
