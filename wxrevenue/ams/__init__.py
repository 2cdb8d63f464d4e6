"""The advertising interfaces of Mini Program service providers (流量主代运营).

There is a module per chapter of their documentation. To add an interface: one frozen class (and its
result) in its chapter and in the chapter's ``__all__``, the names in the chapter's row here, one
shortcut line in ``clients/_revenue.py``. Chapters load when one of their names is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue._lazy import lazy_names, names_in

if TYPE_CHECKING:
    from wxrevenue.ams._ad_row import *
    from wxrevenue.ams._adunit import *
    from wxrevenue.ams._authorization import *
    from wxrevenue.ams._blocked import *
    from wxrevenue.ams.ad_data import *
    from wxrevenue.ams.ad_units import *
    from wxrevenue.ams.authorization import *
    from wxrevenue.ams.block_lists import *
    from wxrevenue.ams.cover_ads import *
    from wxrevenue.ams.percentage import *
    from wxrevenue.ams.publisher import *
    from wxrevenue.ams.settlement import *

BASE_URL = "https://api.weixin.qq.com"
CHAPTERS = {
    "wxrevenue.ams._ad_row": "AdPage AdRow AdSummary",
    "wxrevenue.ams._adunit": (
        "AdSlot Adunit AdunitCode AdunitPage AdunitSize AdunitStatus CreatedAdunit TemplateType Tmpl TmplPage TmplType"
    ),
    "wxrevenue.ams._authorization": (
        "ADVERTISING_PERMISSION Authorization AuthorizerInfo AuthorizerList AuthorizerProfile FuncInfo "
        "FuncscopeCategory ListedAuthorizer PreauthCode authorization_url"
    ),
    "wxrevenue.ams._blocked": "AdvertiserType AmsCategory AmsCategoryBlackList BlackList BlackListOp BlockedApp",
    "wxrevenue.ams.ad_data": "GetAdposDetail GetAdposGeneral GetAgencyAdsDetail GetAgencyAdsStat",
    "wxrevenue.ams.ad_units": ("AgencyCreateAdunit AgencyGetTmplType AgencyUpdateAdunit GetAdunitCode GetAdunitList GetAgencyTmplIdList"),
    "wxrevenue.ams.authorization": (
        "AuthorizerAccessToken ComponentAccessToken CreatePreauthCode GetAuthorizerAccessToken "
        "GetAuthorizerInfo GetAuthorizerList GetComponentAccessToken QueryAuth StartPushTicket"
    ),
    "wxrevenue.ams.block_lists": ("BlockedAdvertiser GetAmsCategoryBlackList GetBlackList SetAmsCategoryBlackList SetBlackList"),
    "wxrevenue.ams.cover_ads": (
        "COVER_SCENES CoverAdposScene CoverAdposStatus CoverSwitch GetCoverAdposScene GetCoverAdposStatus "
        "SetCoverAdposScene SetCoverAdposStatus"
    ),
    "wxrevenue.ams.percentage": "GetCustomShareRatio GetShareRatio SetCustomShareRatio SetShareRatio ShareRatio",
    "wxrevenue.ams.publisher": "AgencyCheckCanOpenPublisher AgencyCreatePublisher PublisherCheck PublisherState",
    "wxrevenue.ams.settlement": ("GetAgencySettlement GetSettlement Settlement SettlementPage SettlementStatus SlotRevenue yuan"),
}
"""What each chapter exports."""

if not TYPE_CHECKING:
    __all__ = names_in(CHAPTERS)  # noqa: PLE0605  (the table has them once)
    __getattr__, __dir__ = lazy_names(__name__, CHAPTERS)
