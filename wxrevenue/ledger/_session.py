"""What a transaction of a ledger is written against.

It is SQL with ``?``, in a thread of its own.
"""

from __future__ import annotations

import functools
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeAlias, TypeVar

import attrs

from wxrevenue.errors import ClientStateError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

E = TypeVar("E")
T = TypeVar("T")
V = TypeVar("V")
Row: TypeAlias = tuple[Any, ...]
_MOST_TOGETHER: Final = 64
"""Rows of values in one statement."""


def opened(part: E | None, process: int) -> E:
    """Return a part of a database that is open in this process.

    Raises:
        ClientStateError: it is not.
    """
    if part is None:
        raise ClientStateError("the ledger is not open: use it inside 'async with open_ledger(…) as ledger'")
    if process != os.getpid():
        raise ClientStateError("the ledger was opened in another process: open one after the fork")
    return part


def no_ledger(name: str) -> ConfigurationError:
    """Return the error of a ledger that is only to be read, and is not there."""
    return ConfigurationError(f"{name}: there is no such ledger; `wxrevenue sync` makes one")


class Once:
    """A ledger is opened once at a time."""

    def __init__(self) -> None:
        self._is_open = False

    @contextmanager
    def opening(self) -> Generator[None]:
        """Open it; it stays closed if that fails.

        Raises:
            ClientStateError: it is open, or being opened.
        """
        if self._is_open:
            raise ClientStateError("the ledger is open already: make another one for another block")
        self._is_open = True
        try:
            yield
        except BaseException:
            self._is_open = False
            raise

    def closed(self) -> None:
        """Let it be opened again."""
        self._is_open = False


class Session(Protocol):
    """An open transaction. ``FOR UPDATE`` is left out where a writer is alone anyway."""

    moment: int | None
    """The time that a clock of the user's shows.

    ``None``: the database's clock counts.
    """

    def run(self, sql: str, *values: object) -> list[Row]:
        """Run a statement and return its rows."""
        ...

    def run_many(self, sql: str, rows: Iterable[Row]) -> None:
        """Run a statement for each row of values."""
        ...

    def lock(self, owner: str) -> None:
        """Keep other writers away until the transaction ends.

        They are kept from an owner, or from whatever else has a name.
        """
        ...

    def now(self) -> int:
        """Return the time: microseconds of Unix time."""
        ...


@attrs.frozen
class Joint(Generic[V, T]):
    """Work that can be done for several callers at once.

    Args:
        together: does it for all values, and returns what comes of each.
        value: this caller's.
    """

    together: Callable[[Session, Sequence[V]], list[T]]
    value: V

    def __call__(self, session: Session) -> T:
        """Do it for this caller."""
        return self.together(session, [self.value])[0]


def any_of(session: Session, sql: str, condition: str, values: Sequence[Row]) -> list[Row]:
    """Run a statement for whatever meets the condition with any of the values.

    ``{}`` stands for that in the statement.
    """
    found: list[Row] = []
    for begin in range(0, len(values), _MOST_TOGETHER):
        some = values[begin : begin + _MOST_TOGETHER]
        many = padded(some)
        found += session.run(_of_any(sql, condition, len(many)), *(value for row in many for value in row))
    return found


def padded(values: Sequence[V]) -> list[V]:
    """Return values, the last one repeated until they are a power of two.

    So there are few statements to be prepared.
    """
    return [*values, *[values[-1]] * ((1 << (len(values) - 1).bit_length()) - len(values))]


@functools.lru_cache
def _of_any(sql: str, condition: str, count: int) -> str:
    return sql.format(f"({' OR '.join([f'({condition})'] * count)})")


class Database(Protocol):
    """Runs functions inside transactions, in threads, so that no event loop waits."""

    async def open(self) -> None:
        """Connect, and bring the schema up to date."""
        ...

    async def read(self, work: Callable[[Session], T]) -> T:
        """Run a function on what was committed, and return what it returns."""
        ...

    async def write(self, work: Callable[[Session], T]) -> T:
        """Run a function in a transaction of its own.

        Return what it returned once it is committed.
        """
        ...

    async def aclose(self) -> None:
        """Finish what is under way, and disconnect.

        A caller that is cancelled leaves when that is done.
        """
        ...

    def abandon(self) -> None:
        """Have the threads do the same, where nothing can be awaited any more."""
        ...
