"""A case of the conformance suite of ledgers, and what it is played with."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypedDict, TypeVar, Unpack, cast

import attrs

from wxrevenue._base.calendar import HalfMonth
from wxrevenue.ams.settlement import Settlement, SettlementStatus, SlotRevenue
from wxrevenue.ledger._port import Ledger
from wxrevenue.ledger._values import FetchJob
from wxrevenue.testing._suite import Case

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import AsyncIterable, Awaitable, Callable, Mapping

    from wxrevenue.ledger._values import Change, Claim

    class _More(TypedDict, total=False):
        """What else a settlement may have."""

        date: dt.date | None
        zone: str | None
        mail_send_cnt: int | None
        slot_revenue: list[SlotRevenue]
        extra: Mapping[str, object]

    class _Missing(TypedDict, total=False):
        """What else is asked of a ledger that lacks jobs."""

        again: bool
        since: datetime | None

    MakeLedger: TypeAlias = Callable[[], Ledger]

T = TypeVar("T")
_PATIENCE: Final = 10.0
_LONGEST: Final = 120.0
"""Seconds to wait for what must happen, and for a whole case."""
_STEP: Final = 0.01
SHORT: Final = 0.05
"""A lease, in seconds, that is over soon."""
FIRST: Final = HalfMonth(2024, 3, 1)
SECOND: Final = HalfMonth(2024, 3, 2)
NOON: Final = datetime(2024, 4, 1, 12, tzinfo=UTC)


def row(amount: int = 100, number: str | None = None, status: int | None = 1, half: HalfMonth = FIRST, **more: Unpack[_More]) -> Settlement:
    """Return a settlement of a half-month."""
    state = None if status is None else SettlementStatus(status)
    month = f"{half.year:04}{half.month:02}"
    make = cast("Callable[..., Settlement]", Settlement)  # pyright does not know that ``_extra`` is given as ``extra``
    return make(month=month, order=half.order, settled_revenue=amount, sett_no=number, sett_status=state, **more)


def full_row() -> Settlement:
    """Return a settlement with everything that a server was seen to send.

    Raw values are in it, too.
    """
    slots = [SlotRevenue("SLOT_ID_WEAPP_BANNER", 34_139_443), cast("Any", SlotRevenue)(None, -1, extra={"slot_id": [1.5, None]})]
    extra = {"sett_no": 7, "big": 2**70, "text": "中文 \0 \ud800", "nested": {"b": [True, 1e-9], "a": None}}
    return row(2**63 - 1, "7", 9, date=NOON.date(), zone="2024年3月1日至15日", mail_send_cnt=3, slot_revenue=slots, extra=extra)


async def all_of(values: AsyncIterable[T]) -> list[T]:
    """Return what an asynchronous iterable yields."""
    return [value async for value in values]


class LedgerScene:
    """The ledgers of one case, and owners that were not used before."""

    def __init__(self, make: MakeLedger) -> None:
        self._make = make
        self._ledgers: list[Ledger] = []
        self._stem = f"wx{uuid.uuid4().hex[:16]}"
        self.owner = self.named("a")

    def named(self, name: str) -> str:
        """Return an appid."""
        return f"{self._stem}{name}"

    def job(self, first: HalfMonth = FIRST, last: HalfMonth = SECOND, owner: str | None = None) -> FetchJob:
        """Return a job of the owner."""
        return FetchJob(owner or self.owner, first, last)

    async def ledger(self) -> Ledger:
        """Return another ledger, open."""
        ledger = self._make()
        assert isinstance(ledger, Ledger), f"{type(ledger).__name__} lacks a method of Ledger"
        await ledger.__aenter__()
        self._ledgers.append(ledger)
        return ledger

    async def changes(self, ledger: Ledger) -> list[Change]:
        """Return the changes of this case's owners."""
        return [change async for change in ledger.changes() if change.owner.startswith(self._stem)]

    async def kept(self, ledger: Ledger, owner: str | None = None) -> list[Settlement]:
        """Return an owner's settlements."""
        return [settlement async for _, settlement in ledger.settlements(owner=owner or self.owner)]

    async def missing(self, ledger: Ledger, start: str, end: str, today: str, **options: Unpack[_Missing]) -> list[str]:
        """Return the jobs of the owner that are missing on a day.

        The owner's name is left out.
        """
        day = datetime.fromisoformat(today).date()
        jobs = await all_of(ledger.missing([self.owner], start, end, today=day, **options))
        return [str(job).rpartition("/")[2] for job in jobs]

    async def claimed(self, ledger: Ledger, job: FetchJob, lease: float = 60.0) -> Claim:
        """Return a claim of a job that must be free, or be free soon."""
        found: list[Claim] = await self.soon(lambda: ledger.claim([job], limit=1, lease=lease), "the claim")
        return found[0]

    async def soon(self, look: Callable[[], Awaitable[T]], what: str) -> T:
        """Wait until ``look`` returns something that is not empty, and return it."""
        until = asyncio.get_running_loop().time() + _PATIENCE
        while asyncio.get_running_loop().time() < until:
            if found := await look():
                return found
            await asyncio.sleep(_STEP)
        raise AssertionError(f"waited for {what} in vain")

    async def end(self) -> None:
        """Close the ledgers."""
        for ledger in self._ledgers:
            await ledger.__aexit__(None, None, None)


def later(seconds: float) -> datetime:
    """Return a time so long after noon."""
    return NOON + timedelta(seconds=seconds)


@attrs.frozen(repr=False)
class LedgerCase(Case[LedgerScene]):
    """One situation that every ledger must come through.

    Ledgers that are made one after the other must have the same records. Owners are new in each
    case. Leases last fractions of a second where they must end.
    """

    async def run(self, make: MakeLedger) -> None:
        """Play the case.

        Args:
            make: makes a ledger that is not open yet, a function without arguments.

        Raises:
            AssertionError: the ledger does not do what it must.
        """
        await self.play_in(LedgerScene(make), longest=_LONGEST, kind="ledger")
