"""A ledger in an SQL database.

Arguments are checked here, SQL runs inside the database's threads.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from wxrevenue._base import checks
from wxrevenue._base.calendar import beijing_date, beijing_day, half_months
from wxrevenue._base.printable import Printable
from wxrevenue.errors import ConfigurationError
from wxrevenue.ledger import _ads, _claims, _missing, _ratios, _reading, _recording
from wxrevenue.ledger._arguments import ad_rows, answer_of, appid_of, job_answer, job_list, lease_of, owners_of, pieces, ratio_rows, seq_of
from wxrevenue.ledger._session import Joint, Once
from wxrevenue.ledger._sql_sums import SqlSums, span_of
from wxrevenue.ledger._times import SECOND, micros, utc
from wxrevenue.ledger._values import Claim, FetchJob

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable
    from typing import Self

    from wxrevenue._base.calendar import HalfMonth
    from wxrevenue._wire.totals import Totals
    from wxrevenue.ams._ad_row import AdRow
    from wxrevenue.ams._ratio_status import RatioStatus
    from wxrevenue.ams.settlement import Settlement
    from wxrevenue.ledger._port import Appids, Day
    from wxrevenue.ledger._session import Database, Session
    from wxrevenue.ledger._values import Change, Progress, Recorded
    from wxrevenue.ports import Clock

T = TypeVar("T")
_LATEST: Final = 2**63 - 1
_DAYS: Final = ("0001-01-01", "9999-12-31")


class SqlLedger(SqlSums, Printable):
    """A ledger; see :class:`Ledger`.

    Args:
        database: where it is.
        name: what to print of it, without a password.
        clock: what tells the time; ``None``: the database.
    """

    def __init__(self, database: Database, name: str, clock: Clock | None = None) -> None:
        self.database, self._name, self._clock = database, name, clock
        self._once = Once()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name}>"

    async def __aenter__(self) -> Self:
        with self._once.opening():
            await self.database.open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        try:
            if exc_info[0] is GeneratorExit:  # thrown away with its loop
                self.database.abandon()
            else:
                await self.database.aclose()
        finally:
            self._once.closed()

    async def _write(self, work: Callable[[Session], T]) -> T:
        return await self.database.write(self._timed(work))

    async def _read(self, work: Callable[[Session], T]) -> T:
        return await self.database.read(self._timed(work))

    def _timed(self, work: Callable[[Session], T]) -> Callable[[Session], T]:
        """Return the same function, with the time of the user's clock.

        Threads need not ask the clock then.
        """
        if self._clock is None:
            return work
        moment = round(self._clock.time() * SECOND)

        def timed(session: Session) -> T:
            session.moment = moment
            return work(session)

        return timed

    # -- writing -----------------------------------------------------------------------------------

    async def record(  # noqa: PLR0913  (facts, by keyword)
        self,
        owner: str,
        half_month: HalfMonth,
        rows: Iterable[Settlement],
        *,
        totals: Totals | None = None,
        as_of: dt.datetime | None = None,
        claim: Claim | None = None,
    ) -> Recorded:
        """Record all rows of a half-month."""
        answer = answer_of(owner, half_month, rows, totals=totals, as_of=as_of, claim=claim)
        return await self._write(Joint(_recording.record_all, answer))

    async def record_job(self, job: FetchJob, rows: Iterable[Settlement], *, claim: Claim, totals: Totals | None = None) -> Recorded:
        """Record all rows of a job."""
        return await self._write(Joint(_recording.record_all, job_answer(job, rows, claim=claim, totals=totals)))

    async def claim(self, jobs: Iterable[FetchJob], *, limit: int, lease: float = 10.0) -> list[Claim]:
        """Claim jobs."""
        listed = job_list("Ledger.claim.jobs", jobs)
        checks.count("Ledger.claim.limit", limit)
        seconds = lease_of("Ledger.claim.lease", lease)
        return await self._write(partial(_claims.claim, jobs=listed, limit=limit, lease=seconds))

    async def renew(self, claim: Claim) -> Claim | None:
        """Let a claim last longer."""
        return await self._write(partial(_claims.renew, held=_held(claim)))

    async def give_back(self, claim: Claim) -> None:
        """Let others claim the job."""
        await self.give_back_all([_held(claim)])

    async def give_back_all(self, claims: Iterable[Claim]) -> None:
        """Let others claim the jobs."""
        given = checks.instances("Ledger.give_back_all.claims", claims, Claim)
        await self._write(partial(_claims.give_back, claims=given))

    async def record_ads(self, appid: str, day: Day, rows: Iterable[AdRow]) -> int:
        """Record a day's ad data."""
        written, slots = ad_rows(appid, day, rows)
        return await self._write(partial(_ads.record_ads, appid=appid, day=written, slots=slots))

    async def record_ratios(self, statuses: Iterable[RatioStatus]) -> int:
        """Record ratios."""
        return await self._write(partial(_ratios.record_ratios, statuses=ratio_rows(statuses)))

    async def told(self, seq: int | None = None) -> int:
        """Return, or note, up to which change programs were told."""
        if seq is None:
            return await self._read(_reading.told)
        return await self._write(partial(_recording.note_told, seq=seq_of("Ledger.told.seq", seq)))

    # -- reading -----------------------------------------------------------------------------------

    async def totals(self, owner: str) -> Totals | None:
        """Return an owner's newest header."""
        return await self._read(partial(_reading.totals, owner=appid_of("Ledger.totals.owner", owner)))

    async def progress(self) -> Progress:
        """Return how far the ledger is."""
        return await self._read(_reading.progress)

    def changes(self, after: int = 0, *, limit: int | None = None) -> AsyncIterator[Change]:
        """Yield changes."""
        seq_of("Ledger.changes.after", after)
        if limit is not None:
            checks.count("Ledger.changes.limit", limit, 0)
        return self._changes(after, limit)

    async def _changes(self, after: int, limit: int | None) -> AsyncGenerator[Change]:
        until = await self._read(_reading.last_seq)
        if limit is not None:
            until = min(until, after + limit)  # numbers have no gaps
        while after < until:
            for change in await self._read(partial(_reading.changes_between, after=after, until=until, limit=_reading.PIECE)):
                after = change.seq
                yield change

    def settlements(
        self, *, owner: str | None = None, start: HalfMonth | None = None, end: HalfMonth | None = None
    ) -> AsyncIterator[tuple[str, Settlement]]:
        """Yield settlements."""
        if owner is not None:
            appid_of("Ledger.settlements.owner", owner)
        return self._settlements(owner, span_of("Ledger.settlements", start, end))

    async def _settlements(self, owner: str | None, span: tuple[int, int]) -> AsyncGenerator[tuple[str, Settlement]]:
        after: tuple[str, int] | None = ("", 0)
        while after is not None:
            rows, after = await self._read(partial(_reading.settlements_after, owner=owner, after=after, span=span))
            for row in rows:
                yield row

    def ads(self, appid: str | None = None, start: Day | None = None, end: Day | None = None) -> AsyncIterator[tuple[str, AdRow]]:
        """Yield ad data."""
        first = _DAYS[0] if start is None else beijing_date(start, "Ledger.ads.start")
        last = _DAYS[1] if end is None else beijing_date(end, "Ledger.ads.end")
        return self._ads(None if appid is None else appid_of("Ledger.ads.appid", appid), (first, last))

    async def _ads(self, appid: str | None, span: tuple[str, str]) -> AsyncGenerator[tuple[str, AdRow]]:
        after: tuple[str, str] | None = ("", "")
        while after is not None:
            rows, after = await self._read(partial(_reading.ads_after, appid=appid, after=after, span=span))
            for row in _reading.ad_rows(rows):
                yield row

    def ratios(self, appid: str | None = None) -> AsyncIterator[tuple[dt.datetime, RatioStatus]]:
        """Yield the history of ratios."""
        return self._ratios(None if appid is None else appid_of("Ledger.ratios.appid", appid))

    async def _ratios(self, appid: str | None) -> AsyncGenerator[tuple[dt.datetime, RatioStatus]]:
        after = ("", -1, -1)
        while rows := await self._read(partial(_ratios.ratios_after, appid=appid, after=after, limit=_reading.PIECE)):
            for owner, at, place, data in rows:
                after = (owner, at, place)
                yield utc(at), _ratios.ratio_of(owner, data)

    def missing(  # noqa: PLR0913  (facts, by keyword)
        self,
        owners: Appids,
        start: Day,
        end: Day,
        *,
        today: dt.date | None = None,
        again: bool = False,
        since: dt.datetime | None = None,
    ) -> AsyncIterator[FetchJob]:
        """Yield what has to be fetched."""
        checks.flag("Ledger.missing.again", again)
        halves = half_months(start, end)
        now = today if today is not None or self._clock is None else utc(round(self._clock.time() * SECOND))
        after = _LATEST if since is None else micros("Ledger.missing.since", since)
        wanted = _missing.Wanted.within(halves, beijing_day(now), again=again, since=after)
        return self._missing(owners_of("Ledger.missing.owners", owners), wanted)

    async def _missing(self, owners: AsyncIterable[str], wanted: _missing.Wanted) -> AsyncGenerator[FetchJob]:
        async for some in pieces(owners, _missing.OWNERS_AT_ONCE):
            for job in await self._read(partial(_missing.missing_jobs, owners=some, wanted=wanted)):
                yield job


def _held(claim: object) -> Claim:
    if not isinstance(claim, Claim):
        raise ConfigurationError(f"Ledger: expected a Claim, got {type(claim).__name__}")
    return claim
