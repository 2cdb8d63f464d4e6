"""What is read: what is missing, how far it is, changes, totals, ad data, ratios."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any, Final, cast

import attrs

from wxrevenue._base.calendar import HalfMonth
from wxrevenue._wire.totals import Totals
from wxrevenue.ams._ad_row import AdRow
from wxrevenue.ams._ratio_status import RatioState, RatioStatus
from wxrevenue.errors import AgreementUnsignedError, NotSentError
from wxrevenue.testing._ledger_suite.case import FIRST, NOON, SECOND, LedgerCase, LedgerScene, all_of, later, row
from wxrevenue.testing._ledger_suite.recording import refused
from wxrevenue.testing._suite import Suite

CASES: Final = Suite(LedgerCase)


@CASES()
async def nothing_recorded(scene: LedgerScene) -> None:
    """Half-months that were never recorded are missing.

    A job has twelve neighbours at most. The last half-month is the last one that has ended.
    """
    ledger = await scene.ledger()
    assert await scene.missing(ledger, "2023-09-16", "2024-12-31", "2024-04-16") == [
        "2023-09-2..2024-03-1",
        "2024-03-2..2024-04-1",
    ]
    assert await scene.missing(ledger, "2024-04-10", "2024-12-31", "2024-04-15") == []
    assert await scene.missing(ledger, "2024-04-10", "2024-12-31", "2024-04-15", again=True) == []


@CASES()
async def what_is_asked_again(scene: LedgerScene) -> None:
    """Unsettled and unpaid half-months are missing.

    Empty ones are for 60 days after their end, paid ones only if asked for.
    """
    ledger = await scene.ledger()
    half = HalfMonth(2024, 1, 1)
    for status in (1, 2, 3, 4, 5, 9):
        await ledger.record(scene.owner, half, [row(half=half, status=5), row(half=half, status=status)])
        half = half.shifted(1)
    await ledger.record(scene.owner, half, [])  # 2024-04-1, which ends on 15 April
    across = ("2024-01-01", "2024-04-15")
    some = ["2024-01-1..2024-02-2", "2024-03-2..2024-04-1"]
    assert await scene.missing(ledger, *across, "2024-06-14") == some
    assert await scene.missing(ledger, *across, "2024-06-15") == [some[0], "2024-03-2..2024-03-2"]
    assert await scene.missing(ledger, *across, "2024-06-15", again=True) == ["2024-01-1..2024-04-1"]


@CASES()
async def what_was_recorded_meanwhile(scene: LedgerScene) -> None:
    """What was recorded after a time is not missing, however unsettled it is.

    It is not even if complete ones are asked for.
    """
    ledger = await scene.ledger()
    await ledger.record(scene.owner, FIRST, [row()])
    begin = (await ledger.progress()).newest
    await ledger.record(scene.owner, SECOND, [row(half=SECOND)])
    march = ("2024-03-01", "2024-03-31", "2024-04-16")
    assert await scene.missing(ledger, *march) == ["2024-03-1..2024-03-2"]
    assert await scene.missing(ledger, *march, since=begin) == ["2024-03-1..2024-03-1"]
    assert await scene.missing(ledger, *march, since=begin, again=True) == ["2024-03-1..2024-03-1"]


@CASES()
async def who_was_told(scene: LedgerScene) -> None:
    """The number up to which programs were told of changes is kept.

    It never goes back.
    """
    ledger, other = await scene.ledger(), await scene.ledger()
    told = await ledger.told()
    assert (await ledger.told(told + 5), await other.told(told + 3), await other.told()) == (told + 5,) * 3
    await refused(ledger.told(-1))


@CASES()
async def many_owners(scene: LedgerScene) -> None:
    """Owners may come from anything that can be iterated, asynchronously too.

    Each is asked about once.
    """
    ledger = await scene.ledger()
    owners = [scene.named(f"{number:04}") for number in range(450)]

    async def coming() -> object:
        for owner in (*owners, owners[0]):
            yield owner

    found = await all_of(ledger.missing(coming(), "2024-01-01", "2024-01-31", today=NOON.date()))  # type: ignore[arg-type]
    assert [job.owner for job in found] == owners
    await refused_now(lambda: ledger.missing("wx1", "2024-01-01", "2024-01-31"))
    await refused_now(lambda: ledger.missing([], "2024-01-02", "2024-01-01"))


async def refused_now(make: object) -> None:
    """Call what must be refused at once."""

    async def call() -> None:
        make()  # type: ignore[operator]

    await refused(call())


@CASES()
async def progress_counts(scene: LedgerScene) -> None:
    """Progress counts owners and half-months, and names the newest change.

    It counts half-months that are unsettled and those that are unpaid as well.
    """
    ledger = await scene.ledger()
    before = await ledger.progress()
    for owner, half, rows in (("a", FIRST, [row(1), row(2, status=5)]), ("a", SECOND, [row(half=SECOND, status=4)]), ("b", FIRST, [])):
        await ledger.record(scene.named(owner), half, rows)
    after = await ledger.progress()
    assert (after.owners - before.owners, after.half_months - before.half_months) == (2, 3)
    assert (after.unsettled - before.unsettled, after.unpaid - before.unpaid) == (1, 2)
    assert after.newest is not None
    assert after.last_seq == (await all_of(ledger.changes()))[-1].seq


@CASES()
async def changes_go_on(scene: LedgerScene) -> None:
    """Changes come in order, after any of them, as many as asked for, until the last."""
    ledger = await scene.ledger()
    begin = (await ledger.progress()).last_seq
    await ledger.record(scene.owner, FIRST, [row(amount) for amount in range(2_500)])
    found = await all_of(ledger.changes(begin))
    assert [change.seq for change in found] == [*range(begin + 1, begin + 2_501)]
    assert await all_of(ledger.changes(begin + 2_400)) == found[2_400:]
    assert await all_of(ledger.changes(begin, limit=3)) == found[:3]
    assert await all_of(ledger.changes(begin, limit=0)) == await all_of(ledger.changes(begin + 2_500)) == []
    await refused_now(lambda: ledger.changes(-1))


@CASES()
async def settlements_in_order(scene: LedgerScene) -> None:
    """Settlements come by owner and half-month, of those asked for."""
    ledger = await scene.ledger()
    halves = [FIRST, SECOND, HalfMonth(2024, 4, 1)]
    for owner in "ba":
        for half in reversed(halves):
            await ledger.record(scene.named(owner), half, [row(half.ordinal, half=half)])
    amounts = [half.ordinal for half in halves]
    assert [one.settled_revenue for one in await scene.kept(ledger, scene.named("b"))] == amounts
    everything = [(owner, one.settled_revenue) async for owner, one in ledger.settlements(start=SECOND, end=SECOND)]
    assert [found for found in everything if found[0] in {scene.named("a"), scene.named("b")}] == [
        (scene.named("a"), SECOND.ordinal),
        (scene.named("b"), SECOND.ordinal),
    ]


@CASES()
async def a_slow_reader(scene: LedgerScene) -> None:
    """Between two rows no transaction is open.

    What is written meanwhile waits for no reader.
    """
    ledger, other = await scene.ledger(), await scene.ledger()
    await ledger.record(scene.owner, FIRST, [row(1), row(2)])
    begin = (await ledger.progress()).last_seq
    changes = ledger.changes()
    await anext(changes)
    await other.record(scene.owner, FIRST, [row(1), row(2), row(3)])
    assert (await ledger.progress()).last_seq == begin + 1
    assert [change.seq for change in await all_of(changes)][-1] == begin


@CASES()
async def newest_totals(scene: LedgerScene) -> None:
    """The header of the newest answer is kept, whichever half-month it was for."""
    ledger = await scene.ledger()
    assert await ledger.totals(scene.owner) is None
    newest = Totals(5_178_368_698, None, 2**63 - 1, "深圳市腾讯计算机系统有限公司")
    await ledger.record(scene.owner, FIRST, [], totals=newest, as_of=later(5))
    await ledger.record(scene.owner, SECOND, [], totals=Totals(1, 1, 1, None), as_of=later(4))
    assert await ledger.totals(scene.owner) == newest
    await refused(ledger.record(scene.owner, FIRST, [], totals=Totals(2**63, 0, 0, None)))


@CASES()
async def ad_data_by_day(scene: LedgerScene) -> None:
    """A day's ad data is replaced as a whole.

    What differs is counted, and changes nothing else.
    """
    ledger = await scene.ledger()
    begin = (await ledger.progress()).last_seq
    banner = AdRow(date=NOON.date(), ad_slot="BANNER", slot_id=3030046789020061, publisher_income=52175, ecpm=Decimal("286.969100289"))
    video: AdRow = cast("Any", AdRow)(ad_slot="VIDEO", click_rate=Decimal("0.0"), exposure_count=0, extra={"slot_str": "x"})
    assert await ledger.record_ads(scene.owner, "2024-04-01", [banner, video, video]) == 3
    assert await ledger.record_ads(scene.owner, NOON.date(), [video, banner, video]) == 0
    assert await ledger.record_ads(scene.owner, "2024-04-01", [attrs.evolve(banner, publisher_income=1), video]) == 2
    assert await ledger.record_ads(scene.owner, "2024-04-02", [video]) == 1
    found = await all_of(ledger.ads(scene.owner))
    assert found == [(scene.owner, one) for one in (attrs.evolve(banner, publisher_income=1), video, video)]
    assert (found[1][1].extra, found[0][1].ecpm) == ({"slot_str": "x"}, banner.ecpm)
    assert await all_of(ledger.ads(scene.owner, "2024-04-02", "2024-04-02")) == found[2:]
    assert [one async for one in ledger.ads() if one[0] == scene.owner] == found
    assert (await ledger.progress()).last_seq == begin
    await refused(ledger.record_ads(scene.owner, "2024-04-02", [banner]))


@CASES()
async def the_same_twice_at_once(scene: LedgerScene) -> None:
    """B-04: Of writers of the same values at once, one changes something.

    The values are a day's ad data, or ratios. Nothing is doubled.
    """
    ledgers = [await scene.ledger(), await scene.ledger()]
    rows = [AdRow(ad_slot="BANNER", slot_id=number) for number in range(50)]
    ads = [ledgers[n % 2].record_ads(scene.owner, "2024-04-01", rows) for n in range(8)]
    assert sorted(await asyncio.gather(*ads)) == [0] * 7 + [50]
    for ratio in map(Decimal, range(10)):
        status = RatioStatus(scene.owner, ratio, None, ratio, RatioState.IN_FORCE, None)
        assert sorted(await asyncio.gather(*(ledgers[n % 2].record_ratios([status]) for n in range(16)))) == [0] * 15 + [1]


@CASES()
async def ratios_with_history(scene: LedgerScene) -> None:
    """Ratios that differ from those before are added to the history, errors too."""
    ledger = await scene.ledger()
    ratio = Decimal("40.5")
    first = RatioStatus(scene.owner, Decimal(30), None, Decimal(30), RatioState.IN_FORCE, None)
    second = attrs.evolve(first, custom=ratio, state=RatioState.AWAITING_CONFIRMATION)
    unsigned = RatioStatus(scene.named("b"), None, None, None, RatioState.UNSIGNED, AgreementUnsignedError("x", code=1735))
    failed = attrs.evolve(unsigned, state=RatioState.FAILED, error=NotSentError("no route", reason="connect"))
    assert await ledger.record_ratios([first, unsigned]) == 2
    assert await ledger.record_ratios([first, unsigned]) == 0
    assert await ledger.record_ratios([second, first, failed]) == 3
    found = [status async for _, status in ledger.ratios(scene.owner)]
    assert found == [first, second, first]
    errors = [status.error async for _, status in ledger.ratios(scene.named("b"))]
    assert isinstance(errors[0], AgreementUnsignedError)
    assert "no route" in str(errors[1])
    times = [at async for at, status in ledger.ratios() if status.appid == scene.owner]
    assert times == sorted(times)
    assert len(times) == 3
