"""Ad units (广告单元).

They show advertising in a Mini Program. Also the templates of native ones.
"""

from __future__ import annotations

from typing import ClassVar, Final, TypeVar

import attrs

from wxrevenue._wire.request import AmsRequest, Endpoint, Safety, text_between
from wxrevenue.ams._adunit import AdSlot, AdunitCode, AdunitPage, AdunitStatus, CreatedAdunit, TmplPage, TmplType
from wxrevenue.ams._checks import LARGEST_PAGE_SIZE, one_of_numbers, plain_text, slot_name, whole_number
from wxrevenue.ams._endpoints import operation
from wxrevenue.errors import ConfigurationError, one_of

T = TypeVar("T")

__all__ = ["AgencyCreateAdunit", "AgencyGetTmplType", "AgencyUpdateAdunit", "GetAdunitCode", "GetAdunitList", "GetAgencyTmplIdList"]

_TEXT: Final = text_between(1, 128)
_MAYBE_TEXT: Final = attrs.validators.optional(_TEXT)
_MAYBE_SLOT: Final = attrs.validators.optional(slot_name)
_PAGE: Final = whole_number()
_PAGE_SIZE: Final = whole_number(most=LARGEST_PAGE_SIZE)

SHORTEST_VIDEOS: Final = frozenset({6})
"""Seconds: the minima that a rewarded video may have."""
LONGEST_VIDEOS: Final = frozenset({15, 30, 60, 86_400})
"""Seconds: the maxima that a rewarded video may have; 86400 stands for no limit."""
REWARDS: Final = frozenset({15, 30})
"""Seconds after which a rewarded video may unlock its reward."""
OPEN_TEMPLATES: Final = frozenset({2, 3, 4, 6, 7, 9, 10, 11, 12, 13, 20, 100_001, 100_003})
"""The template types that may be set.

Answers have further ones, see :class:`TemplateType`.
"""
_SHORTEST: Final = attrs.validators.optional(one_of_numbers(SHORTEST_VIDEOS))
_LONGEST: Final = attrs.validators.optional(one_of_numbers(LONGEST_VIDEOS))
_REWARD: Final = attrs.validators.optional(one_of_numbers(REWARDS))
_TEMPLATE: Final = attrs.validators.optional(one_of_numbers(OPEN_TEMPLATES))
_STATUS_TEXTS: Final = tuple(status.text for status in AdunitStatus)


def _one_template(instance: AgencyCreateAdunit | AgencyUpdateAdunit, attribute: attrs.Attribute[str | None], value: str | None) -> None:
    _MAYBE_TEXT(instance, attribute, value)
    where = f"{type(instance).__name__}.{attribute.name}"
    if value is not None and instance.tmpl_type is not None:
        raise ConfigurationError(f"{where}: expected tmpl_type or tmpl_id, got both")
    if value is None and instance.tmpl_type is None and getattr(instance, "type", None) == AdSlot.TEMPLATE:
        raise ConfigurationError(f"{where}: expected tmpl_type or tmpl_id, got neither: {AdSlot.TEMPLATE} needs one")


def _status_text(value: AdunitStatus | int | str) -> str:
    """Return, as an attrs converter, a status as requests spell it.

    What is none is left for the validator.
    """
    return AdunitStatus(value).text if type(value) in {int, AdunitStatus} and value in set(AdunitStatus) else value  # type: ignore[return-value]


def _status(instance: object, attribute: attrs.Attribute[T], value: T) -> None:
    if value not in _STATUS_TEXTS:
        raise ConfigurationError(
            f"{type(instance).__name__}.{attribute.name}: expected {one_of(_STATUS_TEXTS)}, or AdunitStatus.ON or .OFF"
        )


def _flag(value: bool | int | None) -> int | None:  # noqa: FBT001  (an attrs converter)
    return int(value) if isinstance(value, bool) else value


