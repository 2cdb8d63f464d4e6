"""Ad data (广告数据): what advertising brought, by day. Money is an ``int`` in fen (分, 1/100 yuan)."""

from __future__ import annotations

from typing import Any, ClassVar, Final, cast

import attrs

from wxrevenue._wire.request import STEERS, AmsRequest, Endpoint, Safety, TokenKind, text_between
from wxrevenue.ams._ad_row import AdPage
from wxrevenue.ams._checks import LARGEST_PAGE_SIZE, as_day, day, not_before_start, plain_text, slot_name, whole_number
from wxrevenue.errors import ApiError, ConfigurationError

__all__ = ["GetAdposDetail", "GetAdposGeneral", "GetAgencyAdsDetail", "GetAgencyAdsStat"]

_OPERATION: Final = "/wxa/operationams"
_PROVIDER: Final = "/wxa/getdefaultamsinfo"
_AUTHORIZER: Final = TokenKind.AUTHORIZER
_PAGE: Final = whole_number()
_PAGE_SIZE: Final = whole_number(most=LARGEST_PAGE_SIZE)
_MAYBE_SLOT: Final = attrs.validators.optional(slot_name)
_MAYBE_TEXT: Final = attrs.validators.optional(text_between(1, 128))
_KINDS: Final = (TokenKind.COMPONENT, TokenKind.AUTHORIZER)
_OF_OTHER_KIND: Final = frozenset({48001, 61014, 61015, 1736})
"""What the server says to a token of the wrong kind."""

LARGEST_DETAIL_PAGE: Final = 200
"""The most rows that a page of ``GetAgencyAdsDetail`` may have: the only maximum that the documents
name."""


class _OfEitherToken:
    """An endpoint of which the documents do not agree whose token it takes.

    The request's ``token`` says.
    """

    def __init__(self, **facts: Any) -> None:
        self._by_kind = {kind: Endpoint(token=kind, **facts) for kind in _KINDS}

    def __get__(self, request: Any, kind: type) -> Endpoint:
        return self._by_kind[TokenKind.COMPONENT if request is None else request.token]


def _token_kind(value: TokenKind | str) -> TokenKind:
    """Return, as an attrs converter, the kind of token; what is none is left for the validator."""
    found = next((kind for kind in _KINDS if value in (kind, kind.value)), value)
    return cast("TokenKind", found)


