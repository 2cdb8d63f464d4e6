"""Real processes of the shared limiter, and the server whose quota they use.

The server answers over a socket, and watches what must never be: a call beside a probe.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wxrevenue.sandbox import Quota
from wxrevenue.sandbox._quota import Meters

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable
    from typing import Self

WINDOW_S: Final = 2.0
QUOTA: Final = 40
DEADLINE_S: Final = 60.0
LEASE_S: Final = 1.0
_LATENCY_S: Final = 0.03
_TESTS: Final = Path(__file__).parent.parent


class Fleet:
    """Processes with callers, on one quota.

    Args:
        redis: how they reach Redis: ``(kind, where)``, see :mod:`support.limiter_caller`.
        folder: where the server's socket is to be.
        processes: how many there are.
        callers: how many each has.
        jobs: how many calls each caller has to have accepted.
    """

    def __init__(self, redis: tuple[str, Any], folder: str, *, processes: int = 3, callers: int = 8, jobs: int = 12) -> None:
        self._settings: dict[str, Any] = {
            "redis": redis,
            "server": f"{folder}/q",
            "callers": callers,
            "jobs": jobs,
            "cooldown": WINDOW_S,
            "prefix": f"fleet-{uuid.uuid4().hex}",
            "lease": LEASE_S,
            "deadline": DEADLINE_S,
        }
        self._jobs = callers * jobs
        self._count = processes
        self._meters = Meters()
        self._quota = Quota(QUOTA, WINDOW_S, "extending")
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._watched: list[tuple[Callable[[str, int], bool], asyncio.Future[int]]] = []
        self.processes: list[Process] = []
        self.probing: set[int] = set()
        """The processes whose probe is on its way."""
        self.flying: dict[int, int] = {}
        """How many calls of each process are on their way."""
        self.beside_probe = 0
        """Calls that arrived while a probe was on its way."""
        self.accepted: list[int] = []
        """The process of each call that was accepted."""
        self.refused: list[float] = []
        """When each refusal was."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._connected, self._settings["server"])
        for _ in range(self._count):
            command = (sys.executable, "-m", "support.limiter_caller", json.dumps(self._settings))
            self.processes.append(await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=_TESTS))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        assert self._server is not None
        self._server.close()
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            await process.wait()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    # ------------------------------------------------------------------ what happens

    def first(self, what: str) -> asyncio.Future[int]:
        """Return a future of the process whose ``probe``, ``lesson`` or ``call`` is first.

        The future is set before the message is answered.
        """
        return self.when(lambda kind, _: kind == what)

    def when(self, seen: Callable[[str, int], bool]) -> asyncio.Future[int]:
        """Return a future of the process whose message is the first that fits.

        The future is set before the message is answered.
        """
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._watched.append((seen, found))
        return found

    async def accepts(self, calls: int, *, without: int = 0) -> None:
        """Wait until so many more calls of others were accepted, or these have ended."""
        begun, others = len(self.accepted), [process for process in self.processes if process.pid != without]
        async with asyncio.timeout(DEADLINE_S):
            while sum(process != without for process in self.accepted[begun:]) < calls:
                if all(process.returncode is not None for process in others):
                    return
                await asyncio.sleep(0.01)

    async def end(self, *, killed: int = 0) -> None:
        """Wait until every process has ended; see that every caller did all its jobs.

        No caller may be late for its deadline.
        """
        for process in self.processes:
            async with asyncio.timeout(3 * DEADLINE_S):
                out, _ = await process.communicate()
            if process.pid == killed:
                assert process.returncode == -signal.SIGKILL
                continue
            assert process.returncode == 0
            found = json.loads(out)
            assert found["done"] == self._jobs
            assert found["too_late"] == 0
            assert found["overdue"] <= 0

    def most_refused(self, seconds: float) -> int:
        """Return the most refusals within so many seconds."""
        return max((sum(start <= one < start + seconds for one in self.refused) for start in self.refused), default=0)

    # ------------------------------------------------------------------ the server

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._served(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        task.add_done_callback(lambda _: writer.close())

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while line := await reader.readline():
                kind, _, number = line.decode().partition(" ")
                writer.write(await self._answer(kind, int(number)))
                await writer.drain()

    async def _answer(self, kind: str, process: int) -> bytes:
        self._tell(kind, process)
        if kind == "lesson":
            await asyncio.sleep(0)
            return b"go\n"
        self.beside_probe += bool(self.probing and kind != "probe")
        if kind == "probe":
            self.probing.add(process)
        self.flying[process] = self.flying.get(process, 0) + 1
        await asyncio.sleep(_LATENCY_S)
        self.flying[process] -= 1
        self.probing.discard(process)
        if self._meters.admit(self._quota, "wx", "action", time.time()):
            self.accepted.append(process)
            return b"yes\n"
        self.refused.append(time.monotonic())
        return b"no\n"

    def _tell(self, kind: str, process: int) -> None:
        for watched in tuple(self._watched):
            seen, found = watched
            if not found.done() and seen(kind, process):
                self._watched.remove(watched)
                found.set_result(process)


async def struck(fleet: Fleet, process: int, how: str) -> None:
    """Kill a process; or stop it until the others went on without it."""
    if how == "killed":
        os.kill(process, signal.SIGKILL)
        return
    os.kill(process, signal.SIGSTOP)
    try:
        await asyncio.sleep(2 * LEASE_S)
        await fleet.accepts(5, without=process)
    finally:
        os.kill(process, signal.SIGCONT)
