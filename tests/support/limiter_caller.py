"""A real process whose callers share a quota.

Run it with ``python -m support.limiter_caller SETTINGS``.

Each call asks the limiter for a turn, then the server of :mod:`support.limiter_processes` for an
answer, over a socket. That server is told which call probes, and when a lesson is drawn.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

from redis.asyncio import RedisCluster
from redis.asyncio.sentinel import Sentinel

from wxrevenue import RedisRateLimiter, TooFastError, Verdict
from wxrevenue.limiters._redis import exchange

if TYPE_CHECKING:
    from wxrevenue.limiters._redis.turn import SharedTurn

SCOPE = "wx-component/-/action"


class Caller:
    """The callers of one process.

    Args:
        settings: see :class:`support.limiter_processes.Fleet`.
        limiter: what they ask for turns.
    """

    def __init__(self, settings: dict[str, Any], limiter: RedisRateLimiter) -> None:
        self._settings = settings
        self._limiter = limiter
        self.done = self.too_late = 0
        self.overdue = 0.0

    async def run(self) -> dict[str, Any]:
        """Do all jobs; return how that went."""
        await asyncio.gather(*(self._caller() for _ in range(self._settings["callers"])))
        return {"done": self.done, "too_late": self.too_late, "overdue": self.overdue}

    async def _caller(self) -> None:
        reader, writer = await asyncio.open_unix_connection(self._settings["server"])
        for _ in range(self._settings["jobs"]):
            while not await self._job(reader, writer):
                self.too_late += 1
        writer.close()

    async def _job(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Make a call until it is accepted; return whether it was before its deadline."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._settings["deadline"]
        try:
            turn = await self._limiter.acquire(SCOPE, timeout=ends - loop.time())
            try:
                while True:
                    accepted = await _answer(turn, reader, writer)
                    turn.report(Verdict.OK if accepted else Verdict.TOO_FAST)
                    if accepted:
                        self.done += 1
                        return True
                    await turn.again(timeout=ends - loop.time())
            finally:
                turn.release()
        except TooFastError:
            return False
        finally:
            self.overdue = max(self.overdue, loop.time() - ends)


async def _answer(turn: SharedTurn, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    probes = turn.left is not None and turn.left.probe
    kind = "probe" if probes else "call" if turn.left is not None else "alone"
    writer.write(f"{kind} {os.getpid()}\n".encode())
    return await reader.readline() == b"yes\n"


def _tell_of_lessons(path: str) -> None:
    """Tell the server of each lesson before it is drawn; wait for its answer."""
    inside: Any = exchange
    draw = inside.draw

    def told(*args: Any) -> Any:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(path)
            line.sendall(f"lesson {os.getpid()}\n".encode())
            line.recv(8)
        return draw(*args)

    inside.draw = told


def _redis(settings: dict[str, Any]) -> Any:
    kind, where = settings["redis"]
    if kind == "cluster":
        return RedisCluster(host="127.0.0.1", port=where)
    if kind == "sentinel":
        make: Any = Sentinel
        short = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}
        return make([("127.0.0.1", where)], sentinel_kwargs=short).master_for("primary", **short)
    return where


async def main(settings: dict[str, Any]) -> None:
    """Run the callers of a process."""
    _tell_of_lessons(settings["server"])
    kept = {name: settings[name] for name in ("cooldown", "lease", "prefix")}
    limiter = RedisRateLimiter(_redis(settings), **kept)
    found = await Caller(settings, limiter).run()
    await limiter.aclose()
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
