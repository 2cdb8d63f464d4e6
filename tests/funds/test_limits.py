"""Limits of the requests of funds distribution.

What a page does not allow is refused when the request is made.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from support.leaks import assert_no_leak
from support.paykit import NAMED, SHARE, added

from wxrevenue import (
    ConfigurationError,
    MarkTransaction,
    QueryReceiver,
    QueryRechargeBalance,
    QueryRefund,
    QueryRefunds,
    QueryRemainingAmount,
    QuerySettlementDetails,
    RefundAmount,
    RequestDistribution,
    RequestRefund,
    UnfreezeRemainingFunds,
    UploadFile,
)

if TYPE_CHECKING:
    from collections.abc import Callable

MANY: list[dict[str, Any]] = [{**SHARE, "account": str(number)} for number in range(51)]


def request_of(**changes: Any) -> RequestDistribution:
    """Return a request with changes."""
    given: dict[str, Any] = {"transaction_id": "42", "out_order_no": "P1", "unfreeze_unsplit": False, "receivers": [SHARE]}
    return RequestDistribution(**{**given, **changes})


def refund(**changes: Any) -> RequestRefund:
    """Return a ``RequestRefund`` with changes."""
    given: dict[str, Any] = {"out_refund_no": "R", "amount": RefundAmount(1, 1), "transaction_id": "42", **changes}
    return RequestRefund(**given)


WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: request_of(receivers=MANY), "receivers: expected at most 50, got 51"),
    (lambda: request_of(receivers=[SHARE, SHARE]), "receivers: '1900000109' is there twice"),
    (lambda: request_of(receivers=[]), "receivers: expected at least one, or unfreeze_unsplit=True"),
    (lambda: request_of(receivers="19"), "receivers: expected a list, got str"),
    (lambda: request_of(receivers=SHARE), "receivers: expected a list, got dict"),
    (lambda: request_of(receivers=[7]), r"receivers\[0\]: expected a DistributionReceiver, got int"),
    (lambda: request_of(receivers=[{"type": "MERCHANT_ID"}]), r"receivers\[0\]: expected the keys type, account"),
    (lambda: request_of(receivers=[{**SHARE, "colour": 1}]), r"receivers\[0\]: expected the keys"),
    (lambda: request_of(receivers=[{**SHARE, "amount": 0}]), "amount: expected 1 fen or more, got 0"),
    (lambda: request_of(receivers=[{**SHARE, "amount": 1.0}]), "amount: expected fen as an int, got float"),
    (lambda: request_of(receivers=[{**SHARE, "amount": True}]), "amount: expected fen as an int, got bool"),
    (lambda: request_of(receivers=[{**SHARE, "currency": "HKD"}]), "currency: only 'CNY'"),
    (lambda: request_of(receivers=[{**SHARE, "type": "BANK"}]), "type: expected one of MERCHANT_ID, PERSONAL_OPENID"),
    (lambda: request_of(receivers=[{**SHARE, "description": ""}]), "description: expected 1 to 80 characters, got 0"),
    (lambda: request_of(receivers=[{**SHARE, "description": "\N{GRINNING FACE}"}]), "description: characters of four bytes"),
    (lambda: request_of(receivers=[{**SHARE, "name": "fake"}]), "name: expected for persons alone"),
    (lambda: request_of(receivers=[NAMED]), "appid: required for a receiver of type PERSONAL_OPENID"),
    (lambda: request_of(receivers=[{**NAMED, "type": "PERSONAL_SUB_OPENID"}]), "sub_appid: required"),
    (lambda: request_of(receivers=[{**NAMED, "authorized": None}]), "authorized: expected True"),
    (lambda: request_of(receivers=[{**NAMED, "authorized": False}]), "authorized: expected True"),
    (lambda: request_of(receivers=[{**NAMED, "authorized": 1}]), "authorized: expected a bool, got int"),
    (lambda: request_of(receivers=[{**NAMED, "name": "名" * 72}]), "name: expected at most 214 bytes of UTF-8, got 216"),
    (lambda: request_of(receivers=[{**NAMED, "name": ""}]), "name: expected printable characters"),
    (lambda: request_of(receivers=[{**NAMED, "name": "\N{GRINNING FACE}"}]), "name: characters of four bytes"),
    (lambda: request_of(receivers=[{**NAMED, "name": 7}]), "name: expected a str, got int"),
    (lambda: request_of(out_order_no="a|b"), "out_order_no: expected 1 to 64 letters, digits, '_' and '-'"),
    (lambda: request_of(out_order_no="a" * 65), "out_order_no: expected 1 to 64"),
    (lambda: request_of(out_order_no=7), "out_order_no: expected a str, got int"),
    (lambda: request_of(transaction_id="4" * 33), "transaction_id: expected 1 to 32 characters, got 33"),
    (lambda: request_of(out_order_no="a|b"), r"got 'a\|b'"),
    (lambda: request_of(out_order_no="k" * 31 + "|"), "got 32 characters"),
    (lambda: request_of(receivers=[{**SHARE, "amount": 2**63}]), "amount: expected at most 9223372036854775807 fen"),
    (lambda: request_of(receivers=[{**SHARE, "amount": 2**70}]), "amount: expected at most"),
    (lambda: request_of(receivers=[{**SHARE, "account": "\N{GRINNING FACE}"}]), "account: characters of four bytes"),
    (lambda: request_of(transaction_id="\N{GRINNING FACE}"), "transaction_id: characters of four bytes"),
    (lambda: request_of(sub_mchid="\N{GRINNING FACE}"), "sub_mchid: characters of four bytes"),
    (lambda: request_of(unfreeze_unsplit=1), "unfreeze_unsplit: expected a bool, got int"),
    (lambda: UnfreezeRemainingFunds(transaction_id="1", out_order_no="P", description="x" * 81), "description: expected 1 to 80"),
    (lambda: QueryRemainingAmount(".."), "transaction_id: dots alone"),
    (lambda: QueryRemainingAmount(""), "transaction_id: expected 1 to 32"),
    (lambda: added(name=None), "name: required for a receiver of type MERCHANT_ID"),
    (lambda: added(custom_relation="x"), "custom_relation: expected for relation_type CUSTOM"),
    (lambda: added(relation_type="CUSTOM"), "custom_relation: expected for relation_type CUSTOM"),
    (lambda: added(type="PERSONAL_OPENID", appid="wx1"), "authorized: expected True"),
    (lambda: added(extra=[1]), "extra: expected a dict, got list"),
    (lambda: added(extra={"scene": None}), "extra: expected what JSON can hold"),
    (lambda: added(extra={"scene": float("nan")}), "extra: expected what JSON can hold"),
    (lambda: added(extra={"scene": {1}}), "extra: expected what JSON can hold"),
    (lambda: added(extra={"scene": "\N{GRINNING FACE}"}), "extra: characters of four bytes"),
    (lambda: refund(extra={"mchid": "20"}), "extra: 'mchid' is what the client itself says"),
    (lambda: refund(extra={"sp_mchid": "20"}), "extra: 'sp_mchid' is what the client itself says"),
    (lambda: added(extra={"account": "20"}), "extra: 'account' is an argument of its own"),
    (lambda: QueryReceiver(account="o", type="PERSONAL_SUB_OPENID"), "sub_appid: required"),
    (lambda: UploadFile("a.exe", b"x"), "filename: expected a name that ends in .pdf"),
    (lambda: UploadFile('a".pdf', b"x"), "filename: expected a name"),
    (lambda: UploadFile("a.pdf", b""), "content: expected 1 to 5242880 bytes, got 0"),
    (lambda: UploadFile("a.pdf", b"x" * (5 * 2**20 + 1)), "content: expected 1 to 5242880 bytes"),
    (lambda: UploadFile("a.pdf", "x"), "content: expected bytes, got str"),  # type: ignore[arg-type]
    (lambda: UploadFile("a.pdf", b"x", digest_key="md5"), "digest_key: expected 'sha256' or 'digest'"),
    (lambda: UploadFile("a.pdf", b"x", digest_key=["sha256"]), "digest_key: expected 'sha256' or 'digest', got list"),  # type: ignore[arg-type]
    (lambda: refund(notify_url="https://["), r"notify_url: expected https://… without blanks, got 'https://\['"),
    (lambda: refund(out_trade_no="P"), "expected transaction_id or out_trade_no, and not both"),
    (lambda: refund(transaction_id=None), "expected transaction_id or out_trade_no"),
    (lambda: refund(amount=RefundAmount(2, 1)), "refund: expected total or less"),
    (lambda: refund(amount=3), "amount: expected a RefundAmount, got int"),
    (lambda: refund(notify_url="http://example.com"), "notify_url: expected https"),
    (QueryRefund, "expected refund_id or out_refund_no"),
    (lambda: QueryRefunds(transaction_id="4", count=21), "count: expected an int, 1 to 20"),
    (lambda: QuerySettlementDetails(settle_state="x", start_date="2026-01-01", end_date="2026-01-01"), "settle_state: expected one of"),
    (lambda: QuerySettlementDetails(settle_state="SETTLED", start_date="2026-01-02", end_date="2026-01-01"), "end_date: expected"),
    (
        lambda: QuerySettlementDetails(settle_state="SETTLED", start_date=datetime(2026, 1, 1), end_date="2026-01-01"),  # noqa: DTZ001
        "expected a datetime.date",
    ),
    (lambda: MarkTransaction("P20150806125346", currency="HKD"), "MarkTransaction.currency: only 'CNY' can be distributed, got 'HKD'"),
    (lambda: MarkTransaction("\N{GRINNING FACE}" * 6), "MarkTransaction.out_trade_no: characters of four bytes"),
    (lambda: QueryRechargeBalance("."), "sub_mchid: dots alone"),
]


@pytest.mark.parametrize(("make", "says"), WRONG, ids=[str(number) for number in range(len(WRONG))])
def test_limits_are_checked_before_anything_is_sent(make: Callable[[], object], says: str) -> None:
    """What a page does not allow is refused when the request is made.

    The message names the field, and no name of a person.
    """
    with pytest.raises(ConfigurationError, match=says) as caught:
        make()
    assert_no_leak(caught.value, secrets=["名" * 72])
