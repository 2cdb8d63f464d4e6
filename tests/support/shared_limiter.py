"""Fleets of shared rate limiters.

They run on a model of Redis in virtual time, or on a real server whose ``TIME`` is virtual.
"""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any, cast

from redis import Redis

from benchmarks.limiter_sim.redis_model import RedisClient, RedisModel, virtual_unix
from wxrevenue import RedisRateLimiter
from wxrevenue.limiters._redis.script_turn import TURN
from wxrevenue.testing import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis as AsyncRedis

SCOPE = "wx-component/-/action"
PATIENT = 1e6


class Processes:
    """Limiters that stand for processes, with one model of Redis."""

    def __init__(self, **settings: Any) -> None:
        self.model = RedisModel(virtual_unix())
        self.model.delay = 0.0005
        self.settings = settings
        self.clients: list[RedisClient] = []
        self.limiters: list[RedisRateLimiter] = []

    def start(self) -> RedisRateLimiter:
        """Start one more process."""
        client = RedisClient(self.model)
        self.clients.append(client)
        self.limiters.append(RedisRateLimiter(cast("AsyncRedis", client), clock=VirtualClock(), **self.settings))
        return self.limiters[-1]

    async def end(self) -> None:
        """Close all limiters that can still be closed."""
        for client, limiter in zip(self.clients, self.limiters, strict=True):
            client.stopped = None
            await limiter.aclose()

    def found(self, part: str) -> Any:
        """Return the value of the only key with that name."""
        (value,) = [value for key, value in self.model.data.items() if key.endswith(f":{part}")]
        return value

    @property
    def state(self) -> dict[str, str]:
        """Return the state of the only quota."""
        return cast("dict[str, str]", self.found("state"))


class VirtualTimeRedis:
    """A client of a real server, whose scripts see virtual time.

    It hears no messages.

    Args:
        path: the server's socket.
        unix: returns Unix seconds.
    """

    def __init__(self, path: str, unix: Callable[[], float]) -> None:
        self._unix = unix
        self._client: Any = Redis(unix_socket_path=path)
        self._text = TURN.text.replace("redis.call('TIME')", "{ARGV[#ARGV - 1], ARGV[#ARGV]}")
        assert self._text != TURN.text

    async def execute_command(self, command: str, script: str, *words: Any) -> Any:
        """Run the script, in a thread.

        Virtual time stands still until the server answered.
        """
        assert command in {"EVALSHA", "EVAL"}
        assert script in {TURN.sha, TURN.text}
        microseconds = round(self._unix() * 1e6)
        time = (microseconds // 1_000_000, microseconds % 1_000_000)
        call = functools.partial(self._client.execute_command, "EVAL", self._text, *words, *time)
        return await asyncio.get_running_loop().run_in_executor(None, call)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class OnARealServer(RedisRateLimiter):
    """The shared limiter in virtual time on a real server.

    Args:
        path: the server's socket.
        settings: what else a limiter is given.
    """

    def __init__(self, path: str, **settings: Any) -> None:
        self._own = VirtualTimeRedis(path, virtual_unix())
        super().__init__(cast("AsyncRedis", self._own), **settings)

    async def aclose(self) -> None:
        """Close the limiter and its connections."""
        await super().aclose()
        self._own.close()
