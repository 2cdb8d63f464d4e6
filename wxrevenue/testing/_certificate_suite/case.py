"""A case of the conformance suite of certificate stores.

With it is what it is played with.
"""

from __future__ import annotations

import inspect
import uuid
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from wxrevenue.ports import CertificateStore
from wxrevenue.testing._leaks import assert_no_leak
from wxrevenue.testing._suite import Case

if TYPE_CHECKING:
    from collections.abc import Callable

    MakeCertificateStore: TypeAlias = Callable[[], CertificateStore]

_LONGEST: Final = 30.0
"""Seconds for a whole case."""
FETCHED: Final = 1_774_000_000.0
"""Unix seconds at which the first list was made."""


class CertificateStoreScene:
    """The stores of one case.

    With them are merchants that were not used before, and lists that are plainly fake.
    """

    def __init__(self, make: MakeCertificateStore) -> None:
        self._make = make
        self._stores: list[CertificateStore] = []
        self._seal = f"fake-seal-{uuid.uuid4().hex}"
        self.mchid = f"19{uuid.uuid4().int % 10**20:020d}"

    def store(self) -> CertificateStore:
        """Return another store."""
        store = self._make()
        assert isinstance(store, CertificateStore), f"{type(store).__name__} lacks a method of CertificateStore"
        self._stores.append(store)
        return store

    def listed(self, number: int = 0) -> bytes:
        """Return a list as it is stored.

        It is a line with a serial, one with a signature, and what was signed.
        """
        return f'FA4E{number:04X}\n{self._seal}\n{FETCHED + number:.0f}\nnonce\n{{"data":[{number}]}}\n'.encode()

    async def put(self, store: CertificateStore, number: int = 0, *, mchid: str | None = None) -> bool:
        """Put the list of that number; return what the store says.

        It was made as many seconds after the first.
        """
        said: object = await store.put(mchid or self.mchid, self.listed(number), fetched=FETCHED + number)
        assert isinstance(said, bool), f"put returned {type(said).__name__}, not a bool"
        return said

    async def found(self, store: CertificateStore, *, mchid: str | None = None) -> bytes | None:
        """Return what the store has."""
        found: object = await store.get(mchid or self.mchid)
        assert found is None or type(found) is bytes, f"get returned {type(found).__name__}, not bytes"
        return found

    async def close(self, store: CertificateStore) -> None:
        """Close a store, if it can be closed."""
        closing = close() if callable(close := getattr(store, "aclose", None)) else None
        if inspect.isawaitable(closing):
            await closing

    async def end(self) -> None:
        """Close what can be closed, and see that no store shows what it keeps."""
        for store in self._stores:
            await self.close(store)
        assert_no_leak(*map(repr, self._stores), secrets=[self._seal])


@attrs.frozen(repr=False)
class CertificateStoreCase(Case[CertificateStoreScene]):
    """One situation that every certificate store must come through.

    It is played on the running loop. Merchants are new in each case. Afterwards a store with an
    ``aclose`` is closed.
    """

    @property
    def shared(self) -> bool:
        """Whether two stores that were made one after the other must have the same lists."""
        return "shared" in self.needs

    async def run(self, make: MakeCertificateStore) -> None:
        """Play the case.

        Args:
            make: makes a store: a class, or a function without arguments.

        Raises:
            AssertionError: the store does not do what it must.
        """
        await self.play_in(CertificateStoreScene(make), longest=_LONGEST, kind="store")
