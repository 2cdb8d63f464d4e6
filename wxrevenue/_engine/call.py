"""One call on its way through the engine: what it is, and what happened to it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from wxrevenue._base.loading import is_from_our_import, not_loaded
from wxrevenue._base.secret import NeverPickled
from wxrevenue._engine.job_context import CURRENT_JOB, WORTH_WAITING_S
from wxrevenue._engine.lifetime import InFlight
from wxrevenue._wire.request import Safety
from wxrevenue.errors import (
    ClientStateError,
    DeadlineExceededError,
    OutcomeUnknownError,
    ResponseLostError,
    TooFastError,
    TransportError,
    WxRevenueError,
    without_history,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxrevenue._engine.job_context import JobContext
    from wxrevenue._engine.retry import Retries
    from wxrevenue._engine.service import BoundCall
    from wxrevenue._wire.request import Endpoint, Request

_NO_WAITS: Final[Mapping[str, float]] = MappingProxyType({})


class Call(NeverPickled):
    """What a call is, and what happened to it so far.

    What it is, is set once, when it begins. What happened has its usual values on the class: most calls write few of them.
    """

    # what it is

    request: Any
    endpoint: Endpoint
    presence: InFlight
    """Which task makes it, and whether it waits."""
    job: JobContext | None
    """The job of a sweep that it is made for."""
    started: float
    deadline: float
    bound: BoundCall
    """What binds it to its service."""

    # what happened

    now: float
    """When the clock was looked at last."""
    attempts = 0
    number: int | None = None
    """What events call it, once somebody is told of it."""
    waits: Mapping[str, float] = _NO_WAITS
    """The seconds it waited, by what it waited for."""
    scope: str | None = None
    request_id: str | None = None
    retries: Retries | None = None
    ambiguous = False
    """A call that changes something may have done so."""
    in_doubt = False
    """A request is on its way, or was answered with success: whether the call acted is not yet concluded."""

    def __init__(self, request: Request[Any], started: float, deadline: float, page_deadline: float | None = None) -> None:
        self.request = request
        self.endpoint = request.endpoint
        self.presence = InFlight()
        self.started = self.now = started
        self.job = CURRENT_JOB.get()
        self.deadline = started + (deadline if self.job is None else page_deadline or deadline)

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
        job = self.job
        return left if job is None or self.ambiguous or not job.requeue or job.attempts else min(left, WORTH_WAITING_S)

    def report_to(self, job: JobContext) -> None:
        """Tell the job that it is made for what it took."""
        job.attempts += self.attempts
        job.waited += sum(self.waits.values())
        job.last_scope = self.scope

    def final_error(self, error: BaseException) -> BaseException:
        """Return the exception that leaves the call: a cancellation as it came, with nothing hanging from it."""
        if not isinstance(error, WxRevenueError):
            self.settle_doubt()
            if not self.presence.was_cancelled_by_close():
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
