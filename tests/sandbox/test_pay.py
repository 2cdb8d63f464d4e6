"""The sandbox's WeChat Pay side: signatures both ways, marks, refusals."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from wxrevenue.sandbox import Answer, Mark, Mishap, Sandbox, Trouble

NOW = 1_774_000_000
PATH = "/v3/global/profit-sharing/transactions/mark"
ORDER: dict[str, object] = {"out_trade_no": "P20150806125346", "currency": "CNY"}


@pytest.fixture(scope="module")
def shared() -> Sandbox:
    """Return one sandbox for all tests that leave no trace.

    Making keys takes a while.
    """
    return Sandbox(seed=7, now=lambda: NOW)


def authorization(sandbox: Sandbox, body: bytes, **changes: Any) -> str:
    """Return the header that signs a request.

    Changes go in after signing, except those of signed values.
    """
    facts = {"path": PATH, "timestamp": str(NOW), "nonce_str": "593BEC0C930BF1AFEB40B4A08C8FB242", **changes}
    key = load_pem_private_key(sandbox.merchant.private_key.encode(), None)
    assert isinstance(key, RSAPrivateKey)
    message = f"POST\n{facts.pop('path')}\n{facts['timestamp']}\n{facts['nonce_str']}\n".encode() + body + b"\n"
    signature = b64encode(key.sign(message, PKCS1v15(), SHA256())).decode()
    facts = {"mchid": sandbox.merchant.mchid, "serial_no": sandbox.merchant.serial_no, "signature": signature, **facts}
    return "WECHATPAY2-SHA256-RSA2048 " + ",".join(f'{name}="{value}"' for name, value in facts.items())


def mark(sandbox: Sandbox, payload: object = None, *, headers: dict[str, str] | None = None, path: str = PATH, **changes: Any) -> Answer:
    """Return the answer to a mark, by default a right one."""
    body = orjson.dumps(ORDER if payload is None else payload)
    signed = {"Authorization": authorization(sandbox, body, **changes), "Accept": "application/json", "Content-Type": "application/json"}
    return sandbox.handle("POST", path, {**signed, **(headers or {})}, body)


def verify(sandbox: Sandbox, answer: Answer) -> None:
    """Check an answer's signature as a client does.

    The keys are those that the sandbox hands out.
    """
    head = answer.headers
    key = load_pem_public_key(sandbox.merchant.platform_keys[head["Wechatpay-Serial"]].encode())
    assert isinstance(key, RSAPublicKey)
    message = f"{head['Wechatpay-Timestamp']}\n{head['Wechatpay-Nonce']}\n".encode() + answer.body + b"\n"
    key.verify(b64decode(head["Wechatpay-Signature"], validate=True), message, PKCS1v15(), SHA256())


def test_mark() -> None:
    """A signed mark is recorded once, however often it comes.

    It answers 204 without a body, signed.
    """
    sandbox = Sandbox(now=lambda: NOW)
    sub = sandbox.merchant.sub_mchids[0]
    for payload in (ORDER, {**ORDER, "sub_mchid": sub}, ORDER):
        answer = mark(sandbox, payload)
        assert (answer.status, answer.body) == (204, b"")
        verify(sandbox, answer)
    plain, with_sub = (Mark(out_trade_no="P20150806125346", sub_mchid=s, currency="CNY") for s in (None, sub))
    assert sandbox.marks == (plain, with_sub)
    assert sandbox.calls == {("mark", "ok"): 3}


def test_answers_differ_in_nonce_and_request_id(shared: Sandbox) -> None:
    """Every answer has its own nonce and its own Request-ID."""
    answers = [mark(shared) for _ in range(3)]
    for name in ("Wechatpay-Nonce", "Request-ID"):
        assert len({answer.headers[name] for answer in answers}) == 3


@pytest.mark.parametrize(("asked", "prefix"), [("PUB_KEY_ID_0", True), ("ABCDEF", False), (None, False)])
def test_request_serial_chooses_the_key(shared: Sandbox, asked: str | None, prefix: bool) -> None:  # noqa: FBT001
    """A request that names a public key is answered under a public key.

    Any other is answered under the certificate's serial.
    """
    answer = mark(shared, headers={"Wechatpay-Serial": asked} if asked else {})
    assert answer.headers["Wechatpay-Serial"].startswith("PUB_KEY_ID_") is prefix
    verify(shared, answer)


def refuse(answer: Answer, status: int, code: str) -> Any:
    """Check that an answer is this refusal, and return its body."""
    said = orjson.loads(answer.body)
    assert (answer.status, said["code"], answer.outcome) == (status, code, code)
    assert "-" in answer.headers["Request-ID"]
    return said


@pytest.mark.parametrize(
    "changes",
    [
        {"mchid": "1900000000"},
        {"serial_no": "00"},
        {"nonce_str": "not allowed!"},
        {"nonce_str": "x" * 33},
        {"timestamp": str(NOW - 301)},
        {"timestamp": str(NOW + 301)},
        {"timestamp": "soon"},
        {"path": PATH + "?a=b"},
        {"signature": "AAAA"},
        {"signature": "no base64"},
        {"signature": "é"},
        {"extra": "1"},
    ],
)
def test_refused_signatures(shared: Sandbox, changes: dict[str, Any]) -> None:
    """A wrong signature answers an unsigned 401.

    The merchant, serial, nonce, time, path or signature is wrong, or there is one parameter too
    many.
    """
    answer = mark(shared, **changes)
    said = refuse(answer, 401, "SIGN_ERROR")
    assert said["detail"]["location"] == "authorization"
    assert "Wechatpay-Signature" not in answer.headers


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("WECHATPAY2-SHA256-RSA2048", "WECHATPAY2-SM2-WITH-SM3"),
        ('mchid="', 'mchid="1",mchid="'),
        ('"', ""),
        ("mchid=", "nonce_str="),
        (",", ";"),
        ('signature="', 'signature="!'),
    ],
)
def test_refused_headers(shared: Sandbox, right: str, wrong: str) -> None:
    """A header of another form answers 401.

    It has another scheme, a parameter twice, unquoted values, other separators or bad base64.
    """
    header = authorization(shared, orjson.dumps(ORDER)).replace(right, wrong)
    refuse(mark(shared, headers={"Authorization": header}), 401, "SIGN_ERROR")


def test_missing_authorization(shared: Sandbox) -> None:
    """A request without a signature answers 401."""
    refuse(shared.handle("POST", PATH, {}, b"{}"), 401, "SIGN_ERROR")


def test_tampered_body(shared: Sandbox) -> None:
    """A body that was changed after signing answers 401."""
    headers = {
        "Authorization": authorization(shared, orjson.dumps(ORDER)),
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    refuse(shared.handle("POST", PATH, headers, orjson.dumps({**ORDER, "currency": "HKD"})), 401, "SIGN_ERROR")


@pytest.mark.parametrize("offset", [-300, 300])
def test_clock_window(shared: Sandbox, offset: int) -> None:
    """A request up to 300 s late or early is taken."""
    assert mark(shared, timestamp=str(NOW + offset)).status == 204


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"currency": "HKD"}, 400, "INVALID_REQUEST"),
        ({"sub_mchid": "1999999999"}, 403, "NO_AUTH"),
        ({"sub_mchid": None}, 400, "PARAM_ERROR"),
        ({"out_trade_no": "short"}, 400, "PARAM_ERROR"),
        ({"out_trade_no": "x" * 33}, 400, "PARAM_ERROR"),
        ({"currency": 1}, 400, "PARAM_ERROR"),
    ],
)
def test_refused_orders(shared: Sandbox, changes: dict[str, object], status: int, code: str) -> None:
    """A wrong currency, sub-merchant or parameter has its documented status and code.

    The answer is signed, and nothing is recorded.
    """
    before = shared.marks
    answer = mark(shared, {**ORDER, **changes})
    refuse(answer, status, code)
    verify(shared, answer)
    assert shared.marks == before


def test_confirmed_transaction(shared: Sandbox) -> None:
    """A transaction that was paid already can no longer be marked."""
    shared.confirm_transaction("P-paid-already")
    refuse(mark(shared, {**ORDER, "out_trade_no": "P-paid-already"}), 400, "INVALID_REQUEST")


def test_body_that_is_no_object(shared: Sandbox) -> None:
    """A signed body that is no JSON object answers 400."""
    refuse(mark(shared, [1]), 400, "PARAM_ERROR")


@pytest.mark.parametrize("name", ["Accept", "Content-Type"])
def test_required_headers(shared: Sandbox, name: str) -> None:
    """A request without the headers for JSON in both directions is refused."""
    refuse(mark(shared, headers={name: "text/html"}), 400, "PARAM_ERROR")


def test_unknown_interface(shared: Sandbox) -> None:
    """Any other path below /v3/ answers 404, signed."""
    answer = mark(shared, path="/v3/profitsharing/orders")
    refuse(answer, 404, "NOT_FOUND")
    verify(shared, answer)


@pytest.mark.parametrize(("code", "status"), [(429, 429), (503, 503), (-202, 500), (Mishap.SYSTEM, 500)])
def test_forced_statuses(shared: Sandbox, code: int | Mishap, status: int) -> None:
    """A scripted status comes unchanged, and trouble of the server as 500.

    Both answers are signed.
    """
    shared.next(code)
    answer = mark(shared)
    assert answer.status == status
    verify(shared, answer)


def test_flawed_signatures() -> None:
    """An unsigned, a wrongly signed and a probe answer do not pass.

    The mark is recorded all the same.
    """
    sandbox = Sandbox(seed=7, now=lambda: NOW, trouble=Trouble(unsigned=1))
    assert "Wechatpay-Signature" not in mark(sandbox).headers
    sandbox.trouble = Trouble(missigned=1)
    with pytest.raises(InvalidSignature):
        verify(sandbox, mark(sandbox))
    sandbox.trouble = Trouble(probe=1)
    probe = mark(sandbox).headers["Wechatpay-Signature"]
    assert (probe[:19], len(probe)) == ("WECHATPAY/SIGNTEST/", 355)
    assert len(sandbox.marks) == 1
    assert set(sandbox.calls) == {("mark", "unsigned"), ("mark", "missigned"), ("mark", "probe")}


def test_expiry_spares_pay(shared: Sandbox) -> None:
    """WeChat Pay has no token that could expire.

    A scripted expiry waits for a call that has one.
    """
    sandbox = shared
    sandbox.next(Mishap.EXPIRED)
    assert mark(sandbox).status == 204
    target = f"/wxa/getdefaultamsinfo?action=get_share_ratio&access_token={sandbox.component_token(sandbox.components[0])}"
    assert sandbox.handle("POST", target, {}, b"{}").outcome == "42001"


def test_keys_are_fresh_and_hidden(shared: Sandbox) -> None:
    """The numbers follow the seed, and the keys do not.

    The private key is not in the repr.
    """
    other = Sandbox(seed=7)
    assert (other.merchant.mchid, other.merchant.serial_no) == (shared.merchant.mchid, shared.merchant.serial_no)
    assert other.merchant.private_key != shared.merchant.private_key
    assert "PRIVATE" not in repr(shared.merchant)
    assert "PUBLIC" not in repr(shared.merchant)
