"""One call on its way through the engine, and what the two services do differently with it."""

from __future__ import annotations

import copy
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

from wxrevenue._around import AROUND, SOON
from wxrevenue._lifetime import Stay
from wxrevenue._ports import Verdict
from wxrevenue._request import Safety, revealed
from wxrevenue._secret import scrub
from wxrevenue.errors import (
    ApiError,
    ClientStateError,
    DeadlineExceededError,
    OutcomeUnknownError,
    QuotaExceededError,
    ResponseLostError,
    ServerBusyError,
    TokenError,
    TooFastError,
    TransportError,
    WxRevenueError,
    without_history,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxrevenue._around import Errand
    from wxrevenue._ports import HttpRequest, HttpResponse
    from wxrevenue._request import Endpoint, Request
    from wxrevenue._retry import Retries
    from wxrevenue._secret import Secret

_NO_WAITS: Final[Mapping[str, float]] = MappingProxyType({})
_LONGEST_ID: Final = 128


class Call(Stay):
    """What a call is, and what happened to it so far."""

    __slots__ = (
        "alternate_tried",
        "ambiguous",
        "around",
        "attempts",
        "body",
        "credential",
        "deadline",
        "endpoint",
        "in_doubt",
        "now",
        "number",
        "path",
        "refusal",
        "refused",
        "request",
        "request_id",
        "retries",
        "scope",
        "started",
        "token_tried",
        "waits",
    )

    def __init__(self, request: Request[Any], started: float, deadline: float, page_deadline: float | None = None) -> None:
        Stay.__init__(self)  # half the cost of super(), on every call
        self.request: Any = request
        self.endpoint: Endpoint = request.endpoint
        self.started = self.now = started
        """When the call began, and when the clock was looked at last."""
        self.around = AROUND.get()
        """The job of a sweep that it is made for."""
        self.deadline = started + (deadline if self.around is None else page_deadline or deadline)
        self.scope: str | None = None
        self.path = ""
        self.body = b""
        self.attempts = 0
        self.number: int | None = None
        """What events call it, once somebody is told of it."""
        self.waits: Mapping[str, float] = _NO_WAITS
        """The seconds it waited, by what it waited for."""
        self.ambiguous = False
        """A call that changes something may have done so."""
        self.in_doubt = False
        """A request is on its way, or was answered with success: whether the call acted is not yet concluded."""
        self.request_id: str | None = None
        self.retries: Retries | None = None
        self.alternate_tried = False
        self.token_tried = False
        """Another token was asked for already, since the last attempt began or a token was last accepted."""
        self.credential: Secret | None = None
        """The token of the request sent last."""
        self.refused: Secret | None = None
        self.refusal: TokenError | None = None
        """The token that the server refused, and how."""

    def live(self) -> tuple[Secret | None, ...]:
        """Return the secrets that an answer may repeat: the tokens sent, and what the request itself reveals."""
        own = revealed(self.request.__class__)
        return (self.credential, self.refused, *(getattr(self.request, name) for name in own)) if own else (self.credential, self.refused)

    def may_have_acted(self) -> None:
        """Remember that the call may have taken effect, if it is one that changes something."""
        if self.endpoint.safety is not Safety.SAFE:
            self.ambiguous = True

    def settle_doubt(self) -> None:
        """Take a call that was interrupted between its request and the last check of the answer for one that may have acted."""
        if self.in_doubt:
            self.may_have_acted()

    def patience(self, left: float) -> float:
        """Return for how many of the seconds left it waits for a turn.

        A job of a sweep does not keep its slot from the others, unless this call may have acted: whoever gave it up now would
        have to say that its outcome is unknown. Nor does it give up what it has spent turns on since its last outcome: begun
        anew it would spend them again, and where turns are far apart it would never come further.
        """
        around = self.around
        return left if around is None or self.ambiguous or not around.requeue or around.attempts else min(left, SOON)

    def report(self, errand: Errand) -> None:
        """Tell the job that it is made for what it took."""
        errand.attempts += self.attempts
        errand.waited += sum(self.waits.values())
        errand.scope = self.scope

    def concluded(self, error: BaseException) -> BaseException:
        """Return the exception that leaves the call: a cancellation as it came, with nothing hanging from it."""
        if not isinstance(error, WxRevenueError):
            self.settle_doubt()
            if not self.was_dismissed():
                return without_history(error)  # type: ignore[no-any-return]
            error = ClientStateError("the client was closed while the call waited")
        if error.ambiguous:
            self.may_have_acted()
        if self.around is not None and isinstance(error, TooFastError):
            self.around.refused = self.scope
        self.request_id = getattr(error, "request_id", None) or self.request_id
        self._sign(error)
        if self.ambiguous:
            error.ambiguous = True
            if isinstance(error, (TransportError, TooFastError, DeadlineExceededError)):
                error = OutcomeUnknownError(last=error)
                self._sign(error)
        return error

    def facts(self) -> dict[str, Any]:
        """Return what events tell of a call when it is over."""
        facts: dict[str, Any] = {"attempts": self.attempts, "request_id": self.request_id, "ambiguous": self.ambiguous}
        return {**facts, "waited": sum(self.waits.values()), "waits": self.waits}

    def _sign(self, error: WxRevenueError) -> None:
        error.endpoint = self.endpoint.name
        error.attempts = self.attempts


class Service(Protocol):
    """What AMS and WeChat Pay do differently. ``bind``, ``refused`` and ``verify`` may raise what a user's own port raises."""

    account: str
    """Who calls: the component appid or the merchant number."""
    base_url: str
    """Where requests go."""
    signed: bool
    """Whether answers are verified."""

    def scope(self, request: Any) -> str:
        """Return the rate limiter's scope of a request."""
        ...

    async def bind(self, call: Call, *, timeout: float) -> HttpRequest | WxRevenueError:
        """Return the HTTP request with a fresh token or signature, or why there is none."""
        ...

    async def refused(self, call: Call) -> None:
        """Take notice that the server refused the token of the call's last request."""
        ...

    async def verify(self, response: HttpResponse, *, timeout: float) -> WxRevenueError | None:
        """Return what is wrong with the answer's signature, if anything."""
        ...

    def unwrap(self, response: HttpResponse, *live: Secret | None) -> Any:
        """Return the payload, or the error that the answer stands for, its text scrubbed of the secrets that are ``live``."""
        ...


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


def lost(failure: Exception, *, cut_by_deadline: bool) -> WxRevenueError:
    """Return the error for an exchange without an answer; only the class of a foreign exception is told, for its text may show the URL."""
    if not isinstance(failure, WxRevenueError):
        return ResponseLostError(f"the transport raised {type(failure).__name__}", reason="protocol", retryable=False)
    if cut_by_deadline and getattr(failure, "reason", None) in {"timeout", "pool"}:
        cut = DeadlineExceededError("the deadline passed while the request was on its way")
        cut.ambiguous = failure.ambiguous
        return cut
    return copy.copy(failure)  # what becomes of this call is not to be read on another's, should a transport raise it twice


def request_id(response: HttpResponse, *live: Secret | None) -> str | None:
    """Return the answer's ``Request-ID``, if it is a text that can be logged and stored: a header may hold any byte."""
    found = response.header("Request-ID")
    return scrub(found, *live) if found and len(found) <= _LONGEST_ID and found.isascii() and found.isprintable() else None


def too_late(*, closed: bool) -> WxRevenueError:
    """Return why nothing can be sent any more."""
    if closed:
        return ClientStateError("the client was closed while the call waited")
    return DeadlineExceededError("the deadline passed before the request could be sent")


def told_when(error: ApiError, refusal: Any) -> ApiError:
    """Return the error to surface when a repeat was refused: the server's own, knowing when the next turn may come."""
    if isinstance(refusal, type(error)):
        error.retry_after = refusal.retry_after
        return error
    return error if refusal is None else refusal


def named(outcome: Any) -> str:
    """Return how events call an outcome."""
    return type(outcome).__name__ if isinstance(outcome, BaseException) else "ok"
