"""Fetches the list of certificates.

It comes from the store if that has a good one, else from WeChat Pay.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs

from wxrevenue._wire.request import Endpoint, PayRequest, Safety
from wxrevenue.certificates._signed_list import SignedList, read_list, unpacked
from wxrevenue.errors import SignatureError, WxRevenueError, without_history

if TYPE_CHECKING:
    from wxrevenue._engine.engine import Engine
    from wxrevenue.ports import CertificateStore
    from wxrevenue.signing._aead import ApiV3Key

OLD_S: Final = 12 * 3600.0
"""Seconds after which a list is fetched again."""
_WINDOW_S: Final = 300.0
_log = logging.getLogger("wxrevenue.certificates")


@attrs.frozen
class GetCertificates(PayRequest[dict[str, Any]]):
    """Ask for the platform certificates.

    WeChat page: Certificates, https://pay.weixin.qq.com/doc/global/v3/en/4012356462
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path="/v3/global/certificates", method="GET", action="get_certificates", safety=Safety.SAFE)


class ListVerifier:
    """Verifies the answer that brings the certificates.

    The key is that of one of the certificates that it brings.

    Args:
        key: opens them.
    """

    def __init__(self, key: ApiV3Key) -> None:
        self._key = key
        self.newest: SignedList | None = None
        """The last list that was verified."""

    async def verify(self, *, serial: str, message: bytes, signature: bytes, timeout: float) -> None:  # noqa: ARG002
        """Return if the list is WeChat Pay's; raise ``SignatureError`` otherwise."""
        found = read_list(serial, message, signature, self._key)
        if isinstance(found, SignatureError):
            raise found
        self.newest = found

    def request_serial(self) -> None:
        """Return ``None``: whichever certificate signs is in the list."""


class Download:
    """Where lists of certificates come from.

    Args:
        mchid: whose they are.
        engine: sends the call; its verifier is ``verifier``.
        verifier: keeps the list that came.
        key: opens stored lists.
        store: keeps them for other processes.
    """

    def __init__(self, mchid: str, engine: Engine, verifier: ListVerifier, key: ApiV3Key, store: CertificateStore | None) -> None:
        self._mchid, self._engine, self._verifier, self._key, self._store = mchid, engine, verifier, key, store

    async def fetch(self, known: SignedList | None, wanted: int | None) -> SignedList | WxRevenueError:
        """Return a newer list, or why there is none.

        The list has the certificate of that number, if there is one.
        """
        stored = await self._stored()
        now = self._engine.clock.time()
        if stored is not None and (known is None or stored.fetched > known.fetched) and now - stored.fetched < OLD_S:
            serves = any(one.is_valid(now) for one in stored.certificates.values()) if wanted is None else wanted in stored.certificates
            if serves:
                return stored
        try:
            await self._engine.send(GetCertificates())
        except WxRevenueError as error:
            failure = error
        else:
            newest = self._verifier.newest
            assert newest is not None  # noqa: S101  (a call without a verified answer has failed)
            await self._keep(newest)
            return newest
        return without_history(failure)

    async def _stored(self) -> SignedList | None:
        if self._store is None:
            return None
        try:
            found = await self._store.get(self._mchid)
        except Exception as error:  # noqa: BLE001  (a store is a help, no need)
            _log.warning("the certificate store cannot be read: %s", type(error).__name__)
            return None
        kept = None if found is None else unpacked(found, self._key)
        if found is not None and kept is None:
            _log.warning("the certificate store holds a list that WeChat Pay did not sign for this merchant's APIv3 key")
        return kept if kept is not None and kept.fetched < self._engine.clock.time() + _WINDOW_S else None

    async def _keep(self, newest: SignedList) -> None:
        if self._store is None:
            return
        try:
            await self._store.put(self._mchid, newest.packed(), fetched=newest.fetched)
        except Exception as error:  # noqa: BLE001  (as above)
            _log.warning("the certificate store cannot be written: %s", type(error).__name__)
