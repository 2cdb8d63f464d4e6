"""Why WeChat Pay refuses.

The number of the Request-ID says it, or else the message. Without either, no cause is given.
"""

from __future__ import annotations

import orjson
import pytest
from support.paykit import client, error

from wxrevenue import ApiError, HttpResponse, PermissionDeniedError, ServerBusyError
from wxrevenue._wire.pay_numbers import cause_of

GENERAL = "08D7-268435461"


@pytest.mark.parametrize(
    ("code", "number", "message", "says"),
    [
        ("NO_AUTH", 268443701, "whatever", "relation between institution and sub-merchant"),
        ("NO_AUTH", 1, "商户未签约", "has not signed"),
        ("NO_AUTH", 1, "whatever", "may not use funds distribution"),
        ("INVALID_REQUEST", 268435461, "duplicate IDs", "there twice"),
        ("INVALID_REQUEST", 268447845, "duplicate IDs", "differs from the order's"),
        ("INVALID_REQUEST", 0, "whatever", "does not fit the transaction's state"),
        ("NO_AUTH", 268435461, "whatever", "may not use funds distribution"),
        ("NOT_FOUND", 268435461, "whatever", "there is no such thing"),
        ("NO_STATEMENT_EXIST", 1, "no statement exist", "there is no bill of that day"),
    ],
)
async def test_causes_are_told_apart(code: str, number: int, message: str, says: str) -> None:
    """The number of the Request-ID gives the cause, or else the message.

    Where neither does, the code's own meaning stands.
    """
    body = orjson.dumps({"code": code, "message": message})
    funds, _ = client(HttpResponse(400, {"Request-ID": f"08D7-{number}"}, body))
    with pytest.raises(ApiError, match=says):
        await funds.query_remaining_amount("42")


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("The merchant has not signed the overseas funds-distribution product", "has not signed"),
        ("商户未开通境外分账产品", "has not signed"),
        ("The product has been enabled and is waiting to take effect", "not in effect yet"),
        ("产品已开通并等待生效", "not in effect yet"),
        ("Parent-child merchant relationship does not exist", "not this institution's"),
        ("The receiver's overseas permission is punished", "as a punishment"),
        ("接收方境外权限被处罚", "as a punishment"),
        ("The assigned merchant has no permission", None),
        ("the signature of the merchant", None),
        ("whatever", None),
    ],
)
def test_causes_of_no_auth(message: str, says: str | None) -> None:
    """The four documented causes are distinguished, in English and Chinese.

    Any other message is given no cause.
    """
    for request_id in (GENERAL, None):
        found = cause_of(request_id, "NO_AUTH", message)
        assert found is None if says is None else says in (found or ("",))[0]


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("Only CNY is supported for transactions requiring funds distribution", "only CNY"),
        ("The transaction has been confirmed and funds cannot be distributed", "confirmed already"),
        ("订单已确认并且无法分账", "confirmed already"),
        ("The receiver type is PERSONAL_OPENID but appid is not set", "appid of an openid is missing"),
        ("The receiver type is PERSONAL_SUB_OPENID but sub_appid is not set", "appid of an openid is missing"),
        ("OpenID and AppID do not match", "not one of this appid"),
        ("duplicate IDs in the receiver list", "there twice"),
        ("The personal receiver has name but authorized is not confirmed", "agreed to its check"),
        ("The real name does not match name", "real name differs"),
        ("The transaction exceeded the maximum time for distribution", "time for distribution is over"),
        ("The transaction does not support distribution", "cannot be distributed"),
        ("transaction_id inconsistent with the original command", "differs from the first request's"),
        ("PERSONAL_OPENID is of no use here", "a parameter is not allowed"),
        ("The merchant is not authorized", "a parameter is not allowed"),
        ("whatever", "a parameter is not allowed"),
    ],
)
def test_causes_of_invalid_request(message: str, says: str) -> None:
    """Each documented row has its own cause, and none that of another.

    Any other message has what the number says.
    """
    found = cause_of(GENERAL, "INVALID_REQUEST", message)
    assert found is not None
    assert says in found[0]


async def test_a_bill_that_is_being_made() -> None:
    """A bill that is not ready is an error that may pass."""
    funds, transport = client(*[error(400, "STATEMENT_CREATING")] * 3)
    with pytest.raises(ServerBusyError, match="the bill is being made") as caught:
        await funds.get_bill_download_url("2026-03-19")
    assert caught.value.retryable
    assert len(transport.requests) == 3


async def test_a_date_without_a_zone() -> None:
    """S-16: a ``Date`` in ``-0000`` is UTC, in any time zone of this machine."""
    funds, _ = client(error(401, "SIGN_ERROR", Date="Fri, 20 Mar 2026 09:46:40 -0000"))
    with pytest.raises(PermissionDeniedError) as caught:
        await funds.query_remaining_amount("42")
    assert caught.value.clock_skew == 0