@attrs.frozen
class AgencyCreateAdunit(AmsRequest[CreatedAdunit]):
    """Make an ad unit.

    WeChat page: ad-mgnt/AgencyCreateAdunit (创建广告单元). Doing it twice may make two units
    (``UNSAFE``): after a lost answer nothing is repeated; look the name up with
    :class:`GetAdunitList`.

    Args:
        name: the unit's name, 1 to 128 characters.
        type: the kind of slot, one of :class:`AdSlot` or another ``SLOT_ID_…`` name.
        video_duration_min: seconds, for a rewarded video: 6.
        video_duration_max: seconds, for a rewarded video: 15, 30, 60, or 86400 for no limit.
        tmpl_type: how a native template ad looks, one of ``OPEN_TEMPLATES``.
        tmpl_id: instead of ``tmpl_type``, a custom template's id, from
            :class:`GetAgencyTmplIdList`. A native template ad needs exactly one of the two, any
            other unit takes one at most.
        unlock_reward_duration: seconds after which a rewarded video unlocks its reward: 15 or 30.
            Newer pages have it in place of the two durations.
        authorizer_appid: the Mini Program.

    Returns:
        :class:`CreatedAdunit`.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        OutcomeUnknownError: the answer was lost, so that it is unknown whether the unit was made.
        AgreementUnsignedError: the merchant has not signed (1735).
        AccountNotOpenError: the Mini Program is not a publisher (1807, 2009), or the provider has
            no account (2056).
        ApiError: the server refused otherwise: 1803 (there is a unit of this name), -202, 1700,
            1701, 1737.
    """

    endpoint: ClassVar[Endpoint] = operation("agency_create_adunit", Safety.UNSAFE)

    name: str = attrs.field(validator=_TEXT)
    type: str = attrs.field(converter=plain_text, validator=slot_name, kw_only=True)
    video_duration_min: int | None = attrs.field(default=None, validator=_SHORTEST, kw_only=True)
    video_duration_max: int | None = attrs.field(default=None, validator=_LONGEST, kw_only=True)
    tmpl_type: int | None = attrs.field(default=None, validator=_TEMPLATE, kw_only=True)
    tmpl_id: str | None = attrs.field(default=None, validator=_one_template, kw_only=True)
    unlock_reward_duration: int | None = attrs.field(default=None, validator=_REWARD, kw_only=True)


@attrs.frozen
class AgencyUpdateAdunit(AmsRequest[None]):
    """Rename an ad unit, turn it on or off, or give it another duration or template.

    WeChat page: ad-mgnt/AgencyUpdateAdunit (更新广告单元). Setting values twice is setting them once
    (``REPEATABLE``).

    Args:
        name: the unit's name, 1 to 128 characters.
        ad_unit_id: the unit.
        status: ``AdunitStatus.ON`` or ``.OFF``, or ``'AD_UNIT_STATUS_ON'`` or
            ``'AD_UNIT_STATUS_OFF'``.
        video_duration_min: as in :class:`AgencyCreateAdunit`.
        video_duration_max: as in :class:`AgencyCreateAdunit`.
        tmpl_type: as in :class:`AgencyCreateAdunit`; not together with ``tmpl_id``.
        tmpl_id: as in :class:`AgencyCreateAdunit`.
        unlock_reward_duration: as in :class:`AgencyCreateAdunit`.
        authorizer_appid: the Mini Program.

    Returns:
        Nothing.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        OutcomeUnknownError: answers stayed lost, so that it is unknown whether the unit was
            changed.
        AgreementUnsignedError: the merchant has not signed (1735).
        AccountNotOpenError: the Mini Program is not a publisher (1807, 2009), or the provider has
            no account (2056).
        ApiError: the server refused otherwise: 1803 (there is a unit of this name), -202, 1700,
            1701, 1737.
    """

    endpoint: ClassVar[Endpoint] = operation("agency_update_adunit", Safety.REPEATABLE)

    name: str = attrs.field(validator=_TEXT)
    ad_unit_id: str = attrs.field(validator=_TEXT, kw_only=True)
    status: str = attrs.field(converter=_status_text, validator=_status, kw_only=True)
    video_duration_min: int | None = attrs.field(default=None, validator=_SHORTEST, kw_only=True)
    video_duration_max: int | None = attrs.field(default=None, validator=_LONGEST, kw_only=True)
    tmpl_type: int | None = attrs.field(default=None, validator=_TEMPLATE, kw_only=True)
    tmpl_id: str | None = attrs.field(default=None, validator=_one_template, kw_only=True)
    unlock_reward_duration: int | None = attrs.field(default=None, validator=_REWARD, kw_only=True)


