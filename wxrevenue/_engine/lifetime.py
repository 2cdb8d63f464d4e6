"""Whether a client may be used here and now, and how its calls end when it closes."""

from __future__ import annotations

import asyncio
import os

from wxrevenue.errors import ClientStateError


class InFlight:
    """A call on its way: which task makes it, and whether it waits for something."""

    __slots__ = ("_cancels", "_task", "cancelled_by_close", "waiting")

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._cancels = self._task.cancelling() if self._task else 0
        self.waiting = False
        """For a turn, a token, a signature or a back-off, and not for an answer."""
        self.cancelled_by_close = False

    def cancel_if_waiting(self) -> None:
        """End the call's wait, as a timeout would; one that has a request on the wire may finish."""
        if self.waiting and self._task is not None and not self.is_own():
            self.cancelled_by_close = True
            self._task.cancel()

    def is_own(self) -> bool:
        """Tell whether the running task makes the call."""
        return self._task is asyncio.current_task()

    def was_cancelled_by_close(self) -> bool:
        """Tell whether the cancellation that just arrived is ours alone; if so, take it back."""
        return self.cancelled_by_close and self._task is not None and self._task.uncancel() <= self._cancels


class Lifetime:
    """Shared by a client and its clones: bound to one event loop and one process from the first call on.

    Args:
        owner: what messages call the one that lives.
    """

    def __init__(self, owner: str = "the client") -> None:
        self.closed = False
        self._owner = owner
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0
        self.calls: set[InFlight] = set()
        """The calls on their way; one is added once it was checked."""
        self._closing: set[InFlight] = set()
        """Calls within which the client is being closed: to wait for them would be to wait for oneself."""
        self._all_ended: asyncio.Future[None] | None = None

    def check_usable(self) -> None:
        """Look whether a call may come in, before anything asks for the running loop: in a forked child there is none.

        Raises:
            ClientStateError: the client is closed, belongs to another event loop, or was made before a fork.
        """
        if self.closed:
            raise ClientStateError(f"{self._owner} is closed")
        if self._pid != os.getpid() or asyncio.get_running_loop() is not self._loop:
            self.check_loop_and_process()

    def remove_call(self, call: InFlight) -> None:
        """Let a call out."""
        self.calls.discard(call)
        if self._all_ended is not None and not self._all_ended.done() and self.calls <= self._closing:
            self._all_ended.set_result(None)

    async def aclose(self) -> None:
        """Refuse new calls, end waiting ones, and wait until those on the wire have finished."""
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
        if self._loop is None:
            self._loop, self._pid = asyncio.get_running_loop(), os.getpid()
        if os.getpid() != self._pid:
            raise ClientStateError(f"{self._owner} was used before this process was forked: make one per process")
        if asyncio.get_running_loop() is not self._loop:
            raise ClientStateError(f"{self._owner} was first used on another event loop: make one per loop")
