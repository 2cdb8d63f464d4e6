"""Where bills can be downloaded.

``download_bill`` and ``download_refund_bill`` do both steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from wxrevenue._base.calendar import beijing_date
from wxrevenue._base.secret import Secret
from wxrevenue._wire.model import Model
from wxrevenue._wire.request import Endpoint, PayRequest, Safety
from wxrevenue.funds._checks import pay_id

if TYPE_CHECKING:
    from datetime import date

__all__ = ["BillDownloadUrl", "GetBillDownloadUrl", "GetRefundBillDownloadUrl"]

_PATH = "/v3/global/profit-sharing"
_OPTIONAL_ID = attrs.validators.optional(pay_id(32))


@attrs.define
class BillDownloadUrl(Model):
    """Where a bill lies, for 30 seconds.

    Args:
        download_url: it carries a token, and is never shown.
    """

    download_url: Secret


def _as_day(value: str | date) -> str:
    return beijing_date(value, "bill_date")


@attrs.frozen
class _OfDay(PayRequest[BillDownloadUrl]):
    """Asks for a bill of one day."""

    bill_date: str = attrs.field(converter=_as_day)
    sub_mchid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)


@attrs.frozen
class GetBillDownloadUrl(_OfDay):
    """Ask where the distribution bill of a day can be downloaded.

    WeChat page: Distribution bill, https://pay.weixin.qq.com/doc/global/v3/en/4012356938

    Args:
        bill_date: a Beijing calendar day of the last 90, ``datetime.date`` or ``'yyyy-mm-dd'``.
        sub_mchid: the sub-merchant; required for institutions, absent for direct merchants.

    Returns:
        :class:`BillDownloadUrl`, good for 30 seconds.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        ApiError: the server refused. The documents list no reasons.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        path=f"{_PATH}/bill-download-url", method="GET", action="get_bill_download_url", safety=Safety.SAFE
    )


@attrs.frozen
class GetRefundBillDownloadUrl(_OfDay):
    """Ask where the bill of a day's refunds of distributed orders can be downloaded.

    WeChat page: Refund bill, https://pay.weixin.qq.com/doc/global/v3/en/4012356941

    Args:
        bill_date: a Beijing calendar day of the last 90, ``datetime.date`` or ``'yyyy-mm-dd'``.
        sub_mchid: the sub-merchant; required for institutions, absent for direct merchants.

    Returns:
        :class:`BillDownloadUrl`, good for 30 seconds.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        ApiError: the server refused. The documents list no reasons.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        path=f"{_PATH}/refunds/bill-download-url", method="GET", action="get_refund_bill_download_url", safety=Safety.SAFE
    )
