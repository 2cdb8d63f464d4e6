"""Lists of any kind on servers of any kind, and what walks over them must yield.

The lists have equal keys, rows without a number and rows that are the same in all; the servers
announce too much, too little or nothing, cap the page size, and leave pages empty.
``tests/pagination/test_list_model.py`` tries some hundred examples, ``tests/nightly/list_model.py``
as many as it is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.lists import Item, Leaf, Source
from support.virtual import run_virtual
from wxrevenue._wire.request import Endpoint
from wxrevenue.errors import PageDriftError
from wxrevenue.pagination._paginator import Paginator

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

NUMBERS = ["", "", "a", "b"]
_MOST_ASKED = 1_000
CHANGES = {
    "added in front": ["front"],
    "only added": ["front", "anywhere", "number", "revise"],
    "only taken away": ["remove", "number"],
    "dated anew": ["to the front", "number"],
    "all of it": ["front", "anywhere", "remove", "to the front", "number", "revise"],
}


@attrs.frozen
class Query:
    """A request with a page and a size."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/fake/query")
    page_size: int
    page: int = 1


@attrs.define
class Server:
    """A server of a list that may be changed.

    Its pages have at most ``cap`` rows, and some are empty.
    """

    rows: list[Item]
    total: Callable[[int], int | None] = lambda rows: rows
    cap: int = 99
    holes: frozenset[int] = frozenset()
    before: Callable[[], None] = lambda: None
    asked: int = 0
    caps: set[int] = attrs.field(factory=set[int])
    """The caps that walks of this server have seen."""

    async def fetch(self, query: Query) -> Leaf:
        """Answer at once."""
        self.before()
        self.asked += 1
        assert self.asked < _MOST_ASKED, "the walk does not end"
        size = min(query.page_size, self.cap)
        number = query.page - sum(hole < query.page for hole in self.holes)
        rows = [] if query.page in self.holes else self.rows[(number - 1) * size : number * size]
        return Leaf(rows, self.total(len(self.rows)))


@st.composite
def lists(draw: st.DrawFn, values: st.SearchStrategy[int]) -> list[Item]:
    """Draw a list of few half-months."""
    return draw(st.lists(st.builds(Item, st.integers(0, 3), st.sampled_from(NUMBERS), values), max_size=12))


@st.composite
def servers(draw: st.DrawFn, rows: list[Item], size: int) -> Server:
    """Draw a server of a list that does not change.

    After a hole it announces the rows that might have been there.
    """
    count, off = len(rows), draw(st.integers(1, 9))
    kind = draw(st.sampled_from(["right", "high", "low", "none", "holes"]))
    cap = draw(st.integers(1, 6))
    real = min(size, cap)
    known = {cap} if kind == "low" and cap < size else set[int]()  # without it no walk finds a total too low
    holes: list[int] = []
    for hole in sorted(draw(st.sets(st.integers(1 if real == size else 2, 5), max_size=3))) if kind == "holes" else []:
        if (hole - 1 - len(holes)) * real < count:
            holes.append(hole)
    total = {"high": count + off, "low": max(0, count - off), "none": None}.get(kind, count + len(holes) * real)
    return Server(rows, lambda _rows: total, cap, frozenset(holes), caps=known)


async def _some(walk: Paginator[Item], count: float, found: list[Item]) -> None:
    """Take so many rows of a walk.

    An error that says that rows are missing is an end like any other.
    """
    async with walk:
        try:
            while len(found) < count:
                found.append(await anext(walk))
        except StopAsyncIteration:
            pass


