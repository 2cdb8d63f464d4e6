"""The advertising interfaces of Mini Program service providers (流量主代运营), a module per chapter of their documentation.

To add an interface: one frozen class (and its result) in its chapter, one line in the chapter's row here, one shortcut line in
``clients/_revenue.py``. Chapters load when one of their names is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue._lazy import lazy_names

if TYPE_CHECKING:
    from wxrevenue.ams.authorization import (
        AuthorizerAccessToken,
        ComponentAccessToken,
        GetAuthorizerAccessToken,
        GetComponentAccessToken,
        StartPushTicket,
    )
    from wxrevenue.ams.percentage import GetShareRatio, SetShareRatio, ShareRatio
    from wxrevenue.ams.settlement import GetAgencySettlement, Settlement, SettlementPage, SettlementStatus, SlotRevenue, yuan

__all__ = [
    "BASE_URL",
    "AuthorizerAccessToken",
    "ComponentAccessToken",
    "GetAgencySettlement",
    "GetAuthorizerAccessToken",
    "GetComponentAccessToken",
    "GetShareRatio",
    "SetShareRatio",
    "Settlement",
    "SettlementPage",
    "SettlementStatus",
    "ShareRatio",
    "SlotRevenue",
    "StartPushTicket",
    "yuan",
]

BASE_URL = "https://api.weixin.qq.com"

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "wxrevenue.ams.authorization": (
            "AuthorizerAccessToken ComponentAccessToken GetAuthorizerAccessToken GetComponentAccessToken StartPushTicket"
        ),
        "wxrevenue.ams.percentage": "GetShareRatio SetShareRatio ShareRatio",
        "wxrevenue.ams.settlement": "GetAgencySettlement Settlement SettlementPage SettlementStatus SlotRevenue yuan",
    },
)
