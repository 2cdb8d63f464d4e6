"""What is told of ratios: a row for each Mini Program, and how many are in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue.ams import authorization_url
from wxrevenue.errors import WxRevenueError
from wxrevenue.fleet import RatioState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from wxrevenue import RevenueClient
    from wxrevenue.fleet import RatioResult, RatioStatus

_WIDTHS: Final = (20, 9, 9, 9)
_WORDS: Final = {
    RatioState.IN_FORCE: "in force",
    RatioState.AWAITING_CONFIRMATION: "awaiting the merchant's confirmation",
    RatioState.UNSIGNED: "the merchant has not signed",
    RatioState.FAILED: "failed",
}
HEAD: Final = "".join(title.ljust(width) for title, width in zip(("Mini Program", "default", "custom", "in force"), _WIDTHS, strict=True))


def row(status: RatioStatus) -> str:
    """Return the line of a Mini Program."""
    cells = (status.appid, *map(_percent, (status.default, status.custom, status.in_force)))
    words = f"{_WORDS[status.state]}: {status.error}" if status.state is RatioState.FAILED else _WORDS[status.state]
    return "".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)) + words


def _percent(ratio: Decimal | None) -> str:
    return "-" if ratio is None else f"{ratio} %"


@attrs.define
class Tally:
    """How many Mini Programs are how far."""

    in_force: int = 0
    awaiting: int = 0
    """Those that have not signed are among them: the same link leads there."""
    failed: int = 0
    is_default_set: bool = False
    """The default is no Mini Program, so it is told before them."""

    def add(self, state: RatioState) -> None:
        """Count one."""
        self.in_force += state is RatioState.IN_FORCE
        self.awaiting += state in {RatioState.AWAITING_CONFIRMATION, RatioState.UNSIGNED}
        self.failed += state is RatioState.FAILED

    def add_all(self, found: Iterable[RatioStatus], results: Iterable[RatioResult]) -> None:
        """Count all, as they are after these results: what is in force changes by no call."""
        by_appid = {result.change.appid: result for result in results}
        default = by_appid.get(None)
        self.failed += default is not None and default.error is not None
        self.is_default_set = default is not None and default.error is None
        for status in found:
            self.add(_after(status, by_appid.get(status.appid)))

    async def sentence(self, client: RevenueClient, redirect_uri: str | None) -> str:
        """Return how many there are, with the link that the merchants need."""
        where = f" (renew the authorization: {await _link(client, redirect_uri)})" if self.awaiting else ""
        first = "the default is set; " if self.is_default_set else ""
        return f"{first}{self.in_force} in force, {self.awaiting} awaiting the merchant's confirmation{where}, {self.failed} failed"


def _after(status: RatioStatus, result: RatioResult | None) -> RatioState:
    """Return how far a Mini Program is after its ratio was set, or was to be set."""
    if result is not None and result.error is not None:
        return RatioState.FAILED
    if result is None or status.state in {RatioState.UNSIGNED, RatioState.FAILED}:
        return status.state
    return RatioState.IN_FORCE if result.change.after == status.in_force else RatioState.AWAITING_CONFIRMATION


async def _link(client: RevenueClient, redirect_uri: str | None) -> str:
    if redirect_uri is None:
        return "--redirect-uri makes the link"
    try:
        code = await client.create_preauth_code()
    except WxRevenueError as error:
        return f"no link, because of {error}"
    return authorization_url(client.component_appid, code.pre_auth_code, redirect_uri)
