"""What every ledger does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import AsyncIterable, AsyncIterator, Iterable
    from types import TracebackType
    from typing import Self, TypeAlias

    from wxrevenue._base.calendar import HalfMonth
    from wxrevenue._wire.totals import Totals
    from wxrevenue.ams._ad_row import AdRow
    from wxrevenue.ams._ratio_status import RatioStatus
    from wxrevenue.ams.settlement import Settlement
    from wxrevenue.ledger._values import Change, Claim, FetchJob, OwnerSum, Progress, Recorded, StatusSum

    Day: TypeAlias = str | dt.date
    Appids: TypeAlias = Iterable[str] | AsyncIterable[str]

__all__ = ["Ledger"]


@runtime_checkable
class Ledger(Protocol):
    """Keeps settlements, and how they changed; ad data and ratios, too.

    Owners are appids: the provider's own, whose settlements are its share, and its Mini Programs',
    whose settlements are theirs. Days are Beijing calendar days, amounts are fen. Any number of
    tasks may use a ledger at once.

    Every method may raise :class:`LedgerError` when the database fails, ``ConfigurationError`` for
    an argument that is not allowed, before anything was written, and ``ClientStateError`` when the
    ledger is not open.
    """

    async def __aenter__(self) -> Self:
        """Connect, and bring the schema up to date."""
        ...

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /) -> None:
        """Disconnect."""
        ...

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
        """Record all rows of a half-month; none clears it.

        Rows, changes and progress are one transaction. A row that is unchanged writes nothing.

        Args:
            owner: whose settlements they are.
            half_month: the half-month.
            rows: all of its rows, and no others.
            totals: the header of the answer.
            as_of: when the answer was true, with a time zone; now by default. An answer that is
                older than the one kept changes nothing.
            claim: what the answer was fetched under. If the job has passed to another meanwhile,
                nothing is changed.
        """
        ...

    async def record_job(self, job: FetchJob, rows: Iterable[Settlement], *, claim: Claim, totals: Totals | None = None) -> Recorded:
        """Record all rows of a job, every half-month of it in one transaction.

        It works as :meth:`record` does.
        """
        ...

    async def claim(self, jobs: Iterable[FetchJob], *, limit: int, lease: float = 10.0) -> list[Claim]:
        """Claim jobs, so that no other process fetches them.

        Args:
            jobs: which; those of which another claims a half-month are left out.
            limit: how many at most.
            lease: seconds until the claim ends by the database's clock, unless it is renewed.
        """
        ...

    async def renew(self, claim: Claim) -> Claim | None:
        """Let a claim last for another lease from now on.

        Returns ``None`` if the job has passed to another meanwhile.
        """
        ...

    async def give_back(self, claim: Claim) -> None:
        """Let others claim the job."""
        ...

    async def record_ads(self, appid: str, day: Day, rows: Iterable[AdRow]) -> int:
        """Record all ad data of a Mini Program's day.

        Return how many rows are new, other or gone.
        """
        ...

    async def record_ratios(self, statuses: Iterable[RatioStatus]) -> int:
        """Record ratios, and return how many differ from those before."""
        ...

    async def record_provider(self, appid: str) -> None:
        """Note that an owner is a provider, not a Mini Program.

        :func:`sync` and :func:`fetch` do this.
        """
        ...

    async def providers(self) -> tuple[str, ...]:
        """Return the owners that are providers, as far as it was noted."""
        ...

    async def totals(self, owner: str) -> Totals | None:
        """Return the newest header of an owner's answers."""
        ...

    def all_totals(self) -> AsyncIterator[tuple[str, Totals]]:
        """Yield owners and the newest header of each, by owner."""
        ...

    def ads(self, appid: str | None = None, start: Day | None = None, end: Day | None = None) -> AsyncIterator[tuple[str, AdRow]]:
        """Yield Mini Programs and their ad data, by Mini Program and day."""
        ...

    def ratios(self, appid: str | None = None) -> AsyncIterator[tuple[dt.datetime, RatioStatus]]:
        """Yield the history of ratios, by Mini Program and time."""
        ...

    def changes(self, after: int = 0, *, limit: int | None = None) -> AsyncIterator[Change]:
        """Yield the changes after a number, in order.

        They end with the last that is committed when this begins. None is ever committed behind one
        that was yielded: go on after the last ``seq``. No transaction is open between two changes.

        Args:
            after: the ``seq`` after which to begin.
            limit: how many at most.
        """
        ...

    def settlements(
        self, *, owner: str | None = None, start: HalfMonth | None = None, end: HalfMonth | None = None
    ) -> AsyncIterator[tuple[str, Settlement]]:
        """Yield owners and their settlements, by owner and half-month.

        A half-month is whole.
        """
        ...

    async def sums(
        self,
        *,
        owner: str | None = None,
        without: Iterable[str] = (),
        start: HalfMonth | None = None,
        end: HalfMonth | None = None,
    ) -> list[StatusSum]:
        """Return what half-months come to by status, the oldest first.

        The database adds them up.

        Args:
            owner: of one owner; ``None``: of all, providers and Mini Programs together.
            without: owners that are left out, such as the providers.
            start: the first half-month.
            end: the last one, inclusive.
        """
        ...

    def owner_sums(self, *, end: HalfMonth | None = None) -> AsyncIterator[OwnerSum]:
        """Yield what each owner's statements come to, added up by the database, by owner.

        Args:
            end: the last half-month, inclusive.
        """
        ...

    def unpaid(self, *, end: HalfMonth | None = None) -> AsyncIterator[tuple[str, Settlement]]:
        """Yield owners and their statements that are not paid, oldest half-month first.

        The unsettled ones are among them.

        Args:
            end: the last half-month, inclusive.
        """
        ...

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
        """Yield what has to be fetched.

        It was never recorded, is unsettled, is unpaid, or was empty of late. A half-month that was
        recorded empty is asked for again until 60 days after its end. One that has not ended is
        never a job: WeChat has no row of it.

        Args:
            owners: whose, any iterable; each once.
            start: first day.
            end: last day, inclusive.
            today: the day that it is in Beijing.
            again: those that are complete, too.
            since: leave out what was recorded after this time, such as ``progress().newest`` when
                a program began: two programs then fetch nothing twice.
        """
        ...

    async def told(self, seq: int | None = None) -> int:
        """Return the number up to which programs were told of changes.

        With ``seq``, note that they were.
        """
        ...

    async def progress(self) -> Progress:
        """Return how far the ledger is."""
        ...
