"""How a call travels: deadline → attempts → turn → bind → wire → verify → unwrap → decode.

Below ``attempts`` errors are values: a stage returns the error it met, and only :meth:`Engine.send` raises it, from a frame
whose locals hold no token, no URL and no body. The usual call waits for nothing but the transport: where a turn is free and a
token is known, the limiter and the service answer without an await.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import logging
import sys
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import attrs

from wxrevenue._engine.call import Call
from wxrevenue._engine.clock import margin
from wxrevenue._engine.instant import instant
from wxrevenue._engine.lifetime import Lifetime
from wxrevenue._engine.outcome import not_sendable, outcome_name, request_id, transport_error_for, verdict_on, with_retry_after
from wxrevenue._engine.retry import Retries, RetryPolicy, RetryQuota
from wxrevenue._wire.codec import decode
from wxrevenue._wire.http import LARGEST_BODY
from wxrevenue._wire.request import Safety, concludes, result_of
from wxrevenue.errors import (
    ApiError,
    ConfigurationError,
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
    from collections.abc import Callable

    from wxrevenue._engine.service import Service
    from wxrevenue._wire.http import HttpRequest, HttpResponse
    from wxrevenue._wire.request import Endpoint, Request
    from wxrevenue.events import Event
    from wxrevenue.ports import Clock, RateLimiter, Transport, Turn

T = TypeVar("T")
logging.getLogger("wxrevenue").addHandler(logging.NullHandler())
_numbers = itertools.count(1)
_NOTICEABLE = 0.001
"""Seconds up to which a wait is no wait."""
_OK = Verdict.OK
_TOO_LARGE = f"the answer is larger than {LARGEST_BODY} bytes"


@attrs.define(eq=False, kw_only=True)
class Engine:
    """Sends requests of one service. ``limiter`` is ``None`` where the service has no gate."""

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
    _take: Callable[[str], Turn | None] | None = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._take = instant(self.limiter, "acquire", "take")

    async def send(self, request: Request[T], *, deadline: float | None = None, watch: Callable[[Call], object] | None = None) -> T:
        """Return the request's result, or raise one of our errors. ``deadline`` in seconds from now; ``watch`` gets the call."""
        self.lifetime.check_usable()
        call = Call(request, self.clock.monotonic(), deadline or self.deadline, self.page_deadline)
        self.lifetime.calls.add(call.presence)
        if watch is not None:
            watch(call)
        try:
            outcome = await self._attempts(call)
        except asyncio.CancelledError as error:
            outcome = error
        except BaseException as error:  # a user's own token source, signer, verifier or clock raised it
            outcome = call.failed_import(error)
            if outcome is None:
                call.settle_doubt()
                self._tell_end(call, error)
                raise
        finally:
            self.lifetime.remove_call(call.presence)
            if call.job is not None:
                call.report_to(call.job)
        if isinstance(outcome, BaseException):
            outcome = call.final_error(outcome)
            self._tell_end(call, outcome)
            raise outcome
        if self.on_event is not None:
            self._tell_end(call, outcome)
        return outcome  # type: ignore[no-any-return]

    # ------------------------------------------------------------------ attempts

    async def _attempts(self, call: Call) -> Any:
        """Return the call's result, or the error that ends it."""
        bound = self.service.begin(call.request)
        if isinstance(bound, WxRevenueError):
            return bound
        call.bound = bound
        attempt = self._turn if self.on_event is None else self._turn_with_event
        while True:
            call.attempts += 1
            outcome = await attempt(call)
            if not isinstance(outcome, WxRevenueError):
                break
            if outcome.ambiguous:
                call.may_have_acted()
            wait = self._wait_before_retry(call, outcome)
            if wait is None:
                return call.request.conclude(outcome, repeated=call.ambiguous)
            await self._back_off(call, wait, outcome)
        if call.retries is not None:
            call.retries.succeeded()
        elif self.quota.remaining < self.quota.size:
            self.quota.refund(1)
        result = decode(result_of(kind := call.request.__class__), outcome)
        return call.request.conclude(result, repeated=call.ambiguous) if concludes(kind) else result

    async def _turn_with_event(self, call: Call) -> Any:
        started = call.now
        outcome = await self._turn(call)
        facts = {"duration": self.clock.monotonic() - started, "outcome": outcome_name(outcome), "code": getattr(outcome, "code", None)}
        self._tell(call, "AttemptEvent", attempt=call.attempts, **facts)
        return outcome

    def _wait_before_retry(self, call: Call, error: WxRevenueError) -> float | None:
        if not error.retryable or self.lifetime.closed or isinstance(error, TokenUnavailableError):
            return None
        if call.retries is None:
            call.retries = Retries(self.retry, self.quota)
        return call.retries.wait(error, call.endpoint.safety, call.attempts, self._remaining(call))

    async def _back_off(self, call: Call, seconds: float, error: WxRevenueError) -> None:
        self._tell(call, "RetryEvent", attempt=call.attempts, wait=seconds, error=outcome_name(error), code=getattr(error, "code", None))
        await self._waiting(call, "back-off", self.clock.sleep(seconds + margin(self.clock)))

    # ------------------------------------------------------------------ turn

    async def _turn(self, call: Call) -> Any:
        """Take a turn and exchange; three repeats stay within the turn: after 1737, with another token, on the other path."""
        scope = None if self.limiter is None else self.service.scope(call.request)
        if self.limiter is None or scope is None:
            return await self._exchange(call)
        call.scope = scope
        turn = None if self._take is None else self._take(scope)
        if turn is None:
            timeout = call.turn_timeout(call.deadline - call.now)
            turn = await self._await_turn(call, self.limiter.acquire(scope, timeout=timeout))
            if isinstance(turn, WxRevenueError):
                return turn
        try:
            while True:
                outcome = await self._exchange(call)
                failed = isinstance(outcome, WxRevenueError)
                if failed and outcome.ambiguous:
                    call.may_have_acted()
                late = turn.report(verdict_on(outcome) if failed else _OK)
                if late is not None:
                    return _late_report(call, turn, late)
                if not isinstance(outcome, ApiError) or not await self._repeats_in_turn(call, turn, outcome):
                    return outcome
                refusal = await self._await_turn(call, turn.again(timeout=call.turn_timeout(self._remaining(call))))
                if refusal is not None:
                    return with_retry_after(outcome, refusal)
        finally:
            turn.release()

    async def _await_turn(self, call: Call, wait: Any) -> Any:
        """Await a turn; return it, or the limiter's refusal."""
        try:
            return await self._waiting(call, "turn", wait)
        except (TooFastError, QuotaExceededError) as error:
            refusal = error
        return without_history(refusal)

    async def _repeats_in_turn(self, call: Call, turn: Turn, error: ApiError) -> bool:
        """Return whether the request is sent once more within its turn."""
        if self.lifetime.closed or (error.ambiguous and call.endpoint.safety is Safety.UNSAFE):
            return False
        if isinstance(error, (TooFastError, QuotaExceededError)):
            if isinstance(error, QuotaExceededError):
                with_retry_after(error, await self._await_turn(call, turn.again(timeout=min(0.0, self._remaining(call)))))
            self._tell_gate(call, turn, error)
            return isinstance(error, TooFastError)
        repeats = await call.bound.repeats(error)
        if repeats and isinstance(error, TokenError):
            self._tell(call, "TokenEvent", kind=call.endpoint.token.value, code=error.code)
        return repeats

    # ------------------------------------------------------------------ exchange

    async def _exchange(self, call: Call) -> Any:
        """Send one request; return the payload or an error. Nothing that a transport raises passes as it is, for it may show the URL."""
        if self.lifetime.closed or call.deadline <= call.now:
            return not_sendable(closed=self.lifetime.closed)
        bound = call.bound
        request = bound.ready() or await self._prepared(call)
        if isinstance(request, WxRevenueError):
            return request
        call.in_doubt = True
        failure: Any = None
        response: HttpResponse | None
        try:
            response = await self.transport.send(request, timeout=min(call.deadline - call.now, self.timeout))
            if len(response.body) > LARGEST_BODY:
                response = None
        except (asyncio.CancelledError, Exception) as error:  # noqa: BLE001  (a third party's transport may raise anything)
            response, failure = None, without_history(error)
        if response is None:
            return self._failed_exchange(call, failure or ResponseLostError(_TOO_LARGE, reason="too_large"))
        call.request_id = request_id(response, *bound.live()) if self.on_event is not None else None
        forged = await bound.verify(response, timeout=self._remaining(call)) if bound.verifies else None
        outcome = forged or bound.unwrap(response)
        call.in_doubt = not isinstance(outcome, WxRevenueError)
        return outcome

    async def _prepared(self, call: Call) -> HttpRequest | WxRevenueError:
        """Return the request once its token or signature is there, or why it cannot be sent."""
        request = await self._waiting(call, call.bound.waits_for, call.bound.prepare(timeout=call.deadline - call.now))
        if self.lifetime.closed or (call.deadline <= call.now and not isinstance(request, WxRevenueError)):
            return not_sendable(closed=self.lifetime.closed)
        return request  # type: ignore[no-any-return]

    def _failed_exchange(self, call: Call, failure: Exception | asyncio.CancelledError) -> WxRevenueError:
        """Return the error for an exchange without an answer; raise a cancellation as it came."""
        if isinstance(failure, asyncio.CancelledError):
            raise failure
        call.in_doubt = False  # from here on the error itself says whether it is ambiguous
        return transport_error_for(failure, cut_by_deadline=self._remaining(call) <= _NOTICEABLE)

    # ------------------------------------------------------------------ time and events

    def _remaining(self, call: Call) -> float:
        """Return the seconds until the call's deadline, by a fresh look at the clock."""
        call.now = self.clock.monotonic()
        return call.deadline - call.now

    async def _waiting(self, call: Call, what: str, wait: Any) -> Any:
        """Await something other than an answer; count the seconds, and let the client end it when it closes."""
        started = call.now
        call.presence.waiting = True
        try:
            return await wait
        finally:
            call.presence.waiting = False
            call.now = self.clock.monotonic()
            duration = call.now - started
            if duration > _NOTICEABLE:
                call.waits = {**call.waits, what: call.waits.get(what, 0.0) + duration}
                self._tell(call, "WaitEvent", what=what, duration=duration)

    def _tell_gate(self, call: Call, turn: Turn, error: ApiError) -> None:
        if self.on_event is not None:
            closed_for = getattr(turn, "closed_for", None)  # not every limiter knows
            self._tell(call, "GateEvent", scope=self.service.scope(call.request), verdict=verdict_on(error).value, closed_for=closed_for)

    def _tell_end(self, call: Call, outcome: Any) -> None:
        if self.on_event is not None:
            host, duration = urlsplit(self.service.base_url).hostname, self.clock.monotonic() - call.started
            self._tell(call, "CallEvent", outcome=outcome_name(outcome), duration=duration, host=host, **call.facts())

    def _tell(self, call: Call, event: str, /, **facts: Any) -> None:
        if self.on_event is not None:
            if call.number is None:
                call.number = next(_numbers)
            self.tell(call.endpoint, event, call=call.number, **facts)

    def tell(self, endpoint: Endpoint, event: str, /, **facts: Any) -> None:
        """Tell the user's ``on_event``, if there is one."""
        if self.on_event is None or sys.is_finalizing():
            return
        from wxrevenue import events  # only who listens pays for it

        events.tell(self.on_event, getattr(events, event), endpoint=endpoint.name, account=self.service.account, **facts)


def _late_report(call: Call, turn: Turn, late: Any) -> ConfigurationError:
    """Return the error for a limiter whose ``report`` is to be awaited: what it reports would come too late, or never."""
    if inspect.iscoroutine(late):
        late.close()
    call.may_have_acted()
    return ConfigurationError(f"{type(turn).__name__}.report: expected a plain method, got one that returns an awaitable")
