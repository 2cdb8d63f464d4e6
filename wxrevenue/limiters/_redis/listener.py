"""Hears what is pushed to this process: permits, and that a gate closed.

What is lost costs a quarter of a second.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue._redis.link import Messages, RedisLink

_PAUSE_S: Final = 1.0
_LOOK_S: Final = 60.0


class Listener:
    """Listens to one channel, and connects again when the connection breaks.

    Args:
        link: the way to Redis.
        channel: what is listened to.
        heard: is told every message.
        is_on: is told whether messages are heard by now.
    """

    def __init__(self, link: RedisLink, channel: str, heard: Callable[[str], object], is_on: Callable[[bool], object]) -> None:
        self._link = link
        self._channel = channel
        self._heard = heard
        self._is_on = is_on
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen, unless that was done."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._listen())

    async def aclose(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            messages = self._link.pubsub()
            if messages is None:
                return
            try:
                with suppress(Exception):  # redis-py raises its own, the system's and the parser's; permits come without it
                    await self._hear(messages)
            finally:
                self._is_on(False)  # noqa: FBT003  (a callback)
                with suppress(Exception):
                    await messages.aclose()
            await asyncio.sleep(_PAUSE_S)

    async def _hear(self, messages: Messages) -> None:
        await messages.subscribe(self._channel)
        self._is_on(True)  # noqa: FBT003  (likewise)
        while True:
            message = await messages.get_message(ignore_subscribe_messages=True, timeout=_LOOK_S)
            if message is not None and message.get("type") == "message":
                data = message["data"]
                self._heard(data.decode() if isinstance(data, bytes) else str(data))
