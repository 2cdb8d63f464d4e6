"""The talk of one scope with Redis: one question at a time, and nothing in vain.

What is asked goes along with what is reported. A question that got no answer is asked again as it
was, under its number, so that nothing is reported twice.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue._engine.clock import call_later
from wxrevenue.errors import ConfigurationError, TokenUnavailableError, WxRevenueError, without_history
from wxrevenue.limiters._redis.answer import Answer, LessonTask, text_of
from wxrevenue.limiters._redis.lessons import draw
from wxrevenue.limiters._redis.reports import written

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.limiters._redis.asking import AskingScope
    from wxrevenue.limiters._redis.hub import Hub
    from wxrevenue.limiters._redis.permits import Permits
    from wxrevenue.limiters._redis.reports import Entry

_IDLE_S: Final = 0.1
"""Seconds after which permits that nobody waits for are given back."""
_RETRY_S: Final = 1.0
"""Seconds between attempts to reach a Redis that is away."""
_TINY: Final = 1e-9


@attrs.define
class _Question:
    """What is asked under one number: it is repeated as it is."""

    number: int
    entries: list[Entry]
    flag: str


class Exchange:
    """Asks Redis for a scope's permits, and tells it how calls ended.

    Args:
        hub: the way to Redis.
        scope: whose waiters these are.
        permits: what they get.
    """

    def __init__(self, hub: Hub, scope: AskingScope, permits: Permits) -> None:
        self._hub = hub
        self._scope = scope
        self._permits = permits
        self._name = hub.new_name()
        self._task: asyncio.Task[None] | None = None
        self._talking = False
        """Whether a task asks.

        An eager task starts at once: it may have ended before it is known as ``_task``.
        """
        self._off: Callable[[], object] | None = None
        self._number = 0
        self._open: _Question | None = None
        """What got no answer yet."""
        self._plan = self._flag = ""
        self._told = 0
        """For how many more permits Redis knows this process to wait."""
        self._come_at = self._contact = -math.inf
        self._renewed = -math.inf
        """When the lease of what is held here was renewed last, or earlier."""
        self._idle_since = math.inf
        self._retry_at = -math.inf
        self._stopped = False

    # ------------------------------------------------------------------ when to ask

    def kick(self) -> None:
        """Ask now if there is reason to, else when there will be."""
        if self._talking or self._hub.closed or self._stopped:
            return
        now = self._hub.clock.now_or_last()
        due = self._due(now)
        if due <= now + _TINY:
            self._stop_timer()
            self._talking = True
            task = asyncio.get_running_loop().create_task(self._talk())
            if not task.done():
                self._task = task
        elif due < math.inf:
            self._stop_timer()
            self._off = call_later(self._hub.clock.source, due - now, self._look_again)

    def look_before(self, deadline: float, fresh: float) -> None:
        """Ask now if the next answer comes too late for a caller, and the last is old.

        Args:
            deadline: the caller's.
            fresh: seconds for which an answer is not old.
        """
        now = self._hub.clock.now_or_last()
        if self._told > 0 and deadline < self._come_at and now - self._contact > fresh:
            self._come_at = now
            self.kick()

    def permit_used(self) -> None:
        """Note that permits are in use: those that are left are not given back yet."""
        self._idle_since = math.inf

    def stop(self) -> None:
        """Ask nothing any more: another group's exchange does."""
        self._stopped = True
        self._stop_timer()

    def _look_again(self, _error: BaseException | None) -> None:
        self._off = None
        self._scope.advance(self._hub.clock.now_or_last())

    def _stop_timer(self) -> None:
        if self._off is not None:
            self._off()
            self._off = None

    def _due(self, now: float) -> float:
        """Return when the next question is due."""
        permits = self._permits
        waiting = self._want() > 0
        self._idle_since = min(self._idle_since, now) if permits.stock and not self._scope.waiters else math.inf
        if self._scope.is_away:
            return self._retry_at
        if self._open is not None or self._plan or self._flag:
            return now
        due = [self._idle_since + _IDLE_S]
        if permits.reports:
            due.append(now if permits.reports.pressing else max(now, self._report_at()))
        if waiting:
            due.append(self._come_at if self._told > 0 else now)
        if permits.stock or permits.in_flight:
            due.append(self._renewed + self._hub.lot_lease / 3)
        return min(due)

    def _report_at(self) -> float:
        """Return when gathered reports go, by the clock of the scope.

        They were stamped by the clock of leases.
        """
        view = self._permits.view
        gather = 0.0 if view is None else view.gather
        return self._hub.clock.now_or_last() + self._permits.reports.since + gather - self._hub.lease_now()

    def _want(self) -> int:
        return self._scope.waiters if not self._permits.stock else 0

    # ------------------------------------------------------------------ asking

    async def _talk(self) -> None:
        try:
            while not self._hub.closed and not self._stopped and self._due(now := self._hub.clock.now_or_last()) <= now + _TINY:
                await self._ask()
        except Exception as error:  # noqa: BLE001  (an answer that is none: who waits is told, not left)
            self._open = None
            self._scope.fail_all(error)
        finally:
            self._task, self._talking = None, False
        self.kick()

    async def _ask(self) -> None:
        if self._idle_since + _IDLE_S <= self._hub.clock.now_or_last() + _TINY:
            self._permits.void(self._hub.lease_now())
        question = self._open or self._next_question()
        plan, self._plan = self._plan, ""
        sent, asked_at = self._hub.lease_now(), self._hub.clock.now_or_last()
        failure: WxRevenueError | None = None
        found: list[object] = []
        try:
            found = await self._sent(question, plan, sent)
        except WxRevenueError as error:
            failure = error
        if failure is None:
            self._answered(found, sent, asked_at)
        elif isinstance(failure, TokenUnavailableError):
            self._retry_at = self._hub.clock.now_or_last() + _RETRY_S
            self._scope.redis_gone(without_history(failure))
        else:
            self._open = None
            self._scope.fail_all(without_history(failure))

    def _next_question(self) -> _Question:
        self._number += 1
        self._open = _Question(self._number, self._permits.reports.take(), self._flag)
        self._flag = ""
        return self._open

    async def _sent(self, question: _Question, plan: str, now: float) -> list[object]:
        permits, scope, want = self._permits, self._scope, self._want()
        first = (permits.gen, question.number, want, permits.ahead(want + permits.in_flight) if want else 0)
        last = (written(question.entries, now), plan, scope.away_flag() or question.flag, permits.seen)
        return await self._hub.turn(self._name, scope.scopes[0], scope.group, first, last)

    def refusal_pending(self) -> bool:
        """Return whether Redis may not know of a refusal yet."""
        asked = self._open is not None and any(entry.is_refusal for entry in self._open.entries)
        return asked or self._permits.reports.refused

    def _answered(self, found: list[object], sent: float, asked_at: float) -> None:
        words = text_of(found[0])
        self._open = None
        if words == "moved":
            self._scope.moved(text_of(found[1]))
            return
        answer = Answer.read(words)
        now = self._hub.clock.now_or_last()
        self._contact = self._renewed = now
        self._told, self._come_at = answer.want, now + answer.come
        if len(found) > 1:
            self._plan = draw(LessonTask.read(found), self._hub.cooldown, answer.now)
        self._scope.hear(answer, sent, asked_at)

    async def ask_to_reopen(self) -> None:
        """Have the gate opened; return once Redis was told, or is away."""
        self._flag = "reopen"
        self.kick()
        while (task := self._task) is not None and (self._flag or self._open is not None) and not self._scope.is_away:
            await asyncio.wait({task})

    def pushed(self, answer: Answer) -> None:
        """Take what another process's question led to."""
        now = self._hub.clock.now_or_last()
        if self._scope.is_away:  # Redis is back, and is to be told what was done meanwhile
            self._retry_at = now
        elif answer.gen == self._permits.gen:
            self._told, self._come_at = answer.want, now + answer.come
            if answer.granted > self._permits.seen:  # a grant renews the lease of all that is held
                self._renewed = now - max(0.0, self._hub.lease_now() - self._permits.local(answer.now))
            self._scope.hear(answer, None, now)
        self.kick()

    # ------------------------------------------------------------------ the end

    async def aclose(self, patience: float) -> None:
        """Tell Redis how calls ended, and that this process leaves.

        Args:
            patience: seconds that this may take.
        """
        self._stop_timer()
        task = self._task
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self._number == 0 or self._scope.is_away:
            return
        self._permits.void(self._hub.lease_now())
        try:
            async with asyncio.timeout(patience):
                if self._open is not None:
                    await self._sent(self._open, "", self._hub.lease_now())
                self._flag = "leave"
                question = self._next_question()
                await self._sent(question, "", self._hub.lease_now())
        except (TokenUnavailableError, ConfigurationError, TimeoutError):
            return  # its leases end by themselves
