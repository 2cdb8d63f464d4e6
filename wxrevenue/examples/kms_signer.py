"""Funds distribution with a private key in a KMS.

A key management service (KMS) signs. The key never leaves it.

The signer below works with any client that has boto3's `sign`. This program runs as it is: a
sandbox plays WeChat Pay, and a key in memory plays the KMS. In production:
kms = boto3.client("kms"), and your merchant's own numbers.
Then: python kms_signer.py
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any, cast

from cryptography.hazmat.primitives.asymmetric import padding, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from wxrevenue import FundsDistributionClient, StaticVerifier
from wxrevenue.sandbox import Sandbox

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


class KmsSigner:
    """Signs with a key in a KMS.

    Only a digest goes there. The call blocks, so it runs off the event loop.
    """

    def __init__(self, kms: Any, key_id: str) -> None:
        self._kms, self._key_id = kms, key_id

    async def sign(self, message: bytes) -> bytes:
        """Return the RSA PKCS#1 v1.5 SHA-256 signature."""
        reply = await asyncio.to_thread(
            self._kms.sign,
            KeyId=self._key_id,
            Message=hashlib.sha256(message).digest(),
            MessageType="DIGEST",
            SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256",
        )
        signature: bytes = reply["Signature"]
        return signature


class KmsInMemory:
    """Plays the KMS."""

    def __init__(self, private_key: str) -> None:
        self._key = cast("RSAPrivateKey", load_pem_private_key(private_key.encode(), None))

    def sign(self, *, Message: bytes, **options: str) -> dict[str, bytes]:  # noqa: N803  (boto3's)
        """Return the signature of a digest."""
        del options
        return {"Signature": self._key.sign(Message, padding.PKCS1v15(), utils.Prehashed(SHA256()))}


async def main() -> None:
    """Mark one transaction."""
    sandbox = Sandbox()
    merchant = sandbox.merchant
    signer = KmsSigner(KmsInMemory(merchant.private_key), "alias/wechat-pay")
    async with FundsDistributionClient(
        merchant.mchid,
        merchant.serial_no,
        signer,
        verifier=StaticVerifier(merchant.platform_keys),
        sub_mchid=merchant.sub_mchids[0],
        transport=sandbox.transport(),
    ) as funds:
        await funds.mark_transaction("P20150806125346")
        print("marked P20150806125346")


if __name__ == "__main__":
    asyncio.run(main())
