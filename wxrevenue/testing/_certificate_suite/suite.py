"""What a certificate store must come through.

The newest list stays, byte for byte, and each merchant has its own.
"""

from __future__ import annotations

import asyncio
from typing import Final

from wxrevenue.testing._certificate_suite.case import FETCHED, CertificateStoreCase, CertificateStoreScene
from wxrevenue.testing._suite import Suite

CASES: Final = Suite(CertificateStoreCase)
_MANY: Final = 12
_OTHER: Final = "another list is there than the newest one"
_BYTES: Final = {
    "every byte": bytes(range(256)),
    "no text at all": b"\xff\xfe\x00\r\n\xc3(",
    "line ends around it": b"\n\r\n list \r\n\n",
    "a large list": b"list\n" * 50_000,
}


def certificate_store_cases(*, shared: bool = True) -> list[CertificateStoreCase]:
    """Return what a certificate store must come through, case by case.

    Args:
        shared: whether stores that were made one after the other have the same lists, as those of a
            server do; without it, cases that need this are left out.
    """
    return [case for case in CASES if shared or not case.shared]


# -- one list --------------------------------------------------------------------------------------


@CASES()
async def nothing_at_first(scene: CertificateStoreScene) -> None:
    """A merchant of whom nothing was put has no list."""
    assert await scene.found(scene.store()) is None


@CASES()
async def what_was_put(scene: CertificateStoreScene) -> None:
    """What was put is there, as often as it is asked for."""
    store = scene.store()
    assert await scene.put(store), "the first list was refused"
    for _ in range(2):
        assert await scene.found(store) == scene.listed(), "the list is not what was put"


async def _as_it_was(scene: CertificateStoreScene, content: bytes) -> None:
    store = scene.store()
    assert await store.put(scene.mchid, content, fetched=FETCHED)
    assert await scene.found(store) == content, "the list is not what was put"


CASES.each("A list comes back byte for byte, whatever is in it: a signature is over it.", _BYTES, _as_it_was)


# -- the newest ------------------------------------------------------------------------------------


@CASES()
async def a_newer_list(scene: CertificateStoreScene) -> None:
    """S-08: a newer list takes the place of an older one."""
    store = scene.store()
    await scene.put(store, 0)
    assert await scene.put(store, 1), "the newer list was refused"
    assert await scene.found(store) == scene.listed(1), "the older list is still there"


@CASES()
async def an_older_list(scene: CertificateStoreScene) -> None:
    """S-08: an older list changes nothing.

    It comes from a process that was slow, and that process hears so.
    """
    store = scene.store()
    await scene.put(store, 1)
    assert not await scene.put(store, 0), "the older list was said to be kept"
    assert await scene.found(store) == scene.listed(1), "an older list took the place of a newer one"


@CASES()
async def the_same_list(scene: CertificateStoreScene) -> None:
    """A list that is put twice, as after a lost answer, is kept."""
    store = scene.store()
    for _ in range(2):
        assert await scene.put(store), "a list that is not older was refused"
    assert await scene.found(store) == scene.listed(), _OTHER


@CASES()
async def parts_of_a_second(scene: CertificateStoreScene) -> None:
    """Parts of a second tell which list is newer."""
    store = scene.store()
    await store.put(scene.mchid, scene.listed(1), fetched=FETCHED + 0.5)
    assert not await store.put(scene.mchid, scene.listed(0), fetched=FETCHED + 0.25), "the older list was said to be kept"
    assert await scene.found(store) == scene.listed(1), _OTHER
    assert await store.put(scene.mchid, scene.listed(2), fetched=FETCHED + 0.75), "the newer list was refused"
    assert await scene.found(store) == scene.listed(2), _OTHER


@CASES()
async def many_at_once(scene: CertificateStoreScene) -> None:
    """Of many lists that are put at the same time, in any order, the newest stays."""
    store = scene.store()
    order = [number * 5 % _MANY for number in range(_MANY)]
    await asyncio.gather(*(scene.put(store, number) for number in order))
    assert await scene.found(store) == scene.listed(_MANY - 1), "the newest list is gone"


@CASES()
async def a_put_that_was_cancelled(scene: CertificateStoreScene) -> None:
    """A put that was cancelled leaves the list before it or its own.

    That list is whole, and the store is in order.
    """
    store = scene.store()
    await scene.put(store, 0)
    for number in (1, 2, 3):
        putting = asyncio.create_task(scene.put(store, number))
        for _ in range(number):
            await asyncio.sleep(0)
        putting.cancel()
        await asyncio.gather(putting, return_exceptions=True)
        assert await scene.found(store) in {scene.listed(one) for one in range(number + 1)}, "a list is broken"
    assert await scene.put(store, 9), "nothing can be put any more"
    assert await scene.found(store) == scene.listed(9), _OTHER


# -- several merchants, several stores -------------------------------------------------------------


@CASES()
async def merchants_are_apart(scene: CertificateStoreScene) -> None:
    """A merchant has its own list, however alike the numbers are.

    A newer list of another merchant changes nothing.
    """
    store = scene.store()
    others = [f"{scene.mchid}0", scene.mchid[:-1], f"0{scene.mchid}"]
    await scene.put(store, 5)
    for other in others:
        assert await scene.found(store, mchid=other) is None, f"{other} has the list of {scene.mchid}"
        assert await scene.put(store, 1, mchid=other), f"{other} is refused because of {scene.mchid}"
    assert await scene.found(store) == scene.listed(5), _OTHER


@CASES()
async def merchants_at_once(scene: CertificateStoreScene) -> None:
    """Lists of many merchants that are put at the same time are all there."""
    store = scene.store()
    mchids = {number: f"{scene.mchid}{number:02}" for number in range(_MANY)}
    await asyncio.gather(*(scene.put(store, number, mchid=mchid) for number, mchid in mchids.items()))
    lost = [mchid for number, mchid in mchids.items() if await scene.found(store, mchid=mchid) != scene.listed(number)]
    assert lost == [], f"the lists of {', '.join(lost)} are lost"


@CASES(needs="shared")
async def two_stores(scene: CertificateStoreScene) -> None:
    """What one of two stores keeps, the other has; an older list is refused at both."""
    one, other = scene.store(), scene.store()
    assert await scene.found(other) is None
    await scene.put(one, 1)
    assert await scene.found(other) == scene.listed(1), "the other store has another list"
    assert not await scene.put(other, 0), "the older list was said to be kept"
    assert await scene.put(other, 2)
    assert await scene.found(one) == scene.listed(2), _OTHER


@CASES(needs="shared")
async def two_stores_at_once(scene: CertificateStoreScene) -> None:
    """Of lists put at two stores at the same time the newest stays.

    No other merchant's list is lost.
    """
    one, other = scene.store(), scene.store()
    puts = [scene.put((one, other)[number % 2], number) for number in reversed(range(_MANY))]
    await asyncio.gather(*puts, scene.put(other, 3, mchid=f"{scene.mchid}0"))
    for store in (one, other):
        assert await scene.found(store) == scene.listed(_MANY - 1), "the newest list is gone"
        assert await scene.found(store, mchid=f"{scene.mchid}0") == scene.listed(3), "another merchant's list is gone"


@CASES(needs="shared")
async def a_store_that_was_closed(scene: CertificateStoreScene) -> None:
    """A list outlives the store that it was put into."""
    store = scene.store()
    await scene.put(store)
    await scene.close(store)
    assert await scene.found(scene.store()) == scene.listed(), "the list is gone with its store"
