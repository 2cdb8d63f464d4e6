"""What pages call things, in Chinese and in English."""

from __future__ import annotations

import unicodedata
from typing import Final, Literal, TypeAlias

from wxrevenue.errors import ConfigurationError

Lang: TypeAlias = Literal["zh", "en"]

_SLOTS: Final = {
    "SLOT_ID_WEAPP_BANNER": ("Banner", "banner"),
    "SLOT_ID_WEAPP_REWARD_VIDEO": ("激励视频", "rewarded video"),
    "SLOT_ID_WEAPP_INTERSTITIAL": ("插屏", "interstitial"),
    "SLOT_ID_WEAPP_VIDEO_FEEDS": ("视频广告", "video"),
    "SLOT_ID_WEAPP_VIDEO_BEGIN": ("视频贴片", "video pre-roll"),
    "SLOT_ID_WEAPP_COVER": ("封面", "cover"),
    "SLOT_ID_WEAPP_TEMPLATE": ("原生模板", "native template"),
    "SLOT_ID_WEAPP_BOX": ("格子", "grid"),
    "SLOT_ID_BIZ_BOTTOM": ("公众号底部", "account: bottom"),
    "SLOT_ID_BIZ_MID_CONTEXT": ("公众号文中", "account: in the text"),
    "SLOT_ID_BIZ_VIDEO_END": ("公众号视频后贴", "account: after a video"),
    "SLOT_ID_BIZ_SPONSOR": ("公众号互选", "account: sponsored"),
    "SLOT_ID_BIZ_CPS": ("公众号返佣商品", "account: commission"),
}
"""Slots in Chinese and English.

The words are those of WeChat's pages for Mini Programs, and of its sibling interface for accounts.
"""
_UNNAMED: Final = ("未注明广告位", "slot not named")


def checked_lang(where: str, lang: object) -> Lang:
    """Return the language.

    Raises:
        ConfigurationError: it is neither ``"zh"`` nor ``"en"``.
    """
    if lang == "zh":
        return "zh"
    if lang == "en":
        return "en"
    raise ConfigurationError(f"{where}: expected 'zh' or 'en'")


def slot_key(slot_id: str | None) -> str | None:
    """Return what makes slots the same one.

    It is the id without the blanks around it; ``None``: it has no name.
    """
    return (slot_id or "").strip() or None


def slot_name(slot_id: str | None, lang: Lang) -> str:
    """Return what people call an advertising slot.

    One that is not listed keeps the name that WeChat sends.
    """
    key = slot_key(slot_id)
    names = _UNNAMED if key is None else _SLOTS.get(key, (key, key))
    return names[lang == "en"]


def printable(text: str) -> str:
    """Return a str of WeChat's that cannot steer a terminal or a page.

    A character that cannot be printed is U+FFFD. Spaces of any width stay: Chinese names have
    U+3000, which Python calls unprintable.
    """
    return text if text.isprintable() else "".join(letter if _is_shown(letter) else "\ufffd" for letter in text)


def _is_shown(letter: str) -> bool:
    return letter.isprintable() or unicodedata.category(letter) == "Zs"
