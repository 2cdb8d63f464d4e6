"""Where a half-month's settlement stands (sett_status), and what people call that."""

from __future__ import annotations

from typing import Final, Literal

from wxrevenue._wire.model import OpenEnum
from wxrevenue.errors import ConfigurationError


class SettlementStatus(OpenEnum):
    """Where a half-month's settlement stands.

    Open: a number that is not listed survives as ``UNKNOWN_<number>``.
    """

    SETTLING = 1
    """结算中: the amount may still change."""
    SETTLED = 2
    """已结算."""
    SETTLED_3 = 3
    """已结算, the page's second number for the same."""
    PAYING = 4
    """付款中."""
    PAID = 5
    """已付款."""

    def label(self, lang: Literal["zh", "en"] = "zh") -> str:
        """Return what people call it, in Chinese or in English.

        A number that is not listed keeps it.

        Raises:
            ConfigurationError: ``lang`` is neither ``"zh"`` nor ``"en"``.
        """
        if lang not in _STATUS_LABELS:
            raise ConfigurationError("SettlementStatus.label.lang: expected 'zh' or 'en'")
        known, other = _STATUS_LABELS[lang]
        return known[self - 1] if self in range(1, len(known) + 1) else other.format(int(self))


_STATUS_LABELS: Final = {
    "zh": (("结算中", "已结算", "已结算", "付款中", "已付款"), "状态 {}"),
    "en": (("settling", "settled", "settled", "paying", "paid"), "status {}"),
}
"""The words of status 1 to 5 (in Chinese the documents' own), and of any other."""
