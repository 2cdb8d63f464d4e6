"""How advertising revenue is split (分账比例).

It is split between the service provider and its Mini Programs.
"""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import ClassVar, TypeVar

import attrs

from wxrevenue._base.checks import shown
from wxrevenue._wire.component_request import ComponentRequest
from wxrevenue._wire.model import Model
from wxrevenue._wire.request import Endpoint, Safety, credential_between
from wxrevenue.errors import ConfigurationError

T = TypeVar("T")

__all__ = ["GetCustomShareRatio", "GetShareRatio", "SetCustomShareRatio", "SetShareRatio", "ShareRatio"]

_WHOLE = 100


@attrs.define
class ShareRatio(Model):
    """The split in force, in percent."""

    share_ratio: Decimal
    """The service provider's share, 0 to 100."""

    @property
    def merchant_ratio(self) -> Decimal:
        """The Mini Program's share: the rest."""
        return _WHOLE - self.share_ratio


def _percent(instance: object, attribute: attrs.Attribute[T], value: T) -> None:
    checked_percent(f"{type(instance).__name__}.{attribute.name}", value)


def checked_percent(where: str, value: object) -> int | Decimal:
    """Return a ratio that a request may carry.

    Raises:
        ConfigurationError: it may not.
    """
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        meant = f": write Decimal('{shown(value)}')" if isinstance(value, float) and isfinite(value) else ""
        raise ConfigurationError(f"{where}: expected an int or a Decimal, got {type(value).__name__}{meant}")
    if isinstance(value, Decimal) and not value.is_finite():
        raise ConfigurationError(f"{where}: expected a finite Decimal")
    if not 0 <= value <= _WHOLE:
        raise ConfigurationError(f"{where}: expected 0 to {_WHOLE} percent, got {shown(value)}")
    if isinstance(value, Decimal) and not _is_hundredths(value):
        raise ConfigurationError(f"{where}: expected at most 2 decimal places")
    return value


def _is_hundredths(value: Decimal) -> bool:
    """Return whether there are at most two decimal places, by the digits.

    Arithmetic would round to the context's precision.
    """
    _, digits, exponent = value.as_tuple()
    beyond = -2 - int(exponent)
    return beyond <= 0 or not any(digits[-beyond:])


@attrs.frozen
class SetShareRatio(ComponentRequest[None]):
    """Set the provider's default share of advertising revenue.

    **A set ratio is not yet in force:** it takes effect for a merchant (Mini Program) only when the
    merchant confirms it in the authorization flow of the permission set. Start that flow by
    renewing the authorization. Read what is in force with :class:`GetShareRatio`.

    WeChat page: percentage/SetShareRatio (设置默认分账比例). Setting a value twice is setting it once
    (``REPEATABLE``).

    Args:
        share_ratio: the provider's percent, 0..100, an ``int`` or a ``Decimal`` with at most 2
            places; sent exactly. With 40 the provider gets 40 % and the Mini Program 60 %. Send
            whole numbers unless WeChat told you otherwise: a fraction was never seen accepted, and
            the documents have none.

    Returns:
        Nothing.

    Raises:
        ConfigurationError: the ratio is something else (a bool, a float, a str, NaN, out of range);
            nothing was sent.
        OutcomeUnknownError: answers stayed lost, so that it is unknown whether the ratio was set.
        ApiError: the server refused. Documented are -202 (``ServerBusyError``), 1700 and 1701
            (``InvalidParameterError``), 1737 (``TooFastError``), and 2056 (``AccountNotOpenError``:
            no account in the monetization zone).
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path="/wxa/setdefaultamsinfo", action="set_share_ratio", safety=Safety.REPEATABLE)

    share_ratio: int | Decimal = attrs.field(validator=_percent)


@attrs.frozen
class GetShareRatio(ComponentRequest[ShareRatio]):
    """Ask which split of advertising revenue is in force.

    WeChat page: percentage/GetShareRatio (查询分账比例). Where its English translation prints ``helps``
    the field is ``appid``.

    Args:
        appid: a Mini Program's appid for the split in force for it, or the provider's own
            (component) appid for the provider's current default. The answer is the provider's
            percent in both cases.

    Returns:
        :class:`ShareRatio`, percent as ``Decimal``.

    Raises:
        ConfigurationError: ``appid`` is not a str of 1 to 64 printable characters; nothing was
            sent.
        AgreementUnsignedError: the merchant has not signed (1735).
        ApiError: the server refused otherwise. Documented are -202 (``ServerBusyError``), 1700 and
            1701 (``InvalidParameterError``), 1737 (``TooFastError``), and 2056
            (``AccountNotOpenError``).
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path="/wxa/getdefaultamsinfo", action="get_share_ratio", safety=Safety.SAFE)

    appid: str = attrs.field(validator=credential_between(1, 64))


@attrs.frozen
class SetCustomShareRatio(ComponentRequest[None]):
    """Set the share of advertising revenue for one Mini Program.

    When its merchant signs, the custom ratio counts if there is one, else the default. **A set
    ratio is not yet in force:** see :class:`SetShareRatio`.

    WeChat page: percentage/SetCustomShareRatio (设置自定义分账比例). Setting a value twice is setting it
    once (``REPEATABLE``).

    Args:
        appid: the Mini Program's appid, 1 to 64 characters.
        share_ratio: the provider's percent, 0..100, an ``int`` or a ``Decimal`` with at most 2
            places; sent exactly. Whether WeChat takes fractions is not documented.

    Returns:
        Nothing.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        OutcomeUnknownError: answers stayed lost, so that it is unknown whether the ratio was set.
        ApiError: the server refused: -202, 1700, 1701, 1737, 2056.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path="/wxa/setdefaultamsinfo", action="agency_set_custom_share_ratio", safety=Safety.REPEATABLE)

    appid: str = attrs.field(validator=credential_between(1, 64))
    share_ratio: int | Decimal = attrs.field(validator=_percent, kw_only=True)


@attrs.frozen
class GetCustomShareRatio(ComponentRequest[ShareRatio]):
    """Ask which custom ratio is set for a Mini Program, whether or not it is in force.

    WeChat page: percentage/GetCustomShareRatio (查询自定义分账比例).

    Args:
        appid: the Mini Program's appid, 1 to 64 characters.

    Returns:
        :class:`ShareRatio`, percent as ``Decimal``.

    Raises:
        ConfigurationError: ``appid`` is not allowed; nothing was sent.
        AgreementUnsignedError: the merchant has not signed (1735).
        ApiError: the server refused otherwise: 2061 (no custom ratio is set), -202, 1700, 1701,
            1737, 2056.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path="/wxa/getdefaultamsinfo", action="agency_get_custom_share_ratio", safety=Safety.SAFE)

    appid: str = attrs.field(validator=credential_between(1, 64))
