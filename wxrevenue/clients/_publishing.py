"""Methods of several calls.

Each is a step towards advertising that may be repeated at any time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from wxrevenue import ams
from wxrevenue.clients._base import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.clients._publishing_steps import Sender


class Publishing(Client):
    """What a :class:`RevenueClient` does in several calls.

    Each of them has ``deadline`` seconds.
    """

    async def publisher_state(self, appid: str) -> ams.PublisherState:
        """Find out how far a Mini Program is on its way to showing advertising.

        One call, :class:`GetAdunitList`; a second, :class:`AgencyCheckCanOpenPublisher`, where
        there is not a publisher account.

        Args:
            appid: the Mini Program.

        Returns:
            :class:`PublisherState`. A merchant that has not signed (1735) is a state, no error.

        Raises:
            ConfigurationError: ``appid`` is not allowed; nothing was sent.
            ApiError: the server refused otherwise: -202, 1700, 1701, 1737, 2056.
        """
        from wxrevenue.clients import _publishing_steps as steps  # loaded by programs that publish

        return await steps.publisher_state(cast("Sender", self), appid)

    async def ensure_adunit(self, *, name: str, type: str, **settings: Any) -> ams.Adunit:
        """Return the ad unit of that name and kind of slot; make it if there is none.

        The name is looked up before. It is looked up again when the answer was lost, had no id, or
        said that there is a unit of this name (1803). So this may be called any number of times. A
        unit that exists is returned as it is, whatever ``settings`` say.

        Args:
            name: the unit's name.
            type: the kind of slot, one of :class:`AdSlot` or another ``SLOT_ID_…`` name.
            settings: the further arguments of :class:`AgencyCreateAdunit`.

        Returns:
            :class:`Adunit`. One that was just made has an id, a slot, a name and an appid; the
            list has the rest.

        Raises:
            ConfigurationError: an argument is not allowed; nothing was sent.
            OutcomeUnknownError: the answer was lost, and the list does not have the unit (yet).
            ApiError: as with :class:`AgencyCreateAdunit` and :class:`GetAdunitList`.
        """
        from wxrevenue.clients import _publishing_steps as steps  # as above

        make = cast("Callable[..., ams.AgencyCreateAdunit]", ams.AgencyCreateAdunit)
        given = self._with_defaults(ams.AgencyCreateAdunit, {**settings, "type": type})
        return await steps.ensure_adunit(cast("Sender", self), make(name, **given))

    async def ensure_cover_adpos_status(self, status: int, *, authorizer_appid: str | None = None) -> ams.CoverAdposStatus:
        """Switch the cover ad on or off, unless it is, or WeChat does not allow it yet.

        It can be switched once an hour: :attr:`CoverAdposStatus.next_open_time` says when, and it
        is not asked before. Call again then.

        Args:
            status: ``CoverSwitch.ON`` (1) or ``CoverSwitch.OFF`` (4).
            authorizer_appid: the Mini Program.

        Returns:
            :class:`CoverAdposStatus`: how it is now. If ``status`` in it is not the one wanted, it
            may be switched from ``next_open_time`` on.

        Raises:
            ConfigurationError: an argument is not allowed; nothing was sent.
            ApiError: as with :class:`SetCoverAdposStatus`: 2068 (the publisher account was opened
                less than an hour ago), 1735, 1807 and others.
        """
        from wxrevenue.clients import _publishing_steps as steps  # as above

        named: dict[str, object] = {} if authorizer_appid is None else {"authorizer_appid": authorizer_appid}
        make = cast("Callable[..., ams.SetCoverAdposStatus]", ams.SetCoverAdposStatus)
        request = make(status, **self._with_defaults(ams.SetCoverAdposStatus, named))
        return await steps.ensure_cover(cast("Sender", self), request, self._parts.engine.clock.time())
