"""Ad data (广告数据): what advertising brought, by day.

Money is an ``int`` in fen (分, 1/100 yuan).
"""

from __future__ import annotations

from typing import ClassVar, Final, TypeVar, cast

import attrs

from wxrevenue._wire.request import STEERS, AmsRequest, Endpoint, Safety, TokenKind, text_between
from wxrevenue.ams._ad_row import AdPage
from wxrevenue.ams._checks import LARGEST_PAGE_SIZE, as_day, day, day_not_before_start, plain_text, slot_name, whole_number
from wxrevenue.ams._endpoints import operation
from wxrevenue.errors import ApiError, ConfigurationError, WxRevenueError

T = TypeVar("T")

__all__ = ["GetAdposDetail", "GetAdposGeneral", "GetAgencyAdsDetail", "GetAgencyAdsStat"]

_PROVIDER: Final = "/wxa/getdefaultamsinfo"
_MAYBE_SLOT: Final = attrs.validators.optional(slot_name)
_MAYBE_TEXT: Final = attrs.validators.optional(text_between(1, 128))
_KINDS: Final = (TokenKind.COMPONENT, TokenKind.AUTHORIZER)
_OF_OTHER_KIND: Final = frozenset({48001, 61014, 61015, 1736})
"""What the server says to a token of the wrong kind."""

LARGEST_DETAIL_PAGE: Final = 200
"""Rows that a page of ``GetAgencyAdsDetail`` may have at most.

It is the only maximum that the documents name.
"""


class _OfEitherToken:
    """An endpoint of which the documents do not agree whose token it takes.

    The request's ``token`` says.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._by_kind = {kind: attrs.evolve(endpoint, token=kind) for kind in _KINDS}

    def __get__(self, request: _OfProvider | None, kind: type) -> Endpoint:
        return self._by_kind[TokenKind.COMPONENT if request is None else request.token]


def _token_kind(value: TokenKind | str) -> TokenKind:
    """Return the kind of token; any other value is left for the validator.

    It is an attrs converter.
    """
    found = next((kind for kind in _KINDS if value in (kind, kind.value)), value)
    return cast("TokenKind", found)


def _known_kind(instance: object, attribute: attrs.Attribute[T], value: T) -> None:
    if value not in _KINDS:
        raise ConfigurationError(f"{type(instance).__name__}.{attribute.name}: expected TokenKind.COMPONENT or TokenKind.AUTHORIZER")


def _not_both(instance: _AdRequest, attribute: attrs.Attribute[str | None], value: str | None) -> None:
    _MAYBE_TEXT(instance, attribute, value)
    if value is not None and instance.ad_slot is not None:
        raise ConfigurationError(f"{type(instance).__name__}.{attribute.name}: expected ad_slot or ad_unit_id, got both")


def _page_size(instance: _AdRequest, attribute: attrs.Attribute[T], value: T) -> None:
    whole_number(most=instance.largest_page)(instance, attribute, value)


@attrs.frozen
class _AdRequest(AmsRequest[AdPage]):
    """What all four ask for: a page of some days, of one kind of slot if wanted."""

    largest_page: ClassVar[int] = LARGEST_PAGE_SIZE

    page: int = attrs.field(default=1, validator=whole_number(), kw_only=True)
    page_size: int = attrs.field(default=20, validator=_page_size, kw_only=True)
    start_date: str = attrs.field(converter=as_day, validator=day)
    end_date: str = attrs.field(converter=as_day, validator=day_not_before_start)
    ad_slot: str | None = attrs.field(default=None, converter=plain_text, validator=_MAYBE_SLOT, kw_only=True)


@attrs.frozen
class _OfProgram(_AdRequest):
    """The ad data of one Mini Program."""

    def conclude(self, outcome: AdPage | WxRevenueError, *, repeated: bool) -> AdPage | WxRevenueError:  # noqa: ARG002  (it only reads)
        """Put in what the rows leave out, and the income's newer name."""
        if isinstance(outcome, AdPage):
            outcome.fill_in(self.authorizer_appid, self.ad_slot, (self.start_date, self.end_date))
            outcome.name_income()
        return outcome


@attrs.frozen
class _OfProvider(_AdRequest):
    """The ad data of all Mini Programs."""

    token: TokenKind = attrs.field(default=TokenKind.COMPONENT, converter=_token_kind, validator=_known_kind, kw_only=True, metadata=STEERS)

    def conclude(self, outcome: AdPage | WxRevenueError, *, repeated: bool) -> AdPage | WxRevenueError:  # noqa: ARG002  (it only reads)
        """Put in what the rows leave out.

        After a refusal, say which other kind of token to try.
        """
        if isinstance(outcome, AdPage):
            outcome.fill_in(None, self.ad_slot, (self.start_date, self.end_date))
        elif isinstance(outcome, ApiError) and outcome.code in _OF_OTHER_KIND:
            other = "TokenKind.AUTHORIZER, authorizer_appid='wx…'" if self.token is TokenKind.COMPONENT else "TokenKind.COMPONENT"
            advice = (
                f"The documents do not agree whose token this interface takes; this call took the {self.token.value}'s: try token={other}."
            )
            outcome.solution = f"{advice} {outcome.solution}"
        return outcome


@attrs.frozen
class GetAdposGeneral(_OfProgram):
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
        AccountNotOpenError: the Mini Program is not a publisher (1807, 2009), or the provider has
            no account (2056).
        ApiError: the server refused otherwise: -202, 1700, 1701, 1737.
    """

    endpoint: ClassVar[Endpoint] = operation("agency_get_adpos_genenral", Safety.SAFE)


@attrs.frozen
class GetAdposDetail(_OfProgram):
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
        AccountNotOpenError: the Mini Program is not a publisher (1807, 2009), or the provider has
            no account (2056).
        ApiError: the server refused otherwise: -202, 1700, 1701, 1737.
    """

    endpoint: ClassVar[Endpoint] = operation("agency_get_adunit_general", Safety.SAFE)
    ad_unit_id: str | None = attrs.field(default=None, validator=_not_both, kw_only=True)


@attrs.frozen
class GetAgencyAdsStat(_OfProvider):
    """Fetch one page of all the provider's Mini Programs' ad data, by slot and day.

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
        AccountNotOpenError: the provider has no account (2056), or an account is not a publisher
            (1807, 2009).
        ApiError: the server refused otherwise: -202, 1700, 1701, 1735, 1737.
    """

    endpoint: ClassVar[Endpoint] = _OfEitherToken(Endpoint(path=_PROVIDER, action="get_agency_ads_stat", safety=Safety.SAFE))  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


@attrs.frozen
class GetAgencyAdsDetail(_OfProvider):
    """Fetch one page of the ad data of all Mini Programs, by ad unit and day.

    The newest day comes first.

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
        AccountNotOpenError: the provider has no account (2056), or an account is not a publisher
            (1807, 2009).
        ApiError: the server refused otherwise: -202, 1700, 1701, 1735, 1737.
    """

    endpoint: ClassVar[Endpoint] = _OfEitherToken(Endpoint(path=_PROVIDER, action="get_agency_ads_detail", safety=Safety.SAFE))  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]

    largest_page: ClassVar[int] = LARGEST_DETAIL_PAGE
