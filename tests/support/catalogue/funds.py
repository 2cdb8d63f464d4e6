"""The interfaces of funds distribution."""

from __future__ import annotations

from datetime import date
from types import NoneType
from typing import Any

from support.catalogue.row import Row
from wxrevenue import (
    AddedReceiver,
    AddReceiver,
    BillDownloadUrl,
    DeleteReceiver,
    DistributionOrder,
    DistributionReceiver,
    GetBillDownloadUrl,
    GetRefundBillDownloadUrl,
    MarkTransaction,
    QueryDistribution,
    QueryReceiver,
    QueryRechargeBalance,
    QueryRefund,
    QueryRefundableAmount,
    QueryRefundableBalance,
    QueryRefunds,
    QueryRemainingAmount,
    QuerySettlementDetails,
    RechargeBalance,
    Refund,
    RefundableAmount,
    RefundableBalance,
    RefundAmount,
    RefundList,
    RemainingAmount,
    RequestDistribution,
    RequestRefund,
    Safety,
    SettlementDetails,
    TokenKind,
    UnfreezeRemainingFunds,
    UploadedFile,
    UploadFile,
)

COMPONENT, AUTHORIZER = TokenKind.COMPONENT, TokenKind.AUTHORIZER
SAFE, REPEATABLE, UNSAFE = Safety.SAFE, Safety.REPEATABLE, Safety.UNSAFE
PAY = "/v3/global/profit-sharing"


def of_pay(  # noqa: PLR0917
    method: str, path: str, name: str, result: Any, example: Any, body: dict[str, Any]
) -> Row:
    """Return the row of an interface of funds distribution."""
    return Row(f"{PAY}{path}", name, SAFE if method == "GET" else REPEATABLE, result, example, body, method=method)


