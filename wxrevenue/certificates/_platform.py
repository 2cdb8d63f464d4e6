"""Verifies with certificates that it fetches itself, and changes in time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import Context
from typing import TYPE_CHECKING, Final, cast

from wxrevenue._base import checks
from wxrevenue._base.asynchronous import Asynchronous
from wxrevenue._base.secret import as_secret_key, without_key
from wxrevenue._base.tasks import is_cancelled
from wxrevenue._engine.clock import LOOP_CLOCK, within
from wxrevenue._engine.engine import Engine
from wxrevenue._engine.retry import RetryPolicy
from wxrevenue.certificates._download import OLD_S, Download, ListVerifier
from wxrevenue.errors import ApiError, ClientStateError, DeadlineExceededError, SignatureError, WxRevenueError
from wxrevenue.funds import BASE_URL
from wxrevenue.funds._service import PayService
from wxrevenue.ports import CertificateStore, Clock, Transport
from wxrevenue.signing._aead import ApiV3Key
from wxrevenue.signing._encryption import RsaEncryptionKey
from wxrevenue.signing._merchant import merchant_numbers, signer_of
from wxrevenue.signing._rsa import is_signature
from wxrevenue.signing._serial import PUBLIC_KEY_ID, printable_name, serial_number
from wxrevenue.transports._aiohttp.transport import AiohttpTransport

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from wxrevenue._base.secret import Secret
    from wxrevenue.certificates._signed_list import PlatformCertificate, SignedList
    from wxrevenue.events import Event
    from wxrevenue.ports import EncryptionKey, Signer

_NAME: Final = "PlatformCertificates"
_PAUSE_S: Final = 60.0
"""Seconds between two downloads, so that forged serial numbers cause no storm."""
_FIRST_PAUSE_S: Final = 5.0
"""Seconds between two downloads while there is no certificate at all."""
_PATIENCE_S: Final = 5.0
"""Seconds for which a field to be encrypted waits for a newer list.

