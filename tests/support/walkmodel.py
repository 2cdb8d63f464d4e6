"""A list that changes between any two answers, as a state machine.

A walk over it may be killed and resumed.

What the machine may do to the list is what a walk can see (see
``wxrevenue.pagination._list_reader``): between two answers rows are either added or taken away, not
both, unless they are only ever added in front. Within that, rows come, go, change places, change
their content and get their numbers as the machine likes, and answers that are under way at once
come in any order.

``tests/pagination/test_list_reader_model.py`` tries a few hundred examples,
``tests/nightly/walk_model.py`` as many as it is told.
"""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from support.lists import Item, Leaf, Query, Source
from support.virtual import settle
from wxrevenue.errors import PageDriftError
from wxrevenue.pagination._paginator import Paginator

_PLACES = st.integers(0, 10**6)


@attrs.define
class Desk:
    """The server: a list, and the requests that wait for their answers."""

    rows: list[Item]
    size: int
    tells: bool = True
    waiting: list[tuple[int, asyncio.Future[Leaf]]] = attrs.field(factory=list[tuple[int, "asyncio.Future[Leaf]"]])

    async def fetch(self, query: Query) -> Leaf:
        """Wait until the machine answers."""
        answer: asyncio.Future[Leaf] = asyncio.get_running_loop().create_future()
        place = (query.page, answer)
        self.waiting.append(place)
        try:
            return await answer
        finally:
            self.waiting.remove(place)

    def answer(self, which: int) -> bool:
        """Answer one request with the list as it is now; return whether there was one."""
        open_ones = [place for place in self.waiting if not place[1].done()]
        if open_ones:
            page, future = open_ones[which % len(open_ones)]
            total = len(self.rows) if self.tells else None
            future.set_result(Leaf(self.rows[(page - 1) * self.size : page * self.size], total))
        return bool(open_ones)


class WalkMachine(RuleBasedStateMachine):
    """Changes the list, answers requests and kills the walk.

    It records what the walk yielded.
    """

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()

    @initialize(
        count=st.integers(0, 12),
        size=st.integers(1, 4),
        prefetch=st.integers(0, 3),
        kind=st.sampled_from(["one kind to a gap", "added in front", "only added", "only taken away"]),
    )
    def begin(self, count: int, size: int, prefetch: int, kind: str) -> None:
        """Open the list and begin a walk."""
        self.kind = kind
        self.prefetch = prefetch if kind.startswith("only") else 0  # an answer thrown away would hide a change
        self.desk = Desk([Item(n, "") for n in range(count)], size)
        self.always = set(range(count))
        self.next_id = count
        self.changed = self.killed = self.drift = False
        self.gap = ""
        self.yielded: list[int] = []
        self.session: list[int] = []
        self._start(None)

    # -- the list

    @rule(place=_PLACES)
    def add(self, place: int) -> None:
        """Add a row."""
        if self._may("add"):
            at = 0 if self.kind == "added in front" else place % (len(self.desk.rows) + 1)
            self.desk.rows.insert(at, Item(self.next_id, ""))
            self.next_id += 1

    @rule(place=_PLACES)
    def remove(self, place: int) -> None:
        """Remove a row."""
        if self.desk.rows and self._may("remove"):
            gone = self.desk.rows.pop(place % len(self.desk.rows))
            self.always.discard(gone.group)

    @precondition(lambda self: self.kind != "added in front" and not self.killed)
    @rule(one=_PLACES, other=_PLACES)
    def swap(self, one: int, other: int) -> None:
        """Let two rows change places."""
        rows = self.desk.rows
        if rows:
            self.changed = self.reordered = True
            one, other = one % len(rows), other % len(rows)
            rows[one], rows[other] = rows[other], rows[one]

    @rule(place=_PLACES, number=st.booleans())
    def revise(self, place: int, number: bool) -> None:  # noqa: FBT001  (drawn)
        """Change a row's content, or give it its number."""
        rows = self.desk.rows
        if rows:
            row = rows[place % len(rows)]
            changes: dict[str, Any] = {"number": "no"} if number else {"value": row.value + 1}
            rows[place % len(rows)] = attrs.evolve(row, **changes)
            self.changed = True

    # -- the walk

    @rule(which=st.integers(0, 3))
    def answer(self, which: int) -> None:
        """Answer one request under way."""
        if self.desk.answer(which):
            self.gap = ""
        self._run(settle())

    @rule(count=st.integers(1, 8))
    def go_on(self, count: int) -> None:
        """Read a few rows of the walk, and answer its requests meanwhile."""
        for _ in range(count):
            self._permits.release()
            self.answer(0)

    @precondition(lambda self: not self.reordered)
    @rule()
    def kill(self) -> None:
        """Kill the walk, and start another one at its cursor."""
        if not self._task.done():
            self._task.cancel()
            self._run(settle())
            self.killed = True
            self.session = []
            self._start(self._walk.cursor)

    def teardown(self) -> None:
        """Let the walk end, and check what it yielded."""
        try:
            if hasattr(self, "desk"):
                self._end()
        finally:
            self._runner.close()

    # -- inside

    reordered = False

    def _may(self, what: str) -> bool:
        if self.kind.startswith("only") and not self.kind.endswith({"add": "added", "remove": "taken away"}[what]):
            return False
        if self.kind == "one kind to a gap" and self.gap not in {"", what}:
            return False
        self.gap = what
        self.changed = True
        return True

    def _start(self, cursor: str | None) -> None:
        self._permits = asyncio.Semaphore(0)
        self._walk = Paginator[Item](Source(Query(), self.desk.fetch, on_page=self._tell), prefetch=self.prefetch, cursor=cursor)
        self._task = self._runner.get_loop().create_task(self._consume(self._walk))
        self._run(settle())

    def _tell(self, *, drift: bool, **_facts: Any) -> None:
        self.drift = self.drift or drift

    async def _consume(self, walk: Paginator[Item]) -> None:
        async for row in walk:
            assert row.group not in self.session, "a row came twice"
            self.session.append(row.group)
            self.yielded.append(row.group)
            await self._permits.acquire()

    def _run(self, work: Any) -> None:
        self._runner.run(work)

    def _end(self) -> None:
        for _ in range(400):
            if self._task.done():
                break
            self._permits.release()
            self.desk.answer(0)
            self._run(settle())
        assert self._task.done(), "the walk does not end"
        error = self._task.exception()
        assert error is None or isinstance(error, PageDriftError), error
        if not self.changed:
            assert error is None
            assert not self.drift
            assert self.yielded == [row.group for row in self.desk.rows]
        if error is None and not self.drift:
            assert self.always <= set(self.yielded), "a row that was there all the time was lost in silence"


def run(examples: int) -> None:
    """Try so many examples."""
    checks = settings(max_examples=examples, stateful_step_count=40, suppress_health_check=[HealthCheck.too_slow])
    run_state_machine_as_test(WalkMachine, settings=checks)
