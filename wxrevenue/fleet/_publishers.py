"""Publisher accounts and cover ads of a fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from wxrevenue._base.printable import Printable
from wxrevenue.ams.cover_ads import SetCoverAdposStatus
from wxrevenue.clients._arguments import revenue_client
from wxrevenue.clients._publishing_steps import open_publisher
from wxrevenue.fleet._rows import checked, ours, rows

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from wxrevenue.ams.cover_ads import CoverAdposStatus
    from wxrevenue.ams.publisher import PublisherState
    from wxrevenue.clients._revenue import RevenueClient
    from wxrevenue.errors import WxRevenueError
    from wxrevenue.fleet._rows import Appids
    from wxrevenue.sweeps._outcome import Outcome

__all__ = ["CoverResult", "PublisherResult", "open_publishers", "switch_covers"]


@attrs.frozen
class PublisherResult(Printable):
    """How far a Mini Program is."""

    appid: str
    state: PublisherState | None
    """``None`` if it is not known, because of ``error``."""
    error: WxRevenueError | None


def open_publishers(client: RevenueClient, appids: Appids, *, concurrency: int = 16) -> AsyncGenerator[PublisherResult]:
    """Open the publisher accounts that can be opened.

    The rows come in order of arrival.

    A Mini Program without an account is checked, and its account opened if the check says that it
    can be. Call it again later, with all of them: those that are open stay as they are, and those
    that are ``OPENING`` are asked again. ``AGREEMENT_UNSIGNED`` are the merchants that have to
    sign. Close it (``contextlib.aclosing``) if you leave early.

    The check was seen to be wrong: to open an account although it says ``NOT_ALLOWED``, call
    :meth:`RevenueClient.agency_create_publisher`.

    Args:
        client: the provider's client; its token source has the Mini Programs' tokens.
        appids: the Mini Programs, any iterable; they are pulled as they are needed.
        concurrency: how many Mini Programs to deal with at once.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
    """
    revenue_client("open_publishers", client)

    async def open_one(appid: str) -> PublisherState:
        return await open_publisher(client, appid)

    return rows(open_one, checked("open_publishers", appids, concurrency), _publisher, concurrency=concurrency)


def _publisher(outcome: Outcome[str, PublisherState]) -> PublisherResult:
    return PublisherResult(outcome.job, outcome.value, None if outcome.error is None else ours(outcome.error))


@attrs.frozen
class CoverResult(Printable):
    """How a Mini Program's cover ad is."""

    appid: str
    status: CoverAdposStatus | None
    """Not the one wanted: it can be switched from its ``next_open_time`` on.

    ``None``: see ``error``.
    """
    error: WxRevenueError | None


def switch_covers(client: RevenueClient, appids: Appids, status: int, *, concurrency: int = 16) -> AsyncGenerator[CoverResult]:
    """Switch the cover ads of many Mini Programs; the rows come in order of arrival.

    One that is as wanted, or may not be switched yet, is left alone. Call it again later, with all
    of them. Close it (``contextlib.aclosing``) if you leave early.

    Args:
        client: the provider's client; its token source has the Mini Programs' tokens.
        appids: the Mini Programs, any iterable; they are pulled as they are needed.
        status: ``CoverSwitch.ON`` (1) or ``CoverSwitch.OFF`` (4).
        concurrency: how many Mini Programs to deal with at once.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
    """
    revenue_client("switch_covers", client)
    SetCoverAdposStatus(status, authorizer_appid="wx")  # refuses a status that is none, now

    async def switch_one(appid: str) -> CoverAdposStatus:
        return await client.ensure_cover_adpos_status(status, authorizer_appid=appid)

    return rows(switch_one, checked("switch_covers", appids, concurrency), _cover, concurrency=concurrency)


def _cover(outcome: Outcome[str, CoverAdposStatus]) -> CoverResult:
    return CoverResult(outcome.job, outcome.value, None if outcome.error is None else ours(outcome.error))
