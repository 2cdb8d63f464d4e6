"""Steps of several calls on the way to advertising.

The steps: publisher account, ad unit, cover ad.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import attrs

from wxrevenue._wire.codes import NO_PUBLISHER
from wxrevenue.ams._adunit import Adunit
from wxrevenue.ams.ad_units import AgencyCreateAdunit, GetAdunitList
from wxrevenue.ams.cover_ads import CoverAdposStatus, CoverSwitch, GetCoverAdposStatus, SetCoverAdposStatus
from wxrevenue.ams.publisher import AgencyCheckCanOpenPublisher, AgencyCreatePublisher, PublisherState
from wxrevenue.errors import AgreementUnsignedError, ApiError, DecodeError, WxRevenueError

if TYPE_CHECKING:
    from wxrevenue._wire.request import AmsRequest
    from wxrevenue.pagination._paginator import Paginator

T = TypeVar("T")
_NEW_PUBLISHER: Final = 2068
_AFTER_CREATING: Final[dict[int | str | None, PublisherState]] = {
    1735: PublisherState.AGREEMENT_UNSIGNED,
    2013: PublisherState.OPENING,
    2021: PublisherState.OPEN,
    _NEW_PUBLISHER: PublisherState.OPENING,
}
"""What the refusals to open an account say.

Not signed, too few visitors yet, open already, opened just now.
"""
_SAME_NAME: Final = 1803
_SWITCHED_JUST_NOW, _ON_ALREADY = 2008, 2067


class Sender(Protocol):
    """What of a client is used here."""

    async def send(self, request: AmsRequest[T]) -> T:
        """Send a request."""
        ...

    def iter_adunit_list(self, *, ad_slot: str | None = None, authorizer_appid: str | None = None) -> Paginator[Adunit]:
        """Walk over the ad units of a Mini Program."""
        ...


async def publisher_state(client: Sender, appid: str) -> PublisherState:
    """Return how far a Mini Program is; see ``RevenueClient.publisher_state``."""
    try:
        known = await _state_by_units(client, appid)
        return known or await _state_by_check(client, appid)
    except AgreementUnsignedError:
        return PublisherState.AGREEMENT_UNSIGNED


async def _state_by_units(client: Sender, appid: str) -> PublisherState | None:
    """Return how far it is, ``None`` where it has no account.

    The list of its ad units tells.
    """
    try:
        await client.send(GetAdunitList(page_size=1, authorizer_appid=appid))
    except ApiError as error:
        if error.code in NO_PUBLISHER:
            return None
        if error.code != _NEW_PUBLISHER:
            raise
        return PublisherState.OPENING
    return PublisherState.OPEN


async def _state_by_check(client: Sender, appid: str) -> PublisherState:
    check = await client.send(AgencyCheckCanOpenPublisher(authorizer_appid=appid))
    return PublisherState.CAN_OPEN if check.can_open else PublisherState.NOT_ALLOWED


async def open_publisher(client: Sender, appid: str) -> PublisherState:
    """Open a Mini Program's publisher account, if it has none and can.

    Return how far it is then.
    """
    state = await publisher_state(client, appid)
    if state is not PublisherState.CAN_OPEN:
        return state
    try:
        await client.send(AgencyCreatePublisher(authorizer_appid=appid))
    except ApiError as error:
        if error.code not in _AFTER_CREATING:
            raise
        return _AFTER_CREATING[error.code]
    return PublisherState.OPENING


async def ensure_adunit(client: Sender, request: AgencyCreateAdunit) -> Adunit:
    """Return the ad unit of a name; make it if need be.

    See ``RevenueClient.ensure_adunit``.
    """
    return await _unit_named(client, request) or await _made_unit(client, request)


async def _made_unit(client: Sender, request: AgencyCreateAdunit) -> Adunit:
    try:
        made = await client.send(request)
    except WxRevenueError as error:
        unit = await _unit_in_doubt(client, request, error)
        if unit is None:
            raise
        return unit
    if made.ad_unit_id:
        return Adunit(made.ad_unit_id, request.type, request.name, appid=request.authorizer_appid)
    unit = await _unit_named(client, request)
    if unit is None:
        raise DecodeError("expected the id of the new ad unit; the list has no unit of this name either", path="$.ad_unit_id")
    return unit


async def _unit_named(client: Sender, request: AgencyCreateAdunit) -> Adunit | None:
    """Return the unit that has the name and the slot already."""
    async with client.iter_adunit_list(ad_slot=request.type, authorizer_appid=request.authorizer_appid) as units:
        async for unit in units:
            if unit.ad_unit_name == request.name:
                return unit
    return None


async def _unit_in_doubt(client: Sender, request: AgencyCreateAdunit, error: WxRevenueError) -> Adunit | None:
    """Return the unit, if it was made although there was an error.

    Another process may have made it.
    """
    if not error.ambiguous and not (isinstance(error, ApiError) and error.code == _SAME_NAME):
        return None
    with suppress(WxRevenueError):  # the first error says more
        return await _unit_named(client, request)
    return None


@attrs.frozen
class _Switch(SetCoverAdposStatus):
    """The switch, without the guess that 2008 after a lost answer makes.

    The state can be read.
    """

    def conclude(self, outcome: WxRevenueError | None, *, repeated: bool) -> WxRevenueError | None:  # noqa: ARG002
        """Return the outcome as it is."""
        return outcome


async def ensure_cover(client: Sender, request: SetCoverAdposStatus, now: float) -> CoverAdposStatus:
    """Switch the cover ad, if that is due and allowed.

    See ``RevenueClient.ensure_cover_adpos_status``.
    """
    found = await _cover(client, request)
    if found.status == request.status or _is_too_early(found, request, now):
        return found
    try:
        await client.send(_Switch(request.status, authorizer_appid=request.authorizer_appid))
    except WxRevenueError as error:
        known = await _cover_in_doubt(client, request, error)
        if known is None:
            raise
        return known
    return CoverAdposStatus(CoverSwitch(request.status))


async def _cover_in_doubt(client: Sender, request: SetCoverAdposStatus, error: WxRevenueError) -> CoverAdposStatus | None:
    """Return how the cover ad is after an error.

    ``None`` where the error says all that there is to say.
    """
    code = error.code if isinstance(error, ApiError) else None
    if code == _ON_ALREADY and request.status == CoverSwitch.ON:
        return CoverAdposStatus(CoverSwitch.ON)
    if code in {_SWITCHED_JUST_NOW, _ON_ALREADY}:
        return await _cover(client, request)
    if error.ambiguous:
        with suppress(WxRevenueError):  # the first error says more
            found = await _cover(client, request)
            return found if found.status == request.status else None
    return None


async def _cover(client: Sender, request: SetCoverAdposStatus) -> CoverAdposStatus:
    return await client.send(GetCoverAdposStatus(authorizer_appid=request.authorizer_appid))


def _is_too_early(found: CoverAdposStatus, request: SetCoverAdposStatus, now: float) -> bool:
    return request.status == CoverSwitch.ON and found.next_open_time is not None and now < found.next_open_time
