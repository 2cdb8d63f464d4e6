"""A model of Redis in virtual time.

Lua 5.1 runs the scripts' own text, against commands written in Python. Its ``TIME`` is virtual, its
round trip takes as long as it is told to, and it can be away. What a command does to the data is
what Redis does; a test compares the two.
"""

from __future__ import annotations

import asyncio
import bisect
import hashlib
import math
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxrevenue.testing._limiter_suite.scene import EVENING
from wxrevenue.testing._virtual import START

if TYPE_CHECKING:
    from collections.abc import Callable

_STRICT: Final = "setmetatable(_G, {__newindex = function(_, name) error('global ' .. name, 2) end})"
"""Redis lets scripts define nothing global."""


class AwayError(ConnectionError):
    """Redis cannot be reached."""


def virtual_unix(unix: float = EVENING) -> Callable[[], float]:
    """Return a clock of a server, in Unix seconds.

    It goes with the running virtual loop's time, and with no process's clock.
    """
    loop = asyncio.get_running_loop()
    return lambda: unix + loop.time() - START


class RedisModel:
    """The data, and the commands that the limiter's script uses.

    Args:
        unix: returns Unix seconds.
    """

    def __init__(self, unix: Callable[[], float]) -> None:
        from lupa import lua51  # type: ignore[import-untyped]

        self._unix = unix
        self._type: Any = lua51.lua_type
        self.data: dict[str, Any] = {}
        self.expires: dict[str, float] = {}
        self.channels: dict[str, list[asyncio.Queue[str]]] = {}
        self.delay = 0.0
        """Seconds from a publication to its arrival."""
        self.scripts = 0
        """How many scripts ran."""
        self.pushes = 0
        """How many messages reached a subscriber."""
        self.watch: Callable[[], None] | None = None
        """Is called after every script."""
        self._lua: Any = lua51.LuaRuntime(unpack_returned_tuples=True)
        self._compiled: dict[str, Any] = {}
        self._texts: dict[str, str] = {}
        self._table = self._lua.eval("function(list, n) local t = {} for i = 1, n do t[i] = list[i - 1] end return t end")
        redis = self._lua.table()
        redis["call"] = redis["pcall"] = self._called
        self._redis = redis
        self._lua.execute(_STRICT)

    # ------------------------------------------------------------------ scripts

    def load(self, text: str, edit: Callable[[str], str] | None = None) -> None:
        """Know a script by its hash, or another one by that hash.

        The second is to see what a wrong script would do.
        """
        self._texts[hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()] = text if edit is None else edit(text)

    def knows(self, sha: str) -> bool:
        """Return whether a script of this hash was seen."""
        return sha in self._texts

    def run(self, sha: str, keys: list[str], args: list[str]) -> Any:
        """Run a script that is known."""
        if sha not in self._compiled:
            self._compiled[sha] = self._lua.eval(f"function(redis, KEYS, ARGV) {self._texts[sha]} end")
        self.scripts += 1
        self._drop_expired(keys)
        found = self._compiled[sha](self._redis, self._to_table(keys), self._to_table(args))
        answer = self._answer(found)
        if self.watch is not None:
            self.watch()
        return answer

    def _to_table(self, values: list[Any]) -> Any:
        return self._table(values, len(values))

    def _answer(self, found: Any) -> Any:
        if self._type(found) != "table":
            return found
        return [self._answer(found[place]) for place in range(1, len(found) + 1)]

    def _drop_expired(self, keys: list[str]) -> None:
        for key in keys:
            if self.expires.get(key, math.inf) <= self._unix():
                self.data.pop(key, None)
                self.expires.pop(key, None)

    def _called(self, command: str, *args: Any) -> Any:
        found: Any = getattr(self, f"_{command.lower()}")(*(_text(value) for value in args))
        if isinstance(found, list):
            return self._to_table([*found])
        return False if found is None else found

    # ------------------------------------------------------------------ commands

    def _time(self) -> list[str]:
        microseconds = round(self._unix() * 1e6)
        return [str(microseconds // 1_000_000), str(microseconds % 1_000_000)]

    def _hgetall(self, key: str) -> list[str]:
        return [word for pair in self.data.get(key, {}).items() for word in pair]

    def _hget(self, key: str, field: str) -> str | None:
        found: dict[str, str] = self.data.get(key, {})
        return found.get(field)

    def _hset(self, key: str, *pairs: str) -> int:
        assert pairs
        self.data.setdefault(key, {}).update(zip(pairs[::2], pairs[1::2], strict=True))
        return len(pairs) // 2

    def _hdel(self, key: str, *fields: str) -> int:
        found = self.data.get(key, {})
        gone = sum(found.pop(field, None) is not None for field in fields)
        self._tidy(key)
        return gone

    def _hincrby(self, key: str, field: str, amount: str) -> int:
        found = self.data.setdefault(key, {})
        found[field] = str(int(found.get(field, "0")) + int(amount))
        return int(found[field])

    def _hkeys(self, key: str) -> list[str]:
        return [*self.data.get(key, {})]

    def _del(self, key: str) -> int:
        self.expires.pop(key, None)
        return int(self.data.pop(key, None) is not None)

    def _lindex(self, key: str, place: str) -> str | None:
        found: list[str] = self.data.get(key, [])
        number = int(place)
        return found[number] if -len(found) <= number < len(found) else None

    def _lrange(self, key: str, first: str, last: str) -> list[str]:
        found: list[str] = self.data.get(key, [])
        end = int(last)
        return found[int(first) : len(found) if end == -1 else end + 1]

    def _lset(self, key: str, place: str, value: str) -> str:
        self.data[key][int(place)] = value
        return "OK"

    def _lpop(self, key: str) -> str | None:
        found = self.data.get(key)
        value = found.pop(0) if found else None
        self._tidy(key)
        return value

    def _rpush(self, key: str, value: str) -> int:
        self.data.setdefault(key, []).append(value)
        return len(self.data[key])

    def _ltrim(self, key: str, first: str, last: str) -> str:
        if key in self.data:
            assert int(last) == -1
            self.data[key] = self.data[key][int(first) :]
            self._tidy(key)
        return "OK"

    def _zadd(self, key: str, score: str, member: str) -> int:
        self.data.setdefault(key, {})[member] = float(score)
        return 1

    def _zrem(self, key: str, member: str) -> int:
        gone = self.data.get(key, {}).pop(member, None)
        self._tidy(key)
        return int(gone is not None)

    def _zscore(self, key: str, member: str) -> str | None:
        found = self.data.get(key, {}).get(member)
        return None if found is None else repr(found)

    def _zcard(self, key: str) -> int:
        return len(self.data.get(key, {}))

    def _sorted(self, key: str) -> list[tuple[float, str]]:
        return sorted((score, member) for member, score in self.data.get(key, {}).items())

    def _zrange(self, key: str, first: str, last: str) -> list[str]:
        found = [member for _, member in self._sorted(key)]
        return found[int(first) : len(found) if int(last) == -1 else int(last) + 1]

    def _zrank(self, key: str, member: str) -> int | None:
        found = [name for _, name in self._sorted(key)]
        return found.index(member) if member in found else None

    def _zrangebyscore(self, key: str, _least: str, most: str) -> list[str]:
        found = self._sorted(key)
        return [member for _, member in found[: bisect.bisect_right(found, (float(most), "\U0010ffff"))]]

    def _zcount(self, key: str, least: str, most: str) -> int:
        return sum(float(least) <= score <= float(most) for score in self.data.get(key, {}).values())

    def _pexpire(self, key: str, life: str) -> int:
        if key in self.data:
            self.expires[key] = self._unix() + float(life) / 1000
        return int(key in self.data)

    def _publish(self, channel: str, message: str) -> int:
        listeners = self.channels.get(channel, [])
        for queue in listeners:
            self.pushes += 1
            asyncio.get_running_loop().call_later(self.delay, queue.put_nowait, message)
        return len(listeners)

    def _tidy(self, key: str) -> None:
        if not self.data.get(key, True):
            self._del(key)


def _text(value: Any) -> str:
    """Return an argument as Redis gets it: numbers in Lua's way."""
    if isinstance(value, float):
        return f"{value:.17g}"
    return str(value)


@attrs.define(eq=False)
class RedisClient:
    """One process's connection to the model.

    A limiter takes it for a client of redis.asyncio.

    Args:
        model: the server.
        trip: seconds of a round trip.
    """

    model: RedisModel
    trip: float = 0.001
    away: bool = False
    """Whether it cannot be reached."""
    stopped: asyncio.Event | None = None
    """While there is an unset event here, the process stands still.

    What it would say does not leave, and what is said to it is not heard.
    """
    edited: Callable[[str], str] | None = None
    """Makes another script of a script's text."""

    async def execute_command(self, command: str, script: str, count: int, *rest: Any) -> Any:
        """Run a script, half a round trip from here."""
        from redis.exceptions import NoScriptError

        await self._goes_on()
        if self.away:
            raise AwayError
        if command == "EVAL":
            self.model.load(script, self.edited)
            script = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        elif not self.model.knows(script):
            raise NoScriptError("NOSCRIPT No matching script.")
        await asyncio.sleep(self.trip / 2)
        if self.away:
            raise AwayError
        words = [_text(word) for word in rest]
        answer = self.model.run(script, words[:count], words[count:])
        await asyncio.sleep(self.trip / 2)
        await self._goes_on()
        return answer

    async def _goes_on(self) -> None:
        if self.stopped is not None:
            await self.stopped.wait()

    async def hears(self) -> bool:
        """Return whether a message that arrives now is heard, once the process goes on."""
        await self._goes_on()
        return not self.away

    def pubsub(self) -> Subscription:
        """Return what listens to channels."""
        return Subscription(self)


class Subscription:
    """Listens to channels of the model.

    Args:
        client: whose it is.
    """

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._channels: list[str] = []

    async def subscribe(self, channel: str) -> None:
        """Listen to one more."""
        self._client.model.channels.setdefault(channel, []).append(self._queue)
        self._channels.append(channel)

    async def get_message(self, *, ignore_subscribe_messages: bool, timeout: float) -> dict[str, str] | None:
        """Return the next message."""
        assert ignore_subscribe_messages
        assert timeout
        while True:
            message = await self._queue.get()
            if await self._client.hears():
                return {"type": "message", "data": message}

    async def aclose(self) -> None:
        """Listen no more."""
        for channel in self._channels:
            self._client.model.channels[channel].remove(self._queue)
