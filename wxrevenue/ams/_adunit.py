"""What answers say of ad units (广告单元) and of the templates of native ones."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated, ClassVar, Final

import attrs

from wxrevenue._wire.model import Count, Model, Name, OpenEnum, Respelled, also_spelled, listed, number_in_text

if TYPE_CHECKING:
    from wxrevenue._base.json_types import JsonValue

__all__ = [
    "AdSlot",
    "Adunit",
    "AdunitCode",
    "AdunitPage",
    "AdunitSize",
    "AdunitStatus",
    "CreatedAdunit",
    "TemplateType",
    "Tmpl",
    "TmplPage",
    "TmplType",
]


class AdSlot(enum.StrEnum):
    """The kinds of places for advertising.

    Answers hold the plain text, so that a kind that is not listed survives.
    """

    BANNER = "SLOT_ID_WEAPP_BANNER"
    """小程序 banner; retired for new units."""
    REWARD_VIDEO = "SLOT_ID_WEAPP_REWARD_VIDEO"
    """激励视频."""
    INTERSTITIAL = "SLOT_ID_WEAPP_INTERSTITIAL"
    """插屏."""
    VIDEO_FEEDS = "SLOT_ID_WEAPP_VIDEO_FEEDS"
    """视频广告; retired for new units."""
    VIDEO_BEGIN = "SLOT_ID_WEAPP_VIDEO_BEGIN"
    """视频贴片."""
    COVER = "SLOT_ID_WEAPP_COVER"
    """封面; see ``ams/cover_ads.py``."""
    TEMPLATE = "SLOT_ID_WEAPP_TEMPLATE"
    """原生模板."""


class AdunitStatus(OpenEnum):
    """Whether an ad unit is on.

    Requests take the number or the str; answers have either. Open: a str that is not listed
    survives as 0 with that name.
    """

    ON = 1
    """``AD_UNIT_STATUS_ON``."""
    OFF = 2
    """``AD_UNIT_STATUS_OFF``."""

    @property
    def text(self) -> str:
        """How requests spell it."""
        return f"{_STATUS}{self.name}"


class TemplateType(OpenEnum):
    """How a native template ad looks.

    Those of ``OPEN_TEMPLATES`` may be set, the others only occur in answers.
    """

    BANNER_PICTURE_ABOVE = 2
    BANNER_TEXT_ABOVE = 3
    LANDSCAPE_OVERLAY_A = 4
    FULL_SCREEN = 5
    PORTRAIT_PICTURE_ABOVE = 6
    PORTRAIT_TEXT_ABOVE = 7
    BANNER_PICTURE_LEFT = 9
    BANNER_PICTURE_RIGHT = 10
    LANDSCAPE_OVERLAY_B = 11
    PORTRAIT_OVERLAY_A = 12
    PORTRAIT_OVERLAY_B = 13
    SPECIAL_14 = 14
    SPECIAL_15 = 15
    BANNER_PICTURE_ONLY = 20
    SPECIAL_23 = 23
    SINGLE_TILE = 100_001
    SINGLE_TILE_ANIMATED = 100_002
    TILES = 100_003
    TILES_CAROUSEL = 100_004
    MATRIX_SHOWN = 100_005
    MATRIX_TRIGGERED = 100_006


_STATUS: Final = "AD_UNIT_STATUS_"


def _status(value: JsonValue) -> object:
    """Return the status that came as a str.

    One that is not listed survives as 0 with that name.
    """
    found = number_in_text(value)
    if not isinstance(found, str):
        return found
    name = found.strip().removeprefix(_STATUS)
    if name in AdunitStatus.__members__:
        return AdunitStatus[name]
    unknown = AdunitStatus(0)
    unknown._name_ = name
    return unknown


@attrs.define
class CreatedAdunit(Model):
    """A new ad unit."""

    ad_unit_id: Name | None = None
    """Its id; was seen to be missing although the unit was made: look the name up with
    :class:`GetAdunitList`."""


@attrs.define
class TmplType(Model):
    """The template type of a native ad unit."""

    tmpl_type: Annotated[TemplateType | None, Respelled(number_in_text, usual=int)]
    """``None`` for a unit that has none."""


@attrs.define
class AdunitSize(Model):
    """The size of an ad unit."""

    height: Count | None = None
    width: Count | None = None


@attrs.define
class Adunit(Model):
    """An ad unit."""

    ad_unit_id: Name
    """Such as ``adunit-…``."""
    ad_slot: Name | None = None
    """One of :class:`AdSlot`, or another."""
    ad_unit_name: str | None = None
    ad_unit_size: Annotated[list[AdunitSize], Respelled(listed, usual=list)] = attrs.field(factory=list[AdunitSize])
    ad_unit_status: Annotated[AdunitStatus, Respelled(_status, usual=int)] | None = None
    ad_unit_type: Name | None = None
    """Such as ``AD_UNIT_TYPE_REWARED_VIDEO`` (so spelt)."""
    appid: Name | None = None
    """The Mini Program."""
    video_duration_min: Count | None = None
    """Seconds."""
    video_duration_max: Count | None = None
    """Seconds."""

    @property
    def key(self) -> str:
        """What tells it from other units: its id."""
        return self.ad_unit_id

    @property
    def supersedes(self) -> None:
        """Nothing: a unit's key stays."""

    def fingerprint(self) -> bytes:
        """Return bytes that change with anything in the row, the same in every process."""
        return repr((self, self.extra)).encode("utf-8", "surrogatepass")


