"""Which advertisers and industries can be blocked.

Also what answers say of those that are blocked.
"""

from __future__ import annotations

import enum
from typing import Annotated, TypeAlias

import attrs

from wxrevenue._base.json_types import is_object
from wxrevenue._wire.model import Model, Respelled, also_spelled

__all__ = ["AdvertiserType", "AmsCategory", "AmsCategoryBlackList", "BlackList", "BlackListOp", "BlockedApp"]


class AdvertiserType(enum.IntEnum):
    """The kinds of advertisers that can be blocked, and what their ``id`` is."""

    OFFICIAL_ACCOUNT = 1
    """公众号, at most 20; its WeChat id (the sample has a ``gh_…`` original id)."""
    IOS_APP = 2
    """At most 10; its App Store id."""
    ANDROID_APP = 3
    """At most 10; its package name in Tencent's store."""
    MINI_PROGRAM = 4
    """小程序 or 小游戏, at most 20; its original id."""


class BlackListOp(enum.IntEnum):
    """What becomes of the advertisers."""

    SET = 1
    """They are blocked, beside those that are."""
    DELETE = 2
    """They are blocked no more."""


class AmsCategory(enum.StrEnum):
    """The industries that can be blocked.

    Answers hold the plain text, so that one that is not listed survives.
    """

    CHESS = "CHESS"
    """棋牌, board games."""
    ADULT_SUPPLIES = "ADULT_SUPPLIES"
    MEDICAL_HEALTH = "MEDICAL_HEALTH"
    INSURANCE = "INSURANCE"
    SECURITES = "SECURITES"
    """Securities; so spelt."""
    LOAN = "LOAN"
    LIVING_SERVICES_BEAUTY = "LIVING_SERVICES_BEAUTY"
    LIVING_SERVICES_ENTERTAINMENT = "LIVING_SERVICES_ENTERTAINMENT"
    LIVING_SERVICES_OTHERS = "LIVING_SERVICES_OTHERS"
    FOOD_INDUSTRY = "FOOD_INDUSTRY"
    """Catering."""
    RETAIL_AND_GENERAL_MERCHANDISE = "RETAIL_AND_GENERAL_MERCHANDISE"
    FOOD_AND_DRINK = "FOOD_AND_DRINK"
    TECHNICAL_SERVICE = "TECHNICAL_SERVICE"
    """Telecoms and IT."""


def _in_item(value: object) -> object:
    """Return the array that a table of the documents puts below ``item``."""
    inner = value.get("item", value) if is_object(value) else value
    return [inner] if is_object(inner) else inner


def _text_of_number(value: object) -> object:
    return str(value) if type(value) is int else value


@attrs.define
class BlockedApp(Model):
    """An advertiser that is blocked."""

    id: Annotated[str, Respelled(_text_of_number, usual=str)]
    """What :class:`SetBlackList` takes."""
    name: str | None = None
    icon: str | None = attrs.field(default=None, metadata=also_spelled("url"))
    """A URL; some documents call the field ``url``."""


_Apps: TypeAlias = Annotated[list[BlockedApp], Respelled(_in_item, usual=list)]


@attrs.define
class BlackList(Model):
    """The advertisers that are blocked.

    A kind of which there are none may be missing in the answer.
    """

    blacklist_biz: _Apps = attrs.field(factory=list[BlockedApp])
    """Official accounts."""
    blacklist_weapp: _Apps = attrs.field(factory=list[BlockedApp])
    """Mini Programs and games."""
    blacklist_ios: _Apps = attrs.field(factory=list[BlockedApp])
    """iOS apps."""
    blacklist_android: _Apps = attrs.field(factory=list[BlockedApp])
    """Android apps."""


def _categories(value: object) -> object:
    return [name for part in value.split("|") if (name := part.strip())] if type(value) is str else value


@attrs.define
class AmsCategoryBlackList(Model):
    """The industries that are blocked."""

    ams_category: Annotated[list[str], Respelled(_categories, usual=list)]
    """Of :class:`AmsCategory`, or others. On the wire a str with vertical bars."""
