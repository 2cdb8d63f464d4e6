"""What the report shows, read from a ledger.

Sums that the database adds up, and a few rows.
"""

from __future__ import annotations

import heapq
from collections import Counter
from contextlib import aclosing
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from wxrevenue._base.calendar import HalfMonth
from wxrevenue.ams.settlement import SettlementStatus
from wxrevenue.ledger import ChangeKind
from wxrevenue.report._shares import OpenBalance, Share, open_balance
from wxrevenue.report._words import slot_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from wxrevenue.ams.settlement import Settlement
    from wxrevenue.ledger import Change, Ledger, OwnerSum, Progress

SHOWN_HALVES: Final = 24
"""Half-months of a chart: a year."""
TOP: Final = 20
LISTED: Final = 10_000
"""Mini Programs that the page lists; the others are one line."""
LATE_ROWS: Final = 15
GAPS: Final = 10
CHANGES: Final = 1_000
"""Newest changes that are counted."""
CHANGE_ROWS: Final = 12
LATE: Final = timedelta(days=60)
"""Days after a half-month's end: a statement that is not paid by then is late."""


@attrs.define
class Figures:
    """Everything that the page shows."""

    today: date
    progress: Progress
    providers: tuple[str, ...]
    shares: tuple[Share, ...]
    """The provider's, if one is known, and the Mini Programs'."""
    window: tuple[HalfMonth, ...]
    """The half-months of the charts."""
    programs: int = 0
    listed: list[OwnerSum] = attrs.field(factory=list["OwnerSum"])
    """The Mini Programs that earned most, at most ``LISTED``, the largest first."""
    sparks: dict[str, list[int]] = attrs.field(factory=dict[str, "list[int]"])
    """Of the first of them, by half-month of the window, fen."""
    gaps: list[tuple[str, HalfMonth, int]] = attrs.field(factory=list["tuple[str, HalfMonth, int]"])
    """Owners, the newest half-month recorded, and how many are missing.

    Those with the most missing come first.
    """
    gap_owners: int = 0
    gap_halves: int = 0
    balances: dict[str, OpenBalance] = attrs.field(factory=lambda: {"provider": OpenBalance(), "programs": OpenBalance()})
    balance_of: dict[str, int | None] = attrs.field(factory=dict[str, "int | None"])
    """Of the Mini Programs that are listed."""
    companies: list[str] = attrs.field(factory=list[str])
    """Which settle with the provider."""
    slots: list[tuple[str | None, int]] = attrs.field(factory=list["tuple[str | None, int]"])
    """What the provider's slots earned within the window, the largest first, fen."""
    late: list[tuple[str, Settlement]] = attrs.field(factory=list["tuple[str, Settlement]"])
    """The oldest statements that are late."""
    kinds: Counter[ChangeKind] = attrs.field(factory=Counter["ChangeKind"])
    counted: int = 0
    """Changes that were counted."""
    moved: int = 0
    """What changed amounts and statements that are gone come to, fen."""
    changes: list[Change] = attrs.field(factory=list["Change"])
    """Those that are shown, the newest first."""

    @property
    def late_sums(self) -> tuple[int, int]:
        """How many statements are late, and what they come to, fen."""
        last = last_late(self.today)
        late = [one for share in self.shares for one in share.sums if one.half_month <= last and one.status != SettlementStatus.PAID]
        return sum(one.rows for one in late), sum(one.fen for one in late)


async def figures_of(ledger: Ledger, today: date) -> Figures:
    """Read everything that the page shows."""
    providers = await ledger.providers()
    shares = await _shares(ledger, providers)
    halves = [one.half_month for share in shares for one in share.sums]
    newest = max(halves, default=HalfMonth.of(today).shifted(-1))
    first = max(HalfMonth(1, 1, 1).ordinal, newest.ordinal - SHOWN_HALVES + 1)
    window = tuple(HalfMonth.at(ordinal) for ordinal in range(first, newest.ordinal + 1))
    found = Figures(today, await ledger.progress(), providers, shares, window)
    await _read_owners(ledger, found)
    await _read_totals(ledger, found)
    await _read_slots(ledger, found)
    for one in found.listed[:TOP]:
        sums = await ledger.sums(owner=one.owner, start=window[0])
        found.sparks[one.owner] = [sum(some.fen for some in sums if some.half_month == half) for half in window]
    found.late = await _late(ledger, today)
    await _read_changes(ledger, found)
    return found


