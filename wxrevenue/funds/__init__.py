"""WeChat Pay's overseas funds distribution.

There is a module per chapter of its documentation. To add an interface: one frozen class (and its
result) in its chapter and in the chapter's ``__all__``, the names in the chapter's row here, one
shortcut line in ``clients/_funds.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue._lazy import lazy_names, names_in

if TYPE_CHECKING:
    from wxrevenue.funds._bill import *
    from wxrevenue.funds._order import *
    from wxrevenue.funds.balances import *
    from wxrevenue.funds.bills import *
    from wxrevenue.funds.files import *
    from wxrevenue.funds.mark import *
    from wxrevenue.funds.orders import *
    from wxrevenue.funds.receivers import *
    from wxrevenue.funds.refunds import *
    from wxrevenue.funds.settlements import *

BASE_URL = "https://apihk.mch.weixin.qq.com"
CHAPTERS = {
    "wxrevenue.funds._bill": "BillRow",
    "wxrevenue.funds._order": "DistributionOrder DistributionReceiver DistributionResult DistributionState ReceiverResult",
    "wxrevenue.funds.balances": (
        "QueryRechargeBalance QueryRefundableAmount QueryRefundableBalance QueryRemainingAmount RechargeBalance RefundableAmount "
        "RefundableBalance RemainingAmount"
    ),
    "wxrevenue.funds.bills": "BillDownloadUrl GetBillDownloadUrl GetRefundBillDownloadUrl",
    "wxrevenue.funds.files": "UploadFile UploadedFile",
    "wxrevenue.funds.mark": "MarkTransaction",
    "wxrevenue.funds.orders": "QueryDistribution RequestDistribution UnfreezeRemainingFunds",
    "wxrevenue.funds.receivers": ("AddReceiver AddedReceiver DeleteReceiver QueryReceiver ReceiverState ReceiverType RelationType"),
    "wxrevenue.funds.refunds": (
        "ExchangeRate QueryRefund QueryRefunds Refund RefundAmount RefundList RefundStatus RefundedAmount RequestRefund"
    ),
    "wxrevenue.funds.settlements": "QuerySettlementDetails SettleState SettlementAmount SettlementDetail SettlementDetails",
}
"""What each chapter exports."""

if not TYPE_CHECKING:
    __all__ = names_in(CHAPTERS)  # noqa: PLE0605  (the table has them once)
    __getattr__, __dir__ = lazy_names(__name__, CHAPTERS)
