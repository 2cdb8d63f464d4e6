"""Bills: two steps, a checked host, rows as they arrive, and exact fen.

A bill that is cut short is an error.
"""

from __future__ import annotations

import asyncio
import tracemalloc
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest
from support.leaks import assert_no_leak
from support.paykit import client, signed, signer
from support.payside import Scene

from wxrevenue import (
    ApiError,
    BillRow,
    ClientStateError,
    ConfigurationError,
    DeadlineExceededError,
    DecodeError,
    FundsDistributionClient,
    HttpRequest,
    HttpResponse,
    MemoryTransport,
    NotSentError,
    ResponseLostError,
    StaticVerifier,
    StreamedResponse,
)
from wxrevenue.sandbox import Mishap

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from wxrevenue import Bill

TOKEN = "fake-token-of-a-bill"
LINK = f"https://apihk.mch.weixin.qq.com/v3/bill/downloadurl?token={TOKEN}"
HEAD = "create_time,detaill_id,amount,settlement_amount,exchange_rate,description,new"
ROW = "`2026-03-20T12:00:00+08:00,`36,`0.07,`,`1.00000000,`a, b,`x"
END = "count,amount\n`1,`0.07\n"


def bill_of(content: str | bytes, status: int = 200, link: str = LINK, **options: Any) -> tuple[Bill, MemoryTransport]:
    """Return a bill with that content."""
    body = content if isinstance(content, bytes) else content.encode()
    funds, transport = client(signed(orjson.dumps({"download_url": link}), 200), HttpResponse(status, {}, body))
    return funds.download_bill("2026-03-20", **options), transport


async def rows(bill: Bill) -> list[BillRow]:
    """Return all rows."""
    async with bill:
        return [row async for row in bill]


async def test_a_file_is_read() -> None:
    """Yuan become fen, and misspelt and unknown columns are kept.

    The token of the link is shown nowhere.
    """
    bill, transport = bill_of(f"\ufeff{HEAD}\r\n{ROW}\r\n{END}")
    (row,) = await rows(bill)
    assert (row.amount, row.settlement_amount, row.exchange_rate, row.detail_id) == (7, None, Decimal("1.00000000"), "36")
    assert (row.description, row.extra) == ("a, b", {"new": "x"})
    assert (bill.summary, bill.row_count) == ({"count": "1", "amount": "0.07"}, 1)
    asked, followed = transport.requests
    assert asked.url.endswith("/bill-download-url?bill_date=2026-03-20")
    assert (followed.wire_url(), "Authorization" in followed.headers) == (LINK, True)
    assert_no_leak(bill, followed, row, secrets=[TOKEN])
    with pytest.raises(ClientStateError):
        await rows(bill)


@pytest.mark.parametrize(
    ("amount", "fen"),
    [("0.29", 29), ("1.15", 115), ("4.35", 435), ("-0.01", -1), ("100", 10_000), ("123456789012345.67", 12345678901234567)],
)
async def test_yuan_become_fen_exactly(amount: str, fen: int) -> None:
    """No amount goes through a float."""
    bill, _ = bill_of(f"{HEAD}\n{ROW.replace('0.07', amount, 1)}\n{END}")
    assert [row.amount for row in await rows(bill)] == [fen]


@pytest.mark.parametrize(
    "link",
    [
        "https://example.com/v3/bill?token=",
        "https://apihk.mch.weixin.qq.com.example.com/?token=",
        "https://apihk.mch.weixin.qq.com@example.com/?token=",
        "https://user@apihk.mch.weixin.qq.com/?token=",
        "http://apihk.mch.weixin.qq.com/?token=",
        "https://apihk.mch.weixin.qq.com:8443/?token=",
        "file:///etc/passwd?token=",
        "https://[/?token=",
        "https://169.254.169.254/?token=",
        "https://apihk.mch.weixin.qq.com/?token=\u00e9",
    ],
)
async def test_links_lead_to_wechat_pay_alone(link: str) -> None:
    """L-11: a link to any other host is neither followed nor shown."""
    bill, transport = bill_of("", link=link + TOKEN)
    with pytest.raises(DecodeError, match="leads elsewhere") as caught:
        await rows(bill)
    assert len(transport.requests) == 1
    assert_no_leak(caught.value, secrets=[TOKEN])


