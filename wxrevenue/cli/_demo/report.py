"""What the demo is given, and what it found.

The values know whether they agree with the sandbox's books.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import attrs

from wxrevenue.events import CallEvent, GateEvent, RetryEvent, TokenEvent, WaitEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date
    from decimal import Decimal

    from wxrevenue.ams.settlement import Settlement
    from wxrevenue.events import Event
    from wxrevenue.sandbox import Totals


@attrs.frozen(kw_only=True)
class DemoPlan:
    """How much the demo does, and how hard the sandbox makes it.

    Args:
        seed: of the books and of the trouble.
        components: how many service providers.
        years: how far back their settlements go.
        page_size: rows per page.
        marks: how many transactions are marked.
        calls: how many calls of an action a provider may make within a window, before 1737.
        window: seconds; also the client's cool-down.
        latency: seconds between a call and its answer.
        rate: the share of calls to which each kind of mishap happens.
        kill: whether a run is killed, and gone on with.
    """

    seed: int = 0
    components: int = 5
    years: int = 6
    page_size: int = 10
    marks: int = 12
    calls: int = 15
    window: float = 1.0
    latency: float = 0.02
    rate: float = 0.04
    kill: bool = True


@attrs.frozen(kw_only=True)
class Split:
    """One provider's ratio, and what each Mini Program has.

    It is what was asked for, what was in force before the merchants confirmed it, and what was read
    back.
    """

    component: str
    asked: Decimal | int
    before: Decimal | None = None
    in_force: Mapping[str, Decimal] = attrs.field(factory=dict[str, "Decimal"])
    programs: int
    error: str | None = None

    @property
    def problem(self) -> str | None:
        """What does not agree, if anything."""
        agreeing = sum(ratio == self.asked for ratio in self.in_force.values())
        if self.error is None and agreeing == self.programs:
            return None
        return self.error or f"{self.component}: {agreeing} of {self.programs} Mini Programs have the ratio {self.asked} %"


@attrs.frozen(kw_only=True)
class Ledger:
    """One provider's settlements beside the sandbox's books."""

    component: str
    rows: tuple[Settlement, ...] = ()
    books: Totals
    error: str | None = None

    @property
    def fen(self) -> int:
        """The sum of the rows, in fen."""
        return sum(row.settled_revenue for row in self.rows)

    @property
    def problem(self) -> str | None:
        """What does not agree, if anything.

        It may be a row that is missing or came twice, an amount, or a row that is not the sum of
        its slots.
        """
        if self.error is not None:
            return self.error
        numbers = [row.sett_no for row in self.rows if row.sett_no]
        if len(set(numbers)) != len(numbers):
            return f"{self.component}: a row came twice"
        if (len(self.rows), self.fen) != (self.books.rows, self.books.settled_revenue):
            mine = f"{len(self.rows)} rows, {self.fen} fen"
            return f"{self.component}: {mine}; the books hold {self.books.rows} rows, {self.books.settled_revenue} fen"
        if any(row.settled_revenue != sum(slot.slot_settled_revenue for slot in row.slot_revenue) for row in self.rows):
            return f"{self.component}: a row is not the sum of its slots"
        return None


@attrs.frozen(kw_only=True)
class Refusal:
    """A call that the server was to refuse with a code, and what the client raised."""

    call: str
    expected: int
    raised: str
    code: int | str | None = None
    meaning: str | None = None
    solution: str | None = None

    @property
    def problem(self) -> str | None:
        """What does not agree, if anything."""
        return None if self.code == self.expected else f"{self.call}: expected code {self.expected}, got {self.raised}"


@attrs.frozen(kw_only=True)
class Marking:
    """The transactions that were to be marked, and those that the sandbox recorded."""

    asked: frozenset[str]
    recorded: frozenset[str]
    errors: tuple[str, ...] = ()

    @property
    def problem(self) -> str | None:
        """What does not agree, if anything."""
        if not self.errors and self.asked == self.recorded:
            return None
        return "; ".join((f"{len(self.asked & self.recorded)} of {len(self.asked)} transactions are marked", *self.errors))


@attrs.frozen(kw_only=True)
class Resumption:
    """A provider's settlements as two processes exported them.

    One was killed, and the other went on.
    """

    kept: int
    """Rows that the first had kept when it was killed."""
    rows: int = 0
    fen: int = 0
    books: Totals
    error: str | None = None

    @property
    def problem(self) -> str | None:
        """What does not agree, if anything."""
        if self.error is None and (self.rows, self.fen) == (self.books.rows, self.books.settled_revenue) and 0 < self.kept < self.rows:
            return None
        mine = f"{self.kept} rows were kept, the file has {self.rows} rows, {self.fen} fen"
        return self.error or f"{mine}; the books hold {self.books.rows} rows, {self.books.settled_revenue} fen"


@attrs.define
class Tally:
    """Counts what the clients tell, and passes it on to ``listener``."""

    listener: Callable[[Event], object]
    calls: int = 0
    attempts: int = 0
    closed: int = 0
    renewed: int = 0
    retries: Counter[str] = attrs.field(factory=Counter[str])
    waits: Counter[str] = attrs.field(factory=Counter[str])
    waited: defaultdict[str, float] = attrs.field(factory=lambda: defaultdict[str, float](float))
    """Seconds by kind of wait, added up over all callers."""

    def __call__(self, event: Event) -> None:
        """Count one event."""
        match event:
            case CallEvent():
                self.calls += 1
                self.attempts += event.attempts
            case RetryEvent():
                self.retries[event.error] += 1
            case WaitEvent():
                self.waits[event.what] += 1
                self.waited[event.what] += event.duration
            case GateEvent():
                self.closed += 1
            case TokenEvent(refresh=None, warning=None):
                self.renewed += 1
            case _:
                pass
        self.listener(event)


@attrs.frozen(kw_only=True)
class Report:
    """Everything the demo did and found.

    ``calls`` are the sandbox's own counts by ``(action, outcome)``.
    """

    start: date
    end: date
    splits: tuple[Split, ...]
    ledgers: tuple[Ledger, ...]
    refusals: tuple[Refusal, ...]
    marking: Marking
    resumption: Resumption | None
    """``None`` if no run was killed."""
    tally: Tally
    calls: Counter[tuple[str, str]]
    seconds: float

    @property
    def problems(self) -> tuple[str, ...]:
        """Whatever does not agree with the sandbox; empty when all is well."""
        return tuple(self._problems())

    @property
    def rows(self) -> int:
        """How many settlements were streamed."""
        return sum(len(ledger.rows) for ledger in self.ledgers)

    @property
    def fen(self) -> int:
        """Their sum, in fen."""
        return sum(ledger.fen for ledger in self.ledgers)

    @property
    def thrown(self) -> Counter[str]:
        """How often the sandbox answered with what: every outcome but ``ok``."""
        found: Counter[str] = Counter()
        for (_, outcome), times in self.calls.items():
            if outcome != "ok":
                found[outcome] += times
        return found

    def _problems(self) -> Iterator[str]:
        own: tuple[Split | Ledger | Refusal | Marking | Resumption | None, ...] = (self.marking, self.resumption)
        for part in (*self.splits, *self.ledgers, *self.refusals, *own):
            if part is not None and part.problem is not None:
                yield part.problem
