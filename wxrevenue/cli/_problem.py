"""Errors on the command line.

Each says what happened and what to do, and has an exit code.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs
import typer

from wxrevenue._base.file_errors import Remedy
from wxrevenue.cli._starting import STOPPED
from wxrevenue.errors import (
    ConfigurationError,
    DeadlineExceededError,
    PageDriftError,
    QuotaExceededError,
    TooFastError,
    WxRevenueError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FAILED, WRONG, TRY_LATER = 1, 2, 75
"""Exit codes.

They are, in this order: it failed; options or credentials are not right; the same command may
succeed later. ``STOPPED`` is that of Ctrl-C.
"""
_LATER: Final = (TooFastError, QuotaExceededError, DeadlineExceededError, PageDriftError)


_TYPED: Final = {
    "open_ledger.url": "--ledger",
    "RevenueClient.base_url": "--base-url",
    "JobQueue.redis": "--redis",
}
"""Options, by what the library calls them."""


def day_as_typed(text: str) -> str:
    """Return a message about the last day, with the first day under its option's name."""
    return re.sub(r"\bstart(_date)?\b", "--from", text)


def _as_typed(error: ConfigurationError) -> str:
    """Return what an error says, under the name of the option that was typed."""
    name, colon, rest = error.message.partition(": ")
    return _TYPED[name] + colon + rest if name in _TYPED else str(error)


@attrs.frozen
class Problem:
    """Why it failed, what to do about it, and the exit code.

    All three are empty when all is well.
    """

    lines: tuple[str, ...] = ()
    exit_code: int = 0

    @classmethod
    def of(cls, error: WxRevenueError | OSError | KeyboardInterrupt) -> Problem:
        """Return what to say of an error."""
        if isinstance(error, KeyboardInterrupt):
            return cls(("Stopped.",), STOPPED)
        if not isinstance(error, WxRevenueError):
            what = f"cannot write {error.filename}: {error.strerror}" if error.filename else str(error)
            advice = (note.removeprefix(f"{error.filename}: ") for note in Remedy.on(error))
            return cls((what, *advice), FAILED)
        if isinstance(error, ConfigurationError):
            return cls((_as_typed(error),), WRONG)
        later = error.retryable or isinstance(error, _LATER)
        return cls((str(error),), TRY_LATER if later else FAILED)

    @classmethod
    def of_doing(cls, work: Callable[[], object]) -> Problem:
        """Do the work; return what kept it from its end."""
        try:
            work()
        except BrokenPipeError:  # the reader of the output has ended
            raise
        except (WxRevenueError, OSError, KeyboardInterrupt) as error:
            return cls.of(error)
        return cls()

    def tell(self, *, before: Iterable[str] = (), after: Iterable[str] = ()) -> None:
        """Print it to stderr, between other lines.

        Raises:
            Exit: there is a problem.
        """
        for line in (*before, *self.lines, *after):
            typer.echo(line, err=True)
        if self.exit_code:
            raise typer.Exit(self.exit_code)