def _known_kind(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value not in _KINDS:
        raise ConfigurationError(f"{type(instance).__name__}.{attribute.name}: expected TokenKind.COMPONENT or TokenKind.AUTHORIZER")


def _advised(request: GetAgencyAdsStat | GetAgencyAdsDetail, outcome: Any) -> Any:
    """Return the outcome; a refusal of the token's kind says which other kind to try."""
    if isinstance(outcome, ApiError) and outcome.code in _OF_OTHER_KIND:
        other = "TokenKind.AUTHORIZER, authorizer_appid='wx…'" if request.token is TokenKind.COMPONENT else "TokenKind.COMPONENT"
        advice = (
            f"The documents do not agree whose token this interface takes; this call took the {request.token.value}'s: try token={other}."
        )
        outcome.solution = f"{advice} {outcome.solution or ''}".rstrip()
    return outcome


def _not_both(instance: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    _MAYBE_TEXT(instance, attribute, value)
    if value is not None and instance.ad_slot is not None:
        raise ConfigurationError(f"{type(instance).__name__}.{attribute.name}: expected ad_slot or ad_unit_id, got both")


@attrs.frozen
class GetAdposGeneral(AmsRequest[AdPage]):
    """Fetch one page of a Mini Program's ad data by slot and day, newest day first.

    WeChat page: ad-data/GetAdposGenenral (获取小程序广告汇总数据), so spelt; the action is, too.

    Args:
        start_date: first day, Beijing calendar: a ``datetime.date`` or a zero-padded
            ``'yyyy-mm-dd'``.
        end_date: last day, inclusive. Today is not complete.
        page: page number, from 1.
        page_size: rows per page, without a documented maximum.
        ad_slot: one kind of slot only, such as ``AdSlot.INTERSTITIAL``.
        authorizer_appid: the Mini Program.

    Returns:
        :class:`AdPage`, amounts in fen; ``publisher_income`` is the Mini Program's part.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        DecodeError: the answer is not what the page says.
        AgreementUnsignedError: the merchant has not signed (1735).
        AccountNotOpenError: the Mini Program is no publisher (1807, 2009), or the provider has no
            account (2056).
        ApiError: the server refused otherwise: -202, 1700, 1701, 1737.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path=_OPERATION, action="agency_get_adpos_genenral", token=_AUTHORIZER, safety=Safety.SAFE)

    page: int = attrs.field(default=1, validator=_PAGE, kw_only=True)
    page_size: int = attrs.field(default=20, validator=_PAGE_SIZE, kw_only=True)
    start_date: str = attrs.field(converter=as_day, validator=day)
    end_date: str = attrs.field(converter=as_day, validator=[day, not_before_start])
    ad_slot: str | None = attrs.field(default=None, converter=plain_text, validator=_MAYBE_SLOT, kw_only=True)

    def conclude(self, outcome: Any, *, repeated: bool) -> Any:  # noqa: ARG002  (it only reads)
        """Put the Mini Program's appid into the rows."""
        if isinstance(outcome, AdPage):
            outcome.fill_in(self.authorizer_appid)
        return outcome


@attrs.frozen
class GetAdposDetail(AmsRequest[AdPage]):
    """Fetch one page of a Mini Program's ad data by ad unit and day, newest day first.

    WeChat page: ad-data/GetAdposDetail (获取小程序广告细分数据).

    Args:
        start_date: first day, Beijing calendar: a ``datetime.date`` or a zero-padded
            ``'yyyy-mm-dd'``.
        end_date: last day, inclusive. Today is not complete.
        page: page number, from 1.
        page_size: rows per page, without a documented maximum.
        ad_slot: one kind of slot only, such as ``AdSlot.REWARD_VIDEO``; not together with
            ``ad_unit_id``.
        ad_unit_id: one ad unit only.
        authorizer_appid: the Mini Program.

    Returns:
        :class:`AdPage`, amounts in fen; ``publisher_income`` is the Mini Program's part.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        DecodeError: the answer is not what the page says.
        AgreementUnsignedError: the merchant has not signed (1735).
        AccountNotOpenError: the Mini Program is no publisher (1807, 2009), or the provider has no
            account (2056).
        ApiError: the server refused otherwise: -202, 1700, 1701, 1737.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path=_OPERATION, action="agency_get_adunit_general", token=_AUTHORIZER, safety=Safety.SAFE)

    page: int = attrs.field(default=1, validator=_PAGE, kw_only=True)
    page_size: int = attrs.field(default=20, validator=_PAGE_SIZE, kw_only=True)
    start_date: str = attrs.field(converter=as_day, validator=day)
    end_date: str = attrs.field(converter=as_day, validator=[day, not_before_start])
    ad_slot: str | None = attrs.field(default=None, converter=plain_text, validator=_MAYBE_SLOT, kw_only=True)
    ad_unit_id: str | None = attrs.field(default=None, validator=_not_both, kw_only=True)

    def conclude(self, outcome: Any, *, repeated: bool) -> Any:  # noqa: ARG002  (it only reads)
        """Put the Mini Program's appid into the rows."""
        if isinstance(outcome, AdPage):
            outcome.fill_in(self.authorizer_appid)
        return outcome


@attrs.frozen
class GetAgencyAdsStat(AmsRequest[AdPage]):
    """Fetch one page of the ad data of all the provider's Mini Programs, by slot and day.

    It cannot be asked for one of them.

    WeChat page: ad-data/GetAgencyAdsStat (获取服务商广告汇总数据). The page says that it takes an authorizer's
    token, programs in production send the component's: that is the default here.

    Args:
        start_date: first day, Beijing calendar: a ``datetime.date`` or a zero-padded
            ``'yyyy-mm-dd'``.
        end_date: last day, inclusive. Today is not complete.
        page: page number, from 1.
        page_size: rows per page; no maximum is documented.
        ad_slot: one kind of slot only. Without it, rows may stand for whole accounts and have no
            ``ad_slot``.
        token: whose token to send: ``TokenKind.COMPONENT``, or ``TokenKind.AUTHORIZER`` together
            with ``authorizer_appid``.
        authorizer_appid: the Mini Program whose token is sent, with ``TokenKind.AUTHORIZER`` only.

    Returns:
        :class:`AdPage`, amounts in fen; ``publisher_appid`` says which Mini Program.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        DecodeError: the answer is not what the page says.
        PermissionDeniedError: the token was of the wrong kind (48001): the error's ``solution``
            names the other one.
        AccountNotOpenError: the provider has no account (2056), or an account is no publisher
            (1807, 2009).
        ApiError: the server refused otherwise: -202, 1700, 1701, 1735, 1737.
    """

    endpoint: ClassVar[Endpoint] = _OfEitherToken(path=_PROVIDER, action="get_agency_ads_stat", safety=Safety.SAFE)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]

    page: int = attrs.field(default=1, validator=_PAGE, kw_only=True)
    page_size: int = attrs.field(default=20, validator=_PAGE_SIZE, kw_only=True)
    start_date: str = attrs.field(converter=as_day, validator=day)
    end_date: str = attrs.field(converter=as_day, validator=[day, not_before_start])
    ad_slot: str | None = attrs.field(default=None, converter=plain_text, validator=_MAYBE_SLOT, kw_only=True)
    token: TokenKind = attrs.field(default=TokenKind.COMPONENT, converter=_token_kind, validator=_known_kind, kw_only=True, metadata=STEERS)

    def conclude(self, outcome: Any, *, repeated: bool) -> Any:  # noqa: ARG002  (it only reads)
        """Say which other kind of token to try."""
        return _advised(self, outcome)


@attrs.frozen
class GetAgencyAdsDetail(AmsRequest[AdPage]):
    """Fetch one page of the ad data of all Mini Programs, by ad unit and day, newest day first.

    WeChat page: ad-data/GetAgencyAdsDetail (获取服务商广告明细数据). Whose token it takes is as open as with
    :class:`GetAgencyAdsStat`.

    Args:
        start_date: first day, Beijing calendar: a ``datetime.date`` or a zero-padded
            ``'yyyy-mm-dd'``.
        end_date: last day, inclusive. Today is not complete.
        page: page number, from 1.
        page_size: rows per page, at most 200.
        ad_slot: one kind of slot only.
        token: whose token to send: ``TokenKind.COMPONENT``, or ``TokenKind.AUTHORIZER`` together
            with ``authorizer_appid``.
        authorizer_appid: the Mini Program whose token is sent, with ``TokenKind.AUTHORIZER`` only.

    Returns:
        :class:`AdPage`, amounts in fen; ``appid`` says which Mini Program.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        DecodeError: the answer is not what the page says.
        PermissionDeniedError: the token was of the wrong kind (48001): the error's ``solution``
            names the other one.
        AccountNotOpenError: the provider has no account (2056), or an account is no publisher
            (1807, 2009).
        ApiError: the server refused otherwise: -202, 1700, 1701, 1735, 1737.
    """

    endpoint: ClassVar[Endpoint] = _OfEitherToken(path=_PROVIDER, action="get_agency_ads_detail", safety=Safety.SAFE)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]

    page: int = attrs.field(default=1, validator=_PAGE, kw_only=True)
    page_size: int = attrs.field(default=20, validator=whole_number(most=LARGEST_DETAIL_PAGE), kw_only=True)
    start_date: str = attrs.field(converter=as_day, validator=day)
    end_date: str = attrs.field(converter=as_day, validator=[day, not_before_start])
    ad_slot: str | None = attrs.field(default=None, converter=plain_text, validator=_MAYBE_SLOT, kw_only=True)
    token: TokenKind = attrs.field(default=TokenKind.COMPONENT, converter=_token_kind, validator=_known_kind, kw_only=True, metadata=STEERS)

    def conclude(self, outcome: Any, *, repeated: bool) -> Any:  # noqa: ARG002  (it only reads)
        """Say which other kind of token to try."""
        return _advised(self, outcome)
