"""The side of payers and of WeChat Pay.

Money is whole fen. A senseless call is refused before it is in the books.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import pytest
from support.payside import TRADE, Scene

from wxrevenue import ConfigurationError, Endpoint, InvalidParameterError, PayRequest, Safety
from wxrevenue.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

WRONG: list[tuple[Callable[[Any], object], str]] = [
    (lambda side: side.pay(TRADE, 1.5), "pay: expected fen as an int of at least 1, got 1.5"),
    (lambda side: side.pay(TRADE, 100.0), "pay: expected fen as an int of at least 1, got 100.0"),
    (lambda side: side.pay(TRADE, True), "pay: expected fen as an int of at least 1, got True"),  # noqa: FBT003
    (lambda side: side.pay(TRADE, "1"), "pay: expected fen as an int of at least 1, got '1'"),
    (lambda side: side.pay(TRADE, 0), "pay: expected fen as an int of at least 1, got 0"),
    (lambda side: side.pay(TRADE, -1), "pay: expected fen as an int of at least 1, got -1"),
    (lambda side: side.pay(TRADE, 2**63), "pay: expected fen as an int of at least 1"),
    (lambda side: side.pay(7, 1), "pay: expected out_trade_no as a text, got 7"),
    (lambda side: side.pay("", 1), "pay: expected out_trade_no as a text, got ''"),
    (lambda side: side.pay(TRADE, 1, "1999999999"), "pay: expected sub_mchid as one of '1901"),
    (lambda side: side.pay_in_advance(0.5), "pay_in_advance: expected fen as an int"),
    (lambda side: side.recharge(0), "recharge: expected fen as an int"),
    (lambda side: setattr(side, "product", "sgined"), "product: expected 'signed', 'unsigned', 'pending' or 'punished', got 'sgined'"),
    (lambda side: side.retire_certificate("AB"), "retire_certificate: 'AB' is not listed"),
]


@pytest.mark.parametrize(("do", "says"), WRONG, ids=[str(number) for number in range(len(WRONG))])
def test_what_makes_no_sense(do: Callable[[Any], object], says: str) -> None:
    """A senseless call is refused by name, and no fen of it is in the books."""
    sandbox = Sandbox(seed=7)
    with pytest.raises(ConfigurationError, match=says):
        do(sandbox.pay)
    assert (sandbox.pay.books().paid, sandbox.pay.product) == (0, "signed")


def test_an_order_is_paid_once() -> None:
    """An order is paid once; a second payment is refused, and the books add up."""
    sandbox = Sandbox(seed=7)
    sandbox.pay.pay(TRADE, 100)
    with pytest.raises(ConfigurationError, match=f"'{TRADE}' is paid already"):
        sandbox.pay.pay(TRADE, 100)
    books = sandbox.pay.books()
    assert (books.paid, books.released) == (100, 100)


def test_the_last_certificate_stays() -> None:
    """The last certificate that is listed cannot be retired; the one before it can."""
    sandbox = Sandbox(seed=7)
    first = next(iter(sandbox.merchant.platform_keys))
    with pytest.raises(ConfigurationError, match="the last one"):
        sandbox.pay.retire_certificate(first)
    sandbox.pay.rotate_certificate()
    sandbox.pay.retire_certificate(first)
    assert first not in sandbox.merchant.platform_keys


@attrs.frozen(kw_only=True)
class Settlements(PayRequest[dict[str, Any]]):
    """Request settlements, with any parameters."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/v3/global/settle/settlements", method="GET", safety=Safety.SAFE)

    settle_state: str = "SETTLED"
    settle_start_date: str = "20260101"
    settle_end_date: str = "20260131"
    offset: str = "0"
    limit: str = "10"


@attrs.frozen(kw_only=True)
class Refunds(PayRequest[dict[str, Any]]):
    """Request refunds, with any parameters."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/v3/global/refunds", method="GET", safety=Safety.SAFE)

    out_trade_no: str = TRADE
    offset: str = "0"
    count: str = "10"
    mchid: str | None = None


@attrs.frozen
class BillLink(PayRequest[dict[str, Any]]):
    """Request the link of a bill, with any parameters."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/v3/global/profit-sharing/bill-download-url", method="GET", safety=Safety.SAFE)

    bill_date: str


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (Settlements(limit="x"), "limit must be a whole number, 1 to 1000"),
        (Settlements(limit="-1"), "limit must be a whole number"),
        (Settlements(offset="1.5"), "offset must be a whole number"),
        (Settlements(settle_state="BAD"), "settle_state must be SETTLED or UNSETTLE"),
        (Settlements(settle_start_date="20260230"), "settle_start_date must be a day"),
        (Refunds(offset="x"), "offset must be a whole number"),
        (Refunds(count="0"), "count must be a whole number, 1 to 20"),
        (Refunds(mchid="1900000000"), "another merchant's than that of the signature"),
        (BillLink("2026-02-30"), "bill_date must be a day"),
        (BillLink("2026-3-1"), "bill_date must be a day"),
    ],
    ids=str,
)
async def test_parameters(request_: PayRequest[Any], says: str) -> None:
    """A wrong parameter is refused as the server refuses it.

    It never breaks the sandbox.
    """
    scene = Scene()
    scene.sandbox.pay.pay(TRADE, 100)
    with pytest.raises(InvalidParameterError, match=says):
        await scene.funds.send(request_)


@pytest.mark.parametrize("sub", [False, True])
async def test_the_sponsor_as_a_receiver(*, sub: bool) -> None:
    """The sponsor may take a share, without a review and beyond 30 %.

    The request keeps the rest frozen.
    """
    scene = Scene(sub=sub)
    number, sponsor = await scene.paid(1_000), scene.sub_mchid or scene.merchant.mchid
    share: dict[str, Any] = {"type": "MERCHANT_ID", "account": sponsor, "amount": 600, "description": "own share"}
    asked: dict[str, Any] = {"transaction_id": number, "receivers": [share]}
    with pytest.raises(InvalidParameterError, match="the sponsor cannot be a receiver"):
        await scene.funds.request_distribution(**asked, out_order_no="D-1", unfreeze_unsplit=True)
    await scene.funds.request_distribution(**asked, out_order_no="D-2", unfreeze_unsplit=False)
    await scene.receiver("1900000001")
    other = {**share, "account": "1900000001", "amount": 300}
    await scene.funds.request_distribution(transaction_id=number, receivers=[other], out_order_no="D-3", unfreeze_unsplit=False)
    assert scene.balanced() == {sponsor: 600, "1900000001": 300, "released": 0, "frozen": 100, "refunded": 0}
