"""What is added up for reports.

Sums by half-month and by owner, what is not paid, and which owners are providers.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from wxrevenue._base.calendar import HalfMonth
from wxrevenue._wire.totals import Totals
from wxrevenue.ams.settlement import SettlementStatus
from wxrevenue.ledger._values import OwnerSum, StatusSum
from wxrevenue.testing._ledger_suite.case import FIRST, SECOND, LedgerCase, LedgerScene, all_of, row
from wxrevenue.testing._ledger_suite.listing import refused_now
from wxrevenue.testing._ledger_suite.recording import refused
from wxrevenue.testing._suite import Suite

if TYPE_CHECKING:
    from wxrevenue.ledger._port import Ledger

CASES: Final = Suite(LedgerCase)
LARGEST: Final = 2**63 - 1
"""Fen: the largest amount that a ledger keeps."""


def told(sums: list[StatusSum]) -> list[tuple[HalfMonth, int | None, int, int]]:
    """Return sums in short."""
    return [(one.half_month, one.status, one.rows, one.fen) for one in sums]


@CASES()
async def sums_by_status(scene: LedgerScene) -> None:
    """An owner's sums come by half-month and status, the oldest first.

    Those without a status come before others.
    """
    ledger = await scene.ledger()
    await ledger.record(
        scene.owner, SECOND, [row(-7, status=None, half=SECOND), row(1, status=5, half=SECOND), row(2, status=9, half=SECOND)]
    )
    await ledger.record(scene.owner, FIRST, [row(10), row(5), row(100, "N", 5)])
    await ledger.record(scene.named("b"), FIRST, [row(1_000)])
    found = await ledger.sums(owner=scene.owner)
    assert told(found) == [(FIRST, 1, 2, 15), (FIRST, 5, 1, 100), (SECOND, None, 1, -7), (SECOND, 5, 1, 1), (SECOND, 9, 1, 2)]
    assert found[0].status is SettlementStatus.SETTLING
    assert told(await ledger.sums(owner=scene.owner, start=SECOND)) == told(found)[2:]
    assert told(await ledger.sums(owner=scene.owner, end=FIRST)) == told(found)[:2]
    assert await ledger.sums(owner=scene.named("nobody")) == []
    await refused(ledger.sums(owner=""))
    await refused(ledger.sums(start="2024-03-1"))  # type: ignore[arg-type]


@CASES()
async def sums_of_all(scene: LedgerScene) -> None:
    """The sums of all owners grow by what is recorded, to the fen."""
    ledger = await scene.ledger()
    before = await ledger.sums(start=FIRST, end=FIRST)
    for name, amount in (("a", 100), ("b", -33)):
        await ledger.record(scene.named(name), FIRST, [row(amount, status=4), row(1, status=5)])
    await ledger.record(scene.owner, SECOND, [row(7, half=SECOND)])
    grown: Counter[int | None] = Counter()
    for sign, sums in ((-1, before), (1, await ledger.sums(start=FIRST, end=FIRST))):
        for one in sums:
            grown[one.status] += sign * one.fen
    assert +grown == Counter({4: 67, 5: 2})
    less = await ledger.sums(start=FIRST, end=FIRST, without=[scene.named("a")])
    assert sum(one.fen for one in await ledger.sums(start=FIRST, end=FIRST)) - sum(one.fen for one in less) == 101
    assert await ledger.sums(owner=scene.named("a"), without=[scene.named("a")]) == []
    await refused(ledger.sums(without=[""]))
    await refused(ledger.sums(without="wx1"))


@CASES()
async def sums_beyond_64_bits(scene: LedgerScene) -> None:
    """Sums are exact, however large they get."""
    ledger = await scene.ledger()
    await ledger.record(scene.owner, FIRST, [row(LARGEST), row(LARGEST, "2"), row(-LARGEST - 1, "3", 5)])
    assert [one.fen for one in await ledger.sums(owner=scene.owner)] == [2 * LARGEST, -LARGEST - 1]
    (found,) = await of_scene(scene, ledger)
    assert (found.fen, found.unpaid) == (LARGEST - 1, 2 * LARGEST)


async def of_scene(scene: LedgerScene, ledger: Ledger, end: HalfMonth | None = None) -> list[OwnerSum]:
    """Return the sums of this case's owners."""
    ours = {scene.named(name) for name in "abc"}
    return [one async for one in ledger.owner_sums(end=end) if one.owner in ours]


