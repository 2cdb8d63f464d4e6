"""Reconciling a half-month: what should be equal in the ledger, and is or is not."""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from typing import TYPE_CHECKING

from wxrevenue.report import _sentences as sentences
from wxrevenue.report._amounts import Earned, Ratios, Settled, beside, days_of, nearest, providers_part
from wxrevenue.report._arguments import checked_half_month
from wxrevenue.report._collected import MOST_ROWS, Collected
from wxrevenue.report._findings import CheckKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import date
    from decimal import Decimal

    from wxrevenue._base.calendar import HalfMonth
    from wxrevenue._wire.totals import Totals
    from wxrevenue.ams._ad_row import AdRow
    from wxrevenue.ledger import Ledger
    from wxrevenue.ledger._values import OwnerSum
    from wxrevenue.report._findings import Reconciliation

__all__ = ["reconcile"]


async def reconcile(ledger: Ledger, half_month: HalfMonth) -> Reconciliation:
    """Compare what should be equal in a half-month, and say what is not.

    - a settlement's slots with its amount;
    - each Mini Program's daily income, and the provider's, with what was settled: the difference is
      a deduction, or ad data that were revised later;
    - the provider's part of daily incomes with the ratio in force at that time;
    - the provider's settlement with the Mini Programs' settlements and those ratios;
    - the sums in the newest header of each owner with its settlements of all times.

    Amounts that WeChat rounded may differ by a fen for each rounding. What cannot be compared,
    because something is not in the ledger, is in ``unchecked`` and is not ``ok``. Ad data and
    ratios are there where ``wxrevenue sync --ads --ratios`` or ``record_ads`` and ``record_ratios``
    put them. Memory grows with the number of Mini Programs, not with their rows.

    Args:
        ledger: an open ledger.
        half_month: which.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was read.
        LedgerError: the ledger's database failed.
    """
    half_month = checked_half_month("reconcile", ledger, half_month)
    found = _Reconciling(ledger, half_month)
    await found.read()
    return await found.compare()


