"""Whether a client may be used here and now, and how its calls end when it closes."""

from __future__ import annotations

import asyncio
import os

from wxrevenue.errors import ClientStateError


class Stay:
    """A call's stay in the client: which task makes it, and whether it waits for something."""

    __slots__ = ("_cancels", "_task", "dismissed", "waiting")

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._cancels = self._task.cancelling() if self._task else 0
        self.waiting = False
        """For a turn, a token, a signature or a back-off, and not for an answer."""
        self.dismissed = False

    def dismiss(self) -> None:
        """End the call's wait, as a timeout would; one that has a request on the wire may finish."""
        if self.waiting and self._task is not None and not self.is_own():
            self.dismissed = True
            self._task.cancel()

    def is_own(self) -> bool:
        """Tell whether the running task makes the call."""
        return self._task is asyncio.current_task()

    def was_dismissed(self) -> bool:
        """Tell whether the cancellation that just arrived is ours alone; if so, take it back."""
        return self.dismissed and self._task is not None and self._task.uncancel() <= self._cancels


class Lifetime:
    """Shared by a client and its clones: bound to one event loop and one process from the first call on.

    Args:
        whose: what messages call that which lives.
    """

    def __init__(self, whose: str = "the client") -> None:
        self.closed = False
        self._whose = whose
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0
        self._stays: set[Stay] = set()
        self._closing: set[Stay] = set()
        """Calls within which the client is being closed: to wait for them would be to wait for oneself."""
        self._all_left: asyncio.Future[None] | None = None

    def enter(self, stay: Stay) -> None:
        """Let a call in that was checked."""
        self._stays.add(stay)

    def check(self) -> None:
        """Look whether a call may come in, before anything asks for the running loop: in a forked child there is none.

        Raises:
            ClientStateError: the client is closed, belongs to another event loop, or was made before a fork.
        """
        if self.closed:
            raise ClientStateError(f"{self._whose} is closed")
        if self._pid != os.getpid() or asyncio.get_running_loop() is not self._loop:
            self.check_home()

    def leave(self, stay: Stay) -> None:
        """Let a call out."""
        self._stays.discard(stay)
        if self._all_left is not None and not self._all_left.done() and self._stays <= self._closing:
            self._all_left.set_result(None)

    async def aclose(self) -> None:
        """Refuse new calls, end waiting ones, and wait until those on the wire have finished."""
        self.closed = True
        if self._stays or self._pid not in {0, os.getpid()}:  # in a forked child nothing of the parent's can be closed
            self.check_home()
        if not self._stays:
            return
        for stay in tuple(self._stays):
            stay.dismiss()
        self._closing |= {stay for stay in self._stays if stay.is_own()}  # a token function may close its own client
        if self._stays <= self._closing:
            return
        if self._all_left is None:
            self._all_left = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._all_left)

    def check_home(self) -> None:
        """Look whether this is the loop and the process of the first call.

        Raises:
            ClientStateError: it is another one.
        """
        if self._loop is None:
            self._loop, self._pid = asyncio.get_running_loop(), os.getpid()
        if os.getpid() != self._pid:
            raise ClientStateError(f"{self._whose} was used before this process was forked: make one per process")
        if asyncio.get_running_loop() is not self._loop:
            raise ClientStateError(f"{self._whose} was first used on another event loop: make one per loop")
