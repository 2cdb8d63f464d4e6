"""Reading the ratios of a fleet, and setting them."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue._base.printable import Printable
from wxrevenue.ams._ratio_status import RatioState, RatioStatus
from wxrevenue.ams._service import ANONYMOUS
from wxrevenue.clients._arguments import revenue_client
from wxrevenue.errors import AgreementUnsignedError, ApiError, ConfigurationError
from wxrevenue.fleet._ratio_plan import RatioChange, RatioPlan
from wxrevenue.fleet._rows import checked, ours, rows

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from decimal import Decimal

    from wxrevenue.clients._revenue import RevenueClient
    from wxrevenue.errors import WxRevenueError
    from wxrevenue.fleet._rows import Appids
    from wxrevenue.sweeps._outcome import Outcome

__all__ = ["RatioResult", "apply_ratios", "ratio_status"]

_NO_CUSTOM_RATIO: Final = 2061


def ratio_status(client: RevenueClient, appids: Appids, *, concurrency: int = 16) -> AsyncGenerator[RatioStatus]:
    """Read the ratios of many Mini Programs; the rows come in order of arrival.

    Two calls for each Mini Program, and one for the default. One that fails is a row with its
    error. Close it (``contextlib.aclosing``) if you leave early.

    Args:
        client: the provider's client; it must know its ``component_appid``.
        appids: the Mini Programs, any iterable; they are pulled as they are needed.
        concurrency: how many Mini Programs to ask about at once.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
    """
    jobs = checked("ratio_status", appids, concurrency)
    reader = _Reader(client, own_appid("ratio_status", client))
    return rows(reader.read, jobs, reader.row, concurrency=concurrency)


def own_appid(where: str, client: RevenueClient) -> str:
    """Return the provider's appid.

    Raises:
        ConfigurationError: it is not a client, or does not know it.
    """
    if revenue_client(where, client).component_appid.startswith(ANONYMOUS):
        raise ConfigurationError(
            f"{where}.client: expected a client that knows its component_appid: give it, or set WXREVENUE_COMPONENT_APPID"
        )
    return client.component_appid


class _Reader:
    """Reads the ratios of one Mini Program after another.

    The default is read once for all of them.
    """

    def __init__(self, client: RevenueClient, own: str) -> None:
        self._client, self._own = client, own
        self._default: Decimal | None = None
        self._one_asks = asyncio.Lock()
        self._in_force: dict[str, Decimal] = {}
        """Of those that were begun.

        One that is begun again need not be asked for it again.
        """

    async def read(self, appid: str) -> RatioStatus:
        """Return the ratios of a Mini Program."""
        default = await self._read_default()
        in_force = self._in_force.get(appid)
        if in_force is None:
            in_force = self._in_force[appid] = (await self._client.get_share_ratio(appid)).share_ratio
        custom = await self._read_custom(appid)
        self._in_force.pop(appid, None)  # one that is listed twice may have taken it out
        is_set = default if custom is None else custom
        state = RatioState.IN_FORCE if is_set == in_force else RatioState.AWAITING_CONFIRMATION
        return RatioStatus(appid, default, custom, in_force, state, None)

    def row(self, outcome: Outcome[str, RatioStatus]) -> RatioStatus:
        """Return the row of a Mini Program, whether or not it could be read."""
        if outcome.error is None:
            return outcome.result()
        is_unsigned = isinstance(outcome.error, AgreementUnsignedError) and self._default is not None
        state = RatioState.UNSIGNED if is_unsigned else RatioState.FAILED
        return RatioStatus(outcome.job, self._default, None, self._in_force.pop(outcome.job, None), state, ours(outcome.error))

    async def _read_default(self) -> Decimal:
        async with self._one_asks:
            if self._default is None:
                self._default = (await self._client.get_share_ratio(self._own)).share_ratio
        return self._default

    async def _read_custom(self, appid: str) -> Decimal | None:
        try:
            return (await self._client.get_custom_share_ratio(appid)).share_ratio
        except ApiError as error:
            if error.code != _NO_CUSTOM_RATIO:
                raise
        return None


@attrs.frozen
class RatioResult(Printable):
    """How setting a ratio went."""

    change: RatioChange
    error: WxRevenueError | None
    """Why it is not set; ``None`` if it is. ``error.ambiguous``: it may be set."""


def apply_ratios(client: RevenueClient, plan: RatioPlan, *, concurrency: int = 4) -> AsyncGenerator[RatioResult]:
    """Set what a plan says, the default first; the results come in order of arrival.

    One that fails is a result with its error; the others go on. To resume after a crash, read the
    ratios and plan again: what is set already is not a change. **A set ratio is not yet in force**:
    the merchant has to confirm it. Close it (``contextlib.aclosing``) if you leave early.

    Args:
        client: the provider's client.
        plan: what :func:`plan_ratios` returned.
        concurrency: how many ratios to set at once.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
    """
    if not isinstance(plan, RatioPlan):
        raise ConfigurationError(f"apply_ratios.plan: expected a RatioPlan, got {type(plan).__name__}")
    revenue_client("apply_ratios", client)
    checked("apply_ratios", plan.changes, concurrency)
    return _applied(client, plan, concurrency)


async def _applied(client: RevenueClient, plan: RatioPlan, concurrency: int) -> AsyncGenerator[RatioResult]:
    async def set_one(change: RatioChange) -> None:
        ratio = int(change.after) if change.after == int(change.after) else change.after
        if change.appid is None:
            await client.set_share_ratio(ratio)
        else:
            await client.set_custom_share_ratio(change.appid, share_ratio=ratio)

    default = [change for change in plan.changes if change.appid is None]
    custom = (change for change in plan.changes if change.appid is not None)
    for changes in (default, custom):
        async with aclosing(rows(set_one, changes, _result, concurrency=concurrency)) as results:
            async for result in results:
                yield result


def _result(outcome: Outcome[RatioChange, None]) -> RatioResult:
    return RatioResult(outcome.job, None if outcome.error is None else ours(outcome.error))