class _Reconciling:
    """What a reconciliation knows so far."""

    def __init__(self, ledger: Ledger, half_month: HalfMonth) -> None:
        self._ledger, self._half_month = ledger, half_month
        self._providers: tuple[str, ...] = ()
        self._settled: dict[str, Settled] = {}
        self._earned: dict[str, Earned] = {}
        self._ratios: defaultdict[str, Ratios] = defaultdict(Ratios)
        self._found = Collected(ledger, half_month)

    # -- reading -----------------------------------------------------------------------------------

    async def read(self) -> None:
        """Add up what the ledger has; compare each settlement with its slots."""
        self._providers = await self._ledger.providers()
        async for owner, row in self._ledger.settlements(start=self._half_month, end=self._half_month):
            self._settled.setdefault(owner, Settled()).add(row)
            self._found.compared += bool(row.slot_revenue)
            if not row.adds_up:
                slots = sum(slot.slot_settled_revenue for slot in row.slot_revenue)
                self._found.differ(CheckKind.SLOTS, owner, (slots, row.settled_revenue), [(owner, row)], sentences.SLOTS)
        async for appid, rows in self._days():
            self._earned.setdefault(appid, Earned()).add_day(rows)
        async for at, status in self._ledger.ratios():
            self._ratios[status.appid].add(at, status, self._half_month)

    async def _days(self) -> AsyncIterator[tuple[str, list[AdRow]]]:
        """Yield Mini Programs and the ad data of a day."""
        day: list[AdRow] = []
        last: tuple[str, date | None] = ("", None)
        async for appid, row in self._ledger.ads(start=self._half_month.start, end=self._half_month.end):
            if day and (appid, row.date) != last:
                yield last[0], day
                day = []
            last = (appid, row.date)
            day.append(row)
        if day:
            yield last[0], day

    # -- comparing ---------------------------------------------------------------------------------

    async def compare(self) -> Reconciliation:
        """Compare everything else, and return what was found."""
        if not self._settled:
            self._found.leave(CheckKind.INCOME, sentences.NO_SETTLEMENTS)
        for owner in sorted(self._settled.keys() | self._earned.keys()):
            if owner not in self._providers:
                await self._compare_program(owner)
        await self._compare_provider()
        await self._compare_headers()
        return self._found.reconciliation

    async def _compare_program(self, owner: str) -> None:
        settled, earned = self._settled.get(owner), self._earned.get(owner)
        if earned is None:
            self._found.leave(CheckKind.INCOME, sentences.NO_ADS, owner)
            return
        await self._compare_ratio(owner, earned)
        if settled is None:
            if earned.publisher:
                rows = await self._found.behind(owner)
                self._found.differ(CheckKind.INCOME, owner, (earned.publisher, 0), rows, sentences.NOT_SETTLED)
            return
        if settled.unsettled:
            self._found.leave(CheckKind.INCOME, sentences.UNSETTLED, owner)
        elif earned.lacks_publisher:
            self._found.leave(CheckKind.INCOME, sentences.NO_INCOME, owner)
        elif self._found.agrees(settled.fen == earned.publisher):
            return
        else:
            missing = days_of(self._half_month) - len(earned.days)
            said = sentences.income(earned.publisher - settled.fen, missing)
            self._found.differ(CheckKind.INCOME, owner, (earned.publisher, settled.fen), await self._found.behind(owner), said)

    async def _compare_ratio(self, owner: str, earned: Earned) -> None:
        """Compare the provider's part of the daily incomes with the ratio."""
        bounds = self._bounds(owner)
        if bounds is None:
            self._found.leave(CheckKind.RATIO, sentences.no_ratio(self._ratios[owner].later), owner)
            return
        if earned.lacks_agency or earned.lacks_publisher:
            self._found.leave(CheckKind.RATIO, sentences.NO_PARTS, owner)
            return
        expected = nearest(earned.agency, *providers_part(earned.publisher + earned.agency, bounds, earned.rows))
        if not self._found.agrees(expected is None):
            rows = await self._found.behind(owner)
            self._found.differ(CheckKind.RATIO, owner, (expected or 0, earned.agency), rows, sentences.ratio(bounds))

    async def _compare_provider(self) -> None:
        if len(self._providers) != 1:
            self._found.leave(CheckKind.SHARE, sentences.providers(len(self._providers)))
            return
        (provider,) = self._providers
        settled = self._settled.get(provider)
        if settled is None:
            self._found.leave(CheckKind.SHARE, sentences.NO_PROVIDERS_ROWS, provider)
        elif settled.unsettled:
            self._found.leave(CheckKind.SHARE, sentences.UNSETTLED, provider)
        else:
            await self._compare_income(provider, settled)
            await self._compare_share(provider, settled)

    async def _compare_income(self, provider: str, settled: Settled) -> None:
        programs = [earned for owner, earned in self._earned.items() if owner != provider]
        if not programs:
            self._found.leave(CheckKind.INCOME, sentences.NO_ADS, provider)
            return
        if any(earned.lacks_agency for earned in programs):
            self._found.leave(CheckKind.INCOME, sentences.NO_PARTS, provider)
            return
        expected = sum(earned.agency for earned in programs)
        if not self._found.agrees(expected == settled.fen):
            most = max(len(earned.days) for earned in programs)
            said = sentences.income(expected - settled.fen, days_of(self._half_month) - most)
            self._found.differ(CheckKind.INCOME, provider, (expected, settled.fen), await self._found.settlements(provider), said)

    def _bounds(self, owner: str) -> tuple[Decimal, Decimal] | None:
        return self._ratios[owner].bounds

    async def _compare_share(self, provider: str, settled: Settled) -> None:
        """Compare the provider's settlement with the Mini Programs' and the ratios."""
        low = high = Fraction(0)
        lacking = False
        for owner, program in self._settled.items():
            if owner == provider:
                continue
            bounds, reason = self._bounds(owner), None
            if program.unsettled:
                reason = sentences.UNSETTLED
            elif bounds is None:
                reason = sentences.no_ratio(self._ratios[owner].later)
            elif bounds[1] >= 100:  # noqa: PLR2004  (percent: nothing is left for the Mini Program)
                reason = sentences.WHOLE_RATIO
            if reason is not None or bounds is None:
                lacking = True
                self._found.leave(CheckKind.SHARE, reason or sentences.WHOLE_RATIO, owner)
                continue
            part = beside(program.fen, bounds, self._roundings(owner, program))
            low, high = low + part[0], high + part[1]
        if len(self._settled) == 1:
            self._found.leave(CheckKind.SHARE, sentences.NO_PROGRAMS)
        elif not lacking:
            expected = nearest(settled.fen, low, high)
            if not self._found.agrees(expected is None):
                rows = [*await self._found.settlements(provider), *await self._found.settlements(None, but=provider)][:MOST_ROWS]
                self._found.differ(CheckKind.SHARE, provider, (expected or 0, settled.fen), rows, sentences.SHARE)

    def _roundings(self, owner: str, program: Settled) -> int:
        """Return how many amounts a settlement was rounded of.

        They are its days' of each slot, as its ad data have them.
        """
        earned = self._earned.get(owner)
        return max(program.slots, program.slots * days_of(self._half_month) if earned is None else earned.rows)

    # -- headers -----------------------------------------------------------------------------------

    async def _compare_headers(self) -> None:
        """Compare each owner's newest header with its settlements of all times."""
        unsettled: Counter[str] = Counter()
        async for owner, row in self._ledger.unpaid():
            if not row.is_settled and owner in self._settled:
                unsettled[owner] += row.settled_revenue
        headers = {owner: header async for owner, header in self._ledger.all_totals() if owner in self._settled}
        async for sums in self._ledger.owner_sums():
            if sums.owner in self._settled:
                await self._compare_header(sums, headers.get(sums.owner), sums.fen - unsettled[sums.owner])

    async def _compare_header(self, sums: OwnerSum, header: Totals | None, found: int) -> None:
        owner = sums.owner
        if header is None or header.settled_revenue_all is None:
            self._found.leave(CheckKind.HEADER, sentences.NO_HEADER, owner)
            return
        expected = header.settled_revenue_all
        if not self._found.agrees(expected == found):
            gaps = sums.last.ordinal - sums.first.ordinal + 1 - sums.half_months
            said = sentences.header(expected - found, sums.first, gaps)
            self._found.differ(CheckKind.HEADER, owner, (expected, found), await self._found.settlements(owner), said)
        if header.revenue_all is not None and header.penalty_all is not None:
            most = header.revenue_all - header.penalty_all
            if not self._found.agrees(expected <= most):
                self._found.differ(CheckKind.BALANCE, owner, (most, expected), await self._found.settlements(owner), sentences.BALANCE)
