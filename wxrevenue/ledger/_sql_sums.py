"""The part of a ledger that reports read.

Arguments are checked here, SQL is run inside the database's threads.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from wxrevenue._base import checks
from wxrevenue._base.calendar import HalfMonth
from wxrevenue.errors import ConfigurationError
from wxrevenue.ledger import _sums
from wxrevenue.ledger._arguments import appid_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable

    from wxrevenue._wire.totals import Totals
    from wxrevenue.ams.settlement import Settlement
    from wxrevenue.ledger._session import Session
    from wxrevenue.ledger._values import OwnerSum, StatusSum

T = TypeVar("T")
_SPAN: Final = (0, HalfMonth(9999, 12, 2).ordinal)
_PIECE: Final = 1_000
"""Owners of one transaction."""
_HALF_MONTHS: Final = 100
"""Half-months of one transaction, of which the statements are read."""


def span_of(where: str, start: HalfMonth | None, end: HalfMonth | None) -> tuple[int, int]:
    """Return the ordinals of two half-months.

    Of the first and last that there can be, where they are ``None``.

    Raises:
        ConfigurationError: one is not a half-month.
    """
    checks.instance(f"{where}.start", start, HalfMonth)
    checks.instance(f"{where}.end", end, HalfMonth)
    return (_SPAN[0] if start is None else start.ordinal, _SPAN[1] if end is None else end.ordinal)


class SqlSums(Protocol):
    """Sums of what a ledger holds, and what is not paid; see :class:`Ledger`."""

    async def _write(self, work: Callable[[Session], T]) -> T: ...

    async def _read(self, work: Callable[[Session], T]) -> T: ...

    async def record_provider(self, appid: str) -> None:
        """Note that an owner is a provider."""
        await self._write(partial(_sums.record_provider, appid=appid_of("Ledger.record_provider.appid", appid)))

    async def providers(self) -> tuple[str, ...]:
        """Return the owners that are providers."""
        return await self._read(_sums.providers)

    async def sums(
        self,
        *,
        owner: str | None = None,
        without: Iterable[str] = (),
        start: HalfMonth | None = None,
        end: HalfMonth | None = None,
    ) -> list[StatusSum]:
        """Return what half-months come to."""
        if owner is not None:
            appid_of("Ledger.sums.owner", owner)
        if isinstance(without, str):
            raise ConfigurationError("Ledger.sums.without: expected an iterable of appids, got one str")
        left_out = [appid_of("Ledger.sums.without", one) for one in checks.instances("Ledger.sums.without", without, str)]
        return await self._read(partial(_sums.sums, owner=owner, without=left_out, span=span_of("Ledger.sums", start, end)))

    def owner_sums(self, *, end: HalfMonth | None = None) -> AsyncIterator[OwnerSum]:
        """Yield what each owner's statements come to."""
        return self._owner_sums(span_of("Ledger.owner_sums", None, end)[1])

    async def _owner_sums(self, until: int) -> AsyncGenerator[OwnerSum]:
        after = ""
        while some := await self._read(partial(_sums.owner_sums, after=after, until=until, limit=_PIECE)):
            for one in some:
                yield one
            after = some[-1].owner

    def unpaid(self, *, end: HalfMonth | None = None) -> AsyncIterator[tuple[str, Settlement]]:
        """Yield statements that are not paid."""
        return self._unpaid(span_of("Ledger.unpaid", None, end)[1])

    async def _unpaid(self, until: int) -> AsyncGenerator[tuple[str, Settlement]]:
        after: tuple[int, str] | None = (0, "")
        while after is not None:
            rows, after = await self._read(partial(_sums.unpaid_after, after=after, until=until, limit=_HALF_MONTHS))
            for row in rows:
                yield row

    def all_totals(self) -> AsyncIterator[tuple[str, Totals]]:
        """Yield owners and their newest headers."""
        return self._all_totals()

    async def _all_totals(self) -> AsyncGenerator[tuple[str, Totals]]:
        after = ""
        while some := await self._read(partial(_sums.totals_after, after=after, limit=_PIECE)):
            for one in some:
                yield one
            after = some[-1][0]
