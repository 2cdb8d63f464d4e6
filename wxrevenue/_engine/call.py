"""One call on its way through the engine: what it is, and what happened to it."""

from __future__ import annotations

import inspect
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from wxrevenue._base.loading import is_from_our_import, not_loaded
from wxrevenue._base.secret import NeverPickled
from wxrevenue._engine.job_context import CURRENT_JOB, WORTH_WAITING_S
from wxrevenue._engine.lifetime import InFlight
from wxrevenue._wire.request import Safety
from wxrevenue.errors import (
    ClientStateError,
    ConfigurationError,
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
    from wxrevenue._engine.outcome import Limits
    from wxrevenue._engine.retry import Retries
    from wxrevenue._engine.service import BoundCall
    from wxrevenue._wire.request import Endpoint, Request
    from wxrevenue.ports import Turn

T_co = TypeVar("T_co", covariant=True)
_NO_WAITS: Final[Mapping[str, float]] = MappingProxyType({})


class Call(NeverPickled, Generic[T_co]):
    """What a call is, and what happened to it so far.

    What it is, is set once, when it begins.
    """

    __slots__ = (
        "ambiguous", "attempts", "bound", "deadline", "endpoint", "in_doubt", "job", "now", "number", "presence", "request",
        "request_id", "retries", "scope", "started", "waits",
    )  # fmt: skip

    # what it is

    request: Request[T_co]
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
    attempts: int
    number: int | None
    """What events call it, once a listener is told of it."""
    waits: Mapping[str, float]
    """The seconds it waited, by what it waited for."""
    scope: str | None
    request_id: str | None
    retries: Retries | None
    ambiguous: bool
    """A call that changes something may have done so."""
    in_doubt: bool
    """Whether a request is on its way, or was answered with success.

    It is not concluded yet whether the call acted.
    """

    def __init__(
        self,
        request: Request[T_co],
        started: float,
        deadline: float,
        page_deadline: float | None = None,
        presence: InFlight | None = None,
    ) -> None:
        self.request = request
        self.endpoint = request.endpoint
        self.presence = InFlight() if presence is None else presence
        self.started = self.now = started
        self.job = job = CURRENT_JOB.get()
        self.deadline = started + (deadline if job is None else page_deadline or deadline)
        self.attempts = 0
        self.waits = _NO_WAITS
        self.number = self.scope = self.request_id = self.retries = None
        self.ambiguous = self.in_doubt = False

    def may_have_acted(self) -> None:
        """Remember that the call may have taken effect.

        This counts if it is one that changes something.
        """
        if self.endpoint.safety is not Safety.SAFE:
            self.ambiguous = True

    def settle_doubt(self) -> None:
        """Take an interrupted call for one that may have acted.

        It was interrupted between its request and the last check of the answer.
        """
        if self.in_doubt:
            self.may_have_acted()

    def error_of_ours(self, error: BaseException) -> BaseException:
        """Return the error for an import of this package that failed under the call.

        Any other exception is the caller's own, and returned as it is.
        """
        if not isinstance(error, Exception) or not is_from_our_import(error):
            self.settle_doubt()
            return error
        failure = not_loaded(error, self.endpoint.name)
        if not self.in_doubt:
            return failure
        return ResponseLostError(failure.message, reason=failure.reason, retryable=failure.retryable)

    def late_report(self, turn: Turn, late: object) -> ConfigurationError:
        """Return the error for a limiter whose ``report`` is to be awaited.

        What it reports would come too late, or never.
        """
        if inspect.iscoroutine(late):
            late.close()
        self.may_have_acted()
        return ConfigurationError(f"{type(turn).__name__}.report: expected a plain method, got one that returns an awaitable")

    def turn_timeout(self, left: float) -> float:
        """Return for how many of the seconds left it waits for a turn.

        A job of a sweep does not keep its slot from the others, unless this call may have acted: if
        it were given up now, its outcome would be unknown. Nor does it give up what it has spent
        turns on since its last outcome: begun anew it would spend them again, and where turns are
        far apart it would never come further.
        """
        job = self.job
        return left if job is None or self.ambiguous or not job.requeue or job.attempts else min(left, WORTH_WAITING_S)

    def report_to(self, job: JobContext) -> None:
        """Tell the job that it is made for what it took."""
        job.attempts += self.attempts
        job.waited += sum(self.waits.values())
        job.last_scope = self.scope

    def final_error(self, error: BaseException, settings: Limits) -> BaseException:
        """Return the exception that leaves the call.

        A cancellation leaves as it came, with nothing hanging from it.

        Args:
            error: what ended the call.
            settings: what the text says of the client's settings.
        """
        if not isinstance(error, WxRevenueError):
            self.settle_doubt()
            if not self.presence.was_cancelled_by_close():
                return without_history(error)
            error = ClientStateError("the client was closed while the call waited")
        if error.ambiguous:
            self.may_have_acted()
        if self.job is not None and isinstance(error, TooFastError):
            self.job.closed_scope = self.scope
        self.request_id = getattr(error, "request_id", None) or self.request_id
        self._stamp(error)
        settings.stamp(error, self.deadline - self.started)
        if self.ambiguous:
            error.ambiguous = True
            if isinstance(error, (TransportError, TooFastError, DeadlineExceededError)):
                error = OutcomeUnknownError(last=error)
                self._stamp(error)
        return error

    def _stamp(self, error: WxRevenueError) -> None:
        error.endpoint = self.endpoint.name
        error.attempts = self.attempts
        error.duration = self.now - self.started