@pytest.mark.parametrize(
    "content", ["", HEAD, f"{HEAD}\n", f"{HEAD}\n{ROW}", f"{HEAD}\n{ROW}\n", f"{HEAD}\n{ROW}\ncount,amount\n", f"{HEAD}\n{ROW}\ncount"]
)
async def test_a_file_that_is_cut_short(content: str) -> None:
    """A file without its summary was cut short, wherever that was."""
    bill, _ = bill_of(content)
    with pytest.raises(ResponseLostError, match="cut short"):
        await rows(bill)
    assert bill.summary is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("create_time,description\n`1,`2\n", r"missing @ \$\.amount"),
        ("amount,amount\n", "a name comes twice"),
        (f"{HEAD}\n`1,`2\n", r"expected 7 values, got 2 @ \$\[1\]"),
        (f"{HEAD}\n{ROW.replace('0.07', '0.071')}\n", r"expected a decimal number @ \$\[1\]\.amount"),
        (f"{HEAD}\n{ROW.replace('0.07', '')}\n", r"\$\[1\]\.amount"),
        (f"{HEAD}\n{ROW.replace('0.07', '1e3')}\n", r"\$\[1\]\.amount"),
        (f"{HEAD}\n{ROW.replace('1.00000000', 'one')}\n", r"\$\[1\]\.exchange_rate"),
        (f"{HEAD}\n{ROW}\n{END}{ROW}\n", "something follows the summary"),
        (f"{HEAD}\n{ROW}\ncount\nagain\n", "expected values behind"),
        (b"\xff\xfe\n", "not UTF-8"),
        (b"x" * 70_000, "longer than 64 KiB"),
    ],
)
async def test_what_is_no_bill(content: str | bytes, says: str) -> None:
    """An error names the number of its row, and shows no value of it."""
    bill, _ = bill_of(content)
    with pytest.raises(DecodeError, match=says):
        await rows(bill)


@pytest.mark.parametrize("status", [200, 404, 500])
async def test_a_refusal_in_place_of_a_file(status: int) -> None:
    """A link that is too old gives the server's refusal.

    The answer is JSON, even under a status of success.
    """
    bill, _ = bill_of('{"code":"NOT_FOUND","message":"too old"}', status)
    with pytest.raises(ApiError, match="NOT_FOUND") as caught:
        await rows(bill)
    assert caught.value.status == status


@pytest.mark.parametrize("end", ["transport", "signer", "late signer", "refusal"])
async def test_the_token_of_a_link_shows_nowhere(end: str) -> None:
    """L-02: a failed download does not show the token of its link.

    Neither the error nor the locals of a frame show it.
    """
    last: Any = NotSentError("fake", reason="dns") if end == "transport" else HttpResponse(403, {}, b"")
    funds, _ = client(signed(orjson.dumps({"download_url": LINK}), 200), last, timeout=0.05)
    signs = signer().sign
    service: Any = funds._parts.engine.service  # pyright: ignore[reportPrivateUsage]
    calls = 0

    class Fails:
        async def sign(self, message: bytes) -> bytes:
            nonlocal calls
            calls += 1
            if calls == 1:
                return await signs(message)
            del message
            if end == "late signer":
                await asyncio.Event().wait()
            raise LookupError("fake")

    if "signer" in end:
        service.signer = Fails()
    with pytest.raises((NotSentError, LookupError, DeadlineExceededError, ApiError)) as caught:
        await rows(funds.download_bill("2026-03-20"))
    assert_no_leak(caught.value, secrets=[TOKEN])


