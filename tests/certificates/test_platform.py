"""Platform certificates against the sandbox.

They are fetched, verified, kept and replaced in time.
"""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from support.leaks import assert_no_leak
from support.payside import TRADE, Certified, Scene

from wxrevenue import (
    CertificateStore,
    ConfigurationError,
    FileCertificateStore,
    HttpRequest,
    HttpResponse,
    MemoryCertificateStore,
    MemoryTransport,
    NotSentError,
    PlatformCertificates,
    RedisCertificateStore,
    Secret,
    SignatureError,
    Verifier,
)
from wxrevenue.signing._aead import ApiV3Key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = "0123456789abcdef0123456789abcdef"


async def test_the_first_call_fetches_them() -> None:
    """S-07 S-08: one download serves all calls, also those that come at once."""
    scene = Certified()
    assert isinstance(scene.certificates, Verifier)
    await asyncio.gather(*(scene.funds.mark_transaction(f"P-{number:05}") for number in range(20)))
    assert scene.downloads == 1
    assert scene.sandbox.merchant.serial_no not in repr(scene.certificates)


async def test_a_change_of_certificates() -> None:
    """S-08: an answer signed with a new certificate fetches the list.

    Then both are good. A certificate that is listed no more is refused.
    """
    scene = Certified()
    await scene.funds.mark_transaction(TRADE)
    old = scene.sandbox.merchant.platform_keys
    await scene.clock.sleep(100.0)
    new = scene.sandbox.pay.rotate_certificate()
    await scene.funds.mark_transaction(TRADE)
    assert scene.downloads == 2
    assert (await scene.certificates.encryption_key(timeout=1.0)).serial == new
    gone = next(iter(old))
    scene.sandbox.pay.retire_certificate(gone)
    await scene.clock.sleep(13 * 3600)
    await scene.certificates.encryption_key(timeout=1.0)
    with pytest.raises(SignatureError, match=f"no valid certificate is known for {gone}"):
        await scene.certificates.verify(serial=gone, message=b"", signature=b"", timeout=1.0)


async def test_forged_serial_numbers_cause_no_storm() -> None:
    """S-07: unknown serial numbers fetch the list once a minute at most.

    After that they are refused.
    """
    scene = Certified()
    await scene.funds.mark_transaction(TRADE)
    for number in range(50):
        with pytest.raises(SignatureError, match="no valid certificate"):
            await scene.certificates.verify(serial=f"{number + 256:X}", message=b"", signature=b"", timeout=1.0)
    assert scene.downloads == 1
    await scene.clock.sleep(61.0)
    with pytest.raises(SignatureError):
        await scene.certificates.verify(serial="FF01", message=b"", signature=b"", timeout=1.0)
    assert scene.downloads == 2


async def test_a_public_keys_id_fetches_nothing() -> None:
    """S-09: an id of a public key is refused with the advice to give that key."""
    scene = Certified()
    with pytest.raises(SignatureError, match="verify with StaticVerifier"):
        await scene.certificates.verify(serial="PUB_KEY_ID_01", message=b"", signature=b"", timeout=1.0)
    assert scene.downloads == 0


@pytest.mark.parametrize("kind", ["memory", "file", "redis"])
async def test_processes_share_a_download(kind: str, tmp_path: Path, redis_path: str) -> None:
    """One process downloads for all that share a store.

    A newer list replaces an older one, never the other way round.
    """
    stores: dict[str, Callable[[], Any]] = {
        "memory": MemoryCertificateStore,
        "file": lambda: FileCertificateStore(tmp_path / "certificates"),
        "redis": lambda: RedisCertificateStore(f"unix://{redis_path}"),
    }
    store = stores[kind]()
    assert isinstance(store, CertificateStore)
    scene = Certified(store=store)
    await scene.funds.mark_transaction(TRADE)
    mchid = scene.merchant.mchid
    first = await store.get(mchid)
    scene.funds._parts.engine.service.verifier = scene.another(store=store)  # type: ignore[attr-defined]
    await scene.funds.mark_transaction(TRADE)
    assert scene.downloads == 1
    await scene.clock.sleep(100)
    scene.sandbox.pay.rotate_certificate()
    await scene.funds.mark_transaction(TRADE)
    assert scene.downloads == 2
    second = await store.get(mchid)
    assert first is not None
    assert not await store.put(mchid, first, fetched=1.0)
    assert await store.get(mchid) == second != first
    assert await store.get("1900000009") is None
    assert "Store" in repr(store)
    if isinstance(store, RedisCertificateStore):
        await store.aclose()


