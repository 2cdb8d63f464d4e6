"""A connection that does not wait for ever for an answer.

The server may be paused, or its host gone.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg
from psycopg.rows import TupleRow

if TYPE_CHECKING:
    from psycopg.abc import PQGen

R = TypeVar("R")
LONGEST_ANSWER_S: Final = 60.0
"""Seconds that a statement may take: longer than the server waits for a lock."""


class SilentServerError(psycopg.OperationalError):
    """The server did not answer in time.

    It is not asked again: nothing says for how long it is silent.
    """


class PatientConnection(psycopg.Connection[TupleRow]):
    """Ends itself when an answer does not come.

    What the server does with the statement is unknown then.
    """

    def wait(self, gen: PQGen[R], *args: Any, **kwargs: Any) -> R:
        """Wait for an answer, but not for ever."""
        return super().wait(self._in_time(gen), *args, **kwargs)

    def _in_time(self, gen: PQGen[R]) -> PQGen[R]:
        until = time.monotonic() + LONGEST_ANSWER_S
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() > until:
                    break
                wanted = gen.send(ready)
        except StopIteration as end:
            found: R = end.value
            return found
        self.close()
        raise SilentServerError(f"the server gave no answer within {LONGEST_ANSWER_S:g} s")
