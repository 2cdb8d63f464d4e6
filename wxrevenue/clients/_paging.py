"""The walk over settlements: pages through the engine, each under its own deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from wxrevenue._base import checks as _checks
from wxrevenue.pagination._paginator import LARGEST_CONCURRENCY, Host, Paginator
from wxrevenue.pagination._windows import span_for, windows

if TYPE_CHECKING:
    from wxrevenue import ams
    from wxrevenue._engine.call import Call
    from wxrevenue._engine.engine import Engine
    from wxrevenue.ams._service import AmsService


class Pages:
    """Fetches the pages of one walk, and knows whether one of them waits."""

    def __init__(self, engine: Engine, *, verify_totals: bool) -> None:
        self._engine = engine
        self._verify_totals = verify_totals
        self._calls: set[Call] = set()

    async def fetch(self, request: ams.GetAgencySettlement) -> ams.SettlementPage:
        """Return one page."""
        mine: list[Call] = []

        def watch(call: Call) -> None:
            mine.append(call)
            self._calls.add(call)

        try:
            page = await self._engine.send(request, deadline=self._engine.page_deadline, watch=watch)
        finally:
            self._calls.difference_update(mine)
        if self._verify_totals:
            page.check_totals()
        return page

    def is_waiting(self) -> bool:
        """Tell whether a page waits for its turn, a token or a back-off, and not for its answer."""
        return any(call.presence.waiting for call in self._calls)


def walk(
    engine: Engine, request: ams.GetAgencySettlement, *, verify_totals: bool, concurrency: int, **options: Any
) -> Paginator[ams.Settlement]:
    """Return a walk over all pages of a request."""
    _checks.number("concurrency", concurrency, range(1, LARGEST_CONCURRENCY + 1))
    pages = Pages(engine, verify_totals=_checks.flag("verify_totals", verify_totals))

    def tell(**facts: Any) -> None:
        engine.tell(request.endpoint, "PageEvent", **facts)

    host = Host(
        account=cast("AmsService", engine.service).lasting_account,
        span=span_for(request, concurrency),
        windows=windows,
        held_up=pages.is_waiting,
        tell=tell,
    )
    return Paginator(request, pages.fetch, concurrency=concurrency, host=host, **options)
