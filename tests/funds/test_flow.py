"""The flow against the sandbox, reconciled to the fen.

The steps are mark, pay, look, add receivers, distribute, unfreeze.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.payside import NOW, TRADE, Scene

from wxrevenue import (
    ApiError,
    ClientStateError,
    ConfigurationError,
    DeadlineExceededError,
    InvalidParameterError,
    OutcomeUnknownError,
    PermissionDeniedError,
    SettlementDetail,
)
from wxrevenue.sandbox import Mishap

RULES: dict[str, Any] = {"description": "share", "type": "MERCHANT_ID"}


@pytest.mark.parametrize("sub", [False, True])
async def test_whole_flow(*, sub: bool) -> None:
    """Two requests and an unfreeze leave every fen with a receiver or the merchant.

    This holds in both modes.
    """
    scene = Scene(sub=sub, distribute_after=5.0)
    async with scene.funds as funds:
        number = await scene.paid()
        assert (await funds.query_remaining_amount(number)).unsplit_amount == 10_000
        for account in ("1900000001", "1900000002"):
            assert (await scene.receiver(account)).state == "INIT"
            assert (await funds.query_receiver(account=account, type="MERCHANT_ID")).is_effective
        shares: list[dict[str, Any]] = [
            {"account": "1900000001", "amount": 1_000, **RULES},
            {"account": "1900000002", "amount": 501, **RULES},
        ]
        for count, share in enumerate(shares):
            order = await funds.request_distribution(
                transaction_id=number, out_order_no=f"D-{count}", unfreeze_unsplit=False, receivers=[share]
            )
            assert (order.state, order.receivers[0].result) == ("PROCESSING", "PENDING")
            done = await funds.wait_until_finished(f"D-{count}", transaction_id=number)
            assert (done.is_finished, done.failures, done.distributed) == (True, [], share["amount"])
        await funds.unfreeze_remaining_funds(transaction_id=number, out_order_no="U-1", description="rest")
        await funds.wait_until_finished("U-1", transaction_id=number)
        assert (await funds.query_remaining_amount(number)).unsplit_amount == 0
    assert scene.balanced() == {"1900000001": 1_000, "1900000002": 501, "released": 8_499, "frozen": 0, "refunded": 0}


async def test_lost_answers_move_no_money_twice() -> None:
    """S-20: a repeat after a lost answer has the same number and moves no money twice.

    The answers are lost after the work was done. The books count each command once.
    """
    scene = Scene()
    await scene.receiver("1900000001")
    number = await scene.paid()
    share = {"account": "1900000001", "amount": 700, **RULES}
    scene.sandbox.next(Mishap.DROP_AFTER, Mishap.DROP_AFTER, action="orders")
    request: dict[str, Any] = {"transaction_id": number, "out_order_no": "D-1", "unfreeze_unsplit": False, "receivers": [share]}
    assert (await scene.funds.request_distribution(**request)).order_id
    scene.sandbox.next(*[Mishap.DROP_AFTER] * 3, action="orders")
    second: dict[str, Any] = {**request, "out_order_no": "D-2"}
    with pytest.raises(OutcomeUnknownError):
        await scene.funds.request_distribution(**second)
    assert (await scene.funds.request_distribution(**second)).out_order_no == "D-2"
    scene.sandbox.next(Mishap.DROP_AFTER, action="unfreeze")
    await scene.funds.unfreeze_remaining_funds(transaction_id=number, out_order_no="U-1", description="rest")
    assert scene.balanced() == {"1900000001": 1_400, "released": 8_600, "frozen": 0, "refunded": 0}


async def test_a_number_is_one_command() -> None:
    """The same number with other shares is refused, and nothing moves."""
    scene = Scene()
    await scene.receiver("1900000001")
    number = await scene.paid()
    for amount in (700, 701):
        share = {"account": "1900000001", "amount": amount, **RULES}
        call = scene.funds.request_distribution(transaction_id=number, out_order_no="D-1", unfreeze_unsplit=False, receivers=[share])
        if amount == 700:
            await call
        else:
            with pytest.raises(InvalidParameterError):
                await call
    assert scene.balanced()["1900000001"] == 700


async def test_finished_is_not_succeeded() -> None:
    """A receiver that cannot receive is CLOSED with its reason.

    The money stays frozen.
    """
    scene = Scene()
    await scene.receiver("1900000001")
    scene.sandbox.pay.close_account("1900000001")
    number = await scene.paid()
    share = {"account": "1900000001", "amount": 700, **RULES}
    await scene.funds.request_distribution(transaction_id=number, out_order_no="D-1", unfreeze_unsplit=False, receivers=[share])
    order = await scene.funds.wait_until_finished("D-1", transaction_id=number)
    assert [(one.result, one.fail_reason) for one in order.failures] == [("CLOSED", "ACCOUNT_ABNORMAL")]
    assert scene.balanced()["frozen"] == 10_000


async def test_waiting_ends_at_its_deadline() -> None:
    """A wait that ends at its deadline raises an error with the last known state.

    Errors that may pass are asked again meanwhile.
    """
    scene = Scene(distribute_after=1e9)
    number = await scene.paid()
    await scene.funds.unfreeze_remaining_funds(transaction_id=number, out_order_no="U-1", description="rest")
    scene.sandbox.next(*[503] * 4, action="orders")
    with pytest.raises(DeadlineExceededError, match="PROCESSING") as caught:
        await scene.funds.wait_until_finished("U-1", transaction_id=number, deadline=60.0)
    assert caught.value.last.state == "PROCESSING"
    assert scene.clock.monotonic() < 70.0
    with pytest.raises(ApiError, match="ORDER_NOT_EXIST"):
        await scene.funds.wait_until_finished("U-2", transaction_id=number)
    with pytest.raises(ConfigurationError, match="deadline"):
        await scene.funds.wait_until_finished("U-1", transaction_id=number, deadline=0)


async def test_waiting_ends_with_the_client() -> None:
    """Closing the client ends a wait between two questions."""
    scene = Scene(distribute_after=1e9)
    number = await scene.paid()
    await scene.funds.unfreeze_remaining_funds(transaction_id=number, out_order_no="U-1", description="rest")
    asked = asyncio.Event()

    async def forever(_: float) -> None:
        asked.set()
        await asyncio.Event().wait()

    scene.clock.sleep = forever  # type: ignore[assignment,method-assign]
    waiting = asyncio.create_task(scene.funds.wait_until_finished("U-1", transaction_id=number))
    await asked.wait()
    await scene.funds.aclose()
    with pytest.raises(ClientStateError):
        await waiting


async def test_an_order_after_180_days() -> None:
    """What was not distributed is the merchant's after 180 days."""
    scene = Scene()
    await scene.paid()
    await scene.clock.sleep(180 * 86_400)
    assert scene.balanced() == {"released": 10_000, "frozen": 0, "refunded": 0}


