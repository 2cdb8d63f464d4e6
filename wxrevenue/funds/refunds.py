"""Refunds, also of orders whose funds are distributed."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

import attrs

from wxrevenue._base import checks
from wxrevenue._base.printable import Printable
from wxrevenue._wire.model import DisplayCount, DisplayText, Model
from wxrevenue._wire.request import Endpoint, PayRequest, Safety
from wxrevenue.errors import ConfigurationError
from wxrevenue.funds._checks import as_value, extra_field, fen, only_cny, order_no, pay_id, pay_text, segment, shown, where

T = TypeVar("T")

__all__ = [
    "ExchangeRate", "QueryRefund", "QueryRefunds", "Refund", "RefundAmount", "RefundList", "RefundStatus", "RefundedAmount",
    "RequestRefund",
]  # fmt: skip

_PATH = "/v3/global/refunds"
_OPTIONAL_ID = attrs.validators.optional(pay_id(32))
_OPTIONAL_SEGMENT = attrs.validators.optional(segment(64))


class RefundStatus(enum.StrEnum):
    """What became of a refund. Open."""

    SUCCESS = "SUCCESS"
    REFUNDCLOSE = "REFUNDCLOSE"
    PROCESSING = "PROCESSING"
    ABNORMAL = "ABNORMAL"


@attrs.frozen
class RefundAmount(Printable):
    """How much is refunded.

    Args:
        refund: fen, at least 1, at most ``total``.
        total: fen of the whole order.
        currency: only ``"CNY"``.

    Raises:
        ConfigurationError: one of these is not allowed.
    """

    refund: int = attrs.field(validator=fen)
    total: int = attrs.field(validator=fen)
    currency: str = attrs.field(default="CNY", validator=only_cny)

    def __attrs_post_init__(self) -> None:
        if self.refund > self.total:
            raise ConfigurationError(f"RefundAmount.refund: expected total or less, got {self.refund} of {self.total}")


@attrs.define
class ExchangeRate(Model):
    """At which rate a refund is paid.

    Args:
        type: ``USERPAYMENT_RATE``, ``SETTLEMENT_RATE``, or another text.
        rate: such as 8000000; the documents do not say its scale.
    """

    type: DisplayText | None = None
    rate: DisplayCount | None = None


@attrs.define
class RefundedAmount(Model):
    """How much is refunded, as an answer has it.

    Args:
        refund: in the smallest unit of ``currency``.
        currency: the order's.
        payer_refund: what the payer gets back, in the smallest unit of ``payer_currency``.
        payer_currency: the payer's.
        exchange_rate: between the two.
    """

    refund: int
    currency: DisplayText | None = None
    payer_refund: int | None = None
    payer_currency: DisplayText | None = None
    exchange_rate: ExchangeRate | None = None


@attrs.define
class Refund(Model):
    """A refund.

    Args:
        id: WeChat Pay's number of it.
        out_refund_no: the merchant's.
        amount: how much.
        create_time: when it was requested, RFC 3339.
        transaction_id: WeChat Pay's number of the payment; queries have it.
        out_trade_no: the merchant's; queries have it.
        channel: where the money goes: ``ORIGINAL``, ``BALANCE``, ``OTHER_BALANCE``,
            ``OTHER_BANKCARD``, or another text.
        recv_account: the account that gets it.
        fund_source: from where it is paid.
        success_time: when it was done.
        status: one of :class:`RefundStatus`, or another text; queries have it.
        detail: vouchers that are given back, as the server has them.
    """

    id: str
    out_refund_no: str
    amount: RefundedAmount | None = None
    create_time: DisplayText | None = None
    transaction_id: DisplayText | None = None
    out_trade_no: DisplayText | None = None
    channel: DisplayText | None = None
    recv_account: DisplayText | None = None
    fund_source: DisplayText | None = None
    success_time: DisplayText | None = None
    status: DisplayText | None = None
    detail: list[Any] | None = None


@attrs.define
class RefundList(Model):
    """The refunds of an order.

    Args:
        data: the refunds of this page.
        total_count: how many there are.
        offset: how many come before this page.
        limit: how many a page has.
    """

    at_least_one: ClassVar[tuple[str, ...]] = ("data", "total_count")

    data: list[Refund] = attrs.field(factory=list[Refund])
    total_count: DisplayCount | None = None
    offset: DisplayCount | None = None
    limit: DisplayCount | None = None


def _as_amount(value: RefundAmount | Mapping[str, object]) -> RefundAmount:
    return as_value("RequestRefund.amount", value, RefundAmount)


def _url(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    pay_text(1, 256)(instance, attribute, value)
    if " " in value or not _is_https(value):
        raise ConfigurationError(f"{where(instance, attribute)}: expected https://… without blanks, got {shown(value)}")


def _is_https(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:  # a bracket that opens an address and does not close it
        return False
    return parts.scheme == "https" and bool(parts.hostname)


def _one_of_two(request: object, *names: str) -> None:
    if sum(getattr(request, name) is not None for name in names) != 1:
        raise ConfigurationError(f"{type(request).__name__}: expected {' or '.join(names)}, and not both")


@attrs.frozen(kw_only=True)
class RequestRefund(PayRequest[Refund]):
    """Refund an order, or a part of it.

    WeChat page: Refund, https://pay.weixin.qq.com/doc/global/v3/en/4012356912

    What is not distributed yet is refunded as usual. What is distributed or unfrozen takes funds
    that the institution paid in advance (``QueryRefundableBalance``); the field that says so has
    two names in the documents, so that it goes into ``extra``. Refund before you distribute.

    Repeating under the same ``out_refund_no`` is refunding once (``REPEATABLE``). Never change the
    number when you repeat. Refunds of one order: one minute apart, not side by side; within a year.

    Args:
        out_refund_no: your number of the refund, 1 to 64 letters, digits, ``_`` and ``-``.
        amount: a :class:`RefundAmount`, or a dict with its fields.
        transaction_id: WeChat Pay's number of the payment; this or ``out_trade_no``.
        out_trade_no: your number of the order.
        reason: for the payer, at most 80 characters.
        notify_url: where the result is told, ``https://…``.
        sub_mchid: the order's sub-merchant; required for institutions, absent for direct merchants.
        appid: the merchant's appid; an institution's is sent as ``sp_appid``.
        sub_appid: the sub-merchant's appid.
        extra: further fields, sent as they are, such as the source of the funds.

    Returns:
        :class:`Refund`, accepted and not done yet: ``QueryRefund`` or a notification says more.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        OutcomeUnknownError: answers stayed lost; it may be under way.
        ApiError: the server refused: ``NOT_ENOUGH`` (repeat the same later),
            ``OUT_REFUND_NO_USED`` (the number was used with other values), and others.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path=_PATH, action="request_refund", safety=Safety.REPEATABLE)
    names_merchant: ClassVar[bool] = True

    out_refund_no: str = attrs.field(validator=order_no)
    amount: RefundAmount = attrs.field(converter=_as_amount)
    transaction_id: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)
    out_trade_no: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)
    reason: str | None = attrs.field(default=None, validator=attrs.validators.optional(pay_text(1, 80)))
    notify_url: str | None = attrs.field(default=None, validator=attrs.validators.optional(_url))
    sub_mchid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)
    appid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)
    sub_appid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)
    extra: Mapping[str, object] | None = extra_field()

    def __attrs_post_init__(self) -> None:
        _one_of_two(self, "transaction_id", "out_trade_no")


