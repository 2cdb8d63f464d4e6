"""Which answers are accepted as WeChat Pay's, and which are not."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode, urlsafe_b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support.leaks import assert_no_leak
from support.paykit import CERTIFICATE, NOW, ORDER, PUBLIC_KEY, certificate_pem, client, error, key, public_pem, signed, verifier
from support.virtual import LeapingClock, virtual

from wxrevenue import HttpResponse, StaticVerifier
from wxrevenue.errors import ConfigurationError, DeadlineExceededError, OutcomeUnknownError, PermissionDeniedError, SignatureError
from wxrevenue.ports import Verifier
from wxrevenue.signing._answer import CLOCK_WINDOW, Signed, signed_part


async def refused(response: HttpResponse, **options: Any) -> SignatureError:
    """Return the error that a mark with this answer ends with."""
    funds, transport = client(response, **options)
    with pytest.raises(SignatureError) as caught:
        await funds.mark_transaction(ORDER)
    assert len(transport.requests) == 1
    assert (caught.value.ambiguous, caught.value.retryable, caught.value.is_probe) == (True, False, False)
    assert_no_leak(caught.value, secrets=["fake-body-of-a-forgery"])
    return caught.value


BODY = b'{"fake-body-of-a-forgery":1}'


# -- the answer ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [204, 200])
@pytest.mark.parametrize(("whose", "serial"), [("public", PUBLIC_KEY), ("certified", CERTIFICATE)])
async def test_right_answers(status: int, whose: str, serial: str) -> None:
    """S-09: a signed 204 and a signed, empty 200 are success.

    They are signed under a public key or under a certificate.
    """
    funds, _ = client(signed(status=status, whose=whose, Serial=serial))
    await funds.mark_transaction(ORDER)


@pytest.mark.parametrize("status", [200, 204, 202])
async def test_unsigned_success(status: int) -> None:
    """S-02: a success without a signature is a forgery.

    So is one with any header of the signature missing.
    """
    assert "forgery" in str(await refused(HttpResponse(status, {}, b"")))
    for name in ("Timestamp", "Nonce", "Serial", "Signature"):
        missing: dict[str, Any] = {name: None}
        assert "forgery" in str(await refused(signed(status=status, **missing)))


async def test_wrong_signatures() -> None:
    """S-01, S-11: a wrong signature is refused.

    It is by another key, of another body, time or nonce, or over a re-encoded body.
    """
    wrong = [
        signed(BODY, 200, whose="certified"),
        signed(BODY, 200, whose="stranger"),
        HttpResponse(200, signed(BODY, 200).headers, BODY + b" "),
        HttpResponse(200, signed(BODY, 200).headers, b""),
        signed(BODY, 200, Timestamp=str(NOW - 1)),
        signed(BODY, 200, Nonce="fa4f"),
        signed(BODY, 200, message=f"{NOW}\nfa4e\n".encode() + BODY),
        signed(BODY, 200, Signature=""),
    ]
    for response in wrong:
        assert "does not fit" in str(await refused(response))


@pytest.mark.parametrize("serial", ["FA4E9999", "", PUBLIC_KEY.lower(), "PUB_KEY_ID_"])
async def test_unknown_serial(serial: str) -> None:
    """S-07, S-09: an unknown serial is refused, although a known key signed.

    The error names the known ones.
    """
    said = str(await refused(signed(Serial=serial)))
    assert CERTIFICATE in said
    assert PUBLIC_KEY in said


async def test_key_is_chosen_by_serial() -> None:
    """S-09: only the key of the serial is tried."""
    await refused(signed(whose="certified", Serial=PUBLIC_KEY))
    await refused(signed(whose="public", Serial=CERTIFICATE))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"Signature_Type": "WECHATPAY2-SM2-WITH-SM3"}, "another scheme"),
        ({"Signature_Type": ""}, "another scheme"),
        ({"Timestamp": ""}, "not a number"),
        ({"Timestamp": "abc"}, "not a number"),
        ({"Timestamp": "-1774000000"}, "not a number"),
        ({"Timestamp": "1774000000.0"}, "not a number"),
        ({"Timestamp": "1" + "0" * 30}, "not a number"),
        ({"Timestamp": "１７７４００００００"}, "not a number"),  # noqa: RUF001  (digits of another script)
        ({"Nonce": ""}, "nonce"),
        ({"Nonce": "n" * 129}, "nonce"),
        ({"Nonce": "a\nb"}, "nonce"),
        ({"Nonce": "a\x00"}, "nonce"),
        ({"Nonce": "\ud800"}, "nonce"),
    ],
    ids=str,
)
async def test_headers_that_are_wrong_in_themselves(header: dict[str, str], said: str) -> None:
    """S-04, S-06, S-10: scheme, time and nonce are checked before any key is used."""
    name = next(iter(header)).replace("_", "-")
    response = signed()
    found = HttpResponse(204, {**response.headers, f"Wechatpay-{name}": header[next(iter(header))]}, b"")
    assert said in str(await refused(found))


async def test_newline_in_the_nonce_does_not_shift_the_text() -> None:
    """S-06: a nonce with a newline is refused though the signature fits.

    It would let parts of the signed text change places.
    """
    whole = signed(b"x\n", 200, nonce="fa4e")
    moved = HttpResponse(200, {**whole.headers, "Wechatpay-Nonce": "fa4e\nx"}, b"")
    await refused(moved)


async def test_scheme_may_be_left_out() -> None:
    """An answer that does not name its scheme is checked by the usual one."""
    funds, _ = client(signed(Signature_Type=None))
    await funds.mark_transaction(ORDER)


@pytest.mark.parametrize("nonce", ["n", "n" * 128, "with space", "é"])
async def test_nonces(nonce: str) -> None:
    """Any printable nonce up to 128 characters is accepted."""
    funds, _ = client(signed(nonce=nonce))
    await funds.mark_transaction(ORDER)


@pytest.mark.parametrize("offset", [0, 1, 299, 300, 301, 86_400])
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("fraction", [0.0, 0.9])
async def test_clock_window(offset: int, sign: int, fraction: float) -> None:
    """S-04: an answer is refused at 300 s or more between the clocks, either way.

    The time comes from the client's clock.
    """
    answer = signed(at=str(NOW + sign * offset))
    if offset < CLOCK_WINDOW:
        funds, _ = client(answer, clock=LeapingClock(NOW + fraction))
        await funds.mark_transaction(ORDER)
    else:
        assert "300 s" in str(await refused(answer, clock=LeapingClock(NOW + fraction)))


def test_strict_base64() -> None:
    """S-13: a signature is strict base64, else it is refused before a key is asked."""
    raw = bytes(range(248, 256)) * 32
    right = b64encode(raw).decode()
    wrong = [
        right + "\n",
        " " + right,
        right[:8] + " " + right[8:],
        right.rstrip("="),
        right + "=",
        urlsafe_b64encode(raw).decode(),
        "é" + right,
    ]
    for text in wrong:
        found = signed_part(HttpResponse(200, {**signed().headers, "Wechatpay-Signature": text}, b""), NOW)
        assert isinstance(found, SignatureError), text
        assert "base64" in str(found)
    found = signed_part(HttpResponse(200, {**signed().headers, "Wechatpay-Signature": right}, b"body"), NOW)
    assert found == Signed(PUBLIC_KEY, f"{NOW}\nfa4e\nbody\n".encode(), b64decode(right))


def test_header_names_in_any_case() -> None:
    """Header names may be written in upper or lower case."""
    lower = {name.lower(): value for name, value in signed().headers.items()}
    assert isinstance(signed_part(HttpResponse(204, lower, b""), NOW), Signed)


# -- errors and probes -----------------------------------------------------------------------------


async def test_unsigned_errors() -> None:
    """An error answer need not be signed."""
    funds, _ = client(error(403, "NO_AUTH"))
    with pytest.raises(PermissionDeniedError):
        await funds.mark_transaction(ORDER)


async def test_signed_errors() -> None:
    """A signature of an error answer must be right if it is there."""
    body = b'{"code":"NO_AUTH","message":"fake"}'
    funds, _ = client(signed(body, 403))
    with pytest.raises(PermissionDeniedError):
        await funds.mark_transaction(ORDER)
    await refused(signed(body, 403, whose="stranger"))


PROBE = "WECHATPAY/SIGNTEST/" + "A" * 336


async def test_probe_is_repeated() -> None:
    """S-03: a probe is never success.

    The mark is made again with a fresh signature, and then succeeds.
    """
    funds, transport = client(signed(Signature=PROBE), signed(status=200, Signature=PROBE), signed())
    await funds.mark_transaction(ORDER)
    assert len({request.headers["Authorization"] for request in transport.requests}) == 3


async def test_probe_surfaces() -> None:
    """S-03: probes on every attempt surface as probes; the mark may have been set."""
    funds, transport = client(*[signed(Signature=PROBE)] * 3)
    with pytest.raises(SignatureError, match="probe") as caught:
        await funds.mark_transaction(ORDER)
    assert (caught.value.is_probe, caught.value.retryable, caught.value.ambiguous, caught.value.attempts) == (True, True, True, 3)
    assert len(transport.requests) == 3


# -- verifiers -------------------------------------------------------------------------------------


class Own:
    """A verifier of a user's own."""

    def __init__(self, raises: BaseException | None = None) -> None:
        self._raises = raises
        self.asked: list[dict[str, Any]] = []

    async def verify(self, *, serial: str, message: bytes, signature: bytes, timeout: float) -> None:
        """Raise what was given."""
        self.asked.append({"serial": serial, "message": message, "signature": signature, "timeout": timeout})
        await asyncio.sleep(0)
        if self._raises:
            raise self._raises

    def request_serial(self) -> str | None:
        """Name no key."""
        return None


