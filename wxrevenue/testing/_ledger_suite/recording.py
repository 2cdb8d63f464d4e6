"""Half-months that are recorded: what is paired, what changes, what stays."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from wxrevenue.ams.settlement import SettlementStatus
from wxrevenue.errors import ConfigurationError
from wxrevenue.ledger._values import ChangeKind
from wxrevenue.testing._ledger_suite.case import FIRST, NOON, SECOND, LedgerCase, LedgerScene, full_row, later, row
from wxrevenue.testing._suite import Suite

if TYPE_CHECKING:
    from wxrevenue.ams.settlement import Settlement
    from wxrevenue.ledger._values import Recorded

    Sample: TypeAlias = tuple[list[Settlement], list[Settlement], list[tuple[str, ...]]]

CASES: Final = Suite(LedgerCase)


def told(recorded: Recorded) -> list[tuple[str, ...]]:
    """Return the kinds of each change."""
    return [tuple(sorted(change.kinds)) for change in recorded.changes]


async def then(scene: LedgerScene, before: list[Settlement], after: list[Settlement]) -> Recorded:
    """Record one answer, then another, and return what the second one changed."""
    ledger = await scene.ledger()
    await ledger.record(scene.owner, FIRST, before)
    recorded = await ledger.record(scene.owner, FIRST, after)
    assert sorted(map(repr, await scene.kept(ledger))) == sorted(map(repr, after))
    assert (
        [change for change in await scene.changes(ledger) if change.seq >= recorded.changes[0].seq] == [*recorded.changes]
        if recorded.changes
        else True
    )
    return recorded


@CASES()
async def everything_comes_back(scene: LedgerScene) -> None:
    """B-07: A row comes back as it was.

    So do its amounts of 64 bits, its unknown fields and raw values.
    """
    ledger = await scene.ledger()
    recorded = await ledger.record(scene.owner, FIRST, [full_row()])
    (kept,) = await scene.kept(ledger)
    (change,) = await scene.changes(ledger)
    assert kept == change.after == recorded.changes[0].after == full_row()
    assert (kept.extra, kept.slot_revenue[1].extra) == (full_row().extra, full_row().slot_revenue[1].extra)
    assert not (await ledger.record(scene.owner, FIRST, [full_row()])).changes


@CASES()
async def a_new_statement(scene: LedgerScene) -> None:
    """The first sight of a row is a change.

    It says whose it is, of what, when, and that it is new.
    """
    ledger = await scene.ledger()
    recorded = await ledger.record(scene.owner, FIRST, [row(number="N1")])
    (change,) = recorded.changes
    assert (change.owner, change.half_month, change.key) == (scene.owner, FIRST, ("202403", 1, "N1", 0))
    assert (change.kinds, change.before, change.after) == (frozenset({ChangeKind.NEW}), None, row(number="N1"))
    assert change.at.utcoffset() is not None
    assert not recorded.stale
    assert [change] == await scene.changes(ledger)


@CASES()
async def the_same_again(scene: LedgerScene) -> None:
    """An answer that is the same, in whatever order, changes nothing."""
    assert told(await then(scene, [row(1), row(2), row(2), row(3, "N")], [row(3, "N"), row(2), row(1), row(2)])) == []


@CASES()
async def equal_rows_are_two(scene: LedgerScene) -> None:
    """B-01: Two rows that are equal in everything are two rows.

    The last part of the key tells them apart.
    """
    ledger = await scene.ledger()
    recorded = await ledger.record(scene.owner, FIRST, [row(), row()])
    assert [change.key for change in recorded.changes] == [("202403", 1, "", 0), ("202403", 1, "", 1)]
    assert await scene.kept(ledger) == [row(), row()]
    gone = await ledger.record(scene.owner, FIRST, [row()])
    assert told(gone) == [("gone",)]


async def differs(scene: LedgerScene, sample: Sample) -> None:
    """Record one answer, then another, and look at what is told."""
    before, after, kinds = sample
    assert sorted(told(await then(scene, before, after))) == sorted(kinds)


_SAMPLES: Final[dict[str, Sample]] = {
    "amount": ([row(100, "N")], [row(90, "N")], [("amount",)]),
    "status": ([row(number="N", status=4)], [row(number="N", status=5)], [("status",)]),
    "amount and status": ([row(100, "N")], [row(90, "N", 2)], [("amount", "status")]),
    "another day of update": ([row()], [row(date=NOON.date())], [("revised",)]),
    "a raw value": ([row(extra={"a": 1})], [row(extra={"a": 2})], [("revised",)]),
    "its number": ([row()], [row(number="N")], [("number",)]),
    "its number and status": ([row()], [row(number="N", status=2)], [("number", "status")]),
    "gone": ([row(1), row(2)], [row(2)], [("gone",)]),
    "another number": ([row(number="N1")], [row(number="N2")], [("gone",), ("new",)]),
    "a number, two of that amount": ([row(), row()], [row(), row(number="N")], [("number",)]),
    "numbers, two of that amount": (
        [row(), row(date=NOON.date())],
        [row(number="N1"), row(number="N2")],
        [("gone",), ("gone",), ("new",), ("new",)],
    ),
    "a number, another amount": ([row(100)], [row(90, "N")], [("gone",), ("new",)]),
    "two amounts": ([row(100), row(300)], [row(200), row(400)], [("amount",), ("amount",)]),
    "one of two stays": ([row(100), row(200)], [row(200)], [("gone",)]),
    "one of two moves": ([row(100), row(200)], [row(200), row(90)], [("amount",)]),
    "two of a number": ([row(1, "N"), row(2, "N")], [row(2, "N"), row(3, "N")], [("amount",)]),
}
CASES.each("B-01: What differs is what a change is called.", _SAMPLES, differs)


@CASES()
async def paired_by_amount_and_date(scene: LedgerScene) -> None:
    """Rows of equal keys are paired in order of amount and date."""
    early, late = date(2024, 3, 20), date(2024, 3, 25)
    recorded = await then(scene, [row(5, date=late), row(5, date=early)], [row(5, date=late, status=2), row(5, date=early, status=2)])
    assert {(change.before and change.before.date, change.after and change.after.date) for change in recorded.changes} == {
        (early, early),
        (late, late),
    }


@CASES()
async def an_empty_half_month(scene: LedgerScene) -> None:
    """B-02: A half-month that became empty is cleared.

    One that was empty is recorded, too.
    """
    ledger = await scene.ledger()
    before = await ledger.progress()
    assert not (await ledger.record(scene.owner, SECOND, [])).changes
    await ledger.record(scene.owner, FIRST, [row(1), row(2)])
    assert told(await ledger.record(scene.owner, FIRST, [])) == [("gone",), ("gone",)]
    assert await scene.kept(ledger) == []
    after = await ledger.progress()
    assert (after.half_months - before.half_months, after.owners - before.owners) == (2, 1)


@CASES()
async def an_older_answer(scene: LedgerScene) -> None:
    """B-03: An answer older than the one kept changes nothing and says so.

    One of the same time counts.
    """
    ledger = await scene.ledger()
    await ledger.record(scene.owner, FIRST, [row(2)], as_of=later(10))
    older = await ledger.record(scene.owner, FIRST, [row(1)], as_of=later(9))
    assert (older.stale, older.changes, await scene.kept(ledger)) == (True, (), [row(2)])
    assert told(await ledger.record(scene.owner, FIRST, [row(3)], as_of=later(10))) == [("amount",)]
    assert not (await ledger.record(scene.owner, FIRST, [row(4)])).stale
    assert (await ledger.record(scene.owner, FIRST, [row(5)], as_of=later(11))).stale


@CASES()
async def unknown_states(scene: LedgerScene) -> None:
    """An unknown status, and none at all, are kept and count as unsettled."""
    ledger = await scene.ledger()
    before = await ledger.progress()
    await ledger.record(scene.owner, FIRST, [row(1, status=None), row(2, status=77)])
    assert sorted(str(one.sett_status) for one in await scene.kept(ledger)) == sorted([str(None), str(SettlementStatus(77))])
    assert (await ledger.progress()).unsettled - before.unsettled == 1


@CASES()
async def what_is_refused(scene: LedgerScene) -> None:
    """What cannot be kept is refused, and nothing is written.

    That is a row of another half-month, an amount beyond 64 bits and a time without a zone.
    """
    ledger = await scene.ledger()
    for rows in ([row(half=SECOND)], [row(), row(2**63)], [row(extra={"x": object()})], [attrs.evolve(row(), month="2024-3")], ["row"]):
        await refused(ledger.record(scene.owner, FIRST, rows))  # type: ignore[arg-type]
    await refused(ledger.record(scene.owner, FIRST, [], as_of=NOON.replace(tzinfo=None)))
    await refused(ledger.record("", FIRST, []))
    await refused(ledger.record(scene.owner, "2024-03-1", []))  # type: ignore[arg-type]
    assert not await scene.kept(ledger)
    assert not await scene.changes(ledger)


async def refused(call: object) -> None:
    """Await what must be refused."""
    try:
        await call  # type: ignore[misc]
    except ConfigurationError:
        return
    raise AssertionError("expected a ConfigurationError")


@CASES()
async def many_writers(scene: LedgerScene) -> None:
    """Half-months that many tasks record at once are all there.

    Their changes are numbered without a gap.
    """
    ledgers = [await scene.ledger(), await scene.ledger()]
    owners = [scene.named(f"o{number}") for number in range(20)]
    await asyncio.gather(
        *(ledgers[n % 2].record(owner, half, [row(half=half)]) for n, owner in enumerate(owners) for half in (FIRST, SECOND))
    )
    changes = await scene.changes(ledgers[0])
    assert sorted((change.owner, change.half_month) for change in changes) == [
        (owner, half) for owner in sorted(owners) for half in (FIRST, SECOND)
    ]
    assert len({change.seq for change in changes}) == len(changes)


@CASES()
async def the_same_half_month_twice_at_once(scene: LedgerScene) -> None:
    """B-04: Writers of the same half-month come one after the other.

    Nothing is doubled.
    """
    ledgers = [await scene.ledger(), await scene.ledger()]
    await asyncio.gather(*(ledgers[n % 2].record(scene.owner, FIRST, [row(1), row(2)]) for n in range(10)))
    assert sorted(one.settled_revenue for one in await scene.kept(ledgers[0])) == [1, 2]
    assert len(await scene.changes(ledgers[0])) == 2
