"""Marking a transaction for funds distribution, before it is paid."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from wxrevenue._wire.request import Endpoint, PayRequest, Safety, credential_between, text_between
from wxrevenue.errors import ConfigurationError


def _only_cny(_instance: object, _attribute: attrs.Attribute[Any], value: object) -> None:
    if value != "CNY":
        raise ConfigurationError("MarkTransaction.currency: only 'CNY' can be distributed")


@attrs.frozen
class MarkTransaction(PayRequest[None]):
    """Mark an order so that its funds can be distributed later. Call it **before** the order is placed.

    The parameters must equal those of the order, else the mark has no effect. Marking twice is marking once
    (``REPEATABLE``): a lost answer is retried with the same body and a fresh signature.

    WeChat page: Funds-distribution Mark, https://pay.weixin.qq.com/doc/global/v3/en/4012356838

    Args:
        out_trade_no: the merchant's order number of the payment that will follow, 6 to 32 characters.
        currency: the price's currency; only ``"CNY"``.
        sub_mchid: the sub-merchant's number, at most 32 characters; required for institutions, absent for direct merchants.

    Returns:
        Nothing, after the answer's signature was verified.

    Raises:
        ConfigurationError: a value is not allowed; nothing was sent.
        SignatureError: the answer was not signed by WeChat Pay; the mark may have been set.
        OutcomeUnknownError: answers stayed lost; the mark may have been set, and may be repeated.
        InvalidParameterError: too late, or a parameter is wrong (``INVALID_REQUEST``).
        PermissionDeniedError: the product is not signed or not in effect yet, or ``sub_mchid`` is not yours (``NO_AUTH``).
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path="/v3/global/profit-sharing/transactions/mark", safety=Safety.REPEATABLE)

    out_trade_no: str = attrs.field(validator=text_between(6, 32))
    currency: str = attrs.field(default="CNY", validator=_only_cny)
    sub_mchid: str | None = attrs.field(default=None, validator=attrs.validators.optional(credential_between(1, 32)))