@pytest.mark.parametrize("harm", ["other body", "other key", "other time", "cut", "empty"])
async def test_a_store_can_plant_nothing(harm: str) -> None:
    """A store's content is believed only as WeChat Pay sealed and signed it.

    Else the list is downloaded.
    """
    store = MemoryCertificateStore()
    other = Certified(store=store, apiv3_key=None)
    await other.funds.mark_transaction(TRADE)
    mchid = other.merchant.mchid
    kept = await store.get(mchid)
    assert kept is not None
    serial, signature, message = kept.split(b"\n", 2)
    planted = {
        "other body": b"\n".join((serial, signature, message.replace(b"certificate", b"certificatf", 1))),
        "other key": b"\n".join((serial, base64.b64encode(b"x" * 256), message)),
        "other time": b"\n".join((serial, signature, b"9" + message[1:])),
        "cut": kept[:-40],
        "empty": b"",
    }[harm]
    poisoned = MemoryCertificateStore()
    await poisoned.put(mchid, planted, fetched=1.0)
    other.funds._parts.engine.service.verifier = other.another(store=poisoned)  # type: ignore[attr-defined]
    await other.funds.mark_transaction(TRADE)
    assert other.downloads == 2
    assert await poisoned.get(mchid) not in {planted, kept}


async def test_a_store_that_fails_is_done_without(caplog: pytest.LogCaptureFixture) -> None:
    """A store that raises costs one download, and its message is not logged."""

    class Broken:
        async def get(self, mchid: str) -> bytes | None:
            raise OSError("fake secret text")

        async def put(self, mchid: str, certificates: bytes, *, fetched: float) -> bool:
            raise OSError("fake secret text")

    scene = Certified(store=Broken())
    await scene.funds.mark_transaction(TRADE)
    assert "cannot be read: OSError" in caplog.text
    assert "fake secret text" not in caplog.text


async def test_another_apiv3_key() -> None:
    """S-17: certificates that cannot be decrypted have an error that says so.

    The key is shown nowhere. The mark may have been set.
    """
    scene = Certified(apiv3_key=KEY)
    with pytest.raises(SignatureError, match="is this the APIv3 key") as caught:
        await scene.funds.mark_transaction(TRADE)
    assert caught.value.ambiguous
    assert_no_leak(caught.value, secrets=[KEY])
    with pytest.raises(SignatureError) as caught:
        await scene.receiver("1900000001")
    assert not caught.value.ambiguous


async def test_a_network_that_is_down() -> None:
    """Without any certificate a field is not encrypted and nothing is sent.

    The error names the cause.
    """
    scene = Certified()
    sent: list[HttpRequest] = []

    def refuse(request: HttpRequest) -> HttpResponse:
        sent.append(request)
        raise NotSentError("fake", reason="dns")

    scene.funds._parts.engine.service.verifier = scene.another(transport=MemoryTransport(refuse))  # type: ignore[attr-defined]
    with pytest.raises(SignatureError, match=r"is available: fake \(dns\)") as caught:
        await scene.receiver("1900000001")
    assert not caught.value.ambiguous
    assert {request.url.rpartition("/")[2] for request in sent} == {"certificates"}
    assert sum(scene.sandbox.calls.values()) == 0


