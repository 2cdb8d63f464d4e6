"""Whether a client may be used here and now, and how its calls end when it closes."""

from __future__ import annotations

import asyncio
import os
from asyncio import current_task, get_running_loop
from threading import get_ident

from wxrevenue.errors import ClientStateError

_process = os.getpid()
"""The process that this module was loaded in, or that was forked from it.

Asking the system on every call would cost more than all else that is looked at here.
"""


def after_fork() -> None:
    """Take note that this is another process now."""
    global _process  # noqa: PLW0603  (a fact about the process, and read on every call)
    _process = os.getpid()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=after_fork)


class InFlight:
    """A call on its way: which task makes it, and whether it waits for something."""

    __slots__ = ("_cancels", "_task", "cancelled_by_close", "waiting")

    def __init__(self, task: asyncio.Task[object] | None = None) -> None:
        self._task = task = current_task() if task is None else task
        self._cancels = 0 if task is None else task.cancelling()
        self.waiting = False
        """For a turn, a token, a signature or a back-off, and not for an answer."""
        self.cancelled_by_close = False

    def cancel_if_waiting(self) -> None:
        """End the call's wait, as a timeout would.

        One that has a request on the wire may finish.
        """
        if self.waiting and self._task is not None and not self.is_own():
            self.cancelled_by_close = True
            self._task.cancel()

    def is_own(self) -> bool:
        """Return whether the running task makes the call."""
        return self._task is asyncio.current_task()

    def was_cancelled_by_close(self) -> bool:
        """Return whether the cancellation that just arrived is only the client's own.

        If so, take it back.
        """
        return self.cancelled_by_close and self._task is not None and self._task.uncancel() <= self._cancels


class Lifetime:
    """Shared by a client and its clones.

    It is bound to one event loop and one process from the first call on.

    Args:
        owner: what messages call the one that lives.
    """

    def __init__(self, owner: str = "the client") -> None:
        self.closed = False
        self._owner = owner
        self.loop: asyncio.AbstractEventLoop | None = None
        """The one of the first call."""
        self._pid = 0
        self._thread = 0
        """The one that the loop ran in then."""
        self.calls: set[InFlight] = set()
        """The calls on their way; one is added once it was checked."""
        self._closing: set[InFlight] = set()
        """Calls within which the client is being closed.

        To wait for them would be to wait for oneself.
        """
        self._all_ended: asyncio.Future[None] | None = None

    def check_usable(self) -> None:
        """Look whether a call may come in, before anything asks for the running loop.

        In a forked child there is none.

        Raises:
            ClientStateError: the client is closed, belongs to another event loop, or was made
                before a fork.
        """
        if self.closed:
            raise ClientStateError(f"{self._owner} is closed: make another one, or close it later")
        if self._pid != _process or get_running_loop() is not self.loop:
            self.check_loop_and_process()

    def admit(self) -> InFlight:
        """Return a call of the running task, once it was looked whether it may come in.

        See :meth:`check_usable`. A task of the loop that runs in this thread says as much as the
        running loop does. To ask for that one is a system call up to CPython 3.11.
        """
        task = current_task(self.loop) if self._pid == _process and self._thread == get_ident() else None
        if task is None or self.closed:
            self.check_usable()
        return InFlight(task)

    def remove_call(self, call: InFlight) -> None:
        """Let a call out."""
        self.calls.discard(call)
        if self._all_ended is not None and not self._all_ended.done() and self.calls <= self._closing:
            self._all_ended.set_result(None)

    async def aclose(self) -> None:
        """Refuse new calls, end waiting ones, and wait for those on the wire."""
        self.closed = True
        if self.calls or self._pid not in {0, os.getpid()}:  # in a forked child nothing of the parent's can be closed
            self.check_loop_and_process()
        if not self.calls:
            return
        for call in tuple(self.calls):
            call.cancel_if_waiting()
        self._closing |= {call for call in self.calls if call.is_own()}  # a token function may close its own client
        if self.calls <= self._closing:
            return
        if self._all_ended is None:
            self._all_ended = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._all_ended)

    def check_loop_and_process(self) -> None:
        """Look whether this is the loop and the process of the first call.

        Raises:
            ClientStateError: it is another one.
        """
        if self.loop is None:
            self.loop, self._pid, self._thread = asyncio.get_running_loop(), os.getpid(), get_ident()
        if os.getpid() != self._pid:
            raise ClientStateError(f"{self._owner} was used before this process was forked: make one per process")
        if asyncio.get_running_loop() is not self.loop:
            raise ClientStateError(
                f"{self._owner} was first used on another event loop: make one per loop, or keep one loop (asyncio.Runner)"
            )
