"""Receivers and their amounts, and what an answer says of a distribution."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import attrs

from wxrevenue._base.printable import Printable
from wxrevenue._base.secret import Secret  # noqa: TC001  (attrs reads the annotation)
from wxrevenue._wire.model import DisplayCount, DisplayText, Model
from wxrevenue.errors import ConfigurationError
from wxrevenue.funds._checks import as_sensitive, boxes, choice, fen, flag, only_cny, pay_text, segment, sensitive
from wxrevenue.funds.receivers import ReceiverType

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DistributionOrder", "DistributionReceiver", "DistributionResult", "DistributionState", "ReceiverResult"]


class DistributionState(enum.StrEnum):
    """How far a distribution is.

    Finished is not succeeded: read each receiver's ``result``.
    """

    PROCESSING = "PROCESSING"
    FINISHED = "FINISHED"


class ReceiverResult(enum.StrEnum):
    """What a receiver got. Open: the overseas documents show ``SUCCESS`` alone."""

    PENDING = "PENDING"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    """It got nothing: the money is back, and ``fail_reason`` says why."""


@boxes(name=as_sensitive)
@attrs.frozen
class DistributionReceiver(Printable):
    """A receiver of a distribution, and its amount.

    Args:
        type: one of :class:`ReceiverType`.
        account: a merchant's number, or an openid, at most 64 characters.
        amount: fen, at least 1.
        description: 1 to 80 characters.
        currency: only ``"CNY"``.
        name: a person's name, which is then checked. It is encrypted for WeChat Pay when it is
            sent, at most 214 bytes. Not for merchants.
        authorized: ``True`` says that the person agreed to the check; required with ``name``.

    Raises:
        ConfigurationError: one of these is not allowed.
    """

    type: str = attrs.field(validator=choice(ReceiverType))
    account: str = attrs.field(validator=segment(64))
    amount: int = attrs.field(validator=fen)
    description: str = attrs.field(validator=pay_text(1, 80))
    currency: str = attrs.field(default="CNY", validator=only_cny)
    name: Secret | str | None = attrs.field(default=None, converter=as_sensitive, validator=sensitive)
    authorized: bool | None = attrs.field(default=None, validator=attrs.validators.optional(flag))

    def __attrs_post_init__(self) -> None:
        if self.name is None:
            return
        if self.type == ReceiverType.MERCHANT_ID:
            raise ConfigurationError("DistributionReceiver.name: expected for persons alone")
        if self.authorized is not True:
            raise ConfigurationError("DistributionReceiver.authorized: expected True (the person agreed to the check) beside name")


@attrs.define
class DistributionResult(Model):
    """What became of one receiver's share.

    Args:
        type: one of :class:`ReceiverType`.
        account: a merchant's number, or an openid.
        amount: fen.
        result: one of :class:`ReceiverResult`, or another text.
        currency: the amount's currency.
        description: as it was requested.
        fail_reason: why it got nothing, such as ``ACCOUNT_ABNORMAL``.
        create_time: when the share was requested, RFC 3339.
        finish_time: when it was decided; absent while it is pending.
        detail_id: WeChat Pay's number of the share.
        detail_type: its kind, which the documents do not list.
        settlement_currency: in which the sponsor is settled.
        settlement_amount: in that currency's smallest unit.
        rate: the exchange rate; the documents do not say its scale.
    """

    type: str
    account: str
    amount: int
    result: DisplayText | None = None
    currency: DisplayText | None = None
    description: DisplayText | None = None
    fail_reason: DisplayText | None = None
    create_time: DisplayText | None = None
    finish_time: DisplayText | None = None
    detail_id: DisplayText | None = None
    detail_type: DisplayText | None = None
    settlement_currency: DisplayText | None = None
    settlement_amount: int | None = None
    rate: DisplayCount | None = None

    @property
    def is_success(self) -> bool:
        """Whether the receiver has the money."""
        return self.result == ReceiverResult.SUCCESS


@attrs.define
class DistributionOrder(Model):
    """A distribution, or the release of what remains.

    Args:
        transaction_id: WeChat Pay's number of the payment.
        out_order_no: the merchant's number of this command.
        order_id: WeChat Pay's number of it.
        state: one of :class:`DistributionState`, or another text.
        sub_mchid: the sub-merchant.
        receivers: each receiver's result. It may be empty in the answer to a request; a query has
            them all.
    """

    transaction_id: str
    out_order_no: str
    order_id: str
    state: str
    sub_mchid: DisplayText | None = None
    receivers: list[DistributionResult] = attrs.field(factory=list[DistributionResult])

    @property
    def is_finished(self) -> bool:
        """Whether nothing more happens. It does not say that every receiver got its share."""
        return self.state == DistributionState.FINISHED

    @property
    def failures(self) -> list[DistributionResult]:
        """The receivers without their share: of a finished order those that got nothing."""
        return [one for one in self.receivers if not one.is_success]

    @property
    def distributed(self) -> int:
        """Fen that the receivers have."""
        return sum(one.amount for one in self.receivers if one.is_success)


def kinds_of(receivers: Iterable[DistributionReceiver]) -> set[str]:
    """Return the types of receivers that there are."""
    return {one.type for one in receivers}
