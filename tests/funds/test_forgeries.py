"""Signatures that only a careless check accepts, and compressed answers."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from base64 import b64encode
from typing import Any

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from support.paykit import MCHID, NOW, SERIAL_NO, client, key, private_pem, signed, verifier
from support.virtual import LeapingClock

from wxrevenue import FundsDistributionClient, PemSigner, SignatureError

BODY = b'{"transaction_id":"42","unsplit_amount":7}'
SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
SHA1 = bytes.fromhex("3021300906052b0e03021a05000414")
WITHOUT_NULL = bytes.fromhex("302f300b0609608648016503040201" + "0420")
SIZE = 256
MESSAGE = f"{NOW}\nfa4e\n".encode() + BODY + b"\n"
DIGEST = hashlib.sha256(MESSAGE).digest()


def raw_signature(padded: bytes) -> bytes:
    """Return the number that the private key makes of exactly these bytes."""
    numbers = key("public").private_numbers()
    return pow(int.from_bytes(padded, "big"), numbers.d, numbers.public_numbers.n).to_bytes(SIZE, "big")


def block(info: bytes, head: bytes = b"\x00\x01", fill: bytes = b"\xff", tail: bytes = b"") -> bytes:
    """Return a block of PKCS#1 v1.5, or what resembles one."""
    room = SIZE - len(head) - 1 - len(info) - len(tail)
    return head + fill * room + b"\x00" + info + tail


FORGED: dict[str, bytes] = {
    "other hash": raw_signature(block(SHA256 + hashlib.sha256(b"other").digest())),
    "SHA-1": raw_signature(block(SHA1 + hashlib.sha1(MESSAGE).digest())),  # noqa: S324
    "no algorithm": raw_signature(block(DIGEST)),
    "no NULL": raw_signature(block(WITHOUT_NULL + DIGEST)),
    "short padding and garbage": raw_signature(b"\x00\x01" + b"\xff" * 8 + b"\x00" + SHA256 + DIGEST + b"\x00" * (SIZE - 11 - 51)),
    "garbage behind the hash": raw_signature(block(SHA256 + DIGEST, tail=b"\x00" * 8)),
    "padding of zeros": raw_signature(block(SHA256 + DIGEST, fill=b"\x00")),
    "block type 2": raw_signature(block(SHA256 + DIGEST, head=b"\x00\x02")),
    "block type 0": raw_signature(block(SHA256 + DIGEST, head=b"\x00\x00")),
    "cut hash": raw_signature(block(SHA256 + DIGEST[:-1])),
    "nothing": b"",
    "zero": b"\x00" * SIZE,
    "one": b"\x00" * (SIZE - 1) + b"\x01",
    "modulus": key("public").public_key().public_numbers().n.to_bytes(SIZE, "big"),
    "a byte more in front": b"\x00" + raw_signature(block(SHA256 + DIGEST)),
    "a byte more behind": raw_signature(block(SHA256 + DIGEST)) + b"\x00",
    "a byte less": raw_signature(block(SHA256 + DIGEST))[:-1],
    "plus the modulus": (
        int.from_bytes(raw_signature(block(SHA256 + DIGEST)), "big") + key("public").public_key().public_numbers().n
    ).to_bytes(SIZE + 1, "big"),
}
"""The negative cases of published vectors for PKCS#1 v1.5.

They are those of Wycheproof and CVE-2006-4339, made anew with this run's key.
"""


@pytest.mark.parametrize("name", FORGED)
async def test_forged_signatures(name: str) -> None:
    """S-14: forged signatures are refused.

    They have bad padding, another hash, data behind the hash or numbers of another length.
    """
    answer = signed(BODY, 200)
    funds, _ = client(attrs.evolve(answer, headers={**answer.headers, "Wechatpay-Signature": b64encode(FORGED[name]).decode()}))
    with pytest.raises(SignatureError, match="does not fit"):
        await funds.query_remaining_amount("42")


async def test_the_right_block_is_a_signature() -> None:
    """S-14: the code of the forgeries makes a good signature of the right block.

    So the forgeries fail for the right reason.
    """
    right = raw_signature(block(SHA256 + DIGEST))
    answer = signed(BODY, 200)
    funds, _ = client(attrs.evolve(answer, headers={**answer.headers, "Wechatpay-Signature": b64encode(right).decode()}))
    assert (await funds.query_remaining_amount("42")).unsplit_amount == 7


@pytest.mark.parametrize("over", ["plain", "zipped"])
async def test_compressed_answers(over: str) -> None:
    """S-12: a signature is over the body before compression.

    One over the compressed bytes does not fit.
    """
    zipped = gzip.compress(BODY)

    async def handle(_: web.Request) -> web.Response:
        what = BODY if over == "plain" else zipped
        headers = signed(b"", message=f"{NOW}\nfa4e\n".encode() + what + b"\n").headers
        return web.Response(body=zipped, headers={**headers, "Content-Encoding": "gzip", "Content-Type": "application/json"})

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    async with TestServer(app) as server:
        url = str(server.make_url("/"))
        settings: dict[str, Any] = {"verifier": verifier(), "clock": LeapingClock(NOW)}
        async with FundsDistributionClient(MCHID, SERIAL_NO, private_pem(), base_url=url, **settings) as funds:
            if over == "plain":
                assert (await funds.query_remaining_amount("42")).unsplit_amount == 7
            else:
                with pytest.raises(SignatureError):
                    await funds.query_remaining_amount("42")


def test_one_signature_at_a_time() -> None:
    """S-19: one signature is made at a time, however many marks are made at once.

    This holds on any loop. The loop waits for one signature alone.
    """
    signer = PemSigner(private_pem())
    active, most = 0, 0
    sign = signer._sign  # pyright: ignore[reportPrivateUsage]

    def counted(message: bytes) -> bytes:
        nonlocal active, most
        active += 1
        most = max(most, active)
        made = sign(message)
        active -= 1
        return made

    signer._sign = counted  # type: ignore[method-assign]

    async def marks() -> None:
        funds, transport = client(*[signed() for _ in range(30)], private_key=signer)
        await asyncio.gather(*(funds.mark_transaction(f"P-{number:05}") for number in range(30)))
        assert len({request.headers["Authorization"] for request in transport.requests}) == 30

    for _ in range(2):
        asyncio.run(marks())
    assert (active, most) == (0, 1)
