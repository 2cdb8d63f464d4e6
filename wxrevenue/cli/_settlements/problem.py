"""Errors as a user of the command line meets them: what happened, what to do about it, and an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue._base.file_errors import Remedy
from wxrevenue.errors import (
    ConfigurationError,
    DeadlineExceededError,
    DecodeError,
    PageDriftError,
    QuotaExceededError,
    TooFastError,
    TransportError,
    WxRevenueError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

FAILED, WRONG, TRY_LATER, STOPPED = 1, 2, 75, 130
"""Exit codes: it failed; options or credentials are not right; the same command may do better later; Ctrl-C."""
_LATER: Final = (TooFastError, QuotaExceededError, DeadlineExceededError, PageDriftError)
_ADVICE: Final[Mapping[type[Exception], str]] = {
    PageDriftError: "Rows came and went while the list was read. Run the command again, from the beginning.",
    TransportError: "Look at the network, then run the command again.",
    DeadlineExceededError: "Run the command again when the server is less busy.",
    DecodeError: "The server's answer is not what its documents say: please report this.",
}
"""What to do about errors that do not say so themselves."""


@attrs.frozen
class Problem:
    """Why it failed, what to do about it, and the exit code; none of it when all is well."""

    lines: tuple[str, ...] = ()
    exit_code: int = 0

    @classmethod
    def of(cls, error: WxRevenueError | OSError | KeyboardInterrupt) -> Problem:
        """Return what to say of an error."""
        if isinstance(error, KeyboardInterrupt):
            return cls(("Stopped.",), STOPPED)
        if not isinstance(error, WxRevenueError):
            what = f"cannot write {error.filename}: {error.strerror}" if error.filename else str(error)
            return cls((what, *Remedy.on(error)), FAILED)
        advice = (remedy for kind, remedy in _ADVICE.items() if isinstance(error, kind))
        if isinstance(error, ConfigurationError):
            return cls((str(error),), WRONG)
        later = error.retryable or isinstance(error, _LATER)
        return cls((str(error), *advice), TRY_LATER if later else FAILED)
