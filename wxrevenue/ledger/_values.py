"""What goes into a ledger and comes out of it."""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from wxrevenue._base import checks
from wxrevenue._base.calendar import HalfMonth
from wxrevenue._base.printable import Printable
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import datetime

    from wxrevenue.ams.settlement import Settlement, SettlementStatus

__all__ = ["Change", "ChangeKind", "Claim", "FetchJob", "OwnerSum", "Progress", "Recorded", "StatusSum"]

LONGEST_JOB: Final = 12
"""Half-months of one job: one walk, mostly one page."""
_SPELLED: Final = re.compile(r"(.+)/(\d{4}-\d\d-\d)\.\.(\d{4}-\d\d-\d)", re.ASCII)
ChangeKey: TypeAlias = tuple[str, int, str, int]


@attrs.frozen
class FetchJob(Printable):
    """What is fetched by one walk: at most 12 neighbouring half-months of one owner.

    ``str()`` writes it as ``wx…/2024-01-1..2024-06-2``.

    Args:
        owner: an appid: the provider's own, or a Mini Program's.
        first: the first half-month.
        last: the last one, inclusive.

    Raises:
        ConfigurationError: one of these is not allowed.
    """

    owner: str
    first: HalfMonth
    last: HalfMonth

    def __attrs_post_init__(self) -> None:
        checks.credential("FetchJob.owner", self.owner)
        for name in ("first", "last"):
            if not isinstance(getattr(self, name), HalfMonth):
                raise ConfigurationError(f"FetchJob.{name}: expected a HalfMonth, got {type(getattr(self, name)).__name__}")
        if not 0 <= self.last.ordinal - self.first.ordinal < LONGEST_JOB:
            raise ConfigurationError(f"FetchJob.last: expected 1 to {LONGEST_JOB} half-months, got {self.first} to {self.last}")

    @classmethod
    def parse(cls, text: str) -> FetchJob:
        """Return the job that ``str()`` writes like this: ``wx…/2024-01-1..2024-06-2``.

        Raises:
            ConfigurationError: it is not written so.
        """
        if not isinstance(text, str):
            raise ConfigurationError(f"FetchJob.parse: expected a str, got {type(text).__name__}")
        found = _SPELLED.fullmatch(text)
        if found is None:
            raise ConfigurationError("FetchJob.parse: expected a job such as 'wx…/2024-01-1..2024-06-2'")
        return cls(found[1], HalfMonth.parse(found[2]), HalfMonth.parse(found[3]))

    @property
    def half_months(self) -> tuple[HalfMonth, ...]:
        """All its half-months, oldest first."""
        return tuple(HalfMonth.at(number) for number in range(self.first.ordinal, self.last.ordinal + 1))

    def __str__(self) -> str:
        return f"{self.owner}/{self.first}..{self.last}"


@attrs.frozen
class Claim(Printable):
    """A job that this process may fetch, until its lease ends."""

    job: FetchJob
    fence: int
    """Grows with every claim: a writer with an older one changes nothing."""
    until: datetime
    """When the lease ends, UTC, by the database's clock."""


class ChangeKind(enum.StrEnum):
    """What a change is. One change may be of several kinds."""

    NEW = "new"
    """A statement that was not there."""
    AMOUNT = "amount"
    """The amount is another one."""
    STATUS = "status"
    """The status is another one, such as paid after settled."""
    NUMBER = "number"
    """The statement got its number."""
    GONE = "gone"
    """The statement is not there any more."""
    REVISED = "revised"
    """None of these, but something else.

    The day of the update, a slot, a field that is not documented.
    """


@attrs.frozen
class Change(Printable):
    """How one statement differs from what the ledger had."""

    seq: int
    """Its number.

    1, 2, 3 … in the order in which changes were committed, without gaps.
    """
    at: datetime
    """When it was recorded, UTC, by the database's clock."""
    owner: str
    half_month: HalfMonth
    key: ChangeKey
    """Month, order, number (or ``""``), and a count from 0.

    The count tells equal keys apart.
    """
    kinds: frozenset[ChangeKind]
    before: Settlement | None
    """``None`` for a new one."""
    after: Settlement | None
    """``None`` for one that is gone."""


class _MadeLate(Printable):
    """Base of what gets its changes when somebody looks at them.

    A ledger leaves ``changes`` out, and sets ``_late``, which returns them.
    """

    __slots__ = ("_late",)
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            if name != "changes":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
            found = self._late()
            object.__setattr__(self, name, found)
            return found


@attrs.frozen
class Recorded(_MadeLate):
    """What recording an answer changed."""

    changes: tuple[Change, ...]
    stale: bool
    """Nothing was changed, because the answer counted no more.

    It was older than what the ledger has, or its claim had passed to another.
    """


@attrs.frozen
class Progress(Printable):
    """How far a ledger is."""

    owners: int
    """Owners of whom a half-month was recorded."""
    half_months: int
    """Half-months that were recorded, each owner's for itself, empty ones included."""
    unsettled: int
    """Those with a statement that is not settled."""
    unpaid: int
    """Those with a statement that is not paid: the unsettled ones, too."""
    newest: datetime | None
    """When something was recorded last, UTC; ``None``: never."""
    last_seq: int
    """The number of the newest change; 0: there is none."""


@attrs.frozen
class StatusSum(Printable):
    """What the statements of one half-month and one status come to."""

    half_month: HalfMonth
    status: SettlementStatus | None
    """``None``: statements that came without one."""
    rows: int
    """How many they are."""
    fen: int


@attrs.frozen
class OwnerSum(Printable):
    """What one owner's statements come to."""

    owner: str
    first: HalfMonth
    """The oldest half-month that was recorded, empty ones included."""
    last: HalfMonth
    """The newest one."""
    half_months: int
    """How many were recorded; fewer than lie between the two, if some are missing."""
    rows: int
    """How many statements there are."""
    fen: int
    unpaid: int
    """What of it is not paid, fen."""
