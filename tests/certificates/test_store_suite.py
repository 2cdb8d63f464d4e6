"""The conformance suite of certificate stores.

Each store of the package passes, and those that do wrong fail.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from wxrevenue import FileCertificateStore, MemoryCertificateStore, RedisCertificateStore
from wxrevenue.testing import CertificateStoreCase, certificate_store_cases

if TYPE_CHECKING:
    from pathlib import Path

CASES = {case.name: case for case in certificate_store_cases()}


@pytest.mark.parametrize("case", certificate_store_cases(shared=False), ids=str)
async def test_memory(case: CertificateStoreCase) -> None:
    """The store in memory passes every case."""
    await case.run(MemoryCertificateStore)


@pytest.mark.parametrize("case", certificate_store_cases(), ids=str)
async def test_file(case: CertificateStoreCase, tmp_path: Path) -> None:
    """The store in a file passes every case."""
    await case.run(partial(FileCertificateStore, tmp_path / "certificates"))


@pytest.mark.parametrize("case", certificate_store_cases(), ids=str)
async def test_redis(case: CertificateStoreCase, redis_path: str) -> None:
    """The store in Redis passes every case."""
    await case.run(partial(RedisCertificateStore, f"unix://{redis_path}", timeout=5.0))


# -- the suite itself ------------------------------------------------------------------------------


class Trusting(MemoryCertificateStore):
    """Keeps whatever came last."""

    async def put(self, mchid: str, certificates: bytes, *, fetched: float) -> bool:
        """Keep it."""
        self._lists.pop(mchid, None)
        return await super().put(mchid, certificates, fetched=fetched)


class First(MemoryCertificateStore):
    """Keeps the first list alone."""

    async def put(self, mchid: str, certificates: bytes, *, fetched: float) -> bool:
        """Keep it, if it is the first."""
        return mchid not in self._lists and await super().put(mchid, certificates, fetched=fetched)


class Whole(MemoryCertificateStore):
    """Counts in whole seconds."""

    async def put(self, mchid: str, certificates: bytes, *, fetched: float) -> bool:
        """Keep it."""
        return await super().put(mchid, certificates, fetched=float(int(fetched)))


class Crowded(MemoryCertificateStore):
    """Has one list for all merchants."""

    async def get(self, mchid: str) -> bytes | None:
        """Return it."""
        return await super().get("")

    async def put(self, mchid: str, certificates: bytes, *, fetched: float) -> bool:
        """Keep it."""
        return await super().put("", certificates, fetched=fetched)


class Texty(MemoryCertificateStore):
    """Takes lists for text."""

    async def put(self, mchid: str, certificates: bytes, *, fetched: float) -> bool:
        """Keep the text."""
        return await super().put(mchid, certificates.decode("utf-8", "replace").strip().encode(), fetched=fetched)


class Silent(MemoryCertificateStore):
    """Says nothing of what it did."""

    async def put(self, mchid: str, certificates: bytes, *, fetched: float) -> Any:
        """Keep it."""
        await super().put(mchid, certificates, fetched=fetched)


class Loose(MemoryCertificateStore):
    """Returns another type than it was given."""

    async def get(self, mchid: str) -> Any:
        """Return it."""
        found = await super().get(mchid)
        return None if found is None else bytearray(found)


class Talkative(MemoryCertificateStore):
    """Shows what it keeps."""

    def __repr__(self) -> str:
        return f"Talkative({self._lists})"


class Halved(MemoryCertificateStore):
    """Lacks a method."""

    put = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


@pytest.mark.parametrize(
    ("store", "name", "said"),
    [
        (Trusting, "an older list", "an older list took the place|was said to be kept"),
        (Trusting, "many at once", "the newest list is gone"),
        (First, "a newer list", "the newer list was refused"),
        (First, "the same list", "a list that is not older was refused"),
        (Whole, "parts of a second", "was said to be kept"),
        (Crowded, "merchants are apart", "has the list of"),
        (Crowded, "merchants at once", "are lost"),
        (Texty, "no text at all", "the list is not what was put"),
        (Texty, "line ends around it", "the list is not what was put"),
        (Silent, "what was put", "put returned NoneType, not a bool"),
        (Loose, "what was put", "get returned bytearray, not bytes"),
        (Talkative, "what was put", "a secret shows"),
        (Halved, "nothing at first", "lacks a method of CertificateStore"),
        (MemoryCertificateStore, "two stores", "the other store has another list"),
        (MemoryCertificateStore, "two stores at once", "is gone"),
        (MemoryCertificateStore, "a store that was closed", "gone with its store"),
    ],
)
async def test_wrong_stores(store: Any, name: str, said: str) -> None:
    """A store that does wrong fails the case, and the failure says why.

    A store in memory shares nothing.
    """
    with pytest.raises(AssertionError, match=said):
        await CASES[name].run(store)


def test_cases_have_their_names() -> None:
    """No two cases have one name.

    Those that need two stores are left out where there is only one.
    """
    assert len(CASES) == len(certificate_store_cases())
    assert {name for name, case in CASES.items() if case.shared} == {"two stores", "two stores at once", "a store that was closed"}
    assert len(certificate_store_cases(shared=False)) == len(CASES) - 3
