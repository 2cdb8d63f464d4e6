"""What the sandbox's WeChat Pay refuses, as documented.

A refusal moves no money.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from wxrevenue.sandbox import Sandbox

NOW = 1_774_000_000
BASE = "/v3/global/profit-sharing"
TRADE = "P20150806125346"
ACCOUNT = "1900000001"
SHARE: dict[str, Any] = {"type": "MERCHANT_ID", "account": ACCOUNT, "amount": 100, "description": "share", "currency": "CNY"}


class Desk:
    """A sandbox with a marked and paid order, and a receiver."""

    def __init__(self) -> None:
        self.sandbox = Sandbox(seed=7, now=lambda: NOW)
        key = load_pem_private_key(self.sandbox.merchant.private_key.encode(), None)
        assert isinstance(key, RSAPrivateKey)
        self._key = key
        self.ask("POST", f"{BASE}/transactions/mark", {"out_trade_no": TRADE, "currency": "CNY"})
        self.number = self.sandbox.pay.pay(TRADE, 10_000)
        openid = {"type": "PERSONAL_OPENID", "account": ACCOUNT, "relation_type": "SUPPLIER", "appid": "wx1"}
        assert self.ask("POST", f"{BASE}/receivers", openid)[0] == 200

    def ask(self, method: str, target: str, body: object = None) -> tuple[int, dict[str, Any]]:
        """Send a signed request; return the status and the body of the answer."""
        raw, merchant = b"" if body is None else orjson.dumps(body), self.sandbox.merchant
        message = f"{method}\n{target}\n{NOW}\nnonce\n".encode() + raw + b"\n"
        facts = {"mchid": merchant.mchid, "serial_no": merchant.serial_no, "nonce_str": "nonce", "timestamp": str(NOW)}
        facts["signature"] = b64encode(self._key.sign(message, PKCS1v15(), SHA256())).decode()
        header = "WECHATPAY2-SHA256-RSA2048 " + ",".join(f'{name}="{value}"' for name, value in facts.items())
        headers = {"Authorization": header, "Accept": "application/json", "Content-Type": "application/json"}
        answer = self.sandbox.handle(method, target, headers, raw)
        return answer.status, orjson.loads(answer.body or b"{}")

    def distribute(self, **changes: Any) -> tuple[int, dict[str, Any]]:
        """Request a distribution."""
        asked = {"transaction_id": self.number, "out_order_no": "D-1", "unfreeze_unsplit": False, "receivers": [SHARE], **changes}
        return self.ask("POST", f"{BASE}/orders", {name: value for name, value in asked.items() if value is not None})


@pytest.fixture(scope="module")
def desk() -> Desk:
    """Return one desk for all tests; a refusal leaves no trace."""
    return Desk()


def share(**changes: Any) -> list[dict[str, Any]]:
    """Return one receiver with some fields changed."""
    return [{**SHARE, **changes}]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"receivers": [SHARE, SHARE]}, "duplicate IDs"),
        ({"receivers": [{**SHARE, "account": str(number)} for number in range(51)]}, "more than 50 receivers"),
        ({"receivers": []}, "receivers is missing"),
        ({"receivers": "19"}, "receivers a list"),
        ({"receivers": [7]}, "must be an object"),
        ({"unfreeze_unsplit": "no"}, "must be a boolean"),
        ({"receivers": share(amount=10_001)}, "insufficient"),
        ({"receivers": share(amount=3_001)}, "more than 30 %"),
        ({"receivers": share(amount=0)}, "at least 1"),
        ({"receivers": share(amount="1")}, "whole number of fen"),
        ({"receivers": share(currency="HKD")}, "only CNY"),
        ({"receivers": share(account="1900000009")}, "not effective"),
        ({"receivers": share(type="BANK")}, "type must be"),
        ({"receivers": share(type="PERSONAL_OPENID")}, "appid is not set"),
        ({"receivers": share(type="PERSONAL_OPENID", name="plain"), "appid": "wx1"}, "must be encrypted"),
        ({"receivers": share(description="x" * 81)}, "description must be"),
        ({"out_order_no": "a|b"}, "out_order_no must be"),
        ({"out_order_no": None}, "out_order_no must be"),
        ({"transaction_id": "42"}, "does not exist"),
        ({"sub_mchid": "1999999999"}, "relation between merchant and sub-merchant"),
    ],
)
def test_distributions(desk: Desk, changes: dict[str, Any], says: str) -> None:
    """A distribution that breaks a rule of the documents is refused.

    Every fen stays frozen.
    """
    status, said = desk.distribute(**changes)
    assert status in {400, 403, 404}
    assert says in said["message"]
    assert desk.sandbox.pay.books().frozen == 10_000


def test_an_order_of_another_merchant(desk: Desk) -> None:
    """An order belongs to the sub-merchant with which it was placed."""
    status, said = desk.distribute(sub_mchid=desk.sandbox.merchant.sub_mchids[0])
    assert (status, said["message"]) == (400, "the merchant is inconsistent with the original command")


def test_an_order_that_is_ended() -> None:
    """After an unfreeze, or a request that unfreezes, no money can be distributed."""
    desk = Desk()
    assert desk.distribute(unfreeze_unsplit=True)[0] == 200
    for answer in (
        desk.distribute(out_order_no="D-2"),
        desk.ask("POST", f"{BASE}/orders/unfreeze", {"transaction_id": desk.number, "out_order_no": "U-1", "description": "rest"}),
    ):
        assert (answer[0], "unfrozen already" in answer[1]["message"]) == (400, True)
    books = desk.sandbox.pay.books()
    assert (books.distributed, books.released, books.frozen) == ({ACCOUNT: 100}, 9_900, 0)


def test_fifty_requests() -> None:
    """A payment takes at most fifty requests."""
    desk = Desk()
    for number in range(50):
        assert desk.distribute(out_order_no=f"D-{number}", receivers=share(amount=1))[0] == 200
    status, said = desk.distribute(out_order_no="D-50", receivers=share(amount=1))
    assert (status, "50 requests" in said["message"]) == (400, True)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"type": "BANK"}, "type must be"),
        ({"type": "MERCHANT_ID", "account": "19"}, "name is required"),
        ({"type": "MERCHANT_ID", "account": "19", "name": "plain"}, "must be encrypted"),
        ({"type": "PERSONAL_SUB_OPENID", "account": "19"}, "sub_appid is not set"),
        ({"account": "x" * 65}, "account must be"),
        ({"relation_type": 7}, "relation_type must be"),
        ({}, "there already"),
    ],
)
def test_receivers(desk: Desk, changes: dict[str, Any], says: str) -> None:
    """A receiver that breaks a rule of the documents is refused."""
    right = {"type": "PERSONAL_OPENID", "account": ACCOUNT, "relation_type": "SUPPLIER", "appid": "wx1"}
    status, said = desk.ask("POST", f"{BASE}/receivers", {**right, **changes})
    assert (status, says in said["message"]) == (400, True)


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"amount": {"refund": 1, "total": 9, "currency": "CNY"}}, 400, "do not fit the order"),
        ({"amount": {"refund": 10_001, "total": 10_000, "currency": "CNY"}}, 400, "do not fit the order"),
        ({"amount": {"refund": 1, "total": 10_000, "currency": "HKD"}}, 400, "object in CNY"),
        ({"amount": 1}, 400, "object in CNY"),
        ({"out_trade_no": "P-unknown"}, 404, "does not exist"),
    ],
)
def test_refunds(desk: Desk, changes: dict[str, Any], status: int, says: str) -> None:
    """A refund that does not fit its order is refused."""
    right = {"out_refund_no": "R-1", "out_trade_no": TRADE, "amount": {"refund": 1, "total": 10_000, "currency": "CNY"}}
    found, said = desk.ask("POST", "/v3/global/refunds", {**right, **changes})
    assert (found, says in said["message"]) == (status, True)
    assert desk.sandbox.pay.books().refunded == 0


def test_the_number_of_a_refund_is_one_refund() -> None:
    """The same number with other values is refused with its own code."""
    desk = Desk()
    right = {"out_refund_no": "R-1", "out_trade_no": TRADE, "amount": {"refund": 1, "total": 10_000, "currency": "CNY"}}
    assert desk.ask("POST", "/v3/global/refunds", right)[0] == 200
    status, said = desk.ask("POST", "/v3/global/refunds", {**right, "reason": "other"})
    assert (status, said["code"]) == (403, "OUT_REFUND_NO_USED")
    assert desk.ask("GET", "/v3/global/refunds/id/unknown")[0] == 404


def test_links_end() -> None:
    """An unknown or too old link to a bill answers 404.

    A link for a date that does not exist is refused.
    """
    desk = Desk()
    assert desk.ask("GET", "/v3/bill/downloadurl?token=unknown")[0] == 404
    assert desk.ask("GET", f"{BASE}/bill-download-url?bill_date=2026-3-001")[0] == 400
    link = desk.ask("GET", f"{BASE}/bill-download-url?bill_date=2026-03-20")[1]["download_url"]
    desk.sandbox._pay._now = lambda: NOW + 31  # pyright: ignore[reportPrivateUsage]
    assert desk.ask("GET", link.partition("weixin.qq.com")[2])[0] == 404


def test_a_form_that_is_none(desk: Desk) -> None:
    """An upload without its two parts is refused, and so is a wrong signature."""
    assert desk.ask("POST", "/v3/global/merchant-storage/file/upload", {})[0] == 400