async def test_own_verifier() -> None:
    """A user's own verifier gets serial, text and signature.

    It also gets the remaining time.
    """
    own = Own()
    funds, _ = client(signed(Serial="theirs"), verifier=own, deadline=7.0)
    await funds.mark_transaction(ORDER)
    [asked] = own.asked
    assert (asked["serial"], asked["message"]) == ("theirs", f"{NOW}\nfa4e\n\n".encode())
    assert 0 < asked["timeout"] <= 7.0
    assert isinstance(own, Verifier)


@pytest.mark.parametrize("raised", [KeyError("certificates"), OSError("certificates")])
async def test_own_verifier_raises(raised: Exception) -> None:
    """An exception of a verifier reaches the caller as it is, and is not tried again.

    Its event says that the mark may be set.
    """
    events: list[Any] = []
    own = Own(raised)
    funds, transport = client(signed(), verifier=own, on_event=events.append)
    with pytest.raises(type(raised)) as caught:
        await funds.mark_transaction(ORDER)
    assert caught.value is raised
    assert len(transport.requests) == len(own.asked) == 1
    assert events[-1].ambiguous


async def test_own_verifier_is_late() -> None:
    """A verifier that runs out of time leaves it unknown whether the mark was set."""
    funds, _ = client(signed(), verifier=Own(DeadlineExceededError("late")))
    with pytest.raises(OutcomeUnknownError) as caught:
        await funds.mark_transaction(ORDER)
    assert isinstance(caught.value.last, DeadlineExceededError)


