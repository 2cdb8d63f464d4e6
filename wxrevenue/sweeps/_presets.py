"""The most common sweeps.

Settlements of many accounts, and of one over many half-months.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypedDict

from wxrevenue._base import checks as _checks
from wxrevenue._base.calendar import beijing_date, half_months
from wxrevenue.ams._checks import LARGEST_PAGE_SIZE
from wxrevenue.clients._arguments import revenue_client
from wxrevenue.errors import ConfigurationError
from wxrevenue.sweeps._sweep import sweep

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable
    from datetime import date
    from typing import Unpack

    from wxrevenue._base.calendar import HalfMonth
    from wxrevenue.ams.settlement import Settlement
    from wxrevenue.clients._revenue import RevenueClient
    from wxrevenue.events import JobEvent
    from wxrevenue.pagination._paginator import Paginator
    from wxrevenue.sweeps._checkpoint import Checkpoint
    from wxrevenue.sweeps._sweep import Sweep

_PAGE: Final = 20


class PresetOptions(TypedDict, total=False):
    """The keyword arguments of :func:`wxrevenue.sweep`."""

    concurrency: int
    ordered: bool
    requeue: bool
    patience: float | None
    checkpoint: Checkpoint | None
    on_event: Callable[[JobEvent], object] | None


def sweep_settlements(
    client_for: Callable[[str], RevenueClient],
    components: Iterable[str] | AsyncIterable[str],
    start_date: str | date,
    end_date: str | date,
    *,
    page_size: int = _PAGE,
    **options: Unpack[PresetOptions],
) -> Sweep[str, list[Settlement]]:
    """Fetch the half-month settlements of many providers side by side.

    An outcome is a page of one of them.

    Args:
        client_for: returns the client of a component's appid, such as a clone made by
            ``with_options``, or ``clients.__getitem__``.
        components: the appids: these are the jobs.
        start_date: first day, Beijing calendar: a ``datetime.date`` or a zero-padded
            ``'yyyy-mm-dd'``.
        end_date: last day, inclusive.
        page_size: rows per page.
        options: those of :func:`sweep`. In a checkpoint a job's key is the appid with the dates.
            Its query is this function, the dates and ``page_size``.

    Raises:
        ConfigurationError: an argument is not allowed.
    """
    if _checks.plain_function("sweep_settlements.client_for", client_for) is None:
        raise ConfigurationError("sweep_settlements.client_for: expected a function, got NoneType")
    start, end = _days("sweep_settlements", start_date, end_date)
    _page_size("sweep_settlements", page_size)

    def walk(component: str) -> Paginator[Settlement]:
        client = client_for(component)
        if not hasattr(client, "iter_agency_settlement"):
            raise ConfigurationError(f"sweep_settlements.client_for: expected it to return a RevenueClient, got {type(client).__name__}")
        return client.iter_agency_settlement(start, end, page_size)

    query = f"sweep_settlements, {start}/{end}, page_size={page_size}"
    return sweep(walk, components, **_keyed(options, query, lambda component: f"{component} {start}/{end}"))


def sweep_authorizer_settlements(
    client: RevenueClient,
    appids: Iterable[str] | AsyncIterable[str],
    start_date: str | date,
    end_date: str | date,
    *,
    page_size: int = _PAGE,
    **options: Unpack[PresetOptions],
) -> Sweep[str, list[Settlement]]:
    """Fetch the settlements of a provider's Mini Programs side by side.

    An outcome is a page of one. What a Mini Program cannot have stands in its outcome's ``error``
    and stops no other: 1735 (the merchant has not signed), 1807 and 2009 (it is not a publisher),
    2056 (the provider has no account).

    Args:
        client: the provider's client, whose tokens know the Mini Programs.
        appids: the Mini Programs: these are the jobs, any number, pulled one by one.
        start_date: first day, Beijing calendar: a ``datetime.date`` or a zero-padded
            ``'yyyy-mm-dd'``.
        end_date: last day, inclusive.
        page_size: rows per page.
        options: those of :func:`sweep`. In a checkpoint a job's key is the appid with the dates.
            Its query is this function, the provider, the dates and ``page_size``.

    Raises:
        ConfigurationError: an argument is not allowed.
    """
    revenue_client("sweep_authorizer_settlements", client)
    start, end = _days("sweep_authorizer_settlements", start_date, end_date)
    _page_size("sweep_authorizer_settlements", page_size)

    def walk(appid: str) -> Paginator[Settlement]:
        return client.iter_settlement(start, end, page_size, authorizer_appid=appid)

    query = f"sweep_authorizer_settlements of {client.component_appid}, {start}/{end}, page_size={page_size}"
    return sweep(walk, appids, **_keyed(options, query, lambda appid: f"{appid} {start}/{end}"))


def sweep_half_months(
    client: RevenueClient,
    start_date: str | date,
    end_date: str | date,
    *,
    page_size: int = _PAGE,
    **options: Unpack[PresetOptions],
) -> Sweep[HalfMonth, list[Settlement]]:
    """Fetch one provider's settlements of many half-months side by side.

    An outcome is a page of one of them. The jobs are the half-months that share a day with the
    range, oldest first. All rows of a half-month come from its own job, so that it can be replaced
    as a whole. (One walk with ``concurrency=`` yields the same rows in the server's order.)

    Args:
        client: the provider's client.
        start_date: first day, Beijing calendar: a ``datetime.date`` or a zero-padded
            ``'yyyy-mm-dd'``.
        end_date: last day, inclusive.
        page_size: rows per page.
        options: those of :func:`sweep`. In a checkpoint a job's key is the client's
            ``component_appid`` with the half-month. Its query is this function, the provider, the
            range and ``page_size``.

    Raises:
        ConfigurationError: an argument is not allowed.
    """
    revenue_client("sweep_half_months", client)
    _page_size("sweep_half_months", page_size)

    def walk(half: HalfMonth) -> Paginator[Settlement]:
        return client.iter_agency_settlement(half.start, half.end, page_size)

    account, halves = client.component_appid, half_months(start_date, end_date)
    query = f"sweep_half_months of {account}, {halves[0].label}/{halves[-1].label}, page_size={page_size}"
    return sweep(walk, halves, **_keyed(options, query, lambda half: f"{account} {half.label}"))


def _days(where: str, start_date: str | date, end_date: str | date) -> tuple[str, str]:
    start, end = beijing_date(start_date, f"{where}.start_date"), beijing_date(end_date, f"{where}.end_date")
    if end < start:
        raise ConfigurationError(f"{where}.end_date: expected start_date or a later day: {end} comes before {start}")
    return start, end


def _page_size(where: str, page_size: int) -> None:
    _checks.number(f"{where}.page_size", page_size, range(1, LARGEST_PAGE_SIZE + 1))


def _keyed(options: PresetOptions, query: str, key: Callable[[Any], str]) -> PresetOptions:
    """Return the options, with a query for the checkpoint and with a key function.

    What the user gave of them stays.
    """
    checkpoint = options.get("checkpoint")
    return options if checkpoint is None else {**options, "checkpoint": checkpoint.filled(query, key)}
