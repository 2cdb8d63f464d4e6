"""What WeChat Pay has settled, or will settle.

The distribution business apart from the rest.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, ClassVar

import attrs
import orjson

from wxrevenue._base import checks
from wxrevenue._base.calendar import beijing_date
from wxrevenue._wire.model import Count, DisplayText, Model
from wxrevenue._wire.request import Endpoint, PayRequest, Safety, sent_as, written_as
from wxrevenue.errors import ConfigurationError
from wxrevenue.funds._checks import choice, pay_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

__all__ = ["QuerySettlementDetails", "SettleState", "SettlementAmount", "SettlementDetail", "SettlementDetails"]

LARGEST_PAGE = 1000
"""Rows above which a ``limit`` is surely a mistake; the documents name no maximum."""


class SettleState(enum.StrEnum):
    """Which settlements are asked for."""

    SETTLED = "SETTLED"
    UNSETTLE = "UNSETTLE"
    """Not settled yet; so spelt."""


@attrs.define
class SettlementAmount(Model):
    """Amounts of a settlement, in the smallest unit of ``currency``.

    Args:
        settled: what was settled.
        unsettle: what is not settled yet.
        currency: of all of these.
        pay: payments.
        refund: refunds.
        net: payments less refunds.
        fee: fees.
    """

    settled: int | None = None
    unsettle: int | None = None
    currency: DisplayText | None = None
    pay: int | None = None
    refund: int | None = None
    net: int | None = None
    fee: int | None = None


@attrs.define
class SettlementDetail(Model):
    """One settlement.

    Args:
        batch_id: its number; what is not settled may have none.
        settlement_date: its day, as the server has it.
        trade_start_date: the first day of its payments.
        trade_end_date: the last day.
        amount: all of it.
        split_amount: the distribution business in it.
        wallet_region: ``CHINA_MAINLAND``, ``CHINA_HONGKONG``, or another text.
    """

    batch_id: DisplayText | None = None
    settlement_date: DisplayText | None = None
    trade_start_date: DisplayText | None = None
    trade_end_date: DisplayText | None = None
    amount: SettlementAmount | None = None
    split_amount: SettlementAmount | None = None
    wallet_region: DisplayText | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from others."""
        return self.batch_id or "", self.trade_start_date or "", self.trade_end_date or "", self.wallet_region or ""

    @property
    def supersedes(self) -> None:
        """Nothing: its key does not change."""

    def fingerprint(self) -> bytes:
        """Return bytes that differ when its content does."""
        return orjson.dumps(attrs.asdict(self), option=orjson.OPT_SORT_KEYS)


@attrs.define
class SettlementDetails(Model):
    """A page of settlements.

    Args:
        data: the settlements.
        total_count: how many there are in all.
        offset: how many come before this page.
        limit: how many a page has.
    """

    at_least_one: ClassVar[tuple[str, ...]] = ("data", "total_count")

    data: list[SettlementDetail] = attrs.field(factory=list[SettlementDetail])
    total_count: Count | None = None
    offset: Count | None = None
    limit: Count | None = None

    @property
    def rows(self) -> Sequence[SettlementDetail]:
        """The settlements of this page."""
        return self.data

    @property
    def total(self) -> int | None:
        """How many there are in all."""
        return self.total_count


def _as_day(value: str | date) -> str:
    return beijing_date(value, "a day of QuerySettlementDetails")


def _compact(day: str) -> str:
    return day.replace("-", "")


@attrs.frozen(kw_only=True)
class QuerySettlementDetails(PayRequest[SettlementDetails]):
    """Ask for a page of settlements. ``iter_settlement_details`` reads all pages.

    WeChat page: Settlement details, https://pay.weixin.qq.com/doc/global/v3/en/4012356952

    Args:
        settle_state: one of :class:`SettleState`.
        start_date: the first day of settlement, ``datetime.date`` or ``'yyyy-mm-dd'``.
        end_date: the last day, inclusive.
        offset: how many settlements to leave out at the beginning.
        limit: how many to return, 1 to 1000.
        sub_mchid: the sub-merchant; required for institutions, absent for direct merchants.

    Returns:
        :class:`SettlementDetails`.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        ApiError: the server refused.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        path="/v3/global/settle/settlements", method="GET", action="query_settlement_details", safety=Safety.SAFE
    )

    settle_state: str = attrs.field(validator=choice(SettleState))
    start_date: str = attrs.field(converter=_as_day, metadata={**sent_as("settle_start_date"), **written_as(_compact)})
    end_date: str = attrs.field(converter=_as_day, metadata={**sent_as("settle_end_date"), **written_as(_compact)})
    offset: int = 0
    limit: int = 100
    sub_mchid: str | None = attrs.field(default=None, validator=attrs.validators.optional(pay_id(32)))

    def __attrs_post_init__(self) -> None:
        checks.number("QuerySettlementDetails.offset", self.offset, range(10**9))
        checks.number("QuerySettlementDetails.limit", self.limit, range(1, LARGEST_PAGE + 1))
        if self.end_date < self.start_date:
            raise ConfigurationError("QuerySettlementDetails.end_date: expected start_date or a later day")
