"""One call on its way through the engine, and what the two services do differently with it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from wxrevenue._base.loading import is_from_our_import, not_loaded
from wxrevenue._base.secret import NeverPickled
from wxrevenue._engine.job_context import CURRENT_JOB, WORTH_WAITING_S
from wxrevenue._engine.lifetime import InFlight
from wxrevenue._wire.request import Safety, revealed
from wxrevenue.errors import (
    ClientStateError,
    DeadlineExceededError,
    OutcomeUnknownError,
    ResponseLostError,
    TokenError,
    TooFastError,
    TransportError,
    WxRevenueError,
    without_history,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxrevenue._base.secret import Secret
    from wxrevenue._engine.job_context import JobContext
    from wxrevenue._engine.retry import Retries
    from wxrevenue._wire.request import Endpoint, Request

_NO_WAITS: Final[Mapping[str, float]] = MappingProxyType({})


class Call(InFlight, NeverPickled):
    """What a call is, and what happened to it so far."""

    __slots__ = (
        "ambiguous",
        "attempts",
        "body",
        "credential",
        "deadline",
        "endpoint",
        "in_doubt",
        "job",
        "now",
        "number",
        "path",
        "path_refusal",
        "refusal",
        "refused_token",
        "request",
        "request_id",
        "retries",
        "scope",
        "started",
        "token_tried",
        "waits",
    )

    def __init__(self, request: Request[Any], started: float, deadline: float, page_deadline: float | None = None) -> None:
        InFlight.__init__(self)  # half the cost of super(), on every call
        self.request: Any = request
        self.endpoint: Endpoint = request.endpoint
        self.started = self.now = started
        """When the call began, and when the clock was looked at last."""
        self.job = CURRENT_JOB.get()
        """The job of a sweep that it is made for."""
        self.deadline = started + (deadline if self.job is None else page_deadline or deadline)
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
        self.path_refusal: WxRevenueError | None = None
        """What the path that was tried first answered, once the other one is being tried."""
        self.token_tried = False
        """Another token was asked for already, since the last attempt began or a token was last accepted."""
        self.credential: Secret | None = None
        """The token of the request sent last."""
        self.refused_token: Secret | None = None
        self.refusal: TokenError | None = None
        """The token that the server refused, and how."""

    def live_secrets(self) -> tuple[Secret | None, ...]:
        """Return the secrets that an answer may repeat: the tokens sent, and what the request itself reveals."""
        own = revealed(self.request.__class__)
        return (
            (self.credential, self.refused_token, *(getattr(self.request, name) for name in own))
            if own
            else (self.credential, self.refused_token)
        )

    def may_have_acted(self) -> None:
        """Remember that the call may have taken effect, if it is one that changes something."""
        if self.endpoint.safety is not Safety.SAFE:
            self.ambiguous = True

    def settle_doubt(self) -> None:
        """Take a call that was interrupted between its request and the last check of the answer for one that may have acted."""
        if self.in_doubt:
            self.may_have_acted()

    def failed_import(self, error: BaseException) -> WxRevenueError | None:
        """Return the error for an import of ours that failed under the call; nothing where the exception is the caller's own."""
        if not isinstance(error, Exception) or not is_from_our_import(error):
            return None
        failure = not_loaded(error, self.endpoint.name)
        if not self.in_doubt:
            return failure
        return ResponseLostError(failure.message, reason=failure.reason, retryable=failure.retryable)

    def turn_timeout(self, left: float) -> float:
        """Return for how many of the seconds left it waits for a turn.

        A job of a sweep does not keep its slot from the others, unless this call may have acted: whoever gave it up now would
        have to say that its outcome is unknown. Nor does it give up what it has spent turns on since its last outcome: begun
        anew it would spend them again, and where turns are far apart it would never come further.
        """
        around = self.job
        return left if around is None or self.ambiguous or not around.requeue or around.attempts else min(left, WORTH_WAITING_S)

    def report_to(self, errand: JobContext) -> None:
        """Tell the job that it is made for what it took."""
        errand.attempts += self.attempts
        errand.waited += sum(self.waits.values())
        errand.last_scope = self.scope

    def final_error(self, error: BaseException) -> BaseException:
        """Return the exception that leaves the call: a cancellation as it came, with nothing hanging from it."""
        if not isinstance(error, WxRevenueError):
            self.settle_doubt()
            if not self.was_cancelled_by_close():
                return without_history(error)  # type: ignore[no-any-return]
            error = ClientStateError("the client was closed while the call waited")
        if error.ambiguous:
            self.may_have_acted()
        if self.job is not None and isinstance(error, TooFastError):
            self.job.closed_scope = self.scope
        self.request_id = getattr(error, "request_id", None) or self.request_id
        self._stamp(error)
        if self.ambiguous:
            error.ambiguous = True
            if isinstance(error, (TransportError, TooFastError, DeadlineExceededError)):
                error = OutcomeUnknownError(last=error)
                self._stamp(error)
        return error

    def facts(self) -> dict[str, Any]:
        """Return what events tell of a call when it is over."""
        facts: dict[str, Any] = {"attempts": self.attempts, "request_id": self.request_id, "ambiguous": self.ambiguous}
        return {**facts, "waited": sum(self.waits.values()), "waits": self.waits}

    def _stamp(self, error: WxRevenueError) -> None:
        error.endpoint = self.endpoint.name
        error.attempts = self.attempts
