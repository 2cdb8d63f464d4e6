"""What a ledger is given, checked before anything is written."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterable, Iterable
from typing import TYPE_CHECKING, Final, TypeVar, cast

from wxrevenue._base import checks
from wxrevenue._base.calendar import HalfMonth, beijing_date
from wxrevenue._wire.totals import Totals
from wxrevenue.ams._ad_row import AdRow
from wxrevenue.ams._ratio_status import RatioStatus
from wxrevenue.ams.settlement import Settlement
from wxrevenue.errors import ConfigurationError
from wxrevenue.ledger._ads import slots_of
from wxrevenue.ledger._halves import half_of
from wxrevenue.ledger._pairing import KeptRow, kept_row
from wxrevenue.ledger._ratios import ratio_text
from wxrevenue.ledger._recording import Answer
from wxrevenue.ledger._texts import FEN, amount, key_text, settlement_text
from wxrevenue.ledger._times import micros
from wxrevenue.ledger._types_kept import check_ad_row, check_ratio_status, check_settlement, is_plain
from wxrevenue.ledger._values import Claim, FetchJob

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from wxrevenue.ledger._port import Appids, Day

T = TypeVar("T")
_LONGEST_LEASE_S: Final = 86_400 * 365
_SUMS: Final = ("revenue_all", "penalty_all", "settled_revenue_all")


def appid_of(where: str, value: object) -> str:
    """Return an appid."""
    return checks.credential(where, value)


def answer_of(  # noqa: PLR0913  (what record() takes)
    owner: str,
    half_month: HalfMonth,
    rows: Iterable[Settlement],
    *,
    totals: Totals | None,
    as_of: datetime | None,
    claim: Claim | None,
) -> Answer:
    """Return what :meth:`Ledger.record` is to record."""
    where = "Ledger.record"
    appid_of(f"{where}.owner", owner)
    if not isinstance(half_month, HalfMonth):
        raise ConfigurationError(f"{where}.half_month: expected a HalfMonth, got {type(half_month).__name__}")
    if claim is not None and not _covers(claim, owner, half_month):
        raise ConfigurationError(f"{where}.claim: expected a claim of {owner}/{half_month}")
    found = _kept(where, checks.instances(f"{where}.rows", rows, Settlement), half_month, half_month)
    return Answer(owner, found, _totals(where, totals), None if as_of is None else micros(f"{where}.as_of", as_of), claim)


def _covers(claim: object, owner: str, half_month: HalfMonth) -> bool:
    return isinstance(claim, Claim) and claim.job.owner == owner and claim.job.first <= half_month <= claim.job.last


def job_answer(job: FetchJob, rows: Iterable[Settlement], *, claim: Claim, totals: Totals | None) -> Answer:
    """Return what :meth:`Ledger.record_job` is to record."""
    where = "Ledger.record_job"
    if not all(map(isinstance, (job, claim), (FetchJob, Claim))):
        checks.instances(f"{where}.job", [job], FetchJob)
        checks.instances(f"{where}.claim", [claim], Claim)
    if claim.job != job:
        raise ConfigurationError(f"{where}.claim: expected a claim of {job}")
    found = _kept(where, checks.instances(f"{where}.rows", rows, Settlement), job.first, job.last)
    return Answer(job.owner, found, _totals(where, totals), None, claim)


def _kept(where: str, rows: list[Settlement], first: HalfMonth, last: HalfMonth) -> dict[int, list[KeptRow]]:
    """Return rows as they are kept, by the ordinal of their half-month, oldest first.

    It must be one of these.
    """
    begin, end = first.ordinal, last.ordinal
    found: dict[int, list[KeptRow]] = {ordinal: [] for ordinal in range(begin, end + 1)}
    halves = dict(zip(_spelled(begin, end), found.values(), strict=True))
    for index, row in enumerate(rows):
        if not is_plain(row):
            check_settlement(f"{where}.rows[{index}]", row)
        half = halves.get((row.month, row.order))
        if half is None:
            raise ConfigurationError(f"{where}.rows[{index}]: a row of {row.month}, order {row.order}, which is not being recorded")
        number = key_text(row.sett_no) if row.sett_no else ""
        half.append(kept_row(number, 0, row, settlement_text(row)))
    return found


@functools.lru_cache
def _spelled(begin: int, end: int) -> tuple[tuple[str, int], ...]:
    """Return months and orders of half-months as rows have them."""
    return tuple(half_of(ordinal)[1:] for ordinal in range(begin, end + 1))


def _totals(where: str, totals: Totals | None) -> Totals | None:
    checks.instance(f"{where}.totals", totals, Totals)
    for name in _SUMS if totals is not None else ():
        if (value := getattr(totals, name)) is not None:
            amount(f"{where}.totals.{name}", value)
    if totals is not None and not isinstance(totals.body, str | None):
        raise ConfigurationError(f"{where}.totals.body: expected a str, got {type(totals.body).__name__}")
    return totals


def job_list(where: str, jobs: Iterable[FetchJob]) -> list[FetchJob]:
    """Return jobs."""
    return checks.instances(where, jobs, FetchJob)


def ad_rows(appid: str, day: Day, rows: Iterable[AdRow]) -> tuple[str, list[tuple[str, int, str]]]:
    """Return a day, and its rows as they are kept."""
    where = "Ledger.record_ads"
    appid_of(f"{where}.appid", appid)
    written = beijing_date(day, f"{where}.day")
    found = checks.instances(f"{where}.rows", rows, AdRow)
    for number, row in enumerate(found):
        check_ad_row(f"{where}.rows[{number}]", row)
        if row.date is not None and row.date.isoformat() != written:
            raise ConfigurationError(f"{where}.rows[{number}]: a row of {row.date}, not of {written}")
        if (named := row.publisher_appid or row.appid) is not None and named != appid:
            raise ConfigurationError(f"{where}.rows[{number}]: a row of another Mini Program")
    return written, slots_of(found)


def ratio_rows(statuses: Iterable[RatioStatus]) -> list[tuple[str, str]]:
    """Return Mini Programs, and their ratios as they are kept."""
    where = "Ledger.record_ratios.statuses"
    found = checks.instances(where, statuses, RatioStatus)
    for number, status in enumerate(found):
        check_ratio_status(f"{where}[{number}]", status)
        appid_of(f"{where}[{number}].appid", status.appid)
    return [(status.appid, ratio_text(status)) for status in found]


def lease_of(where: str, lease: object) -> float:
    """Return the seconds of a lease; its end is a time that there is."""
    if checks.seconds(where, lease) > _LONGEST_LEASE_S:
        raise ConfigurationError(f"{where}: expected at most {_LONGEST_LEASE_S:,} seconds")
    return float(cast("float", lease))


def seq_of(where: str, seq: object) -> int:
    """Return the number of a change."""
    if checks.count(where, seq, 0) > FEN[-1]:
        raise ConfigurationError(f"{where}: expected a number that fits 64 bits")
    return cast("int", seq)


def owners_of(where: str, owners: Appids) -> AsyncIterator[str]:
    """Return owners, each once."""
    if isinstance(owners, str) or not isinstance(owners, (Iterable, AsyncIterable)):
        raise ConfigurationError(f"{where}: expected an iterable of appids, got {type(owners).__name__}")
    return _distinct(where, owners)


async def _distinct(where: str, owners: Appids) -> AsyncIterator[str]:
    seen: set[str] = set()
    if isinstance(owners, AsyncIterable):
        async for owner in owners:
            if appid_of(where, owner) not in seen:
                seen.add(owner)
                yield owner
        return
    for owner in owners:
        if appid_of(where, owner) not in seen:
            seen.add(owner)
            yield owner


async def pieces(values: AsyncIterable[T], size: int) -> AsyncIterator[list[T]]:
    """Yield values so many at a time."""
    some: list[T] = []
    async for value in values:
        some.append(value)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some
