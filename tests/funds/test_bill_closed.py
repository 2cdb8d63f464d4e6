"""A client that is closed while a bill is read ends the reading at once.

The reader gets an error, and waits for no timeout.
"""

from __future__ import annotations

import asyncio

import orjson
from support.leaks import assert_no_leak
from support.paykit import MCHID, NOW, SERIAL_NO, signed, signer, verifier
from support.virtual import WallClock

from wxrevenue import ClientStateError, FundsDistributionClient
from wxrevenue.testing import FaultServer, Peer, head

TOKEN = "fake-token-of-a-bill"
BEGIN = b"create_time,amount,description\n`2026,`0.07,`first\n"


class Clock(WallClock):
    """Real waits at a time of the signatures' own."""

    def time(self) -> float:
        """Return the time at which answers are signed."""
        return NOW


async def test_closing_ends_a_bill() -> None:
    """C-10: the rest of a bill is a ``ClientStateError`` at once, without the link."""

    async def bank(peer: Peer) -> None:
        link = f"{server.url}/v3/bill/downloadurl?token={TOKEN}"
        while "bill-download-url" in (await peer.request()).target:
            answer = signed(orjson.dumps({"download_url": link}), 200)
            await peer.reply(answer.body, **{name.replace("-", "_"): value for name, value in answer.headers.items()})
        await peer.send(head(10_000) + BEGIN)
        await peer.request()

    server = FaultServer(bank)
    async with server:
        funds = FundsDistributionClient(MCHID, SERIAL_NO, signer(), verifier=verifier(), base_url=server.url, clock=Clock())
        rows = aiter(funds.download_bill("2026-03-20"))
        assert (await anext(rows)).amount == 7
        reading = asyncio.ensure_future(anext(rows))
        await asyncio.sleep(0.01)
        await funds.aclose()
        async with asyncio.timeout(5):
            (error,) = await asyncio.gather(reading, return_exceptions=True)
    assert isinstance(error, ClientStateError)
    assert "closed while the bill was read" in str(error)
    assert_no_leak(error, secrets=[TOKEN])
