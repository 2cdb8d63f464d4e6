"""How much can still be distributed, and how much can be refunded.

Also what was recharged for refunds.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from wxrevenue._wire.model import DisplayText, Model
from wxrevenue._wire.request import Endpoint, PayRequest, Safety
from wxrevenue.funds._checks import pay_id, segment

__all__ = [
    "QueryRechargeBalance", "QueryRefundableAmount", "QueryRefundableBalance", "QueryRemainingAmount", "RechargeBalance",
    "RefundableAmount", "RefundableBalance", "RemainingAmount",
]  # fmt: skip

_PATH = "/v3/global/profit-sharing"
_RECHARGED = "/v3/global/refund"
_OPTIONAL_ID = attrs.validators.optional(pay_id(32))


@attrs.define
class RemainingAmount(Model):
    """What of a payment is not distributed yet.

    Args:
        transaction_id: WeChat Pay's number of the payment.
        unsplit_amount: fen.
        currency: the amount's currency.
    """

    transaction_id: str
    unsplit_amount: int
    currency: DisplayText | None = None


@attrs.define
class RefundableAmount(Model):
    """What of a payment can be refunded.

    Args:
        transaction_id: WeChat Pay's number of the payment.
        refundable_amount: fen.
        funds_refundable_amount: fen that can be refunded from undistributed funds.
        currency: the amounts' currency.
    """

    transaction_id: str
    refundable_amount: int
    funds_refundable_amount: int | None = None
    currency: DisplayText | None = None


@attrs.define
class RefundableBalance(Model):
    """What the sponsor has paid in advance for refunds.

    Args:
        sponsor_mchid: the merchant that is settled: the institution, or the sub-merchant.
        balance: fen.
        currency: the balance's currency.
    """

    sponsor_mchid: str
    balance: int
    currency: DisplayText | None = None


@attrs.define
class RechargeBalance(Model):
    """What of the funds that were recharged for ordinary refunds is left.

    Args:
        remaining_amount: in the smallest unit of ``currency``.
        currency: the balance's currency.
    """

    remaining_amount: int
    currency: DisplayText | None = None


@attrs.frozen
class QueryRemainingAmount(PayRequest[RemainingAmount]):
    """Ask how much of a payment can still be distributed: the proof of a mark.

    WeChat page: Remaining amount query, https://pay.weixin.qq.com/doc/global/v3/en/4012356895

    A mark that came too late succeeds without effect. Ask three to five minutes after the payment:
    an error means that the order cannot be distributed.

    Args:
        transaction_id: WeChat Pay's number of the payment, at most 32 characters.
        sub_mchid: the order's sub-merchant; required for institutions, absent for direct merchants.

    Returns:
        :class:`RemainingAmount`.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        InvalidParameterError: 400: the order does not support distribution (was it marked before it
            was placed?), or number and merchant do not fit together.
        PermissionDeniedError: 403 ``NO_AUTH``, as for ``MarkTransaction``.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        path=f"{_PATH}/transactions/{{transaction_id}}/amounts", method="GET", action="query_remaining_amount", safety=Safety.SAFE
    )

    transaction_id: str = attrs.field(validator=segment(32))
    sub_mchid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)


@attrs.frozen
class QueryRefundableAmount(PayRequest[RefundableAmount]):
    """Ask how much of a payment can be refunded.

    WeChat page: Remaining refundable amount, https://pay.weixin.qq.com/doc/global/v3/en/4012356915

    Args:
        transaction_id: WeChat Pay's number of the payment, at most 32 characters.
        sub_mchid: the order's sub-merchant; required for institutions, absent for direct merchants.

    Returns:
        :class:`RefundableAmount`.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        InvalidParameterError: 400: the order does not support distribution.
        PermissionDeniedError: 403 ``NO_AUTH``, as for ``MarkTransaction``.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        path=f"{_PATH}/transactions/{{transaction_id}}/refundable-amounts",
        method="GET",
        action="query_refundable_amount",
        safety=Safety.SAFE,
    )

    transaction_id: str = attrs.field(validator=segment(32))
    sub_mchid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)


@attrs.frozen
class QueryRefundableBalance(PayRequest[RefundableBalance]):
    """Ask for the funds paid in advance, from which distributed funds are refunded.

    WeChat page: Refundable balance, https://pay.weixin.qq.com/doc/global/v3/en/4012356919

    Returns:
        :class:`RefundableBalance`.

    Raises:
        InvalidParameterError: 400: the merchant does not distribute funds.
        PermissionDeniedError: 403 ``NO_AUTH``, as for ``MarkTransaction``.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        path=f"{_PATH}/refunds/refundable-balance", method="GET", action="query_refundable_balance", safety=Safety.SAFE
    )


@attrs.frozen
class QueryRechargeBalance(PayRequest[RechargeBalance]):
    """Ask for the funds that were recharged for refunds.

    They are for refunds of ordinary orders, where a day's payments do not suffice.

    WeChat page: Query the recharge balance, https://pay.weixin.qq.com/doc/global/v3/zh/4013068934

    It is another balance than ``QueryRefundableBalance``, which is for distributed orders.

    Args:
        sub_mchid: the sub-merchant; required for institutions, absent for direct merchants. It
            stands in the path.

    Returns:
        :class:`RechargeBalance`.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        ApiError: the server refused. The documents list no reasons.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        path=f"{_RECHARGED}/recharge-balance", method="GET", action="query_recharge_balance", safety=Safety.SAFE
    )

    sub_mchid: str | None = attrs.field(default=None, validator=attrs.validators.optional(segment(32)))

    def path(self) -> str:
        """Return the path: a direct merchant's, or that of an institution's sub-merchant."""
        return self.endpoint.path if self.sub_mchid is None else f"{_RECHARGED}/partner/recharge-balance/sub-mchid/{{sub_mchid}}"
