"""Marks, distributions, unfreezes, and what can still be distributed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from wxrevenue._base.json_types import is_array
from wxrevenue.sandbox._pay.books import Mark, Share, rfc3339
from wxrevenue.sandbox._pay.visit import NO_SUCH_ORDER, PayRefusedError, amount, bad_parameter, only_cny, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wxrevenue.sandbox._call import Answer
    from wxrevenue.sandbox._pay.books import Command, PayBooks, Payment
    from wxrevenue.sandbox._pay.receivers import Receivers
    from wxrevenue.sandbox._pay.visit import Actions, Visit

BASE: Final = "/v3/global/profit-sharing"
MARK_PATH: Final = f"{BASE}/transactions/mark"
MOST_RECEIVERS, MOST_REQUESTS, LARGEST_SHARE = 50, 50, 30
"""Of a request; of a payment; percent of an order that may go to others."""


class Orders:
    """Answers the calls about distributions."""

    def __init__(self, books: PayBooks, receivers: Receivers, whose: Callable[[Visit], str | None], merchant: Callable[[], str]) -> None:
        self._books, self._receivers, self._whose, self._merchant = books, receivers, whose, merchant
        self.actions: Actions = {
            ("POST", MARK_PATH): self._mark,
            ("POST", f"{BASE}/orders"): self._request,
            ("POST", f"{BASE}/orders/unfreeze"): self._unfreeze,
            ("GET", f"{BASE}/orders/{{out_order_no}}"): self._query,
            ("GET", f"{BASE}/transactions/{{transaction_id}}/amounts"): self._amounts,
            ("GET", f"{BASE}/transactions/{{transaction_id}}/refundable-amounts"): self._refundable,
        }

    def _mark(self, visit: Visit) -> Answer:
        mark = Mark(out_trade_no=visit.text("out_trade_no", 6, 32), sub_mchid=self._whose(visit), currency=visit.text("currency", 1, 10))
        only_cny(visit.payload)
        if mark.out_trade_no in self._books.confirmed:
            raise PayRefusedError(400, "the transaction is confirmed already, its funds cannot be distributed")
        if mark.out_trade_no not in self._books.placed:  # a late mark succeeds without effect
            self._books.marks[mark] = None
        return visit.says()

    def _request(self, visit: Visit) -> Answer:
        payment, number = self._payment(visit, visit.text("transaction_id", 1, 32)), visit.order_no()
        unfreezes: object = visit.payload.get("unfreeze_unsplit")
        rows = visit.payload.get("receivers", [])
        if not isinstance(unfreezes, bool) or not is_array(rows):
            raise bad_parameter("unfreeze_unsplit must be a boolean, receivers a list")
        command = self._books.command(payment, number, visit.payload)
        if command is None:
            shares = [self._share(visit, row) for row in rows]
            self._check(payment, shares, unfreezes=unfreezes)
            command = self._books.add(payment, number, visit.payload, shares, unfreezes=unfreezes)
        return visit.says(_order(payment, command))

    def _unfreeze(self, visit: Visit) -> Answer:
        payment, number = self._payment(visit, visit.text("transaction_id", 1, 32)), visit.order_no()
        why = visit.text("description", 1, 80)
        command = self._books.command(payment, number, visit.payload)
        if command is None:
            _still_open(payment)
            command = self._books.add(payment, number, visit.payload, [], unfreezes=True, description=why)
        return visit.says(_order(payment, command))

    def _query(self, visit: Visit) -> Answer:
        payment = self._payment(visit, visit.text("transaction_id", 1, 32))
        command = next((one for one in payment.commands if one.out_order_no == visit.order_no()), None)
        if command is None:
            raise PayRefusedError(404, "the order does not exist", code="ORDER_NOT_EXIST", number=NO_SUCH_ORDER)
        return visit.says(_order(payment, command))

    def _amounts(self, visit: Visit) -> Answer:
        payment = self._payment(visit, visit.named["transaction_id"])
        return visit.says({"transaction_id": payment.transaction_id, "unsplit_amount": payment.frozen, "currency": "CNY"})

    def _refundable(self, visit: Visit) -> Answer:
        payment = self._payment(visit, visit.named["transaction_id"])
        amounts = {"refundable_amount": payment.amount - payment.refunded, "funds_refundable_amount": payment.frozen}
        return visit.says({"transaction_id": payment.transaction_id, **amounts, "currency": "CNY"})

    def _payment(self, visit: Visit, number: str) -> Payment:
        return self._books.payment(number, self._whose(visit))

    def _share(self, visit: Visit, row: object) -> Share:
        if not isinstance(row, dict):
            raise bad_parameter("a receiver must be an object")
        fields = cast("Mapping[str, Any]", row)
        only_cny(fields)
        kind, account = text(fields, "type", 1, 32), text(fields, "account", 1, 64)
        self._receivers.check_appid(visit, kind)
        self._receivers.check_name(fields)
        return Share(account=account, kind=kind, amount=amount(fields), description=text(fields, "description", 1, 80))

    def _check(self, payment: Payment, shares: list[Share], *, unfreezes: bool) -> None:
        _still_open(payment)
        if len(shares) > MOST_RECEIVERS or len(payment.commands) >= MOST_REQUESTS:
            raise PayRefusedError(400, f"more than {MOST_RECEIVERS} receivers, or {MOST_REQUESTS} requests")
        if not shares and not unfreezes:
            raise bad_parameter("receivers is missing")
        if len({share.account for share in shares}) < len(shares):
            raise PayRefusedError(400, "duplicate IDs in the receiver list")
        if sum(share.amount for share in shares) > payment.frozen:
            raise PayRefusedError(400, "the undistributed amount is insufficient")
        sponsor = payment.sub_mchid or self._merchant()
        if unfreezes and any(share.account == sponsor for share in shares):
            raise PayRefusedError(400, "the sponsor cannot be a receiver of a request that unfreezes the rest")
        self._check_others(payment, [share for share in shares if share.account != sponsor], sponsor)

    def _check_others(self, payment: Payment, shares: list[Share], sponsor: str) -> None:
        """Check the shares of others than the sponsor.

        The sponsor needs no review, and takes as much as there is.
        """
        before = (share for one in payment.commands for share in one.shares if share.result != "CLOSED" and share.account != sponsor)
        if sum(share.amount for share in (*before, *shares)) * 100 > payment.amount * LARGEST_SHARE:
            raise PayRefusedError(400, f"more than {LARGEST_SHARE} % of the order")
        for share in shares:
            if not self._receivers.is_effective(payment.sub_mchid, share.account):
                raise PayRefusedError(400, f"the receiver {share.account} is not effective")


def _still_open(payment: Payment) -> None:
    if payment.ended:
        raise PayRefusedError(400, "the transaction's remaining funds are unfrozen already")


def _order(payment: Payment, command: Command) -> dict[str, object]:
    done = command.finished is not None
    rows = [
        {
            "currency": "CNY",
            "amount": share.amount,
            "description": share.description,
            "type": share.kind,
            "account": share.account,
            "result": share.result,
            "create_time": rfc3339(command.created),
            "detail_id": share.detail_id,
            **({"finish_time": rfc3339(command.finished)} if command.finished is not None else {}),
            **({"fail_reason": share.fail_reason} if share.fail_reason else {}),
        }
        for share in command.shares
    ]
    return {
        "sub_mchid": payment.sub_mchid,
        "transaction_id": payment.transaction_id,
        "out_order_no": command.out_order_no,
        "order_id": command.order_id,
        "state": "FINISHED" if done else "PROCESSING",
        "receivers": rows,
    }
