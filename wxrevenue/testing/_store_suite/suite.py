"""The cases of a token store: records, locks, late writers, several stores."""

from __future__ import annotations

import asyncio
from typing import Final

from wxrevenue._base.secret import Secret
from wxrevenue.ports import RenewableTokenStore
from wxrevenue.testing._store_suite.case import LONG, SHORT, StoreScene, TokenStoreCase
from wxrevenue.testing._suite import Suite

CASES: Final = Suite(TokenStoreCase)


def token_store_cases(*, shared: bool = True) -> list[TokenStoreCase]:
    """Return what a token store must come through, case by case.

    Args:
        shared: whether stores that were made one after the other have the same records, as those of
            a server do; without it, cases that need this are left out.
    """
    return [case for case in CASES if shared or not case.shared]


# -- records ---------------------------------------------------------------------------------------


@CASES()
async def nothing_at_first(scene: StoreScene) -> None:
    """A name that was never written has no record."""
    assert await scene.store().read(scene.name) is None


@CASES()
async def what_was_written(scene: StoreScene) -> None:
    """Token, refresh token, fence and remaining life are read as written."""
    store = scene.store()
    fence = await scene.locked(store)
    assert await store.write(scene.name, scene.record(), fence=fence)
    found = await scene.read(store)
    assert (found.token, found.refresh, found.fence) == (scene.token, scene.refresh, fence)
    assert LONG - 10.0 < found.left <= LONG, f"the token has {found.left} s of {LONG:g} s left"


@CASES()
async def odd_tokens(scene: StoreScene) -> None:
    """K-22: tokens that are long, or full of signs, come back as they were."""
    store = scene.store()
    fence = await scene.locked(store)
    for token in ("fake+/=&%25 {}\"'\\\r\n\0:", "fake-" * 200, "假的令牌"):
        await store.write(scene.name, scene.record(token=Secret(token), refresh=Secret(token[::-1])), fence=fence)
        found = await scene.read(store)
        assert (found.token, found.refresh) == (Secret(token), Secret(token[::-1]))


@CASES()
async def an_ageing_token(scene: StoreScene) -> None:
    """K-12: as time passes a token has fewer seconds left, by the store's own clock."""
    store = scene.store()
    await store.write(scene.name, scene.record(), fence=await scene.locked(store))
    before = (await scene.read(store)).left

    async def older() -> bool:
        return (await scene.read(store)).left <= before - SHORT

    await scene.soon(older, "the token to age")


@CASES()
async def a_token_that_ends(scene: StoreScene) -> None:
    """When a token's time is up its refresh token is all that is left."""
    store = scene.store()
    await store.write(scene.name, scene.record(left=SHORT), fence=await scene.locked(store))

    async def ended() -> bool:
        return (await scene.read(store)).token is None

    await scene.soon(ended, "the token's end")
    found = await scene.read(store)
    assert (found.refresh, found.left) == (scene.refresh, 0.0)


@CASES()
async def a_record_that_ends(scene: StoreScene) -> None:
    """A token whose time is up leaves no record if it has no refresh token."""
    store = scene.store()
    await store.write(scene.name, scene.record(left=SHORT, refresh=None), fence=await scene.locked(store))

    async def ended() -> bool:
        return await store.read(scene.name) is None

    await scene.soon(ended, "the record's end")


@CASES()
async def dead_on_arrival(scene: StoreScene) -> None:
    """A token whose time is up already is not kept, nor what it replaces.

    Its refresh token is kept.
    """
    store = scene.store()
    fence = await scene.locked(store)
    await store.write(scene.name, scene.record(), fence=fence)
    assert await store.write(scene.name, scene.record(token=scene.newer, left=-1.0), fence=fence)
    found = await scene.read(store)
    assert (found.token, found.refresh) == (None, scene.refresh)


