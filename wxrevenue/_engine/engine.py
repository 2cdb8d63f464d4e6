"""How a call travels, stage by stage.

Deadline → attempts → turn → bind → wire → verify → unwrap → decode. Below ``attempts`` errors are
values: a stage returns the error it met, and only :meth:`Engine.send` raises it, from a frame whose
locals hold no token, no URL and no body. The usual call waits for nothing but the transport: where
a turn is free and a token is known, the limiter and the service answer without an await.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, TypeVar

import attrs

from wxrevenue._engine.call import Call
from wxrevenue._engine.clock import margin, monotonic_on
from wxrevenue._engine.gate_log import gate_closed, gate_opened
from wxrevenue._engine.instant import instant
from wxrevenue._engine.lifetime import Lifetime
from wxrevenue._engine.outcome import Limits, not_sendable, request_id, transport_error_for, verdict_on, with_retry_after
from wxrevenue._engine.retry import Retries, RetryPolicy, RetryQuota
from wxrevenue._wire.codec import decode_result
from wxrevenue._wire.http import LARGEST_BODY
from wxrevenue._wire.request import Request, Safety
from wxrevenue.errors import (
    ApiError,
    QuotaExceededError,
    ResponseLostError,
    TokenError,
    TokenUnavailableError,
    TooFastError,
    WxRevenueError,
    without_history,
)
from wxrevenue.ports import Verdict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wxrevenue._engine.service import Service
    from wxrevenue._engine.telling import Listener
    from wxrevenue._wire.http import HttpRequest
    from wxrevenue.events import Event
    from wxrevenue.ports import Clock, RateLimiter, Transport, Turn

T = TypeVar("T")
W = TypeVar("W")
logging.getLogger("wxrevenue").addHandler(logging.NullHandler())
_NOTICEABLE = 0.001
"""Seconds up to which a wait does not count as one."""
_OK = Verdict.OK
_AS_IT_IS = Request[object].conclude
_TOO_LARGE = f"the answer is larger than {LARGEST_BODY} bytes"


@attrs.define(eq=False, kw_only=True)
class Engine:
    """Sends requests of one service; ``limiter`` is ``None`` where it has no gate."""

    service: Service
    transport: Transport
    limiter: RateLimiter | None
    clock: Clock
    retry: RetryPolicy
    timeout: float
    deadline: float
    page_deadline: float | None = None
    on_event: Callable[[Event], object] | None
    lifetime: Lifetime = attrs.field(factory=Lifetime)
    quota: RetryQuota = attrs.field(default=attrs.Factory(lambda self: RetryQuota(self.retry.quota), takes_self=True))
    gates: dict[str, float] = attrs.field(factory=dict[str, float])  # that the log knows as closed; shared with clones
    listener: Listener | None = attrs.field(init=False)
    """Tells ``on_event``, if there is one."""
    _take: Callable[[str], Turn | None] | None = attrs.field(init=False)
    _monotonic: Callable[[], float] | None = attrs.field(init=False, default=None)
    """The clock, as it is asked on the loop of the first call."""

    def __attrs_post_init__(self) -> None:
        self._take = instant(self.limiter, "acquire", "take")
        self.listener = None if self.on_event is None else _listener(self.on_event, self.service, self.clock)

    async def send(self, request: Request[T], *, deadline: float | None = None, watch: Callable[[Call[T]], object] | None = None) -> T:
        """Return the request's result, or raise one of this package's errors.

        ``deadline`` is in seconds from now; ``watch`` gets the call.
        """
        lifetime = self.lifetime
        presence = lifetime.admit()
        call = Call(request, (self._monotonic or self._clock_found())(), deadline or self.deadline, self.page_deadline, presence)
        lifetime.calls.add(presence)
        if watch is not None:
            watch(call)
        outcome: T | BaseException
        try:
            outcome = await self._attempts(call)
        except asyncio.CancelledError as error:
            outcome = error
        except BaseException as error:  # a user's own token source, signer, verifier or clock raised it
            outcome = call.error_of_ours(error)
            if outcome is error:
                self._tell_end(call, error)
                raise
        finally:
            lifetime.remove_call(presence)
            if call.job is not None:
                call.report_to(call.job)
        if isinstance(outcome, BaseException):
            paged = call.job is not None or deadline == self.page_deadline
            outcome = call.final_error(outcome, Limits(self.timeout, self.service.base_url, call.endpoint.path, paged=paged))
            self._tell_end(call, outcome)
            raise outcome
        if self.listener is not None:
            self.listener.call_ended(call, outcome)
        return outcome

    # ------------------------------------------------------------------ attempts

    async def _attempts(self, call: Call[T]) -> T | WxRevenueError:
        """Return the call's result, or the error that ends it."""
        request = call.request
        bound = self.service.begin(request)
        if isinstance(bound, WxRevenueError):
            return bound
        call.bound = bound
        while True:
            call.attempts += 1
            outcome = await (self._turn(call) if self.listener is None else self._turn_with_event(call))
            if not isinstance(outcome, WxRevenueError):
                break
            if outcome.ambiguous:
                call.may_have_acted()
            wait = self._wait_before_retry(call, outcome)
            if wait is None:
                return request.conclude(outcome, repeated=call.ambiguous)
            await self._back_off(call, wait, outcome)
        if call.retries is not None:
            call.retries.succeeded()
        elif self.quota.remaining < self.quota.size:
            self.quota.refund(1)
        result = decode_result(request, outcome)
        return result if request.__class__.conclude is _AS_IT_IS else request.conclude(result, repeated=call.ambiguous)

    async def _turn_with_event(self, call: Call[T]) -> object:
        started = call.now
        outcome = await self._turn(call)
        if self.listener is not None:
            self.listener.attempt_ended(call, started, outcome)
        return outcome

    def _wait_before_retry(self, call: Call[T], error: WxRevenueError) -> float | None:
        if not error.retryable or self.lifetime.closed or isinstance(error, TokenUnavailableError):
            return None
        if call.retries is None:
            call.retries = Retries(self.retry, self.quota)
        return call.retries.wait(error, call.endpoint.safety, call.attempts, self._remaining(call))

    async def _back_off(self, call: Call[T], seconds: float, error: WxRevenueError) -> None:
        if self.listener is not None:
            self.listener.repeats(call, seconds, error)
        await self._waiting(call, "back-off", self.clock.sleep(seconds + margin(self.clock)))

    # ------------------------------------------------------------------ turn

    async def _turn(self, call: Call[T]) -> object:
        """Take a turn and exchange; repeats (1737, another token or path) stay within it."""
        scope = None if self.limiter is None else self.service.scope(call.request)
        if self.limiter is None or scope is None:
            return await self._exchange(call)
        call.scope = scope
        turn = (None if self._take is None else self._take(scope)) or await self._acquired(call, self.limiter, scope)
        if isinstance(turn, WxRevenueError):
            return turn
        report: Callable[[Verdict], object] = turn.report
        try:
            while True:
                outcome, verdict = await self._exchange(call), _OK
                if isinstance(outcome, WxRevenueError):
                    verdict = verdict_on(outcome)
                    if outcome.ambiguous:
                        call.may_have_acted()
                late = report(verdict)
                if late is not None:
                    return call.late_report(turn, late)
                if self.gates and verdict is _OK:
                    gate_opened(self.gates, self.service.account, call)
                if not isinstance(outcome, ApiError) or not await self._repeats_in_turn(call, turn, outcome):
                    return outcome
                refusal = await self._await_turn(call, turn.again(timeout=call.turn_timeout(self._remaining(call))))
                if refusal is not None:
                    return with_retry_after(outcome, refusal)
        finally:
            turn.release()

    async def _acquired(self, call: Call[T], limiter: RateLimiter, scope: str) -> Turn | WxRevenueError:
        """Wait for a turn; return it, or the limiter's refusal."""
        return await self._await_turn(call, limiter.acquire(scope, timeout=call.turn_timeout(call.deadline - call.now)))

    async def _await_turn(self, call: Call[T], wait: Awaitable[W]) -> W | WxRevenueError:
        """Await a turn; return it, or the limiter's refusal."""
        try:
            return await self._waiting(call, "turn", wait)
        except (TooFastError, QuotaExceededError) as error:
            refusal = error
        return without_history(refusal)

    async def _repeats_in_turn(self, call: Call[T], turn: Turn, error: ApiError) -> bool:
        if self.lifetime.closed or (error.ambiguous and call.endpoint.safety is Safety.UNSAFE):
            return False
        if isinstance(error, (TooFastError, QuotaExceededError)):
            if isinstance(error, QuotaExceededError):
                with_retry_after(error, await self._await_turn(call, turn.again(timeout=min(0.0, self._remaining(call)))))
            gate_closed(self.gates, self.service.account, call, turn, error)
            if self.listener is not None:
                self.listener.gate_closed(call, turn, error)
            return isinstance(error, TooFastError)
        repeats = await call.bound.repeats(error)
        if repeats and isinstance(error, TokenError) and self.listener is not None:
            self.listener.token_refused(call, error)
        return repeats

    # ------------------------------------------------------------------ exchange

    async def _exchange(self, call: Call[T]) -> object:
        """Send one request; return the payload or an error, which never shows the URL."""
        if self.lifetime.closed or call.deadline <= call.now:
            return not_sendable(closed=self.lifetime.closed)
        bound = call.bound
        request = bound.ready() or await self._prepared(call)
        if isinstance(request, WxRevenueError):
            return request
        call.in_doubt = True
        response = failure = None
        try:
            left = call.deadline - call.now
            response = await self.transport.send(request, timeout=min(self.timeout, left))
            if len(response.body) > LARGEST_BODY:
                response = None
        except (asyncio.CancelledError, Exception) as error:  # noqa: BLE001  (a third party's transport may raise anything)
            response, failure = None, without_history(error)
        if response is None:
            return self._failed_exchange(call, failure or ResponseLostError(_TOO_LARGE, reason="too_large"))
        if self.listener is not None:
            call.request_id = request_id(response, *bound.live())
        forged = await bound.verify(response, timeout=self._remaining(call)) if bound.verifies else None
        outcome = forged or bound.unwrap(response)
        call.in_doubt = not isinstance(outcome, WxRevenueError)
        return outcome

    async def _prepared(self, call: Call[T]) -> HttpRequest | WxRevenueError:
        """Return the request once its token or signature is there, or why it is not."""
        request = await self._waiting(call, call.bound.waits_for, call.bound.prepare(timeout=call.deadline - call.now))
        if self.lifetime.closed or (call.deadline <= call.now and not isinstance(request, WxRevenueError)):
            return not_sendable(closed=self.lifetime.closed)
        return request

    def _failed_exchange(self, call: Call[T], failure: Exception | asyncio.CancelledError) -> WxRevenueError:
        """Return the error of an exchange without an answer; a cancellation is raised."""
        if isinstance(failure, asyncio.CancelledError):
            raise failure
        call.in_doubt = False  # from here on the error itself says whether it is ambiguous
        return transport_error_for(failure, cut_by_deadline=self._remaining(call) <= _NOTICEABLE)

    # ------------------------------------------------------------------ time and events

    def _clock_found(self) -> Callable[[], float]:
        self._monotonic = found = monotonic_on(asyncio.get_running_loop(), self.clock)
        return found

    def _remaining(self, call: Call[T]) -> float:
        """Return the seconds until the call's deadline, by a fresh look at the clock."""
        call.now = (self._monotonic or self._clock_found())()
        return call.deadline - call.now

    async def _waiting(self, call: Call[T], what: str, wait: Awaitable[W]) -> W:
        """Await something other than an answer, counted; the closing client ends it."""
        started = call.now
        call.presence.waiting = True
        try:
            return await wait
        finally:
            call.presence.waiting = False
            call.now = (self._monotonic or self._clock_found())()
            duration = call.now - started
            if duration > _NOTICEABLE:
                call.waits = {**call.waits, what: call.waits.get(what, 0.0) + duration}
                if self.listener is not None:
                    self.listener.waited(call, what, duration)

    def _tell_end(self, call: Call[T], outcome: object) -> None:
        if self.listener is not None:
            self.listener.call_ended(call, outcome)


def _listener(on_event: Callable[[Event], object], service: Service, clock: Clock) -> Listener:
    from wxrevenue._engine.telling import Listener  # who listens to nothing does without

    return Listener(on_event, service, clock)
