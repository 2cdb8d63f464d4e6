"""Sweeps that most people come for: settlements of many providers, and of one provider over many half-months."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypedDict

from wxrevenue._base import checks as _checks
from wxrevenue._base.calendar import beijing_date, half_months
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
    """Fetch the half-month settlements of many providers side by side; an outcome is a page of one of them.

    Args:
        client_for: returns the client of a component's appid, such as a clone made by ``with_options``, or ``clients.__getitem__``.
        components: the appids: these are the jobs.
        start_date: first day, Beijing calendar: a ``datetime.date`` or a zero-padded ``'yyyy-mm-dd'``.
        end_date: last day, inclusive.
        page_size: rows per page.
        options: those of :func:`sweep`. In a checkpoint a job's key is the appid with the dates.

    Raises:
        ConfigurationError: an argument is not allowed.
    """
    _checks.function("sweep_settlements.client_for", client_for)
    start, end = beijing_date(start_date, "sweep_settlements.start_date"), beijing_date(end_date, "sweep_settlements.end_date")
    if end < start:
        raise ConfigurationError("sweep_settlements.end_date: expected start_date or a later day")

    def walk(component: str) -> Paginator[Settlement]:
        return client_for(component).iter_agency_settlement(start, end, page_size)

    return sweep(walk, components, **_keyed(options, lambda component: f"{component} {start}/{end}"))


def sweep_half_months(
    client: RevenueClient,
    start_date: str | date,
    end_date: str | date,
    *,
    page_size: int = _PAGE,
    **options: Unpack[PresetOptions],
) -> Sweep[HalfMonth, list[Settlement]]:
    """Fetch one provider's settlements of many half-months side by side; an outcome is a page of one of them.

    The jobs are the half-months that share a day with the range, oldest first. All rows of a half-month come from its own job,
    so that it can be replaced as a whole. (One walk with ``concurrency=`` yields the same rows in the server's order.)

    Args:
        client: the provider's client.
        start_date: first day, Beijing calendar: a ``datetime.date`` or a zero-padded ``'yyyy-mm-dd'``.
        end_date: last day, inclusive.
        page_size: rows per page.
        options: those of :func:`sweep`. In a checkpoint a job's key is the client's ``component_appid`` with the half-month.

    Raises:
        ConfigurationError: an argument is not allowed.
    """

    def walk(half: HalfMonth) -> Paginator[Settlement]:
        return client.iter_agency_settlement(half.start, half.end, page_size)

    account = client.component_appid
    return sweep(walk, half_months(start_date, end_date), **_keyed(options, lambda half: f"{account} {half.label}"))


def _keyed(options: PresetOptions, key: Callable[[Any], str]) -> PresetOptions:
    """Return the options, the checkpoint's keys made by ``key`` unless the user makes them."""
    checkpoint = options.get("checkpoint")
    return options if checkpoint is None else {**options, "checkpoint": checkpoint.keyed(key)}