@attrs.frozen
class AgencyGetTmplType(AmsRequest[TmplType]):
    """Ask which template a native ad unit has.

    WeChat page: ad-mgnt/AgencyGetTmplType (获取原生模板广告模板类型).

    Args:
        ad_unit_id: the unit.
        authorizer_appid: the Mini Program.

    Returns:
        :class:`TmplType`.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        AgreementUnsignedError: the merchant has not signed (1735).
        AccountNotOpenError: the Mini Program is not a publisher (1807, 2009), or the provider has
            no account (2056).
        ApiError: the server refused otherwise: -202, 1700, 1701, 1737.
    """

    endpoint: ClassVar[Endpoint] = operation("agency_get_tmpl_type", Safety.SAFE)

    ad_unit_id: str = attrs.field(validator=_TEXT)


@attrs.frozen
class GetAgencyTmplIdList(AmsRequest[TmplPage]):
    """Fetch one page of the custom templates of native ads, newest first.

    WeChat page: ad-mgnt/GetAgencyTmplIdList (获取原生模板广告自定义模板绑定情况).

    Args:
        ad_slot: the kind of slot, ``AdSlot.TEMPLATE``.
        page: page number, from 1.
        page_size: rows per page; no maximum is documented, 100 is known to work.
        tmpl_id: one template only.
        is_return_tmpl_bind_list: whether the ad units that are bound to each are listed, too: a
            bool, or 1 or 0.
        authorizer_appid: the Mini Program.

    Returns:
        :class:`TmplPage`.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        AgreementUnsignedError: the merchant has not signed (1735).
        AccountNotOpenError: the Mini Program is not a publisher (1807, 2009), or the provider has
            no account (2056).
        ApiError: the server refused otherwise: -202, 1700, 1701, 1737.
    """

    endpoint: ClassVar[Endpoint] = operation("get_agency_ad_unit_list", Safety.SAFE)

    page: int = attrs.field(default=1, validator=_PAGE, kw_only=True)
    page_size: int = attrs.field(default=20, validator=_PAGE_SIZE, kw_only=True)
    ad_slot: str = attrs.field(converter=plain_text, validator=slot_name)
    tmpl_id: str | None = attrs.field(default=None, validator=_MAYBE_TEXT, kw_only=True)
    is_return_tmpl_bind_list: int | None = attrs.field(
        default=None, converter=_flag, validator=attrs.validators.optional(one_of_numbers({0, 1})), kw_only=True
    )


@attrs.frozen
class GetAdunitList(AmsRequest[AdunitPage]):
    """Fetch one page of a Mini Program's ad units, newest first.

    Cover ads are not among them.

    WeChat page: ad-mgnt/GetAdunitList (获取广告位或指定广告单元的信息).

    Args:
        page: page number, from 1.
        page_size: rows per page; no maximum is documented, 100 is known to work.
        ad_unit_id: one unit only.
        ad_slot: one kind of slot only.
        authorizer_appid: the Mini Program.

    Returns:
        :class:`AdunitPage`.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        AgreementUnsignedError: the merchant has not signed (1735).
        AccountNotOpenError: the Mini Program is not a publisher (1807, 2009), or the provider has
            no account (2056).
        ApiError: the server refused otherwise: -202, 1700, 1701, 1737.
    """

    endpoint: ClassVar[Endpoint] = operation("agency_get_adunit_list", Safety.SAFE)

    page: int = attrs.field(default=1, validator=_PAGE)
    page_size: int = attrs.field(default=20, validator=_PAGE_SIZE, kw_only=True)
    ad_unit_id: str | None = attrs.field(default=None, validator=_MAYBE_TEXT, kw_only=True)
    ad_slot: str | None = attrs.field(default=None, converter=plain_text, validator=_MAYBE_SLOT, kw_only=True)


@attrs.frozen
class GetAdunitCode(AmsRequest[AdunitCode]):
    """Ask for the code that shows an ad unit in a page of the Mini Program.

    WeChat page: ad-mgnt/GetAdunitCode (获取广告单元代码).

    Args:
        ad_unit_id: the unit.
        authorizer_appid: the Mini Program.

    Returns:
        :class:`AdunitCode`.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        AgreementUnsignedError: the merchant has not signed (1735).
        AccountNotOpenError: the Mini Program is not a publisher (1807, 2009), or the provider has
            no account (2056).
        ApiError: the server refused otherwise: -202, 1700, 1701, 1737.
    """

    endpoint: ClassVar[Endpoint] = operation("agency_get_adunit_code", Safety.SAFE)

    ad_unit_id: str = attrs.field(validator=_TEXT)
