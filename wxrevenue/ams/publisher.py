"""Opening a Mini Program's publisher account (开通流量主).

Without one it shows no advertising.
"""

from __future__ import annotations

import enum
from typing import ClassVar, Final

import attrs

from wxrevenue._wire.model import Model
from wxrevenue._wire.request import AmsRequest, Endpoint, Safety
from wxrevenue.ams._endpoints import operation
from wxrevenue.errors import ApiError, WxRevenueError

__all__ = ["AgencyCheckCanOpenPublisher", "AgencyCreatePublisher", "PublisherCheck", "PublisherState"]

_CAN_OPEN: Final = 1
_ALREADY_OPEN: Final = 2021


class PublisherState(enum.StrEnum):
    """How far a Mini Program is on its way to showing advertising."""

    OPEN = "open"
    """Its publisher account works."""
    CAN_OPEN = "can_open"
    """It has no account, and can open one."""
    OPENING = "opening"
    """It must wait for its account to work, or for more visitors.

    Its account was opened less than an hour ago, or WeChat wants more visitors first (2013).
    """
    AGREEMENT_UNSIGNED = "agreement_unsigned"
    """The merchant has not signed the agreement (1735)."""
    NOT_ALLOWED = "not_allowed"
    """It has no account, and WeChat says that it cannot open one."""


@attrs.define
class PublisherCheck(Model):
    """Whether a Mini Program can open its publisher account."""

    status: int
    """0: it cannot; 1: it can."""

    @property
    def can_open(self) -> bool:
        """``status`` is 1."""
        return self.status == _CAN_OPEN


@attrs.frozen
class AgencyCheckCanOpenPublisher(AmsRequest[PublisherCheck]):
    """Ask whether a Mini Program can open its publisher account.

    The answer was seen to be wrong: opening succeeded although it said no.

    WeChat page: open/AgencyCheckCanOpenPublisher (检测是否能开通流量主).

    Args:
        authorizer_appid: the Mini Program.

    Returns:
        :class:`PublisherCheck`.

    Raises:
        ConfigurationError: ``authorizer_appid`` is not allowed; nothing was sent.
        AgreementUnsignedError: the merchant has not signed (1735).
        ApiError: the server refused otherwise: -202, 1700, 1701, 1737, 2056.
    """

    endpoint: ClassVar[Endpoint] = operation("agency_check_can_open_publisher", Safety.SAFE)


@attrs.frozen
class AgencyCreatePublisher(AmsRequest[None]):
    """Open a Mini Program's publisher account; it takes up to an hour to work.

    WeChat page: open/AgencyCreatePublisher (开通流量主). Repeating it does no harm (``REPEATABLE``):
    when an answer was lost and the repeat says that the account is open already (2021), the call
    has succeeded.

    Args:
        authorizer_appid: the Mini Program.

    Returns:
        Nothing.

    Raises:
        ConfigurationError: ``authorizer_appid`` is not allowed; nothing was sent.
        OutcomeUnknownError: answers stayed lost, so that it is unknown whether the account was
            opened.
        AgreementUnsignedError: the merchant has not signed (1735).
        ApiError: the server refused otherwise: 2013 (fewer unique visitors than the threshold: try
            again later), 2021 (it was open before: nothing to do), -202, 1700, 1701, 1737, 1807,
            2009, 2056.
    """

    endpoint: ClassVar[Endpoint] = operation("agency_create_publisher", Safety.REPEATABLE)

    def conclude(self, outcome: WxRevenueError | None, *, repeated: bool) -> WxRevenueError | None:
        """Return success where a repeat finds the account open.

        An earlier attempt opened it.
        """
        return None if repeated and isinstance(outcome, ApiError) and outcome.code == _ALREADY_OPEN else outcome
