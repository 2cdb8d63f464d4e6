"""The modules that the fetch of a token passes through.

None calls back into a module that waits for it.
"""

from __future__ import annotations

import asyncio

from support.platform import Platform, component_tokens, token
from support.trips import Trace
from support.virtual import virtual

ROOMS = ["_component", "_caches", "_cache", "_single_flight", "_refresh", "_authorizations", "_locked", "_requests", "_codes"]


@virtual
async def test_the_trip_of_a_token() -> None:
    """A first token goes from the source to its requests and into the store.

    It goes back into no module that waits for it.
    """
    async with component_tokens(Platform()) as tokens:
        trace = Trace("tokens.", "_engine.engine")
        with trace.taken():
            await token(tokens)
    assert trace.rooms.index("_cache") < trace.rooms.index("_single_flight") < trace.rooms.index("_refresh")
    assert {*ROOMS, "engine"} <= {*trace.rooms}
    if asyncio.get_running_loop().get_task_factory() is None:  # a task that starts at once runs within its maker
        assert trace.returns == []


@virtual
async def test_the_trip_of_a_token_that_is_known() -> None:
    """A token that is known already passes three modules."""
    async with component_tokens(Platform()) as tokens:
        await token(tokens)
        trace = Trace("tokens.", "_engine.engine")
        with trace.taken():
            await token(tokens)
    assert trace.rooms == ["_component", "_caches", "_cache"]
