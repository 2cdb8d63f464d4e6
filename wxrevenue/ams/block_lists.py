"""Which advertisers and industries a Mini Program does not show (屏蔽)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypeAlias, TypeVar, cast

import attrs
import orjson

from wxrevenue._base.printable import Printable
from wxrevenue._wire.request import AmsRequest, Endpoint, Safety, text_between, written_as
from wxrevenue.ams._blocked import AdvertiserType, AmsCategory, AmsCategoryBlackList, BlackList, BlackListOp
from wxrevenue.ams._checks import one_of_numbers, values
from wxrevenue.ams._endpoints import operation
from wxrevenue.errors import ConfigurationError

T = TypeVar("T")

__all__ = ["BlockedAdvertiser", "GetAmsCategoryBlackList", "GetBlackList", "SetAmsCategoryBlackList", "SetBlackList"]


MOST_BLOCKED: Final[Mapping[int, int]] = MappingProxyType({1: 20, 2: 10, 3: 10, 4: 20})
"""Advertisers of each :class:`AdvertiserType` that can be blocked at most."""


@attrs.frozen
class BlockedAdvertiser(Printable):
    """An advertiser to block or to unblock.

    Args:
        type: one of :class:`AdvertiserType`.
        id: its id, 1 to 128 characters; what it is depends on the type.

    Raises:
        ConfigurationError: one of these is not allowed.
    """

    type: int = attrs.field(validator=one_of_numbers(frozenset(AdvertiserType)))
    id: str = attrs.field(validator=text_between(1, 128))


_Advertiser: TypeAlias = BlockedAdvertiser | Mapping[str, object]
_Advertisers: TypeAlias = Iterable[_Advertiser]


def _advertiser(where: str, given: object) -> BlockedAdvertiser:
    if isinstance(given, BlockedAdvertiser):
        return given
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"{where}: expected a BlockedAdvertiser, got {type(given).__name__}")
    fields = cast("Mapping[str, Any]", given)
    if set(fields) != {"type", "id"}:
        raise ConfigurationError(f"{where}: expected the keys 'type' and 'id'")
    return BlockedAdvertiser(fields["type"], fields["id"])


def _as_advertisers(value: _Advertisers) -> tuple[BlockedAdvertiser, ...]:
    return values("SetBlackList.list", value, _advertiser)


def _few_of_each(instance: object, attribute: attrs.Attribute[T], value: tuple[BlockedAdvertiser, ...]) -> None:
    where = f"{type(instance).__name__}.{attribute.name}"
    if not value:
        raise ConfigurationError(f"{where}: expected at least one advertiser")
    for kind, count in Counter(one.type for one in value).items():
        if count > MOST_BLOCKED[kind]:
            raise ConfigurationError(f"{where}: expected at most {MOST_BLOCKED[kind]} advertisers of type {kind}, got {count}")


def _json_text(advertisers: tuple[BlockedAdvertiser, ...]) -> str:
    """Return JSON as a str: the wire has it inside JSON."""
    return orjson.dumps([{"type": one.type, "id": one.id} for one in advertisers]).decode()


@attrs.frozen
class SetBlackList(AmsRequest[None]):
    """Block advertisers, or unblock them.

    WeChat page: ad-black/SetBlackList (设置屏蔽的广告主). Doing it twice with the same list is doing it
    once (``REPEATABLE``).

    Args:
        op: ``BlackListOp.SET`` (1) or ``BlackListOp.DELETE`` (2).
        list: the advertisers, each a :class:`BlockedAdvertiser` or a dict with its two keys; at
            most as many of a type as :data:`MOST_BLOCKED` says. The client writes them as the JSON
            text that the wire has.
        authorizer_appid: the Mini Program.

    Returns:
        Nothing.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        OutcomeUnknownError: answers stayed lost, so that it is unknown whether the advertisers were
            blocked.
        AgreementUnsignedError: the merchant has not signed (1735).
        AccountNotOpenError: the Mini Program is not a publisher (1807, 2009), or the provider has
            no account (2056).
        ApiError: the server refused otherwise: 2035 (more of a type than allowed, those blocked
            before included), 1700, 1701, 1737.
    """

    endpoint: ClassVar[Endpoint] = operation("agency_set_black_list", Safety.REPEATABLE)

    op: int = attrs.field(validator=one_of_numbers(frozenset(BlackListOp)))
    list: tuple[BlockedAdvertiser, ...] = attrs.field(
        converter=_as_advertisers, validator=_few_of_each, metadata=written_as(_json_text), kw_only=True
    )


@attrs.frozen
class GetBlackList(AmsRequest[BlackList]):
    """Ask which advertisers are blocked.

    WeChat page: ad-black/GetBlackList (获取屏蔽的广告主).

    Args:
        authorizer_appid: the Mini Program.

    Returns:
        :class:`BlackList`.

    Raises:
        ConfigurationError: ``authorizer_appid`` is not allowed; nothing was sent.
        AgreementUnsignedError: the merchant has not signed (1735).
        AccountNotOpenError: the Mini Program is not a publisher (1807, 2009), or the provider has
            no account (2056).
        ApiError: the server refused otherwise: -202, 1700, 1701, 1737.
    """

    endpoint: ClassVar[Endpoint] = operation("agency_get_black_list", Safety.SAFE)


def _category(where: str, given: object) -> str:
    if not isinstance(given, str) or given not in set(AmsCategory):
        raise ConfigurationError(f"{where}: expected a name of AmsCategory: {', '.join(AmsCategory)}")
    return str(given)


def _as_categories(value: Iterable[str]) -> tuple[str, ...]:
    return values("SetAmsCategoryBlackList.ams_category", value, _category)


@attrs.frozen
class SetAmsCategoryBlackList(AmsRequest[None]):
    """Say which industries are blocked, all of them.

    Those that are left out are blocked no more.

    WeChat page: ad-black/SetAmsCategoryBlackList (设置行业屏蔽信息). Setting a value twice is setting it
    once (``REPEATABLE``).

    Args:
        ams_category: the industries, such as ``["CHESS", "LOAN"]``, each a name of
            :class:`AmsCategory`; empty to block none. The client writes them as the text that the
            wire has.
        authorizer_appid: the Mini Program.

    Returns:
        Nothing.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        OutcomeUnknownError: answers stayed lost, so that it is unknown whether the industries were
            blocked.
        AgreementUnsignedError: the merchant has not signed (1735).
        AccountNotOpenError: the Mini Program is not a publisher (1807, 2009), or the provider has
            no account (2056).
        ApiError: the server refused otherwise: -202, 1700, 1701, 1737.
    """

    endpoint: ClassVar[Endpoint] = operation("agency_set_mp_amscategory_blacklist", Safety.REPEATABLE)

    ams_category: tuple[str, ...] = attrs.field(converter=_as_categories, metadata=written_as("|".join))


@attrs.frozen
class GetAmsCategoryBlackList(AmsRequest[AmsCategoryBlackList]):
    """Ask which industries are blocked.

    WeChat page: ad-black/GetAmsCategoryBlackList (获取行业屏蔽信息).

    Args:
        authorizer_appid: the Mini Program.

    Returns:
        :class:`AmsCategoryBlackList`.

    Raises:
        ConfigurationError: ``authorizer_appid`` is not allowed; nothing was sent.
        AgreementUnsignedError: the merchant has not signed (1735).
        AccountNotOpenError: the Mini Program is not a publisher (1807, 2009), or the provider has
            no account (2056).
        ApiError: the server refused otherwise: -202, 1700, 1701, 1737.
    """

    endpoint: ClassVar[Endpoint] = operation("agency_get_mp_amscategory_blacklist", Safety.SAFE)
