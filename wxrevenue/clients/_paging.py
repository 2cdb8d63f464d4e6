"""The paged AMS interfaces, as walks ask for them.

Each page goes through the engine, with a deadline of its own.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, Unpack, cast

import attrs

from wxrevenue._base import checks
from wxrevenue.pagination._page import Page, Row
from wxrevenue.pagination._paginator import LARGEST_CONCURRENCY
from wxrevenue.pagination._source import PageSizes
from wxrevenue.pagination._windows import day_windows, days_of, half_month_windows, span_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxrevenue import ams
    from wxrevenue._engine.call import Call
    from wxrevenue._engine.engine import Engine
    from wxrevenue._wire.request import AmsRequest
    from wxrevenue._wire.totals import Totals
    from wxrevenue.ams._service import AmsService
    from wxrevenue.pagination._source import PageFacts

R = TypeVar("R", bound=Row)
LONGEST_SPAN: Final = 90
"""Days of ad data to ask for at once.

The documents of these interfaces name no limit; those of the publisher's own ad data name this one.
"""


class AmsPages(Generic[R]):
    """A query of a paged interface; page numbers, one list.

    Args:
        engine: what sends its requests.
        request: the query, with its first page.
    """

    def __init__(self, engine: Engine, request: AmsRequest[Page[R]]) -> None:
        service = cast("AmsService", engine.service)
        self.account = service.lasting_account
        self.span = 0
        self.totals: Totals | None = None
        self.sizes = PageSizes(self._page_size(request), service.page_caps.setdefault(request.endpoint.name, set()))
        self._engine, self._request = engine, request
        self._under_way: list[list[Call[Page[R]]]] = []

    def windows(self, span: int) -> Sequence[AmsRequest[Page[R]]]:  # noqa: ARG002  (other interfaces are cut)
        """Return the query, uncut."""
        return [self._request]

    def request_for(self, number: int, window: AmsRequest[Page[R]], size: int) -> AmsRequest[Page[R]]:  # noqa: ARG002  (offsets need it)
        """Return the request for a page of a window."""
        return attrs.evolve(cast("Any", window), page=number)

    async def fetch(self, request: AmsRequest[Page[R]]) -> Page[R]:
        """Return a page."""
        calls: list[Call[Page[R]]] = []
        self._under_way.append(calls)
        try:
            return await self._engine.send(request, deadline=self._engine.page_deadline, watch=calls.append)
        finally:
            self._under_way.remove(calls)

    def is_waiting(self) -> bool:
        """Return whether a page waits for anything but its answer.

        That is its turn, a token or a back-off.
        """
        return any(call.presence.waiting for calls in self._under_way for call in calls)

    def on_page(self, **facts: Unpack[PageFacts]) -> None:
        """Tell the listener of a page that was read."""
        if self._engine.listener is not None:
            from wxrevenue.events import PageEvent  # every listener has loaded it

            self._engine.listener.tell(self._request.endpoint, partial(PageEvent, **facts))

    def _page_size(self, request: AmsRequest[object]) -> int:
        size: int = getattr(request, "page_size")  # noqa: B009  (every list has it)
        return size


class SettlementPages(AmsPages["ams.Settlement"]):
    """Settlements: windows of half-months, and slots that may be added up.

    Args:
        engine: what sends its requests.
        request: the query, with its first page.
        concurrency: how many windows are to be fetched at once.
        verify_totals: whether a row's slots have to add up.
    """

    def __init__(self, engine: Engine, request: AmsRequest[Page[ams.Settlement]], *, concurrency: int, verify_totals: bool) -> None:
        super().__init__(engine, request)
        self.span = span_for(request, checks.number("concurrency", concurrency, range(1, LARGEST_CONCURRENCY + 1)))
        self._verify_totals = checks.flag("verify_totals", verify_totals)

    def windows(self, span: int) -> Sequence[AmsRequest[Page[ams.Settlement]]]:
        """Return the query cut into windows of so many half-months."""
        return half_month_windows(self._request, span)

    async def fetch(self, request: AmsRequest[Page[ams.Settlement]]) -> Page[ams.Settlement]:
        """Return a page, its slots added up if that was asked for."""
        page = await super().fetch(request)
        answer = cast("ams.SettlementPage", page)
        if self._verify_totals:
            answer.check_totals()
        self.totals = answer.totals
        return page


class AdDataPages(AmsPages["ams.AdRow"]):
    """Ad data: a longer range than a server may take is cut into windows of days."""

    def __init__(self, engine: Engine, request: AmsRequest[Page[ams.AdRow]]) -> None:
        super().__init__(engine, request)
        self.span = LONGEST_SPAN if days_of(request) > LONGEST_SPAN else 0

    def windows(self, span: int) -> Sequence[AmsRequest[Page[ams.AdRow]]]:
        """Return the query cut into windows of so many days."""
        return day_windows(self._request, span)


class OffsetPages(AmsPages[R]):
    """A list whose pages begin at an offset: how many rows come before."""

    def request_for(self, number: int, window: AmsRequest[Page[R]], size: int) -> AmsRequest[Page[R]]:
        """Return the request for a page.

        The page begins behind as many rows as the pages before have.
        """
        return attrs.evolve(cast("Any", window), offset=(number - 1) * (size or self._page_size(window)))

    def _page_size(self, request: AmsRequest[object]) -> int:
        size: int = getattr(request, "count")  # noqa: B009  (every such list has it)
        return size
