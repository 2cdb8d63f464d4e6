"""Distributing the funds of a paid order, and releasing what remains of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Final, TypeAlias, TypeVar

import attrs

from wxrevenue._wire.request import Endpoint, PayRequest, Safety, written_as
from wxrevenue.errors import ConfigurationError
from wxrevenue.funds._checks import boxes, flag, order_no, pay_id, pay_text, rows_with_names, segment, values
from wxrevenue.funds._order import DistributionOrder, DistributionReceiver, kinds_of
from wxrevenue.funds.receivers import needs_appid

T = TypeVar("T")

__all__ = ["QueryDistribution", "RequestDistribution", "UnfreezeRemainingFunds"]

MOST_RECEIVERS: Final = 50
"""Receivers of one request."""
_PATH = "/v3/global/profit-sharing/orders"
_OPTIONAL_ID = attrs.validators.optional(pay_id(32))
_Receivers: TypeAlias = Iterable[DistributionReceiver | Mapping[str, object]]


def _as_receivers(value: _Receivers) -> tuple[DistributionReceiver, ...]:
    return values("RequestDistribution.receivers", value, DistributionReceiver)


def _sent(receivers: tuple[DistributionReceiver, ...]) -> list[dict[str, object]]:
    """Return the receivers as they are sent.

    What was not given is left out. Names are still in their boxes.
    """
    return [attrs.asdict(one, filter=lambda _, value: value is not None) for one in receivers]


def _few_and_different(_instance: object, _attribute: attrs.Attribute[T], value: tuple[DistributionReceiver, ...]) -> None:
    if len(value) > MOST_RECEIVERS:
        raise ConfigurationError(f"RequestDistribution.receivers: expected at most {MOST_RECEIVERS}, got {len(value)}")
    accounts = [one.account for one in value]
    if len(set(accounts)) < len(accounts):
        twice = next(account for account in accounts if accounts.count(account) > 1)
        raise ConfigurationError(f"RequestDistribution.receivers: {twice!r} is there twice: give it one amount")


@boxes(receivers=rows_with_names)
@attrs.frozen(kw_only=True)
class RequestDistribution(PayRequest[DistributionOrder]):
    """Distribute funds of a paid order that was marked before it was placed.

    WeChat page: Request funds-distribution,
    https://pay.weixin.qq.com/doc/global/v3/en/4012356850

    The answer comes before the work: ``state`` is ``PROCESSING`` until ``QueryDistribution`` says
    ``FINISHED`` (``wait_until_finished`` asks for you). Finished is not succeeded: each receiver
    has a ``result``.

    Repeating the request under the same ``out_order_no`` is requesting once (``REPEATABLE``): a
    lost answer, and a 202, are repeated with the same number and a fresh signature. The number is
    yours to choose and to keep; after an error with ``ambiguous`` set send the same request again,
    or ask for the number, never send the same shares under another one.

    At most 50 requests for one payment. By default at most 30 % of it may go to others. After 180
    days the rest is unfrozen by WeChat Pay.

    Args:
        transaction_id: WeChat Pay's number of the payment, at most 32 characters.
        out_order_no: your number of this command, 1 to 64 letters, digits, ``_`` and ``-``, unique
            among your requests and unfreezes.
        unfreeze_unsplit: ``True`` releases the rest to the merchant, and ends the distribution;
            ``False`` keeps it frozen for further requests.
        receivers: 1 to 50 of :class:`DistributionReceiver`, or dicts with its fields; none twice.
            None at all only with ``unfreeze_unsplit``. The merchant that is settled may be one of
            them only without it.
        sub_mchid: the order's sub-merchant; required for institutions, absent for direct merchants.
        appid: required if a receiver is ``PERSONAL_OPENID``.
        sub_appid: required if a receiver is ``PERSONAL_SUB_OPENID``.

    Returns:
        :class:`DistributionOrder`.

    Raises:
        ConfigurationError: an argument is not allowed, or the verifier has no key to encrypt names
            with; nothing was sent.
        OutcomeUnknownError: answers stayed lost; it may have been done.
        InvalidParameterError: 400: among others the order is not marked, or its 180 days are over.
        PermissionDeniedError: 403 ``NO_AUTH``, as for ``MarkTransaction``.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path=_PATH, action="request_distribution", safety=Safety.REPEATABLE)

    transaction_id: str = attrs.field(validator=segment(32))
    out_order_no: str = attrs.field(validator=order_no)
    unfreeze_unsplit: bool = attrs.field(validator=flag)
    receivers: tuple[DistributionReceiver, ...] = attrs.field(
        default=(), converter=_as_receivers, validator=_few_and_different, metadata=written_as(_sent)
    )
    sub_mchid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)
    appid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)
    sub_appid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)

    def __attrs_post_init__(self) -> None:
        needs_appid(self, kinds_of(self.receivers))
        if not self.receivers and not self.unfreeze_unsplit:
            raise ConfigurationError("RequestDistribution.receivers: expected at least one, or unfreeze_unsplit=True")


@attrs.frozen(kw_only=True)
class UnfreezeRemainingFunds(PayRequest[DistributionOrder]):
    """Release what is still frozen of a marked order, and end its distribution.

    It is released to the merchant.

    WeChat page: Unfreezing remaining funds,
    https://pay.weixin.qq.com/doc/global/v3/en/4012356862

    An order that was marked and needs no distribution is released by this call alone. Repeating it
    under the same number is doing it once (``REPEATABLE``).

    Args:
        transaction_id: WeChat Pay's number of the payment, at most 32 characters.
        out_order_no: a new number of yours, 1 to 64 letters, digits, ``_`` and ``-``; not that of a
            request.
        description: why, 1 to 80 characters.
        sub_mchid: the order's sub-merchant; required for institutions, absent for direct merchants.

    Returns:
        :class:`DistributionOrder`; ``wait_until_finished`` waits for its end.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        OutcomeUnknownError: answers stayed lost; it may have been done.
        ApiError: the server refused. The documents list no reasons.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path=f"{_PATH}/unfreeze", action="unfreeze_remaining_funds", safety=Safety.REPEATABLE)

    transaction_id: str = attrs.field(validator=segment(32))
    out_order_no: str = attrs.field(validator=order_no)
    description: str = attrs.field(validator=pay_text(1, 80))
    sub_mchid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)


@attrs.frozen(kw_only=True)
class QueryDistribution(PayRequest[DistributionOrder]):
    """Ask what became of a distribution, or of an unfreeze.

    WeChat page: Query funds-distribution result,
    https://pay.weixin.qq.com/doc/global/v3/en/4012356872

    Args:
        out_order_no: the number of the request or unfreeze.
        transaction_id: WeChat Pay's number of the payment.
        sub_mchid: the order's sub-merchant; required for institutions, absent for direct merchants.

    Returns:
        :class:`DistributionOrder`, with every receiver's result.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        ApiError: the server refused. The documents list no reasons.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path=f"{_PATH}/{{out_order_no}}", method="GET", action="query_distribution", safety=Safety.SAFE)

    out_order_no: str = attrs.field(validator=order_no)
    transaction_id: str = attrs.field(validator=segment(32))
    sub_mchid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)
