"""When lists of certificates are fetched: who waits, and the error without one."""

from __future__ import annotations

import asyncio

import pytest
from support.payside import TRADE, Certified

from wxrevenue import HttpRequest, HttpResponse, MemoryTransport, PlatformCertificates, SignatureError
from wxrevenue.sandbox import Mishap

LATER = 12 * 3600 + 1


class Hanging:
    """A transport that can be made to hang, and then answers nothing."""

    def __init__(self, scene: Certified) -> None:
        self._inner = scene.sandbox.transport()
        self.hangs, self.asked = False, 0

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Send, or hang."""
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        return await self._inner.send(request, timeout=timeout)

    async def aclose(self) -> None:
        """Close nothing."""


async def test_a_list_is_fetched_again_after_twelve_hours() -> None:
    """S-08: after twelve hours a list is fetched again, in the background.

    While no new list can be had, the old one serves until it ends.
    """
    scene = Certified()
    await scene.funds.mark_transaction(TRADE)
    await scene.clock.sleep(LATER - 2)
    await scene.funds.mark_transaction(TRADE)
    await scene.settled()
    assert scene.downloads == 1
    await scene.clock.sleep(2)
    scene.sandbox.next(*[Mishap.DROP_BEFORE] * 3, action="certificates")
    await scene.funds.mark_transaction(TRADE)
    await scene.settled()
    await scene.clock.sleep(61)
    await scene.funds.mark_transaction(TRADE)
    await scene.settled()
    assert scene.sandbox.calls["certificates", "ok"] == 2
    await scene.clock.sleep(6 * 365 * 86_400)
    scene.sandbox.next(*[Mishap.DROP_BEFORE] * 3, action="certificates")
    with pytest.raises(SignatureError, match="no platform certificate is available"):
        await scene.certificates.encryption_key(timeout=100.0)


async def test_who_has_a_good_certificate_waits_for_nothing() -> None:
    """A download that hangs delays no answer.

    A field to be encrypted waits for no more than a part of its time.
    """
    scene = Certified()
    transport = Hanging(scene)
    scene.certificates = scene.another(transport=transport)
    scene.use(scene.certificates)
    await scene.funds.mark_transaction(TRADE)
    before = await scene.certificates.encryption_key(timeout=1.0)
    await scene.clock.sleep(LATER)
    transport.hangs = True
    await scene.funds.mark_transaction(TRADE)
    assert transport.asked == 1
    assert (await scene.certificates.encryption_key(timeout=0.02)).serial == before.serial
    assert transport.asked == 2
    await scene.certificates.aclose()


async def test_a_field_is_encrypted_for_the_newest_list() -> None:
    """A field that is encrypted after twelve hours waits for the newer list.

    It takes the newer certificate.
    """
    scene = Certified()
    await scene.certificates.encryption_key(timeout=1.0)
    new = scene.sandbox.pay.rotate_certificate()
    await scene.clock.sleep(LATER)
    assert (await scene.certificates.encryption_key(timeout=1.0)).serial == new


async def test_impatient_callers_end_no_download() -> None:
    """S-07: a caller that waits no longer, or is cancelled, does not end the download.

    The other callers share it.
    """
    scene = Certified()
    transport, go = Hanging(scene), asyncio.Event()

    async def slowly(request: HttpRequest) -> HttpResponse:
        await go.wait()
        return await transport.send(request, timeout=1.0)

    certificates = scene.another(transport=MemoryTransport(slowly))
    patient, cancelled = (asyncio.create_task(certificates.encryption_key(timeout=100.0)) for _ in range(2))
    with pytest.raises(TimeoutError):
        await certificates.encryption_key(timeout=0.01)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    go.set()
    assert (await patient).serial
    assert transport.asked == 1


@pytest.mark.parametrize(
    ("status", "body", "asked", "says"),
    [
        (404, b'{"code":"RESOURCE_NOT_EXISTS","message":"x"}', 1, "code RESOURCE_NOT_EXISTS.*public key takes StaticVerifier"),
        (401, b'{"code":"SIGN_ERROR","message":"x"}', 1, "code SIGN_ERROR"),
        (502, b"<html>", 3, "HTTP 502"),
        (200, b'{"code":"NO_AUTH","message":"x"}', 1, "has no list of certificates"),
        (200, b'{"data":[]}', 1, "has no list of certificates"),
        (200, b"[]", 1, "has no list of certificates"),
        (204, b"", 1, "has no list of certificates"),
    ],
)
async def test_answers_without_a_list(status: int, body: bytes, asked: int, says: str) -> None:
    """A refusal of the list, signed or not, is reported as what it is.

    None is taken for a wrong APIv3 key.
    """
    scene = Certified()
    sent: list[HttpRequest] = []

    def answer(request: HttpRequest) -> HttpResponse:
        sent.append(request)
        return HttpResponse(status, scene.sandbox._pay.signature((int(scene.clock.time()), "fa4e"), body), body)  # pyright: ignore[reportPrivateUsage]

    with pytest.raises(SignatureError, match=says) as caught:
        await scene.another(transport=MemoryTransport(answer)).encryption_key(timeout=100.0)
    assert len(sent) == asked
    assert "APIv3" not in str(caught.value)


async def test_a_signer_that_raises() -> None:
    """An exception of a user's signer passes through.

    A caller that asks again so soon gets it too, and nothing is sent.
    """
    scene = Certified()

    class Vault:
        async def sign(self, message: bytes) -> bytes:
            raise RuntimeError("fake vault is down")

    merchant = scene.merchant
    transport = MemoryTransport(lambda _: HttpResponse(500, {}, b""))
    certificates = PlatformCertificates(
        merchant.apiv3_key,
        mchid=merchant.mchid,
        serial_no=merchant.serial_no,
        private_key=Vault(),
        transport=transport,
        clock=scene.clock,
    )
    with pytest.raises(RuntimeError, match="fake vault"):
        await certificates.encryption_key(timeout=1.0)
    with pytest.raises(SignatureError, match="the download ended with RuntimeError"):
        await certificates.encryption_key(timeout=1.0)
    assert transport.requests == []