async def test_names_are_encrypted_with_them() -> None:
    """WeChat Pay can decrypt a name encrypted with a fetched certificate.

    This holds after a change of certificates too.
    """
    scene = Certified()
    await scene.receiver("1900000001")
    await scene.clock.sleep(13 * 3600)
    scene.sandbox.pay.rotate_certificate()
    await scene.receiver("1900000002")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"apiv3_key": "short"}, "apiv3_key: expected the APIv3 key, 32 ASCII"),
        ({"apiv3_key": "é" * 32}, "apiv3_key: expected the APIv3 key, 32 ASCII"),
        ({"apiv3_key": 7}, "apiv3_key: expected the APIv3 key as a str, bytes or a Secret, got int"),
        ({"mchid": "a b"}, "mchid: "),
        ({"serial_no": "PUB_KEY_ID_01"}, "serial_no: "),
        ({"private_key": "no key at all"}, "private_key: "),
        ({"store": {}}, "store: expected a CertificateStore, got dict"),
        ({"base_url": "ftp://x"}, "base_url: "),
        ({"timeout": 0}, "timeout: "),
    ],
)
def test_wrong_arguments(given: dict[str, Any], says: str) -> None:
    """S-15: what cannot be right is refused at construction, without the key."""
    scene = Scene()
    right: dict[str, Any] = {
        "apiv3_key": KEY,
        "mchid": scene.merchant.mchid,
        "serial_no": scene.merchant.serial_no,
        "private_key": scene.merchant.private_key,
    }
    with pytest.raises(ConfigurationError, match=says) as caught:
        PlatformCertificates(**{**right, **given})
    assert_no_leak(caught.value, secrets=[KEY])


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": "short"},
        {"nonce": "0" * 13},
        {"ciphertext": ""},
        {"ciphertext": "AAAA"},
        {"ciphertext": "no base64!"},
        {"associated_data": "other"},
        {"algorithm": "AES"},
        {"nonce": None},
    ],
)
def test_what_cannot_be_opened(change: dict[str, Any]) -> None:
    """S-17: a wrong tag, nonce, length or associated data gives nothing at all.

    The failure always looks the same.
    """
    scene = Scene()
    sealed = scene.sandbox._pay.platform.sealed(b"fake", "certificate")  # pyright: ignore[reportPrivateUsage]
    key = ApiV3Key("key", Secret(scene.merchant.apiv3_key))
    assert key.opened(sealed) == b"fake"
    assert key.opened({**sealed, **change}) is None
    flipped = bytearray(base64.b64decode(sealed["ciphertext"]))
    flipped[-1] ^= 1
    assert key.opened({**sealed, "ciphertext": base64.b64encode(flipped).decode()}) is None
    assert key.opened(None) is None


async def test_the_list_is_read_as_the_samples_print_it() -> None:
    """Blanks behind names, as the documents' sample has them, do no harm."""
    scene = Scene()
    plain = orjson.loads(scene.sandbox._pay.platform.listed())  # pyright: ignore[reportPrivateUsage]
    spaced = {"data": [{f"{name} ": value for name, value in row.items()} for row in plain["data"]]}
    body = orjson.dumps(spaced)

    def answer(request: HttpRequest) -> HttpResponse:
        headers = scene.sandbox._pay.signature((int(scene.clock.time()), "fa4e"), body)  # pyright: ignore[reportPrivateUsage]
        return HttpResponse(200, headers, body)

    found = PlatformCertificates(
        scene.merchant.apiv3_key,
        mchid=scene.merchant.mchid,
        serial_no=scene.merchant.serial_no,
        private_key=scene.merchant.private_key,
        transport=MemoryTransport(answer),
        clock=scene.clock,
    )
    assert (await found.encryption_key(timeout=1.0)).serial == next(iter(scene.merchant.platform_keys))
    await found.aclose()
    await found.aclose()


async def test_closing_ends_a_download() -> None:
    """Closing ends a download under way, and closes what was made.

    Callers that wait get an error. It may be closed twice.
    """
    scene = Scene()
    began = asyncio.Event()

    async def hang(_: HttpRequest) -> HttpResponse:
        began.set()
        await asyncio.Event().wait()
        raise AssertionError

    merchant = scene.merchant
    who: dict[str, Any] = {"mchid": merchant.mchid, "serial_no": merchant.serial_no, "private_key": merchant.private_key}
    async with PlatformCertificates(merchant.apiv3_key, **who, transport=MemoryTransport(hang), clock=scene.clock) as certificates:
        waiting = asyncio.create_task(certificates.encryption_key(timeout=100.0))
        await began.wait()
    await certificates.aclose()
    with pytest.raises(SignatureError, match="were closed"):
        await waiting
    async with PlatformCertificates(merchant.apiv3_key, **who) as unused:
        assert repr(unused) == "<PlatformCertificates []>"