@CASES()
async def a_whole_record(scene: StoreScene) -> None:
    """A record is replaced as a whole: what the new one lacks is gone."""
    store = scene.store()
    fence = await scene.locked(store)
    await store.write(scene.name, scene.record(), fence=fence)
    await store.write(scene.name, scene.record(token=None, left=0.0), fence=fence)
    found = await scene.read(store)
    assert (found.token, found.refresh) == (None, scene.refresh)
    await store.write(scene.name, scene.record(refresh=None), fence=fence)
    found = await scene.read(store)
    assert (found.token, found.refresh) == (scene.token, None)


@CASES()
async def names_are_apart(scene: StoreScene) -> None:
    """K-23: records and locks of names that are alike are apart."""
    store = scene.store()
    others = [scene.named("wx1"), scene.named("wx10"), scene.name.rstrip("/"), scene.name.upper()]
    await store.write(scene.name, scene.record(), fence=await scene.locked(store))
    for other in others:
        assert await store.read(other) is None, f"{other} has the record of {scene.name}"
        assert await store.lock(other, lease=LONG) is not None, f"{other} has the lock of {scene.name}"


@CASES()
async def a_record_that_says_its_age(scene: StoreScene) -> None:
    """K-27: a record tells its age by the store's own clock, if it can.

    That is the age when written, or 0, and the time since.
    """
    store, given = scene.store(), 1e6
    fence = await scene.locked(store)
    await store.write(scene.name, scene.record(age=given), fence=fence)
    first = (await scene.read(store)).age
    if first is None:
        return
    elapsed = first if first < given else first - given  # a store may count from the write alone
    assert 0.0 <= elapsed < 10.0, f"a record that was written just now, {given} s old, is {first} s old"

    async def older() -> bool:
        return ((await scene.read(store)).age or 0.0) >= first + SHORT

    await scene.soon(older, "the record to age")
    await store.write(scene.name, scene.record(), fence=fence)
    assert ((await scene.read(store)).age or 0.0) < min(first, 10.0) + SHORT, "a record that was written again is as old as before"


# -- locks -----------------------------------------------------------------------------------------


@CASES()
async def one_holds_the_lock(scene: StoreScene) -> None:
    """K-04: of many callers at once one gets the lock; the others hear so at once."""
    store = scene.store()
    fences = await asyncio.gather(*(store.lock(scene.name, lease=LONG) for _ in range(20)))
    assert len([fence for fence in fences if fence is not None]) == 1, f"the lock was given out as {fences}"


@CASES()
async def a_lock_given_back(scene: StoreScene) -> None:
    """A lock that was given back is free at once; giving it back twice does nothing."""
    store = scene.store()
    fence = await scene.locked(store)
    await store.unlock(scene.name, fence=fence)
    await store.unlock(scene.name, fence=fence)
    later = await store.lock(scene.name, lease=LONG)
    assert later is not None, "the lock is still held"
    assert later > fence, f"fence {later} came after {fence}"


@CASES()
async def a_lock_that_lapses(scene: StoreScene) -> None:
    """K-07: the lock of a holder that died is free when its lease ends."""
    store = scene.store()
    dead = await scene.locked(store, lease=SHORT)
    later = await scene.locked(store)
    assert later > dead, f"fence {later} came after {dead}"
    assert await store.lock(scene.name, lease=LONG) is None, "the lock was given out twice"


@CASES()
async def a_renewed_lock(scene: StoreScene) -> None:
    """K-07: where locks can be renewed, one stays its holder's beyond the lease."""
    store = scene.store()
    if not isinstance(store, RenewableTokenStore):
        return
    fence = await scene.locked(store, lease=LONG)
    assert not await store.renew(scene.name, fence=fence + 1, lease=LONG), "a stranger renewed the lock"
    assert await store.renew(scene.name, fence=fence, lease=SHORT), "the holder's lock was not renewed"
    later = await scene.locked(store)
    assert not await store.renew(scene.name, fence=fence, lease=LONG), "a lock that lapsed was renewed"
    assert await store.renew(scene.name, fence=later, lease=LONG)
    assert await store.lock(scene.name, lease=LONG) is None
    await store.unlock(scene.name, fence=later)
    assert not await store.renew(scene.name, fence=later, lease=LONG), "a lock that was given back was renewed"
    assert await store.lock(scene.name, lease=LONG) is not None, "the lock was taken back by renewing it"