class Streaming(MemoryTransport):
    """A transport whose bill comes in pieces, and breaks off after some."""

    def __init__(self, chunks: list[bytes], breaks: bool) -> None:  # noqa: FBT001
        super().__init__(lambda _: signed(orjson.dumps({"download_url": LINK}), 200))
        self._chunks, self._breaks = chunks, breaks
        self.ended = False

    @asynccontextmanager
    async def stream(self, request: HttpRequest, *, timeout: float) -> AsyncGenerator[StreamedResponse]:
        """Hand the pieces out."""
        try:
            yield StreamedResponse(200, {}, self._pieces())
        finally:
            self.ended = True

    async def _pieces(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk
        if self._breaks:
            raise ResponseLostError("fake", reason="reset")


def streamed(transport: Streaming) -> FundsDistributionClient:
    """Return a client on that transport."""
    return client(transport=transport)[0]


async def test_a_download_goes_on_where_it_broke() -> None:
    """After a break both steps are done again, and each row comes once.

    Rows that were read are left out.
    """
    content = f"{HEAD}\n{ROW}\n{ROW.replace('36', '37')}\n{ROW.replace('36', '38')}\n{END}".encode()
    pieces = [content[place : place + 7] for place in range(0, len(content), 7)]
    bill = streamed(Streaming(pieces[:22], breaks=True)).download_bill("2026-03-20")
    got: list[str] = []

    async def read() -> None:
        async for row in bill:
            got.append(row.detail_id)  # noqa: PERF401

    with pytest.raises(ResponseLostError):
        await read()
    assert got
    again = streamed(Streaming(pieces, breaks=False)).download_bill("2026-03-20", skip=bill.row_count)
    assert [*got, *[row.detail_id for row in await rows(again)]] == ["36", "37", "38"]
    assert again.row_count == 3


async def test_leaving_early_gives_the_rest_up() -> None:
    """A reader that stops early inside ``async with`` leaves no connection behind."""
    transport = Streaming([f"{HEAD}\n{ROW}\n{ROW}\n".encode()], breaks=False)
    async with streamed(transport).download_bill("2026-03-20") as bill:
        async for _ in bill:
            break
    assert transport.ended


async def test_memory_is_constant() -> None:
    """A bill of fifty thousand rows takes as much memory as one row.

    A megabyte more or less is allowed.
    """
    lines = [f"{ROW}\n".encode() * 100] * 500
    bill = streamed(Streaming([f"{HEAD}\n".encode(), *lines, END.encode()], breaks=False)).download_bill("2026-03-20")
    tracemalloc.start()
    total = 0
    async for row in bill:
        total += row.amount or 0
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (total, bill.row_count) == (350_000, 50_000)
    assert peak < 2**20


async def check_books(scene: Scene) -> None:
    """Distribute and refund; check that every fen is in the bills."""
    number = await scene.paid()
    await scene.receiver("1900000001")
    share = {"type": "MERCHANT_ID", "account": "1900000001", "amount": 29, "description": "a, b"}
    await scene.funds.request_distribution(transaction_id=number, out_order_no="D-1", unfreeze_unsplit=False, receivers=[share])
    await scene.funds.request_refund(out_refund_no="R-1", amount={"refund": 1, "total": 10_000}, transaction_id=number)
    await scene.funds.unfreeze_remaining_funds(transaction_id=number, out_order_no="U-1", description="rest")
    found = await rows(scene.funds.download_bill("2026-03-20"))
    assert {row.receiver_account: row.amount for row in found} == {"1900000001": 29, scene.sub_mchid: 9_970}
    refunds = await rows(scene.funds.download_refund_bill("2026-03-20"))
    assert [(row.amount, row.extra["out_refund_no"]) for row in refunds] == [(1, "R-1")]
    assert await rows(scene.funds.download_bill("2026-03-19")) == []


async def test_the_bill_adds_up() -> None:
    """The sandbox's bills have every fen that receivers, merchant and payers got.

    A bill that is cut is refused.
    """
    scene = Scene(sub=True)
    await check_books(scene)
    assert scene.balanced() == {"1900000001": 29, "released": 9_970, "frozen": 0, "refunded": 1}
    scene.sandbox.next(None, Mishap.CUT)
    with pytest.raises(ResponseLostError):
        await rows(scene.funds.download_bill("2026-03-20"))


async def test_the_bill_adds_up_over_a_connection() -> None:
    """The same over a real connection, whose host is the client's own."""
    scene = Scene(sub=True)
    key, verifier = scene.merchant.private_key, StaticVerifier(scene.merchant.platform_keys)
    settings: dict[str, Any] = {"verifier": verifier, "sub_mchid": scene.sub_mchid, "clock": scene.clock}
    async with (
        scene.sandbox.serve() as url,
        FundsDistributionClient(scene.merchant.mchid, scene.merchant.serial_no, key, base_url=url, **settings) as funds,
    ):
        scene.funds = funds
        await check_books(scene)


@pytest.mark.parametrize(
    ("given", "says"), [({"skip": -1}, "skip: expected at least 0"), ({"bill_date": "2026-3-1"}, "bill_date: expected")]
)
def test_wrong_arguments(given: dict[str, Any], says: str) -> None:
    """What is not allowed is refused at once."""
    funds, _ = client()
    with pytest.raises(ConfigurationError, match=says):
        funds.download_bill(**cast("dict[str, Any]", {"bill_date": "2026-03-01", **given}))
