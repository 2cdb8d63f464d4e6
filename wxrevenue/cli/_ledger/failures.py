"""What ``wxrevenue sync`` could not fetch."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import typer

from wxrevenue._wire.codes import NO_PUBLISHER
from wxrevenue.cli._problem import FAILED, TRY_LATER, Problem
from wxrevenue.errors import AccountNotOpenError, TokenUnavailableError
from wxrevenue.tokens._environment import has_token

if TYPE_CHECKING:
    from wxrevenue.errors import WxRevenueError
    from wxrevenue.ledger import FetchJob

_SHOWN: Final = 10
"""Failures and Mini Programs that are named; the rest is counted."""
_REASON: Final = re.compile(rf"\w+: code ({'|'.join(map(str, NO_PUBLISHER))});", re.ASCII)
"""How an error begins that a worker noted."""


def has_no_publisher(error: WxRevenueError) -> bool:
    """Return whether a Mini Program has no publisher account, and so no settlements."""
    if isinstance(error, AccountNotOpenError):
        return error.code in NO_PUBLISHER
    return _REASON.match(str(error)) is not None


_PROVIDER_ALONE: Final = (
    "WXREVENUE_COMPONENT_TOKEN reads the provider's settlements alone. For Mini Programs set WXREVENUE_COMPONENT_SECRET and "
    "WXREVENUE_TICKET_FILE in its place; for the provider alone give its appid."
)


class Failures:
    """The jobs of one run that could not be fetched.

    A provider has Mini Programs without a publisher account: those are told, and no failure.
    """

    def __init__(self) -> None:
        self._failed: list[tuple[FetchJob, WxRevenueError]] = []
        self._without_account: dict[str, None] = {}

    def add(self, job: FetchJob, error: WxRevenueError) -> None:
        """Take a job and why it could not be fetched."""
        if has_no_publisher(error):
            self._without_account[job.owner] = None
        else:
            self._failed.append((job, error))

    def tell(self) -> int:
        """Print them to stderr; return the exit code."""
        if self._without_account:
            typer.echo(self._said_of_accounts(), err=True)
        for job, error in self._failed[:_SHOWN]:
            typer.echo(f"{job}: {error}", err=True)
        if not self._failed:
            return 0
        if len(self._failed) > _SHOWN:
            typer.echo(f"and {len(self._failed) - _SHOWN:,} more", err=True)
        typer.echo(f"{len(self._failed):,} jobs failed; the same command fetches them again.", err=True)
        if has_token() and any(isinstance(error, TokenUnavailableError) for _, error in self._failed):
            typer.echo(_PROVIDER_ALONE, err=True)
        is_later = all(Problem.of(error).exit_code == TRY_LATER for _, error in self._failed)
        return TRY_LATER if is_later else FAILED

    def _said_of_accounts(self) -> str:
        count, named = len(self._without_account), ", ".join([*self._without_account][:_SHOWN])
        more = f" and {count - _SHOWN:,} more" if count > _SHOWN else ""
        return f"{count:,} without a publisher account (1807), so without settlements: {named}{more}. The next run asks again."