@attrs.frozen(kw_only=True)
class QueryRefund(PayRequest[Refund]):
    """Ask what became of a refund.

    WeChat page: Query refund, https://pay.weixin.qq.com/doc/global/v3/en/4012356930

    Args:
        refund_id: WeChat Pay's number of it; this or ``out_refund_no``.
        out_refund_no: your number of it.
        sub_mchid: the order's sub-merchant; required for institutions, absent for direct merchants.

    Returns:
        :class:`Refund`.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        ApiError: the server refused, among others because the refund does not exist.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        path=f"{_PATH}/out-refund-no/{{out_refund_no}}", method="GET", action="query_refund", safety=Safety.SAFE
    )
    names_merchant: ClassVar[bool] = True

    refund_id: str | None = attrs.field(default=None, validator=_OPTIONAL_SEGMENT)
    out_refund_no: str | None = attrs.field(default=None, validator=attrs.validators.optional(order_no))
    sub_mchid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)

    def __attrs_post_init__(self) -> None:
        _one_of_two(self, "refund_id", "out_refund_no")

    def path(self) -> str:
        """Return the path of the number that is known."""
        return self.endpoint.path if self.refund_id is None else f"{_PATH}/id/{{refund_id}}"


@attrs.frozen(kw_only=True)
class QueryRefunds(PayRequest[RefundList]):
    """Ask for the refunds of an order, a page at a time.

    WeChat page: Query all refunds, https://pay.weixin.qq.com/doc/global/v3/en/4012356931

    Args:
        transaction_id: WeChat Pay's number of the payment; this or ``out_trade_no``.
        out_trade_no: your number of the order.
        offset: how many refunds to leave out at the beginning.
        count: how many to return, 1 to 20.
        sub_mchid: the order's sub-merchant; required for institutions, absent for direct merchants.

    Returns:
        :class:`RefundList`.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        ApiError: the server refused.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path=_PATH, method="GET", action="query_refunds", safety=Safety.SAFE)
    names_merchant: ClassVar[bool] = True

    transaction_id: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)
    out_trade_no: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)
    offset: int = 0
    count: int = 20
    sub_mchid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)

    def __attrs_post_init__(self) -> None:
        _one_of_two(self, "transaction_id", "out_trade_no")
        for name, allowed in {"offset": range(10**6), "count": range(1, 21)}.items():
            checks.number(f"QueryRefunds.{name}", getattr(self, name), allowed)