async def test_refunds() -> None:
    """A refund takes frozen funds first and then what was paid in advance.

    Its number counts once.
    """
    scene = Scene(sub=True)
    number = await scene.paid(1_000)
    amounts = await scene.funds.query_refundable_amount(number)
    assert (amounts.refundable_amount, amounts.funds_refundable_amount) == (1_000, 1_000)
    first = ""
    for _ in range(2):
        refund = await scene.funds.request_refund(
            out_refund_no="R-1", amount={"refund": 400, "total": 1_000}, transaction_id=number, appid="wx1"
        )
        assert refund.amount is not None
        assert (refund.amount.refund, first in {"", refund.id}) == (400, True)
        first = refund.id
    await scene.funds.unfreeze_remaining_funds(transaction_id=number, out_order_no="U-1", description="rest")
    second: dict[str, Any] = {"out_refund_no": "R-2", "amount": {"refund": 100, "total": 1_000}, "out_trade_no": TRADE}
    scene.balanced()
    with pytest.raises(ApiError, match="NOT_ENOUGH"):
        await scene.funds.request_refund(**second)
    scene.sandbox.pay.pay_in_advance(500)
    assert (await scene.funds.query_refundable_balance()).balance == 500
    await scene.funds.request_refund(**second)
    assert (await scene.funds.query_refund(out_refund_no="R-2")).status == "SUCCESS"
    assert (await scene.funds.query_refund(refund_id=first)).out_refund_no == "R-1"
    assert [one.out_refund_no for one in (await scene.funds.query_refunds(out_trade_no=TRADE)).data] == ["R-1", "R-2"]
    assert scene.balanced() == {"released": 500, "frozen": 0, "refunded": 500}


@pytest.mark.parametrize("sub", [False, True])
async def test_recharged_funds(*, sub: bool) -> None:
    """A merchant can read what it recharged for ordinary refunds.

    An institution reads it by sub-merchant.
    """
    scene = Scene(sub=sub)
    scene.sandbox.pay.recharge(300, scene.sub_mchid)
    scene.sandbox.pay.recharge(5, scene.merchant.sub_mchids[1])
    balance = await scene.funds.query_recharge_balance()
    assert (balance.remaining_amount, balance.currency) == (300, "CNY")
    if sub:
        assert (await scene.funds.query_recharge_balance(scene.merchant.sub_mchids[1])).remaining_amount == 5
        with pytest.raises(PermissionDeniedError, match="relation between institution and sub-merchant"):
            await scene.funds.query_recharge_balance("1999999999")