FUNDS: dict[str, Row] = {
    "MarkTransaction": Row(
        f"{PAY}/transactions/mark",
        "",
        REPEATABLE,
        NoneType,
        MarkTransaction("P20150806125346", sub_mchid="1900000109"),
        {"out_trade_no": "P20150806125346", "currency": "CNY", "sub_mchid": "1900000109"},
    ),
    "RequestDistribution": of_pay(
        "POST",
        "/orders",
        "request_distribution",
        DistributionOrder,
        RequestDistribution(
            transaction_id="4208450740201411110007820472",
            out_order_no="P20150806125346",
            unfreeze_unsplit=False,
            receivers=[DistributionReceiver("MERCHANT_ID", "1900000109", 100, "share")],
            sub_mchid="1900000109",
            appid="wx1",
            sub_appid="wx2",
        ),
        {
            "sub_mchid": "1900000109",
            "appid": "wx1",
            "sub_appid": "wx2",
            "transaction_id": "4208450740201411110007820472",
            "out_order_no": "P20150806125346",
            "unfreeze_unsplit": False,
            "receivers": [{"type": "MERCHANT_ID", "account": "1900000109", "amount": 100, "description": "share", "currency": "CNY"}],
        },
    ),
    "UnfreezeRemainingFunds": of_pay(
        "POST",
        "/orders/unfreeze",
        "unfreeze_remaining_funds",
        DistributionOrder,
        UnfreezeRemainingFunds(transaction_id="42", out_order_no="U-1", description="解冻全部剩余资金", sub_mchid="19"),
        {"transaction_id": "42", "out_order_no": "U-1", "description": "解冻全部剩余资金", "sub_mchid": "19"},
    ),
    "QueryDistribution": of_pay(
        "GET",
        "/orders/{out_order_no}",
        "query_distribution",
        DistributionOrder,
        QueryDistribution(out_order_no="U-1", transaction_id="42", sub_mchid="19"),
        {"out_order_no": "U-1", "transaction_id": "42", "sub_mchid": "19"},
    ),
    "QueryRemainingAmount": of_pay(
        "GET",
        "/transactions/{transaction_id}/amounts",
        "query_remaining_amount",
        RemainingAmount,
        QueryRemainingAmount("42", sub_mchid="19"),
        {"transaction_id": "42", "sub_mchid": "19"},
    ),
    "QueryRefundableAmount": of_pay(
        "GET",
        "/transactions/{transaction_id}/refundable-amounts",
        "query_refundable_amount",
        RefundableAmount,
        QueryRefundableAmount("42", sub_mchid="19"),
        {"transaction_id": "42", "sub_mchid": "19"},
    ),
    "QueryRefundableBalance": of_pay(
        "GET", "/refunds/refundable-balance", "query_refundable_balance", RefundableBalance, QueryRefundableBalance(), {}
    ),
    "QueryRechargeBalance": Row(
        "/v3/global/refund/recharge-balance",
        "query_recharge_balance",
        SAFE,
        RechargeBalance,
        QueryRechargeBalance("19"),
        {"sub_mchid": "19"},
        method="GET",
    ),
    "AddReceiver": of_pay(
        "POST",
        "/receivers",
        "add_receiver",
        AddedReceiver,
        AddReceiver(
            type="PERSONAL_SUB_OPENID",
            account="of8YZ6",
            relation_type="CUSTOM",
            name="fake",
            authorized=True,
            custom_relation="friend",
            sub_mchid="19",
            appid="wx1",
            sub_appid="wx2",
            extra={"scene": "shop"},
        ),
        {
            "type": "PERSONAL_SUB_OPENID",
            "account": "of8YZ6",
            "relation_type": "CUSTOM",
            "name": "***",
            "authorized": True,
            "custom_relation": "friend",
            "sub_mchid": "19",
            "appid": "wx1",
            "sub_appid": "wx2",
        },
    ),
    "QueryReceiver": of_pay(
        "GET",
        "/receivers/{account}",
        "query_receiver",
        AddedReceiver,
        QueryReceiver(account="of8YZ6", type="PERSONAL_OPENID", appid="wx1", sub_appid="wx2", sub_mchid="19"),
        {"account": "of8YZ6", "type": "PERSONAL_OPENID", "appid": "wx1", "sub_appid": "wx2", "sub_mchid": "19"},
    ),
    "DeleteReceiver": of_pay(
        "DELETE",
        "/receivers",
        "delete_receiver",
        NoneType,
        DeleteReceiver(account="1900000109", type="MERCHANT_ID", sub_mchid="999968480", appid="wx1", sub_appid="wx2"),
        {"account": "1900000109", "type": "MERCHANT_ID", "sub_mchid": "999968480", "appid": "wx1", "sub_appid": "wx2"},
    ),
    "UploadFile": Row(
        "/v3/global/merchant-storage/file/upload",
        "upload_file",
        REPEATABLE,
        UploadedFile,
        UploadFile("licence.pdf", b"fake"),
        {"filename": "licence.pdf"},
    ),
    "GetBillDownloadUrl": of_pay(
        "GET",
        "/bill-download-url",
        "get_bill_download_url",
        BillDownloadUrl,
        GetBillDownloadUrl(date(2026, 3, 1), sub_mchid="19"),
        {"bill_date": "2026-03-01", "sub_mchid": "19"},
    ),
    "GetRefundBillDownloadUrl": of_pay(
        "GET",
        "/refunds/bill-download-url",
        "get_refund_bill_download_url",
        BillDownloadUrl,
        GetRefundBillDownloadUrl("2026-03-01", sub_mchid="19"),
        {"bill_date": "2026-03-01", "sub_mchid": "19"},
    ),
    "RequestRefund": Row(
        "/v3/global/refunds",
        "request_refund",
        REPEATABLE,
        Refund,
        RequestRefund(
            out_refund_no="R-1",
            amount=RefundAmount(1, 100),
            transaction_id="42",
            reason="return",
            notify_url="https://example.com/pay",
            sub_mchid="19",
            appid="wx1",
            sub_appid="wx2",
        ),
        {
            "out_refund_no": "R-1",
            "amount": {"refund": 1, "total": 100, "currency": "CNY"},
            "transaction_id": "42",
            "reason": "return",
            "notify_url": "https://example.com/pay",
            "sub_mchid": "19",
            "appid": "wx1",
            "sub_appid": "wx2",
        },
        left_out=frozenset({"out_trade_no"}),
    ),
    "QueryRefund": Row(
        "/v3/global/refunds/out-refund-no/{out_refund_no}",
        "query_refund",
        SAFE,
        Refund,
        QueryRefund(out_refund_no="R-1", sub_mchid="19"),
        {"out_refund_no": "R-1", "sub_mchid": "19"},
        method="GET",
        left_out=frozenset({"refund_id"}),
    ),
    "QueryRefunds": Row(
        "/v3/global/refunds",
        "query_refunds",
        SAFE,
        RefundList,
        QueryRefunds(out_trade_no="P-1", offset=20, count=10, sub_mchid="19"),
        {"out_trade_no": "P-1", "offset": 20, "count": 10, "sub_mchid": "19"},
        method="GET",
        left_out=frozenset({"transaction_id"}),
    ),
    "QuerySettlementDetails": Row(
        "/v3/global/settle/settlements",
        "query_settlement_details",
        SAFE,
        SettlementDetails,
        QuerySettlementDetails(
            settle_state="SETTLED", start_date=date(2026, 3, 1), end_date="2026-03-02", offset=5, limit=5, sub_mchid="19"
        ),
        {
            "settle_state": "SETTLED",
            "settle_start_date": "20260301",
            "settle_end_date": "20260302",
            "offset": 5,
            "limit": 5,
            "sub_mchid": "19",
        },
        method="GET",
    ),
}