@attrs.define
class Changes:
    """Changes a server's list before some of its answers.

    It knows which rows stayed all the time.
    """

    server: Server
    kinds: list[str]
    random: Random
    rate: float
    left: int
    stayed: set[int] = attrs.field(init=False)
    groups: list[int] = attrs.field(init=False)
    """The groups of all rows that ever were in the list."""
    dated: set[int] = attrs.field(factory=set[int])
    """Rows that moved to the front, each once.

    No walk can see a list that moves and moves back between two answers.
    """

    def __attrs_post_init__(self) -> None:
        self.stayed = {row.ident for row in self.server.rows}
        self.groups = [row.group for row in self.server.rows]

    def __call__(self) -> None:
        """Change the list, with some probability."""
        rows = self.server.rows
        if not self.left or self.random.random() > self.rate:
            return
        self.left -= 1
        kind = self.random.choice(self.kinds)
        at = 0 if kind == "front" else self.random.randrange(len(rows) + 1)
        if kind in {"front", "anywhere"}:
            number = 1_000 + self.left
            rows.insert(at, Item(self.random.randrange(4), self.random.choice(NUMBERS), number, number))
            self.groups.append(rows[at].group)
        elif at < len(rows):
            self._change(rows, at, kind)

    def _change(self, rows: list[Item], at: int, kind: str) -> None:
        row = rows[at]
        if kind == "to the front":
            rows.insert(0, rows.pop(at) if row.ident not in self.dated else rows.pop(0))
            self.dated.add(row.ident)
        elif kind == "number" and not row.number and not any(row.group == other.group and other.number == "z" for other in rows):
            rows[at] = attrs.evolve(row, number="z")
        elif self.groups.count(row.group) > 1:
            return  # a row that took another's key is that row
        elif kind == "revise":
            rows[at] = attrs.evolve(row, value=row.value + 100)
        elif kind == "remove":
            self.stayed.discard(rows.pop(at).ident)


def unchanged(examples: int) -> None:
    """Walk unchanged lists: every row comes.

    One walk yields them, or three that are stopped and resumed after any row.
    """

    @settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow])
    @given(data=st.data(), rows=lists(st.integers(0, 1)), size=st.integers(1, 5), prefetch=st.integers(0, 3))
    def check(data: st.DataObject, rows: list[Item], size: int, prefetch: int) -> None:
        server = data.draw(servers(rows, size))
        further = data.draw(st.integers(0, 4))

        async def in_pieces(*stops: float) -> list[Item]:
            found, cursor = list[Item](), None
            for stop in (*stops, float("inf")):
                walk = Paginator[Item](Source(Query(size), server.fetch, caps=server.caps), prefetch=prefetch, cursor=cursor)
                try:
                    await _some(walk, stop, found)
                except PageDriftError:
                    assert server.holes, "a list that stood still is said to have changed"
                cursor = walk.cursor
                assert walk.revisions == []
            return found

        for stop in range(len(rows) + 2):
            server.asked = 0
            assert run_virtual(in_pieces(stop, stop + further)) == rows

    check()


def changing(examples: int) -> None:
    """Walk lists that change.

    No row that stayed is lost and none comes twice in one walk, or the walk says so.
    """

    @settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow])
    @given(
        rows=lists(st.just(0)),
        size=st.integers(1, 4),
        kind=st.sampled_from(sorted(CHANGES)),
        random=st.randoms(use_true_random=False),
        rate=st.sampled_from([0.1, 0.3, 0.6]),
        count=st.integers(0, 4),
        stop=st.none() | st.integers(0, 12),
    )
    def check(rows: list[Item], size: int, kind: str, random: Random, rate: float, count: int, stop: int | None) -> None:  # noqa: PLR0917  (drawn)
        server = Server([attrs.evolve(row, value=place, ident=place) for place, row in enumerate(rows)])
        server.before = changes = Changes(server, CHANGES[kind], random, rate, count)

        async def walk() -> list[list[int]]:
            sessions, cursor = list[list[int]](), None
            for end in (float("inf"),) if stop is None else (stop, float("inf")):
                one, found = Paginator[Item](Source(Query(size), server.fetch, caps=server.caps), prefetch=0, cursor=cursor), list[Item]()
                await _some(one, end, found)
                sessions.append([row.ident for row in found])
                cursor = one.cursor
                changes()
            return sessions

        try:
            sessions = run_virtual(walk())
        except PageDriftError:
            return
        assert changes.stayed <= {ident for session in sessions for ident in session}, "a row was lost in silence"
        last = sessions[-1]  # one that was left may have had its error before it
        assert len(last) == len(set(last)), "a row came twice"

    check()


def run(examples: int) -> None:
    """Try so many examples of each model."""
    unchanged(examples)
    changing(examples)