async def test_refunds_of_another_sub_merchant() -> None:
    """A refund can be read by the sub-merchant of its order, and by no other."""
    scene = Scene(sub=True)
    number = await scene.paid(1_000)
    await scene.funds.request_refund(out_refund_no="R-1", amount={"refund": 400, "total": 1_000}, transaction_id=number)
    with pytest.raises(ApiError, match="RESOURCE_NOT_EXISTS"):
        await scene.funds.query_refund(out_refund_no="R-1", sub_mchid=scene.merchant.sub_mchids[1])


async def test_settlement_details() -> None:
    """Settlements of many days come page by page, each once."""
    scene = Scene()
    for day in range(7):
        scene.sandbox.pay.pay(f"P-{day:04}", 100 + day)
        await scene.clock.sleep(86_400)
    rows = [row async for row in scene.funds.iter_settlement_details("SETTLED", "2026-01-01", "2026-12-31", limit=3)]
    assert all(isinstance(row, SettlementDetail) for row in rows)
    assert [row.split_amount.settled for row in rows if row.split_amount] == [100 + day for day in range(7)]
    assert [row async for row in scene.funds.iter_settlement_details("UNSETTLE", "2026-01-01", "2026-12-31")] == []


async def test_documents_and_receivers() -> None:
    """A document is uploaded, and receivers are added and deleted.

    A receiver is added with its id, refused, added again, and deleted twice.
    """
    scene = Scene(sub=True, review_after=10.0)
    file = await scene.funds.upload_file("licence.PDF", b"\r\n--fake content\r\n", digest_key="digest")
    more: dict[str, Any] = {
        "type": "MERCHANT_ID",
        "account": "1900000001",
        "relation_type": "SUPPLIER",
        "name": "fake",
        "extra": {"file_id": file.file_id},
    }
    added = await scene.funds.add_receiver(**more)
    assert (added.state, added.is_effective, added.extra["file_id"]) == ("INIT", False, file.file_id)
    with pytest.raises(InvalidParameterError):
        await scene.funds.add_receiver(**more)
    scene.sandbox.pay.refuse_receiver("1900000001")
    failed = await scene.funds.query_receiver(account="1900000001", type="MERCHANT_ID")
    assert (failed.state, failed.fail_reason) == ("FAILED", "DOCUMENTS")
    await scene.funds.add_receiver(**more)
    for _ in range(2):
        await scene.funds.delete_receiver(account="1900000001", type="MERCHANT_ID")
    with pytest.raises(ApiError, match="RESOURCE_NOT_EXISTS"):
        await scene.funds.query_receiver(account="1900000001", type="MERCHANT_ID")


async def test_late_marks() -> None:
    """A mark after the order was placed succeeds without effect.

    The remaining amount says so. A paid order is refused.
    """
    scene = Scene()
    scene.sandbox.pay.place(TRADE)
    number = await scene.paid()
    with pytest.raises(InvalidParameterError, match="does not support distribution"):
        await scene.funds.query_remaining_amount(number)
    with pytest.raises(InvalidParameterError, match="confirmed already"):
        await scene.funds.mark_transaction(TRADE)
    assert scene.balanced() == {"released": 10_000, "frozen": 0, "refunded": 0}


@pytest.mark.parametrize(("state", "says"), [("unsigned", "has not signed"), ("pending", "not in effect"), ("punished", "punishment")])
async def test_causes_of_no_auth(state: Any, says: str) -> None:
    """The message distinguishes the causes of NO_AUTH."""
    scene = Scene()
    scene.sandbox.pay.product = state
    with pytest.raises(PermissionDeniedError, match=says):
        await scene.funds.mark_transaction(TRADE)


async def test_institutions_name_the_sub_merchant() -> None:
    """A missing sub_mchid of an institution is named by the number of the refusal.

    So is another institution's sub-merchant.
    """
    scene = Scene(sub=True, sub_mchid=None)
    with pytest.raises(InvalidParameterError, match="an institution called without sub_mchid"):
        await scene.funds.mark_transaction(TRADE)
    with pytest.raises(PermissionDeniedError, match="relation between institution and sub-merchant"):
        await scene.funds.mark_transaction(TRADE, sub_mchid="1999999999")
    assert scene.clock.time() >= NOW