@attrs.define
class AdunitPage(Model):
    """One page of ad units."""

    at_least_one: ClassVar[tuple[str, ...]] = ("ad_unit", "total_num")

    ad_unit: list[Adunit] = attrs.field(factory=list[Adunit])
    """The units, newest first."""
    total_num: Count | None = None
    """How many units there are."""

    @property
    def rows(self) -> list[Adunit]:
        """The units, as every paged answer calls its rows."""
        return self.ad_unit

    @property
    def total(self) -> int | None:
        """How many rows there are, as every paged answer calls it."""
        return self.total_num


@attrs.define
class Tmpl(Model):
    """A custom template of native ads, and the ad units that are bound to it."""

    tmpl_id: Name
    """Such as ``adunit-…``; ``-`` was seen where there is none."""
    ad_unit_name: str | None = None
    slot_id: Name | None = attrs.field(default=None, metadata=also_spelled("ad_slot"))
    """The slot's name; some answers call the field ``ad_slot``."""
    tmpl_bind_total_num: Count | None = None
    """How many ad units are bound to it."""
    tmpl_bind_list: list[Adunit] = attrs.field(factory=list[Adunit])
    """They, if they were asked for."""

    @property
    def key(self) -> str:
        """What tells it from other templates: its id."""
        return self.tmpl_id

    @property
    def supersedes(self) -> None:
        """Nothing: a template's key stays."""

    def fingerprint(self) -> bytes:
        """Return bytes that change with anything in the row, the same in every process."""
        return repr((self, self.extra, [unit.extra for unit in self.tmpl_bind_list])).encode("utf-8", "surrogatepass")


@attrs.define
class TmplPage(Model):
    """One page of custom templates."""

    at_least_one: ClassVar[tuple[str, ...]] = ("ad_unit_list", "total_num")

    ad_unit_list: list[Tmpl] = attrs.field(factory=list[Tmpl])
    """The templates, newest first."""
    total_num: Count | None = None
    """How many templates there are."""

    @property
    def rows(self) -> list[Tmpl]:
        """The templates, as every paged answer calls its rows."""
        return self.ad_unit_list

    @property
    def total(self) -> int | None:
        """How many rows there are, as every paged answer calls it."""
        return self.total_num


@attrs.define
class AdunitCode(Model):
    """What shows an ad unit in a page of the Mini Program."""

    code: str
    """Such as ``<ad unit-id="adunit-…"></ad>``."""
