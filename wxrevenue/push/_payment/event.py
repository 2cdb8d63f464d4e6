"""What a notification of WeChat Pay says, and the reply to it."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  (attrs reads the annotation)
from typing import Any, Final, Literal

import attrs
import orjson

from wxrevenue._base.printable import Printable
from wxrevenue._wire.model import DisplayText, Model

_OK: Final = 200


@attrs.define
class RefundChanged(Model):
    """A refund has changed.

    Compare it with your own: ``query_refund`` has the amounts.

    Args:
        out_refund_no: the merchant's number of the refund.
        refund_status: one of :class:`RefundStatus`, or another text.
        out_trade_no: the merchant's number of the order.
        sp_mchid: the institution; compare it with your own number.
        sub_mchid: the sub-merchant, by whom institutions route.
        mchid: the direct merchant.
    """

    out_refund_no: str
    refund_status: str
    out_trade_no: DisplayText | None = None
    sp_mchid: DisplayText | None = None
    sub_mchid: DisplayText | None = None
    mchid: DisplayText | None = None


@attrs.define
class DistributionRefundChanged(Model):
    """A refund of a distributed order has changed.

    Args:
        out_order_no: the merchant's number of the distribution.
        refund_state: what became of it, as WeChat Pay words it.
        sp_mchid: the institution; compare it with your own number.
        sub_mchid: the sub-merchant, by whom institutions route.
        mchid: the direct merchant.
    """

    out_order_no: str
    refund_state: str
    sp_mchid: DisplayText | None = None
    sub_mchid: DisplayText | None = None
    mchid: DisplayText | None = None


@attrs.frozen(kw_only=True)
class PaymentEvent(Printable):
    """A notification.

    Args:
        id: its number: a repetition has the same.
        event_type: what happened, as WeChat Pay words it.
        original_type: of what kind ``resource`` is, as WeChat Pay words it.
        create_time: when WeChat Pay made it.
        resource: what it says, by its fields: a :class:`DistributionRefundChanged`, a
            :class:`RefundChanged`, or else the dict.
    """

    id: str
    event_type: str
    original_type: str
    create_time: datetime
    resource: RefundChanged | DistributionRefundChanged | dict[str, Any]


@attrs.frozen(kw_only=True)
class PaymentReply(Printable):
    """What to answer, and what there is to do before it is answered.

    Args:
        status: the HTTP status; WeChat Pay sends again what is not answered with 2xx within five
            seconds, up to 15 times.
        body: JSON; the same few bytes for every refusal.
        event: what the notification said; ``None`` when it was refused, or came before.
        reason: why there is no event. For your own log: the sender must not learn it.
        content_type: the media type of the body.
    """

    status: int
    body: bytes
    event: PaymentEvent | None = None
    reason: str = ""
    content_type: str = "application/json"
    marks: tuple[str, ...] = attrs.field(default=(), repr=False)
    """By what a repetition of the notification is known."""

    @property
    def is_success(self) -> bool:
        """Whether WeChat Pay is told that the notification arrived; else it comes again."""
        return self.status == _OK


def accepted(event: PaymentEvent | None = None, *, reason: str = "", marks: tuple[str, ...] = ()) -> PaymentReply:
    """Return the reply that ends a notification."""
    return PaymentReply(status=_OK, body=_body("SUCCESS", "OK"), event=event, reason=reason, marks=marks)


def refused(reason: str, *, status: Literal[401, 500] = 401) -> PaymentReply:
    """Return a refusal, after which WeChat Pay sends the notification again."""
    return PaymentReply(status=status, body=_body("FAIL", "refused"), reason=reason)


def _body(code: str, message: str) -> bytes:
    return orjson.dumps({"code": code, "message": message})
