"""The conformance suite of token stores.

Each of the package's stores passes, and a store that does wrong does not.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from support.virtual import run_virtual

from wxrevenue import MemoryTokenStore, RedisTokenStore, StoredToken, TokenStore
from wxrevenue.testing import TokenStoreCase, token_store_cases

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = {case.name: case for case in token_store_cases()}
REDIS: dict[str, dict[str, Any]] = {
    "plain": {},
    "encrypted": {"keys": b"fake-key-" + bytes(23)},
    "alone": {"refresh_without_lock": True},
}


@pytest.mark.parametrize("case", token_store_cases(shared=False), ids=str)
def test_memory(case: TokenStoreCase) -> None:
    """The store in memory passes every case, in virtual time."""
    run_virtual(case.run(MemoryTokenStore))


@pytest.mark.parametrize("options", REDIS.values(), ids=REDIS)
@pytest.mark.parametrize("case", token_store_cases(), ids=str)
async def test_redis(case: TokenStoreCase, options: Any, redis_path: str) -> None:
    """The store in Redis passes every case.

    It does so by the server's clock, encrypted or not.
    """
    await case.run(partial(RedisTokenStore, f"unix://{redis_path}", timeout=5.0, **options))


# -- the suite itself ------------------------------------------------------------------------------


class Trusting(MemoryTokenStore):
    """Accepts the write of every caller."""

    async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
        """Write without a check of the fence."""
        self._records.pop(name, None)
        return await super().write(name, record, fence=fence)


class Strict(MemoryTokenStore):
    """Refuses the write of a holder whose lock lapsed."""

    async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
        """Write, if the lock is still held."""
        return self._locks[name][0] == fence and await super().write(name, record, fence=fence)


class Generous(MemoryTokenStore):
    """Gives the lock to every caller."""

    async def lock(self, name: str, *, lease: float) -> int | None:
        """Take the lock, even if it is held."""
        return await super().lock(name, lease=0.0)


class Forgetful(MemoryTokenStore):
    """Counts from the beginning when a lock is given back."""

    async def unlock(self, name: str, *, fence: int) -> None:
        """Give the lock back and reset the counter."""
        self._locks.pop(name, None)


class Eternal(MemoryTokenStore):
    """Returns tokens without an end."""

    async def read(self, name: str) -> StoredToken | None:
        """Return the record as it was written."""
        return self._records.get(name, (None, 0.0))[0]


class Sloppy(MemoryTokenStore):
    """Mixes names up."""

    async def read(self, name: str) -> StoredToken | None:
        """Read under a part of the name."""
        return await super().read(f"{name.partition('/')[0]}/")


class Stuck(MemoryTokenStore):
    """A store that never answers."""

    async def read(self, name: str) -> StoredToken | None:
        """Wait for ever."""
        await asyncio.Event().wait()
        raise AssertionError


class Timeless(MemoryTokenStore):
    """Returns every record as one that was just written."""

    async def read(self, name: str) -> StoredToken | None:
        """Return the record without its age."""
        found = await super().read(name)
        return found and attrs.evolve(found, age=0.0)


class Ancient(MemoryTokenStore):
    """Returns every record as one hour older."""

    async def read(self, name: str) -> StoredToken | None:
        """Return the record with another age."""
        found = await super().read(name)
        return found and attrs.evolve(found, age=(found.age or 0.0) + 3600.0)


class Obliging(MemoryTokenStore):
    """Renews a lock for every caller."""

    async def renew(self, name: str, *, fence: int, lease: float) -> bool:
        """Renew the lock of any caller."""
        return await super().renew(name, fence=self._locks[name][0], lease=lease)


class Reviving(MemoryTokenStore):
    """Renews a lock that has lapsed."""

    async def renew(self, name: str, *, fence: int, lease: float) -> bool:
        """Take the lapsed lock again."""
        if self._locks[name][0] != fence:
            return False
        self._locks[name] = fence, self._clock.monotonic() + lease
        return True


class Talkative(MemoryTokenStore):
    """A store whose repr shows its records."""

    def __repr__(self) -> str:
        return f"{[record.token.reveal() for record, _ in self._records.values() if record.token]}"


@pytest.mark.parametrize(
    ("make", "case", "said"),
    [
        (Trusting, "a late writer", "the late writer was let in"),
        (Strict, "nobody overtook", "the only writer was refused"),
        (Generous, "one holds the lock", "the lock was given out as"),
        (Forgetful, "a lock given back", "fence 1 came after 1"),
        (Forgetful, "a stranger", "a stranger gave the lock back"),
        (Eternal, "a token that ends", "waited for the token's end in vain"),
        (Eternal, "an ageing token", "waited for the token to age in vain"),
        (Timeless, "a record that says its age", "waited for the record to age in vain"),
        (Ancient, "a record that says its age", r"a record that was written just now, 1000000\.0 s old, is 1003600\."),
        (Obliging, "a renewed lock", "a stranger renewed the lock"),
        (Reviving, "a renewed lock", "a lock that was given back was renewed"),
        (Sloppy, "names are apart", "has the record of"),
        (Talkative, "what was written", "a secret shows in Talkative"),
        (MemoryTokenStore, "two with one lock", "the lock was given out as"),
        (object, "nothing at first", "object lacks a method of TokenStore"),
    ],
)
def test_wrong_store(make: Callable[[], TokenStore], case: str, said: str) -> None:
    """A store that does wrong fails the case; the error says why."""
    with pytest.raises(AssertionError, match=said):
        run_virtual(CASES[case].run(make))


def test_a_store_that_hangs() -> None:
    """A store that never answers does not stop the suite."""
    with pytest.raises(AssertionError, match="without end"):
        run_virtual(CASES["nothing at first"].run(Stuck))


def test_a_store_that_raises() -> None:
    """An exception of a store stays what it is, even a ``TimeoutError``."""

    class Late(MemoryTokenStore):
        async def read(self, name: str) -> StoredToken | None:
            raise TimeoutError("of the store's own")

    with pytest.raises(TimeoutError, match="of the store's own"):
        run_virtual(CASES["nothing at first"].run(Late))


def test_a_case_shows_itself() -> None:
    """A case's name and rows are its text.

    Each says what holds, and no two have the same name.
    """
    case = CASES["one holds the lock"]
    assert (repr(case), case.ids) == ("<TokenStoreCase K-04 one holds the lock>", ("K-04",))
    assert len(CASES) == len(token_store_cases())
    assert all(case.says.endswith(".") for case in CASES.values())
