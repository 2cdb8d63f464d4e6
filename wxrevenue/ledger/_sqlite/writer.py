"""The thread that writes.

A writer that waits for the disk once per call is slow. Calls that come while it waits are committed
together. If one fails, each is run again in a transaction of its own, so that it takes no other
with it. A call has its answer after the commit, never before.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from concurrent.futures import Executor, Future, wait
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeAlias, TypeVar, cast

from wxrevenue.ledger._session import Joint
from wxrevenue.ledger._sqlite.failures import failed, is_busy

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.ledger._session import Session
    from wxrevenue.ledger._sqlite.session import SqliteSession

    Work: TypeAlias = Callable[[Session], object]
    Entry: TypeAlias = tuple[Work, Future[Any]]

P = ParamSpec("P")
T = TypeVar("T")
_MOST_TOGETHER: Final = 64
"""Calls of one commit: another process is kept waiting no longer."""
_GATHER_S: Final = 0.0002
"""Seconds to wait for further calls, for each call that the last commit had.

A commit of eight calls costs nearly as much as one of sixteen, for it writes the same pages of an
index. Who calls alone never waits.
"""
_MANY: Final = 4
"""Calls of a commit behind which there is something to wait for."""


class Writer(Executor):
    """Runs functions of a session in transactions, in one thread.

    An executor, so that event loops know of it.

    Args:
        session: what it writes with; closed at the end.
        name: what to call the database in an error.
    """

    def __init__(self, session: SqliteSession, name: str) -> None:
        self._session, self._name = session, name
        self._entries: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._together = 0
        """Calls of the last commit."""
        self._reader: Future[None] | None = None
        self._thread = threading.Thread(target=self._run, name="wxrevenue-ledger-writer", daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a function with the session as its only argument."""
        assert not args, "the session is all it gets"  # noqa: S101
        assert not kwargs, "likewise"  # noqa: S101
        done: Future[T] = Future()
        self._entries.put((cast("Work", fn), done))
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
        is_last = False
        while not is_last:
            entries, is_last = self._next()
            self._together = len(entries)
            self._commit([one for one in entries if one[1].set_running_or_notify_cancel()])
        wait([self._reader] if self._reader is not None else [])
        self._session.connection.close()

    def _next(self) -> tuple[list[Entry], bool]:
        """Return what is to be committed together, and whether nothing comes behind it."""
        entries: list[Entry] = []
        entry = self._entries.get()
        if self._together >= _MANY and self._entries.qsize() < _MOST_TOGETHER - 1:
            time.sleep(self._together * _GATHER_S)
        while entry is not None:
            entries.append(entry)
            if len(entries) == _MOST_TOGETHER or self._entries.empty():
                return entries, False
            entry = self._entries.get()
        return entries, True

    def _commit(self, entries: list[Entry]) -> None:
        """Run all of them in one transaction; if one fails, each in its own.

        A savepoint for each would do, too, but takes two more statements for every call.
        """
        if not entries:
            return
        try:
            answers = self._session.within("BEGIN IMMEDIATE", lambda session: _done(session, [work for work, _ in entries]))
        except BaseException as error:  # noqa: BLE001  (no caller may wait for ever)
            problem = failed(self._name, error) if isinstance(error, sqlite3.Error) else error
            is_shared = isinstance(error, sqlite3.Error) and is_busy(error)
            if len(entries) == 1 or is_shared:
                for _, done in entries:
                    done.set_exception(problem)
                return
            for entry in entries:  # which of them it was shows when each is alone
                self._commit([entry])
            return
        for (_, done), value in zip(entries, answers, strict=True):
            done.set_result(value)


def _done(session: Session, works: list[Work]) -> list[object]:
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