@CASES()
async def sums_by_owner(scene: LedgerScene) -> None:
    """Each owner's sums come with its first and last half-month.

    How many half-months were recorded comes too, empty ones included.
    """
    ledger = await scene.ledger()
    third = HalfMonth(2024, 4, 1)
    await ledger.record(scene.named("b"), third, [])
    await ledger.record(scene.named("a"), FIRST, [row(100, status=5), row(-1, status=None)])
    await ledger.record(scene.named("a"), third, [row(7, status=4, half=third)])
    a, b = await of_scene(scene, ledger)
    assert a == OwnerSum(scene.named("a"), FIRST, third, 2, 3, 106, 6)
    assert b == OwnerSum(scene.named("b"), third, third, 1, 0, 0, 0)
    assert await of_scene(scene, ledger, SECOND) == [OwnerSum(scene.named("a"), FIRST, FIRST, 1, 2, 99, -1)]
    await refused_now(lambda: ledger.owner_sums(end=1))  # type: ignore[arg-type]


@CASES()
async def sums_of_many_owners(scene: LedgerScene) -> None:
    """However many owners there are, each comes once, in order."""
    ledger = await scene.ledger()
    owners = [scene.named(f"{number:04}") for number in range(1_200)]
    for owner in owners:
        await ledger.record(owner, FIRST, [row(1)], totals=Totals(2, 0, 1, None))
    ours = set(owners)
    assert [one.owner async for one in ledger.owner_sums() if one.owner in ours] == owners
    assert [owner async for owner, _ in ledger.all_totals() if owner in ours] == owners
    assert [owner async for owner, _ in ledger.unpaid() if owner in ours] == owners


@CASES()
async def what_is_not_paid(scene: LedgerScene) -> None:
    """Statements that are not paid come the oldest half-month first.

    Those without a status come too; paid ones do not.
    """
    ledger = await scene.ledger()
    await ledger.record(scene.named("a"), SECOND, [row(3, status=None, half=SECOND), row(9, status=5, half=SECOND)])
    await ledger.record(scene.named("b"), FIRST, [row(1, "2", 4), row(2, "1", 1)])
    await ledger.record(scene.named("c"), FIRST, [row(9, status=5)])
    ours = {scene.named(name) for name in "abc"}

    async def unpaid(end: HalfMonth | None = None) -> list[tuple[str, int]]:
        return [(owner[-1], one.settled_revenue) async for owner, one in ledger.unpaid(end=end) if owner in ours]

    assert await unpaid() == [("b", 2), ("b", 1), ("a", 3)]
    assert await unpaid(FIRST) == [("b", 2), ("b", 1)]
    await ledger.record(scene.named("b"), FIRST, [row(1, "2", 5), row(2, "1", 5)])
    assert await unpaid(FIRST) == []
    await refused_now(lambda: ledger.unpaid(end="x"))  # type: ignore[arg-type]


@CASES()
async def newest_header_of_each(scene: LedgerScene) -> None:
    """The newest header of each owner comes once.

    Owners whose answers had none do not come.
    """
    ledger = await scene.ledger()
    header = Totals(5_178_368_698, None, LARGEST, "深圳市腾讯计算机系统有限公司")
    await ledger.record(scene.named("b"), FIRST, [], totals=Totals(1, 1, 1, None))
    await ledger.record(scene.named("b"), SECOND, [], totals=header)
    await ledger.record(scene.named("c"), FIRST, [])
    ours = {scene.named(name) for name in "abc"}
    assert [one for one in await all_of(ledger.all_totals()) if one[0] in ours] == [(scene.named("b"), header)]


@CASES()
async def who_is_a_provider(scene: LedgerScene) -> None:
    """A provider is noted once, and every ledger of the same records knows it."""
    ledger, other = await scene.ledger(), await scene.ledger()
    assert scene.owner not in await ledger.providers()
    for _ in range(2):
        await ledger.record_provider(scene.owner)
    assert [appid for appid in await other.providers() if appid == scene.owner] == [scene.owner]
    await refused(ledger.record_provider("two words"))