@virtual
async def test_cancelled_while_verifying() -> None:
    """A call cancelled while its answer is verified may have set the mark.

    Its event says so.
    """
    events: list[Any] = []

    class Hanging(Own):
        async def verify(self, *, serial: str, message: bytes, signature: bytes, timeout: float) -> None:
            await asyncio.sleep(3600)

    funds, _ = client(signed(), verifier=Hanging(), clock=None, deadline=9e6, on_event=events.append)
    # The answer's time is old by the loop's clock, so that clock says what the answer says.
    funds._parts.engine.service.clock = LeapingClock(NOW)  # type: ignore[attr-defined]
    task = asyncio.create_task(funds.mark_transaction(ORDER))
    await asyncio.sleep(1.0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert (events[-1].outcome, events[-1].ambiguous) == ("CancelledError", True)


def test_wrong_keys() -> None:
    """A verifier without keys, or with a wrong key, is refused when it is made.

    A wrong key is anything but an RSA key of 2048 bits.
    """
    curve = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    small = key("small", 1024).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    right = public_pem("public")
    wrong: list[Any] = [
        {},
        {"A": ""},
        {"A": b""},
        {"A": curve},
        {"A": small},
        {"A": right[:200]},
        {"A": None},
        {"A": 3},
        {"": right},
        {7: right},
    ]
    for keys in wrong:
        with pytest.raises(ConfigurationError, match=r"StaticVerifier\.keys") as caught:
            StaticVerifier(keys)
        assert caught.value.__context__ is None


def test_repr() -> None:
    """A verifier shows the serials of its keys."""
    assert repr(verifier()) == f"StaticVerifier(['{CERTIFICATE}', '{PUBLIC_KEY}'])"
    assert certificate_pem("certified").startswith("-----BEGIN CERTIFICATE")