@CASES()
async def a_stranger(scene: StoreScene) -> None:
    """A caller without the lock, or whose lease ended, gives back no other's."""
    store = scene.store()
    slow = await scene.locked(store, lease=SHORT)
    await scene.locked(store)
    await store.unlock(scene.name, fence=slow)
    assert await store.lock(scene.name, lease=LONG) is None, "a stranger gave the lock back"
    await store.unlock(scene.named("wx1"), fence=slow)


@CASES()
async def fences_outlive_records(scene: StoreScene) -> None:
    """Fences grow on when neither lock nor record is left."""
    store = scene.store()
    fence = await scene.locked(store)
    await store.write(scene.name, scene.record(left=SHORT, refresh=None), fence=fence)
    await store.unlock(scene.name, fence=fence)

    async def ended() -> bool:
        return await store.read(scene.name) is None

    await scene.soon(ended, "the record's end")
    assert await scene.locked(store) > fence


# -- writers ---------------------------------------------------------------------------------------


@CASES()
async def a_late_writer(scene: StoreScene) -> None:
    """K-05, K-06: a paused holder's write after a later one's is refused.

    It changes nothing.
    """
    store = scene.store()
    slow = await scene.locked(store, lease=SHORT)
    quick = await scene.locked(store)
    assert await store.write(scene.name, scene.record(token=scene.newer), fence=quick)
    assert not await store.write(scene.name, scene.record(refresh=None), fence=slow), "the late writer was let in"
    found = await scene.read(store)
    assert (found.token, found.refresh, found.fence) == (scene.newer, scene.refresh, quick)


@CASES()
async def nobody_overtook(scene: StoreScene) -> None:
    """A holder whose lease ended may write if no other did; its token is the newest."""
    store = scene.store()
    slow = await scene.locked(store, lease=SHORT)
    await scene.locked(store)
    assert await store.write(scene.name, scene.record(), fence=slow), "the only writer was refused"


@CASES()
async def a_write_made_twice(scene: StoreScene) -> None:
    """A holder that did not hear that it has written may write again."""
    store = scene.store()
    fence = await scene.locked(store)
    for _ in range(2):
        assert await store.write(scene.name, scene.record(), fence=fence)
    assert (await scene.read(store)).token == scene.token


# -- several ---------------------------------------------------------------------------------------


@CASES(needs="shared")
async def two_with_one_lock(scene: StoreScene) -> None:
    """K-04: what one of two stores locked or wrote, the other finds so."""
    one, other = scene.store(), scene.store()
    fences = await asyncio.gather(*(store.lock(scene.name, lease=LONG) for store in (one, other) for _ in range(10)))
    held = [fence for fence in fences if fence is not None]
    assert len(held) == 1, f"the lock was given out as {fences}"
    (fence,) = held
    await one.write(scene.name, scene.record(), fence=fence)
    assert (await scene.read(other)).token == scene.token
    await other.unlock(scene.name, fence=fence)
    assert await scene.locked(other) > fence


@CASES(needs="shared")
async def a_late_writer_at_the_other(scene: StoreScene) -> None:
    """K-06: a paused holder is refused also if the later one has another store."""
    one, other = scene.store(), scene.store()
    slow = await scene.locked(one, lease=SHORT)
    await other.write(scene.name, scene.record(token=scene.newer), fence=await scene.locked(other))
    assert not await one.write(scene.name, scene.record(), fence=slow), "the late writer was let in"
    assert (await scene.read(one)).token == scene.newer
