"""Refunds, and what was paid in advance for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from wxrevenue.sandbox._pay.books import rfc3339
from wxrevenue.sandbox._pay.visit import NO_SUCH_ORDER, NOT_ENOUGH, PayRefusedError, amount, bad_parameter
from wxrevenue.sandbox._seeded import digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.sandbox._call import Answer
    from wxrevenue.sandbox._pay.books import PayBooks, Payment
    from wxrevenue.sandbox._pay.visit import Actions, Visit

PATH: Final = "/v3/global/refunds"


@attrs.frozen
class _Refund:
    number: str
    asked: object
    id: str
    payment: Payment
    amount: int
    created: float


class Refunds:
    """Answers the calls about refunds."""

    def __init__(self, books: PayBooks, whose: Callable[[Visit], str | None], sponsor: Callable[[], str]) -> None:
        self._books, self._whose, self._sponsor = books, whose, sponsor
        self._all: dict[str, _Refund] = {}
        self.actions: Actions = {
            ("POST", PATH): self._request,
            ("GET", PATH): self._of_order,
            ("GET", f"{PATH}/id/{{id}}"): self._query,
            ("GET", f"{PATH}/out-refund-no/{{out_refund_no}}"): self._query,
            ("GET", "/v3/global/profit-sharing/refunds/refundable-balance"): self._balance,
            ("GET", "/v3/global/refund/recharge-balance"): self._recharged,
            ("GET", "/v3/global/refund/partner/recharge-balance/sub-mchid/{sub_mchid}"): self._recharged,
        }

    def rows(self, day: Callable[[float], bool]) -> list[tuple[str, Payment, int, float]]:
        """Return number, payment, fen and time of the refunds of a day."""
        return [(one.number, one.payment, one.amount, one.created) for one in self._all.values() if day(one.created)]

    def _request(self, visit: Visit) -> Answer:
        number, asked = visit.order_no("out_refund_no"), visit.payload
        found = self._all.get(number)
        if found is not None and found.asked != asked:
            raise PayRefusedError(403, "the number was used with other parameters", code="OUT_REFUND_NO_USED")
        if found is None:
            found = self._all[number] = self._made(visit, number)
        return visit.says(_shown(found))

    def _made(self, visit: Visit, number: str) -> _Refund:
        payment, given = self._payment(visit), visit.payload.get("amount")
        if not isinstance(given, dict) or cast("dict[str, Any]", given).get("currency") != "CNY":
            raise bad_parameter("amount must be an object in CNY")
        fields = cast("dict[str, Any]", given)
        refund = amount(fields, "refund")
        if amount(fields, "total") != payment.amount or refund > payment.amount - payment.refunded:
            raise PayRefusedError(400, "the amounts do not fit the order")
        if payment.is_marked and refund > payment.frozen + self._books.advance:
            raise PayRefusedError(403, "the balance is too small", code="NOT_ENOUGH", number=NOT_ENOUGH)
        self._books.refund(payment, refund)
        wx = f"5000{int.from_bytes(digest('refund', number), 'big') % 10**24:024d}"
        return _Refund(number, visit.payload, wx, payment, refund, visit.now)

    def _payment(self, visit: Visit) -> Payment:
        number, trade = visit.maybe_text("transaction_id", 32), visit.maybe_text("out_trade_no", 32)
        found = next((one for one in self._books.payments.values() if number == one.transaction_id or trade == one.out_trade_no), None)
        if found is None:
            raise PayRefusedError(404, "the order does not exist", code="ORDER_NOT_EXIST", number=NO_SUCH_ORDER)
        return self._books.payment(found.transaction_id, self._whose(visit), marked=False)

    def _query(self, visit: Visit) -> Answer:
        mine = [one for one in self._all.values() if one.payment.sub_mchid == self._whose(visit)]
        found = next((one for one in mine if visit.named in ({"id": one.id}, {"out_refund_no": one.number})), None)
        if found is None:
            raise PayRefusedError(404, "the refund does not exist", code="RESOURCE_NOT_EXISTS", number=NO_SUCH_ORDER)
        return visit.says(_full(found))

    def _of_order(self, visit: Visit) -> Answer:
        payment = self._payment(visit)
        found = [_full(one) for one in self._all.values() if one.payment is payment]
        first, most = visit.number("offset", 0, 10**6), visit.number("count", 1, 20)
        return visit.says({"data": found[first : first + most], "total_count": len(found), "offset": first, "limit": most})

    def _balance(self, visit: Visit) -> Answer:
        return visit.says({"sponsor_mchid": self._sponsor(), "balance": self._books.advance, "currency": "CNY"})

    def _recharged(self, visit: Visit) -> Answer:
        return visit.says({"remaining_amount": self._books.recharged[self._whose(visit)], "currency": "CNY"})


def _shown(refund: _Refund) -> dict[str, object]:
    money = {"refund": refund.amount, "currency": "CNY", "payer_refund": refund.amount, "payer_currency": "CNY"}
    rate = {"exchange_rate": {"type": "SETTLEMENT_RATE", "rate": 100_000_000}}
    return {"id": refund.id, "out_refund_no": refund.number, "create_time": rfc3339(refund.created), "amount": {**money, **rate}}


def _full(refund: _Refund) -> dict[str, object]:
    of_order = {"transaction_id": refund.payment.transaction_id, "out_trade_no": refund.payment.out_trade_no}
    done = {"channel": "ORIGINAL", "recv_account": "fake account", "success_time": rfc3339(refund.created), "status": "SUCCESS"}
    return {**_shown(refund), **of_order, **done, "fund_source": "REFUND_SOURCE_UNSETTLED_FUNDS"}
