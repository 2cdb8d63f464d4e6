"""Random walks of two processes that share a store.

Everything fails at random.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING, Any

from support.fakes import COMPONENT
from support.platform import FIRST, PROGRAM, Rotating, authorizers, component_tokens
from wxrevenue import ComponentTokens, MemoryTokenStore, TokenKind, WxRevenueError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

METHODS = ("read", "lock", "renew", "write", "unlock")


class Unsteady(MemoryTokenStore):
    """One process's way to a shared store.

    Some of its methods fail, are slow, or fail after they worked.
    """

    def __init__(self, shared: MemoryTokenStore, chance: random.Random) -> None:
        super().__init__()
        self._records, self._locks = shared._records, shared._locks
        self._chance = chance
        self.down: set[str] = set()

    def __getattribute__(self, name: str) -> Any:
        """Return a method in its present state: good, slow or failing."""
        found = super().__getattribute__(name)
        return self._unsteady(name, found) if name in METHODS else found

    def _unsteady(self, name: str, method: Any) -> Any:
        async def call(*args: Any, **options: Any) -> Any:
            if name in self.down:
                await asyncio.sleep(7.0 if self._chance.random() < 0.1 else 0.0)
                raise self._chance.choice([OSError(), TimeoutError()])
            found = await method(*args, **options)
            if name == "write" and self._chance.random() < 0.1:
                raise OSError
            return found

        return call


class TokenWalk:
    """Two processes, and what happens to them.

    Args:
        seed: makes the walk one that can be taken again.
    """

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.platform = self.make_platform()
        self.shared = MemoryTokenStore()
        self.ways = [Unsteady(self.shared, self.chance) for _ in range(2)]
        self.sources = [self._source(number) for number in range(2)]
        self.tasks: list[asyncio.Task[None]] = []
        self.pushes: list[asyncio.Task[None]] = []

    def make_platform(self) -> Rotating:
        """Return a platform."""
        return Rotating()

    def _source(self, number: int) -> ComponentTokens:
        deadline = self.chance.choice([2.0, 8.0, 30.0])
        return component_tokens(self.platform, store=self.ways[number], timeout=10.0, deadline=deadline)

    async def step(self) -> None:
        """Let one event happen, and some time pass."""
        number = self.chance.randrange(2)
        await self.chance.choice(self.happenings())(number)
        self.platform.delay = self.chance.choice([0.0, 0.1, 1.0, 6.0])
        await asyncio.sleep(self.chance.choice([0.0, 0.3, 2.0, 15.0, 400.0]))

    def happenings(self) -> list[Callable[[int], Awaitable[None]]]:
        """Return the possible events of a process; a frequent one is there several times."""
        return [self._get, self._get, self._get, self._fail, self._recover, self._cancel, self._close]

    async def _get(self, number: int) -> None:
        async def get() -> None:
            with contextlib.suppress(WxRevenueError):
                token = await authorizers(self.sources[number], timeout=self.chance.choice([0.5, 5.0, 60.0]))
                await self.sources[number].reject(TokenKind.AUTHORIZER, PROGRAM, token)

        self.tasks.append(asyncio.create_task(get()))

    async def _fail(self, _number: int) -> None:
        down: set[str] = set(self.chance.sample(METHODS, self.chance.randrange(1, 6)))
        for way in self.ways:
            way.down = down

    async def _recover(self, _number: int) -> None:
        for way in self.ways:
            way.down = set()

    async def _cancel(self, _number: int) -> None:
        if self.tasks:
            self.chance.choice(self.tasks).cancel()

    async def _close(self, number: int) -> None:
        await self.sources[number].aclose()
        self.sources[number] = self._source(number)

    async def _authorize(self) -> None:
        with contextlib.suppress(WxRevenueError):  # it is kept
            await self.sources[0].add_authorizer(PROGRAM, FIRST)

    async def settle(self) -> None:
        """Wait for the end of all that is under way."""

    async def take(self) -> None:
        """Do all steps of the walk; check its end."""
        await self._authorize()
        for _ in range(40):
            await self.step()
        await self._recover(0)
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.settle()
        for source in self.sources:
            await source.aclose()
        record = await self.shared.read(f"{COMPONENT}/{PROGRAM}")
        assert record is not None
        assert record.refresh is not None
        assert record.refresh.reveal() == self.platform.newest
        assert asyncio.all_tasks() == {asyncio.current_task()}
