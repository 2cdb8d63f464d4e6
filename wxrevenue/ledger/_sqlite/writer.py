"""The thread that writes.

A writer that waits for the disk once per call is slow. Calls that come together are committed
together. If one fails, each is run again in a transaction of its own, so that it takes no other
with it. A call has its answer after the commit, never before.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from concurrent.futures import Executor, Future, wait
from typing import TYPE_CHECKING, Final, ParamSpec, TypeAlias, TypeVar, cast

from wxrevenue.ledger._session import Joint
from wxrevenue.ledger._sqlite.failures import failed, is_busy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wxrevenue.ledger._session import Session
    from wxrevenue.ledger._sqlite.session import SqliteSession

    Work: TypeAlias = Callable[[Session], object]
    Answer: TypeAlias = tuple[object, BaseException | None]

P = ParamSpec("P")
T = TypeVar("T")
MOST_TOGETHER: Final = 64
"""Calls of one commit: another process is kept waiting no longer."""


class Writer(Executor):
    """Runs functions, each of which commits calls, in one thread.

    An executor, so that event loops know of it.

    Args:
        session: what it writes with; closed at the end.
        name: what to call the database in an error.
    """

    def __init__(self, session: SqliteSession, name: str) -> None:
        self._session, self._name = session, name
        self._entries: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._reader: Future[None] | None = None
        self._thread = threading.Thread(target=self._run, name="wxrevenue-ledger-writer", daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a function in the thread."""
        done: Future[T] = Future()

        def run() -> None:
            if done.set_running_or_notify_cancel():
                try:
                    done.set_result(fn(*args, **kwargs))
                except BaseException as error:  # noqa: BLE001  (no caller may wait for ever)
                    done.set_exception(error)

        self._entries.put(run)
        return done

    def end_after(self, reader: Future[None]) -> None:
        """Commit what was begun, and close the file when its reader has done so.

        The last one tidies up.
        """
        self._reader = reader
        self._entries.put(None)

    def join(self) -> None:
        """Wait until the file is closed."""
        self._thread.join()

    def _run(self) -> None:
        while (run := self._entries.get()) is not None:
            run()
            del run  # what it holds belongs to its caller
        wait([self._reader] if self._reader is not None else [])
        self._session.connection.close()

    def commit(self, works: Sequence[Work]) -> list[Answer]:
        """Run all of them in one transaction; if one fails, each in its own.

        A savepoint for each would do, too, but takes two more statements for every call.
        """
        try:
            return [(value, None) for value in self._session.within("BEGIN IMMEDIATE", lambda session: _done(session, works))]
        except BaseException as error:  # noqa: BLE001  (each caller hears of its own)
            problem = failed(self._name, error) if isinstance(error, sqlite3.Error) else error
            is_shared = isinstance(error, sqlite3.Error) and is_busy(error)
        if len(works) == 1 or is_shared:
            return [(None, problem)] * len(works)
        return [answer for work in works for answer in self.commit([work])]  # which of them it was shows when each is alone


def _done(session: Session, works: Sequence[Work]) -> list[object]:
    """Do all of them, and first together what can be done together.

    Nobody knows in which order calls come that do not wait for one another.
    """
    joint: dict[object, dict[int, Joint[object, object]]] = {}
    for number, work in enumerate(works):
        if isinstance(work, Joint):
            one = cast("Joint[object, object]", work)
            joint.setdefault(one.together, {})[number] = one
    found: dict[int, object] = {}
    for some in joint.values():
        values = [one.value for one in some.values()]
        found |= zip(some, next(iter(some.values())).together(session, values), strict=True)
    return [found[number] if number in found else work(session) for number, work in enumerate(works)]
