"""The advertising interfaces of Mini Program service providers (流量主代运营), a module per chapter of their documentation.

To add an interface: one frozen class (and its result) in its chapter and in the chapter's ``__all__``, the names in the chapter's row here,
one shortcut line in ``clients/_revenue.py``. Chapters load when one of their names is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue._lazy import lazy_names, names_in

if TYPE_CHECKING:
    from wxrevenue.ams.authorization import *
    from wxrevenue.ams.percentage import *
    from wxrevenue.ams.settlement import *

BASE_URL = "https://api.weixin.qq.com"
CHAPTERS = {
    "wxrevenue.ams.authorization": (
        "AuthorizerAccessToken ComponentAccessToken GetAuthorizerAccessToken GetComponentAccessToken StartPushTicket"
    ),
    "wxrevenue.ams.percentage": "GetShareRatio SetShareRatio ShareRatio",
    "wxrevenue.ams.settlement": "GetAgencySettlement Settlement SettlementPage SettlementStatus SlotRevenue yuan",
}
"""What each chapter exports."""

if not TYPE_CHECKING:
    __all__ = names_in(CHAPTERS)  # noqa: PLE0605  (the table has them once)
    __getattr__, __dir__ = lazy_names(__name__, CHAPTERS)