An old list would do as well.
"""
_NOT_FOUND: Final = 404


class PlatformCertificates(Asynchronous):
    """A verifier that fetches WeChat Pay's certificates with signed calls of its own.

    The first use downloads them, whether an answer or a notification is to be verified, or a field
    encrypted. They are fetched again after 12 hours, and when an answer names a certificate that is
    not known: once a minute at most, however many wait. A known one is not waited for. Several are
    good at a time; one that has ended is refused. Fields are encrypted with the one that is good
    for longest, of a list that is not older than 12 hours if a newer one comes in time.

    The list is decrypted with the APIv3 key, then its own signature is checked with a certificate
    that it holds. With a store, processes share one download; what a store hands out is checked in
    the same way. A store that fails is done without, and logged (``wxrevenue.certificates``).

    Merchants that use the public key (``PUB_KEY_ID_…``) take ``StaticVerifier``.

    Use it as ``async with``, or ``await certificates.aclose()`` at the end, after the clients.
    Making one does no I/O and needs no running loop.

    Args:
        apiv3_key: the merchant's overseas APIv3 key, 32 characters.
        mchid: the merchant's (institution's) number.
        serial_no: the serial number of its API certificate.
        private_key: the certificate's private key as PEM, or a ``Signer``.
        store: keeps the certificates for several processes. One that you give is not closed.
        transport: carries the requests; aiohttp by default. One that you give is not closed.
        base_url: where to send instead of WeChat Pay.
        clock: where the time comes from.
        timeout: seconds for one HTTP exchange.
        on_event: a plain function, told what happens.

    Raises:
        ConfigurationError: one of these is not allowed.
    """

    _refreshing: asyncio.Task[WxRevenueError | None] | None = None
    _list: SignedList | None = None
    _asked: float | None = None
    _failure: WxRevenueError | None = None
    """What the last download ended with, if it failed."""

    def __init__(  # noqa: PLR0913  (settings, by keyword)
        self,
        apiv3_key: str | bytes | Secret,
        *,
        mchid: str,
        serial_no: str,
        private_key: str | bytes | Secret | Signer,
        store: CertificateStore | None = None,
        transport: Transport | None = None,
        base_url: str = BASE_URL,
        clock: Clock | None = None,
        timeout: float = 30.0,
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        apiv3_key, private_key = as_secret_key(apiv3_key), as_secret_key(private_key, "sign")  # first of all: what follows may raise
        mchid, serial_no = without_key(mchid), without_key(serial_no)
        key = ApiV3Key(f"{_NAME}.apiv3_key", apiv3_key)
        self.mchid, serial_no = merchant_numbers(_NAME, mchid, serial_no)
        self._clock: Clock = checks.instance(f"{_NAME}.clock", clock, Clock) or LOOP_CLOCK
        given = checks.instance(f"{_NAME}.transport", transport, Transport)
        self._made = AiohttpTransport() if given is None else None
        url, signer, verifier = checks.base_url(f"{_NAME}.base_url", base_url), signer_of(_NAME, private_key), ListVerifier(key)
        self._engine = Engine(
            service=PayService(url, self.mchid, serial_no, signer=signer, verifier=verifier, clock=self._clock, verifies_refusals=False),
            transport=cast("Transport", given or self._made),
            limiter=None,
            clock=self._clock,
            retry=RetryPolicy(),
            timeout=checks.seconds(f"{_NAME}.timeout", timeout),
            deadline=2 * timeout,
            on_event=checks.listener(f"{_NAME}.on_event", on_event),
        )
        self._download = Download(self.mchid, self._engine, verifier, key, checks.instance(f"{_NAME}.store", store, CertificateStore))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def verify(self, *, serial: str, message: bytes, signature: bytes, timeout: float) -> None:
        """Return if the certificate of that serial made the signature.

        Raises:
            SignatureError: it did not, it has ended, or no such certificate is known.
            DeadlineExceededError: the certificates did not come in time.
        """
        number = serial_number(serial)
        found = None if number is None or serial.startswith(PUBLIC_KEY_ID) else await self._certificate(number, timeout)
        if found is None:
            raise SignatureError(self._unknown(serial))
        if not is_signature(found.key, message, signature):
            raise SignatureError("the signature does not fit the answer")

    def request_serial(self) -> None:
        """Return ``None``.

        Answers are signed by a certificate unless a public key is asked for.
        """

    async def encryption_key(self, *, timeout: float) -> EncryptionKey:
        """Return the key of the certificate that is good for longest.

        Raises:
            SignatureError: there is no certificate; nothing is ambiguous about that.
            DeadlineExceededError: the certificates did not come in time.
        """
        now = self._clock.time()
        if not self._valid(now):
            failure = await self._refresh(None, timeout)
            if not self._valid(now):
                raise _none_at_all(failure)
        elif self._is_old(now):  # a key that WeChat Pay has given up opens nothing: worth a wait, and not the call
            with suppress(DeadlineExceededError):
                await self._refresh(None, min(timeout / 2, _PATIENCE_S))
        usable = [one for one in self._valid(now) if one.begins <= now] or self._valid(now)
        longest = max(usable, key=lambda one: one.ends)
        return RsaEncryptionKey(longest.serial, longest.key)

    async def aclose(self) -> None:
        """End a download under way, and close what was made here; may be called twice."""
        task, self._refreshing = self._refreshing, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])
        await self._engine.lifetime.aclose()
        if self._made is not None:
            await self._made.aclose()

    def __repr__(self) -> str:
        known = self._list.certificates.values() if self._list else ()
        return f"<PlatformCertificates {[one.serial for one in known]}>"

    async def _certificate(self, number: int, timeout: float) -> PlatformCertificate | None:
        now = self._clock.time()
        found = self._known(number, now)
        if found is not None:
            if self._is_old(now):
                self._start(None)  # in the background: a good list is not waited for
            return found
        failure = await self._refresh(number, timeout)
        found = self._known(number, now)
        if found is None and failure is not None and not self._valid(now):
            raise _none_at_all(failure)
        return found

    def _known(self, number: int, now: float) -> PlatformCertificate | None:
        found = self._list.certificates.get(number) if self._list else None
        return found if found is not None and found.is_valid(now) else None

    def _valid(self, now: float) -> list[PlatformCertificate]:
        return [one for one in self._list.certificates.values() if one.is_valid(now)] if self._list else []

    def _is_old(self, now: float) -> bool:
        return self._list is None or now - self._list.fetched >= OLD_S

    async def _refresh(self, wanted: int | None, timeout: float) -> WxRevenueError | None:
        """Fetch the list once for all waiters; return what went wrong, if anything.

        Two downloads are a pause apart, ``_PAUSE_S`` or ``_FIRST_PAUSE_S``.
        """
        task = self._start(wanted)
        if task is None:
            return self._failure
        try:
            return await within(timeout, asyncio.shield(task), "the platform certificates")
        except asyncio.CancelledError:
            if is_cancelled() or not task.cancelled():
                raise
        return ClientStateError("the certificates were closed while a call waited for them")

    def _start(self, wanted: int | None) -> asyncio.Task[WxRevenueError | None] | None:
        """Return the download under way, or a new one; ``None`` so soon after the last."""
        if self._refreshing is None or self._refreshing.done():
            now, pause = self._clock.monotonic(), _PAUSE_S if self._valid(self._clock.time()) else _FIRST_PAUSE_S
            if self._asked is not None and now - self._asked < pause:
                return None
            self._asked = now
            self._refreshing = asyncio.get_running_loop().create_task(self._fetch(wanted), context=Context())
            self._refreshing.add_done_callback(_looked_at)  # the waiter may have been cancelled
        return self._refreshing

    async def _fetch(self, wanted: int | None) -> WxRevenueError | None:
        try:
            found = await self._download.fetch(self._list, wanted)
        except Exception as error:  # a signer's own, which passes: a caller that asks again so soon gets it, too
            self._failure = SignatureError(f"the download ended with {type(error).__name__}")
            raise
        self._failure = found if isinstance(found, WxRevenueError) else None
        if not isinstance(found, WxRevenueError):
            self._list = found
        return self._failure

    def _unknown(self, serial: str) -> str:
        if serial.startswith(PUBLIC_KEY_ID):
            return f"the answer names the public key {printable_name(serial) or ''}: verify with StaticVerifier"
        known = ", ".join(one.serial for one in self._valid(self._clock.time()))
        return f"no valid certificate is known for {printable_name(serial) or 'the serial the answer names'}; known are {known}"


def _looked_at(task: asyncio.Task[WxRevenueError | None]) -> None:
    if not task.cancelled():
        task.exception()


def _none_at_all(failure: WxRevenueError | None) -> SignatureError:
    said = "" if failure is None else f": {failure.explained()}"
    if isinstance(failure, ApiError) and failure.status == _NOT_FOUND:
        said = f"{said.rstrip('.')}; a merchant that has WeChat Pay's public key takes StaticVerifier"
    error = SignatureError(f"no platform certificate is available{said}")
    error.retryable = failure is not None and failure.retryable
    error.ambiguous = False
    return error
