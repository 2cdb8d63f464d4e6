"""A case of the conformance suite of token stores, and what it is played with."""

from __future__ import annotations

import asyncio
import inspect
import uuid
from typing import TYPE_CHECKING, Final, TypeAlias, TypedDict, TypeVar, Unpack

import attrs

from wxrevenue._base.secret import Secret
from wxrevenue._wire.stored import StoredToken
from wxrevenue.ports import TokenStore
from wxrevenue.testing._leaks import assert_no_leak
from wxrevenue.testing._suite import Case

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    class _Record(TypedDict, total=False):
        """What a record may have otherwise."""

        token: Secret | None
        left: float
        refresh: Secret | None
        fence: int
        age: float | None

    MakeStore: TypeAlias = Callable[[], TokenStore]

T = TypeVar("T")
_PATIENCE: Final = 10.0
_LONGEST: Final = 30.0
"""Seconds to wait for what must happen, and for a whole case."""
_STEP: Final = 0.01
SHORT: Final = 0.05
LONG: Final = 60.0
"""Seconds of leases and lives: over soon, and not over within a case."""


class StoreScene:
    """The stores of one case.

    With them are names that were not used before, and secrets that are plainly fake.
    """

    def __init__(self, make: MakeStore) -> None:
        self._make = make
        self._stores: list[TokenStore] = []
        self._stem = f"wx{uuid.uuid4().hex[:16]}"
        self.token, self.newer, self.refresh = (Secret(f"fake-{what}-{uuid.uuid4().hex}") for what in ("token", "newer-token", "refresh"))
        self.name = self.named("")

    def named(self, authorizer: str) -> str:
        """Return the name of an authorizer's token; of the component's if it is empty."""
        return f"{self._stem}/{authorizer}"

    def store(self) -> TokenStore:
        """Return another store."""
        store = self._make()
        assert isinstance(store, TokenStore), f"{type(store).__name__} lacks a method of TokenStore"
        self._stores.append(store)
        return store

    def record(self, **changes: Unpack[_Record]) -> StoredToken:
        """Return a record with a token that lives long and a refresh token."""
        return attrs.evolve(StoredToken(token=self.token, left=LONG, refresh=self.refresh), **changes)

    async def locked(self, store: TokenStore, name: str | None = None, *, lease: float = LONG) -> int:
        """Return the fence of a lock that must be free, or be free soon."""
        fence = await self.soon(lambda: store.lock(name or self.name, lease=lease), "the lock")
        assert fence is not None
        return fence

    async def read(self, store: TokenStore, name: str | None = None) -> StoredToken:
        """Return a record that must be there."""
        found = await store.read(name or self.name)
        assert found is not None, "the record is not there"
        return found

    async def soon(self, look: Callable[[], Awaitable[T]], what: str) -> T:
        """Wait until ``look`` returns something, and return it.

        ``None`` and ``False`` do not count.
        """
        until = asyncio.get_running_loop().time() + _PATIENCE
        while asyncio.get_running_loop().time() < until:
            found = await look()
            if found is not None and found is not False:
                return found
            await asyncio.sleep(_STEP)
        raise AssertionError(f"waited for {what} in vain")

    async def end(self) -> None:
        """Close what can be closed, and look for secrets in what stores show."""
        for store in self._stores:
            close: object = getattr(store, "aclose", None)
            closing = close() if callable(close) else None
            if inspect.isawaitable(closing):
                await closing
        assert_no_leak(*self._stores, secrets=[secret.reveal() for secret in (self.token, self.newer, self.refresh)])


@attrs.frozen(repr=False)
class TokenStoreCase(Case[StoreScene]):
    """One situation that every token store must come through.

    It is played on the running loop, with leases of fractions of a second where they must end, so
    that it works by a server's clock and in virtual time alike. Names are new in each case.
    Afterwards a store with an ``aclose`` is closed, and what it shows is looked through for
    secrets.
    """

    @property
    def shared(self) -> bool:
        """Whether two stores made one after the other must have the same records."""
        return "shared" in self.needs

    async def run(self, make: MakeStore) -> None:
        """Play the case.

        Args:
            make: makes a store: a class, or a function without arguments.

        Raises:
            AssertionError: the store does not do what it must.
        """
        await self.play_in(StoreScene(make), longest=_LONGEST, kind="store")
