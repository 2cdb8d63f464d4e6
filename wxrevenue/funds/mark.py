"""Marking a transaction for funds distribution, before it is paid."""

from __future__ import annotations

from typing import ClassVar

import attrs

from wxrevenue._wire.request import Endpoint, PayRequest, Safety
from wxrevenue.funds._checks import only_cny, pay_id, pay_text

__all__ = ["MarkTransaction"]


@attrs.frozen
class MarkTransaction(PayRequest[None]):
    """Mark an order so that its funds can be distributed later.

    Call it **before the order is placed**. **It freezes the money.** Once the order is paid, its
    funds stay in the merchant's account and are not paid out. A distribution or an unfreeze command
    (``unfreeze_remaining_funds``) releases them; without one they stay for 180 days. An order that
    is marked and then needs no distribution has to be unfrozen.

    Sub-merchant, order number and currency must equal those of the order, else the mark has no
    effect. A mark that comes late may have none either, without an error: only a confirmed order is
    refused. So success proves nothing yet; three to five minutes after the payment ask for the
    undistributed amount (``query_remaining_amount``), which is an error for an order that cannot be
    distributed.

    Marking twice is marking once (``REPEATABLE``): a lost answer is retried with the same body and
    a fresh signature. If the order was confirmed in between, the repetition is refused although the
    first mark counts; the error then has ``ambiguous`` set.

    WeChat page: Funds-distribution Mark, https://pay.weixin.qq.com/doc/global/v3/en/4012356838

    Args:
        out_trade_no: the merchant's order number of the payment that will follow, 6 to 32
            characters. (The English page calls it "Transaction ID"; WeChat Pay's own number does
            not exist yet.)
        currency: the price's currency; only ``"CNY"``.
        sub_mchid: the sub-merchant's number, at most 32 characters; required for institutions,
            absent for direct merchants.

    Returns:
        Nothing, after the answer's signature was verified.

    Raises:
        ConfigurationError: a value is not allowed; nothing was sent.
        SignatureError: the answer was not signed by WeChat Pay; the mark may have been set.
        OutcomeUnknownError: answers stayed lost; the mark may have been set, and may be repeated.
        InvalidParameterError: 400 ``INVALID_REQUEST``: the order is confirmed already, or its
            currency is not CNY. With ``ambiguous`` set an earlier attempt may have marked it.
        PermissionDeniedError: 403 ``NO_AUTH``: the product is not signed; it is signed and not in
            effect yet (usually the next day); ``sub_mchid`` is not yours; or the overseas
            permission of a receiver was taken away as a punishment.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path="/v3/global/profit-sharing/transactions/mark", safety=Safety.REPEATABLE)

    out_trade_no: str = attrs.field(validator=pay_text(6, 32))
    currency: str = attrs.field(default="CNY", validator=only_cny)
    sub_mchid: str | None = attrs.field(default=None, validator=attrs.validators.optional(pay_id(32)))
