"""What takes several calls to WeChat Pay.

That is waiting for a distribution, and reading all pages of settlements.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final, Unpack, cast

import attrs

from wxrevenue._base import checks
from wxrevenue._engine.lifetime import InFlight
from wxrevenue.errors import ClientStateError, DeadlineExceededError, WxRevenueError, without_history
from wxrevenue.pagination._source import PageSizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxrevenue import funds
    from wxrevenue._engine.engine import Engine
    from wxrevenue.funds._service import PayService
    from wxrevenue.pagination._source import PageFacts

_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 30.0


async def wait_until_finished(engine: Engine, request: funds.QueryDistribution, deadline: float) -> funds.DistributionOrder:
    """Ask with growing pauses until nothing more happens, and return the last answer."""
    checks.seconds("wait_until_finished.deadline", deadline)
    until, pause, last = engine.clock.monotonic() + deadline, _FIRST_PAUSE_S, None
    while (left := until - engine.clock.monotonic()) > 0:
        answer = await _asked(engine, request, left)
        if isinstance(answer, WxRevenueError):
            if not (answer.retryable or isinstance(answer, DeadlineExceededError)):
                raise answer
        else:
            last = answer
            if last.is_finished:
                return last
        await _sleep(engine, min(pause, max(0.0, until - engine.clock.monotonic())))
        pause = min(2 * pause, _LONGEST_PAUSE_S)
    state = "unknown" if last is None else last.state
    late = DeadlineExceededError(f"the distribution {request.out_order_no} is not finished after {deadline:g} s; last state: {state}")
    late.last, late.endpoint = last, request.endpoint.name
    raise late


async def _asked(engine: Engine, request: funds.QueryDistribution, left: float) -> funds.DistributionOrder | WxRevenueError:
    try:
        return await engine.send(request, deadline=min(left, engine.deadline))
    except WxRevenueError as error:
        failure = error
    return without_history(failure)


async def _sleep(engine: Engine, seconds: float) -> None:
    """Wait; the client's end ends it."""
    engine.lifetime.check_usable()
    presence = InFlight()
    presence.waiting = True
    engine.lifetime.calls.add(presence)
    try:
        await engine.clock.sleep(seconds)
    except asyncio.CancelledError:
        if not presence.was_cancelled_by_close():
            raise
        was_closed = True
    else:
        was_closed = False
    finally:
        engine.lifetime.remove_call(presence)
    if was_closed:
        raise ClientStateError("the client was closed while the call waited")


class SettlementDetailPages:
    """Settlement details, whose pages begin at an offset."""

    span = 0

    def __init__(self, engine: Engine, request: funds.QuerySettlementDetails) -> None:
        self.account = cast("PayService", engine.service).account
        self.sizes = PageSizes(request.limit)
        self._engine, self._request = engine, request

    def windows(self, span: int) -> Sequence[funds.QuerySettlementDetails]:  # noqa: ARG002  (other interfaces are cut)
        """Return the query, uncut."""
        return [self._request]

    def request_for(self, number: int, window: funds.QuerySettlementDetails, size: int) -> funds.QuerySettlementDetails:
        """Return the request for a page.

        The page begins behind as many rows as the pages before have.
        """
        return attrs.evolve(window, offset=(number - 1) * (size or window.limit))

    async def fetch(self, request: funds.QuerySettlementDetails) -> funds.SettlementDetails:
        """Return a page."""
        return await self._engine.send(request)

    def is_waiting(self) -> bool:
        """Return ``False``: no page waits for a turn."""
        return False

    def on_page(self, **facts: Unpack[PageFacts]) -> None:
        """Tell the listener of a page that was read."""
        if self._engine.listener is not None:
            from wxrevenue.events import PageEvent  # every listener has loaded it

            self._engine.listener.tell(self._request.endpoint, partial(PageEvent, **facts))
