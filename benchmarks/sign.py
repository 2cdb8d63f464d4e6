"""S: what signatures leave of an event loop.

While 200 marks are made side by side, a ticker on the same loop sleeps a millisecond at a time and
notes how long each turn took. Its usual turn is set against the usual turn on an idle loop. Its
longest turn is set against the longest one while the same marks are signed on the loop itself. The
marks are whole calls with keys of 2048 bits. Their answers come from memory, signed before.
"""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from statistics import median
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from benchmarks._measure import Outcome, in_turns
from wxrevenue import FundsDistributionClient, HttpResponse, MemoryTransport, PemSigner, StaticVerifier

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from wxrevenue import Signer

    Turns: TypeAlias = Coroutine[Any, Any, list[float]]

MARKS: Final = 200
LIMIT: Final = 3.0
"""How many times as long as an idle loop's usual turn.

A signature holds Python's lock for about a millisecond, whichever thread makes it.
"""
LIMIT_LONGEST: Final = 0.25
_TURN_S: Final = 0.001
_KEY_ID: Final = "PUB_KEY_ID_0119000000010000000000000001"


@attrs.frozen
class OnTheLoop:
    """Signs where it is asked to: on the event loop."""

    key: Any

    async def sign(self, message: bytes) -> bytes:
        """Return the signature."""
        signature: bytes = self.key.sign(message, PKCS1v15(), SHA256())
        return signature


class Sides:
    """The same marks with both signers."""

    def __init__(self) -> None:
        key = generate_private_key(public_exponent=65537, key_size=2048)
        self._verifier = StaticVerifier({_KEY_ID: key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()})
        self._key = key
        self.off = PemSigner(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.on = OnTheLoop(key)

    async def turns(self, signer: Signer, count: int = MARKS) -> list[float]:
        """Return the milliseconds of the loop's turns while so many marks were made."""
        answer = _answer(self._key)
        transport = MemoryTransport(lambda _: answer)
        async with FundsDistributionClient("1900000001", "FA4E0001", signer, verifier=self._verifier, transport=transport) as funds:
            ticker = _Ticker()
            await asyncio.gather(*(funds.mark_transaction(f"P{number:08}") for number in range(count)))
            found = await ticker.stop()
        assert len(transport.requests) == count
        return found

    @staticmethod
    async def idle(count: int = MARKS) -> list[float]:
        """Return the same of a loop without anything to do, for about as long."""
        ticker = _Ticker()
        await asyncio.sleep(count * _TURN_S)
        return await ticker.stop()


class _Ticker:
    """Notes how long each turn of the loop took."""

    def __init__(self) -> None:
        self._turns: list[float] = []
        self._stopped = False
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> list[float]:
        """End with the turn that is going on, and return all."""
        self._stopped = True
        await self._task
        return self._turns

    async def _run(self) -> None:
        while not self._stopped:
            started = time.perf_counter()
            await asyncio.sleep(_TURN_S)
            self._turns.append((time.perf_counter() - started) * 1e3)


def _answer(key: RSAPrivateKey) -> HttpResponse:
    """Return the answer to a mark, signed with that key."""
    now, nonce = str(int(time.time())), "fa4e"
    signature = key.sign(f"{now}\n{nonce}\n\n".encode(), PKCS1v15(), SHA256())
    headers = {"Timestamp": now, "Nonce": nonce, "Serial": _KEY_ID, "Signature": b64encode(signature).decode()}
    return HttpResponse(204, {f"Wechatpay-{name}": value for name, value in headers.items()}, b"")


def run(*, quick: bool = False) -> list[Outcome]:
    """Measure."""
    rounds = 3 if quick else 11
    sides = Sides()
    with asyncio.Runner() as runner:

        def usual(turns: Turns) -> float:
            return median(runner.run(turns))

        def longest(turns: Turns) -> float:
            return max(runner.run(turns))

        to_idle = in_turns(lambda: usual(sides.turns(sides.off)), lambda: usual(sides.idle()), rounds)
        to_blocked = in_turns(lambda: longest(sides.turns(sides.off)), lambda: longest(sides.turns(sides.on)), rounds)
    return [
        to_idle.outcome("S", f"{MARKS} marks: usual turn / an idle loop", "ms", LIMIT),
        to_blocked.outcome("S", f"{MARKS} marks: longest turn / signing on the loop", "ms", LIMIT_LONGEST),
    ]
