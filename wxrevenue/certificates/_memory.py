"""Certificates kept in this process, for several clients."""

from __future__ import annotations


class MemoryCertificateStore:
    """Keeps the newest list of each merchant in this process."""

    def __init__(self) -> None:
        self._lists: dict[str, tuple[float, bytes]] = {}

    async def get(self, mchid: str) -> bytes | None:
        """Return the newest list, or ``None``."""
        found = self._lists.get(mchid)
        return None if found is None else found[1]

    async def put(self, mchid: str, certificates: bytes, *, fetched: float) -> bool:
        """Keep a list unless a newer one is kept; return whether it was kept."""
        if mchid in self._lists and self._lists[mchid][0] > fetched:
            return False
        self._lists[mchid] = fetched, certificates
        return True
