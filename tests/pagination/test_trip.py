"""The modules that a page passes through.

None calls back into a module that waits for it.
"""

from __future__ import annotations

from typing import Any

from support.fakes import ams_client
from support.ledger import RANGE, Ledger, settlement
from support.trips import Trace
from support.virtual import virtual

ROOMS = ["_paginator", "_list_reader", "_paging", "_prefetch", "_page", "_pass", "_row_index", "_cursor", "_source"]


@virtual
async def test_the_trip_of_a_page() -> None:
    """A page in the middle of a walk passes nine modules besides the engine.

    It calls back into none of them.
    """
    client, _ = ams_client(handler=Ledger([settlement(number) for number in range(120)]), on_event=list[Any]().append)
    async with client.iter_agency_settlement(*RANGE, 20, prefetch=0) as walk:
        pages = walk.by_page()
        await anext(pages)
        await anext(pages)
        trace = Trace("pagination", "clients", "_engine.engine")
        with trace.taken():
            await anext(pages)
    assert sorted(trace.rooms) == sorted([*ROOMS, "engine"])
    assert trace.returns == []
