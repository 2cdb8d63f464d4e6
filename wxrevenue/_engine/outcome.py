"""What became of an exchange: the error it ends in, what the rate limiter is told, how events call it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

from wxrevenue._base.secret import scrub
from wxrevenue.errors import (
    ApiError,
    ClientStateError,
    DeadlineExceededError,
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


def verdict_on(outcome: Any) -> Verdict:
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
    """Return the error for an exchange without an answer; only the class of a foreign exception is told, for its text may show the URL."""
    if not isinstance(failure, WxRevenueError):
        return ResponseLostError(f"the transport raised {type(failure).__name__}", reason="protocol", retryable=False)
    if cut_by_deadline and getattr(failure, "reason", None) in {"timeout", "pool"}:
        cut = DeadlineExceededError(f"the deadline passed while the request was on its way: {failure.explained()}")
        cut.ambiguous = failure.ambiguous
        return cut
    return copy.copy(failure)  # what becomes of this call is not to be read on another's, should a transport raise it twice


def request_id(response: HttpResponse, *live: Secret | None) -> str | None:
    """Return the answer's ``Request-ID``, if it is a text that can be logged and stored: a header may hold any byte."""
    found = response.header("Request-ID")
    return scrub(found, *live) if found and len(found) <= _LONGEST_ID and found.isascii() and found.isprintable() else None


def not_sendable(*, closed: bool) -> WxRevenueError:
    """Return why nothing can be sent any more."""
    if closed:
        return ClientStateError("the client was closed while the call waited")
    return DeadlineExceededError("the deadline passed before the request could be sent")


def with_retry_after(error: ApiError, refusal: Any) -> ApiError:
    """Return the error to surface when a repeat was refused: the server's own, knowing when the next turn may come."""
    if isinstance(refusal, type(error)):
        error.retry_after = refusal.retry_after
        return error
    return error if refusal is None else refusal


def outcome_name(outcome: Any) -> str:
    """Return how events call an outcome."""
    return type(outcome).__name__ if isinstance(outcome, BaseException) else "ok"


_LONGEST_ID: Final = 128