async def _shares(ledger: Ledger, providers: Sequence[str]) -> tuple[Share, ...]:
    own = [one for appid in providers for one in await ledger.sums(owner=appid)]
    programs = Share("programs", tuple(await ledger.sums(without=providers)))
    return (Share("provider", tuple(own)), programs) if own else (programs,)


async def _read_owners(ledger: Ledger, found: Figures) -> None:
    """Read what each owner comes to.

    Keep the largest Mini Programs, and what is missing of which owner.
    """
    ended = HalfMonth.of(found.today).shifted(-1).ordinal
    own = frozenset(found.providers)
    gaps: list[tuple[bool, int, str, HalfMonth]] = []
    async for one in ledger.owner_sums():
        missing = max(ended, one.last.ordinal) - one.first.ordinal + 1 - one.half_months
        if missing > 0:
            found.gap_owners, found.gap_halves = found.gap_owners + 1, found.gap_halves + missing
            heapq.heappush(gaps, (one.owner in own, missing, one.owner, one.last))
            if len(gaps) > GAPS:
                heapq.heappop(gaps)
        if one.owner not in own:
            found.programs += 1
            found.listed.append(one)
            if len(found.listed) > 2 * LISTED:
                found.listed = heapq.nlargest(LISTED, found.listed, key=_earned)
    found.listed = heapq.nlargest(LISTED, found.listed, key=_earned)
    found.gaps = [(owner, last, missing) for _, missing, owner, last in sorted(gaps, reverse=True)]


def _earned(one: OwnerSum) -> int:
    return one.fen


async def _read_totals(ledger: Ledger, found: Figures) -> None:
    listed = {one.owner for one in found.listed}
    async for owner, totals in ledger.all_totals():
        is_own = owner in found.providers
        found.balances["provider" if is_own else "programs"].add(totals)
        if is_own and totals.body is not None and totals.body not in found.companies:
            found.companies.append(totals.body)
        if owner in listed:
            found.balance_of[owner] = open_balance(totals)


async def _read_slots(ledger: Ledger, found: Figures) -> None:
    slots: Counter[str | None] = Counter()
    for provider in found.providers:
        async for _, row in ledger.settlements(owner=provider, start=found.window[0], end=found.window[-1]):
            for slot in row.slot_revenue:
                slots[slot_key(slot.slot_id)] += slot.slot_settled_revenue
            if not row.slot_revenue:
                slots[None] += row.settled_revenue
    found.slots = slots.most_common()


async def _late(ledger: Ledger, today: date) -> list[tuple[str, Settlement]]:
    """Return the oldest statements that are late.

    They are not paid so long after their half-month's end.
    """
    last = last_late(today)
    found: list[tuple[str, Settlement]] = []
    async with aclosing(cast("Any", ledger.unpaid(end=last))) as rows:
        async for row in rows:
            found.append(row)
            if len(found) == LATE_ROWS:
                break
    return found


def last_late(today: date) -> HalfMonth:
    """Return the newest half-month of which a statement that is not paid is late."""
    half = HalfMonth.of(today - LATE)
    return half.shifted(-1) if today - half.end <= LATE else half


async def _read_changes(ledger: Ledger, found: Figures) -> None:
    """Count the newest changes.

    Keep those that move money, and others if there are few.
    """
    recent = [change async for change in ledger.changes(max(0, found.progress.last_seq - CHANGES))]
    for change in recent:
        found.kinds.update(change.kinds)
        if change.kinds & {ChangeKind.AMOUNT, ChangeKind.GONE}:
            found.moved += _fen(change.after) - _fen(change.before)
    found.counted = len(recent)
    shown = heapq.nlargest(CHANGE_ROWS, recent, key=lambda change: (_weight(change), change.seq))
    found.changes = sorted(shown, key=lambda change: -change.seq)


def _fen(row: Settlement | None) -> int:
    return 0 if row is None else row.settled_revenue


def _weight(change: Change) -> int:
    weights: Mapping[ChangeKind, int] = {ChangeKind.AMOUNT: 3, ChangeKind.GONE: 3, ChangeKind.STATUS: 2, ChangeKind.NUMBER: 1}
    return max(weights.get(kind, 0) for kind in change.kinds)
