"""Real processes of the shared limiter on a real server, both in trouble.

Processes are killed and stopped; the server restarts, pauses and fails over.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio import Redis
from support.limiter_processes import QUOTA, WINDOW_S, Fleet, struck
from support.redis import RedisServer, admin
from support.sentinel import free_port, running_sentinel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

pytestmark = [
    pytest.mark.slow("real processes and a real server, in real time"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs SIGKILL and Unix sockets"),
]

STORM = QUOTA // 4
"""More refusals than this within a window are too many.

A tenth of the quota may fly when the first comes; a test or two may be refused.
"""
NEW_BOOKS = 1_000
"""A count of closings that is larger by this belongs to new books.

The count begins with the milliseconds of their first moment.
"""


@pytest.fixture
def folder() -> Iterator[str]:
    """Return a folder whose path is short: that of a socket has 108 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="wxl-") as path:
        yield path


@pytest.mark.parametrize("how", ["killed", "stopped"])
@pytest.mark.parametrize("what", ["probe", "lesson"])
async def test_the_holder_of_a_probe_or_of_a_lesson(redis_path: str, folder: str, what: str, how: str) -> None:
    """The process that probes, or draws a lesson, is killed or stopped.

    Another one does it, no call is beside a probe, and all callers end.
    """
    async with Fleet(("url", f"unix://{redis_path}"), folder) as fleet:
        async with asyncio.timeout(60.0):
            process = await fleet.first(what)
        await struck(fleet, process, how)
        await fleet.end(killed=process if how == "killed" else 0)
    assert fleet.beside_probe == 0
    assert 0 < fleet.most_refused(WINDOW_S) <= STORM


@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_a_lessee(redis_path: str, folder: str, how: str) -> None:
    """A process with calls under way is killed or stopped.

    Its permits come back, no call is beside a probe, and all callers end.
    """
    async with Fleet(("url", f"unix://{redis_path}"), folder) as fleet:
        await fleet.accepts(3 * QUOTA)
        async with asyncio.timeout(60.0):
            process = await fleet.when(lambda kind, process: kind == "call" and fleet.flying.get(process, 0) > 0)
        await struck(fleet, process, how)
        await fleet.end(killed=process if how == "killed" else 0)
    assert fleet.beside_probe == 0
    assert 0 < fleet.most_refused(WINDOW_S) <= STORM


async def epoch(path: str) -> int:
    """Return how often the gate closed since the quota's books were begun."""
    async with admin(path) as client:
        (key,) = await client.keys("*:state")
        return int(float(await client.hget(key, "epoch")))


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(30.0):
        while not await is_so():  # noqa: ASYNC110  (a server says so)
            await asyncio.sleep(0.05)


async def is_whole(path: str) -> bool:
    """Return whether a cluster has all of its slots."""
    async with admin(path) as client:
        return b"cluster_state:ok" in await client.execute_command("CLUSTER", "INFO")


async def replicates(path: str, field: str, value: str) -> bool:
    """Return whether a server says so of its replication."""
    async with admin(path) as client:
        found = await client.info("replication")
    return bool(found.get(field) == value)


async def knows_replica(port: int) -> bool:
    """Return whether a sentinel can have a replica take over."""
    client: Any = Redis(port=port)
    try:
        return len(await client.execute_command("SENTINEL REPLICAS", "primary")) == 1
    finally:
        await client.aclose()


@pytest.mark.parametrize("keeps", ["yes", "no"])
async def test_a_server_that_is_killed_and_started_again(folder: str, keeps: str) -> None:
    """The server is killed for two seconds; all callers end.

    With a log of its data the books go on; without one they are begun anew.
    """
    with RedisServer(folder, appendonly=keeps, appendfsync="always") as server:
        async with Fleet(("url", f"unix://{server.path}"), folder) as fleet:
            await fleet.accepts(2 * QUOTA)
            before = await epoch(server.path)
            server.kill()
            await asyncio.sleep(WINDOW_S)
            server.start()
            await fleet.accepts(QUOTA)
            after = await epoch(server.path)
            await fleet.end()
    assert (after - before < NEW_BOOKS) == (keeps == "yes")
    assert fleet.most_refused(WINDOW_S) <= STORM


async def test_a_server_that_is_paused(folder: str) -> None:
    """The server stands still for some seconds, its connections open.

    Calls go on, the books too, and all callers end.
    """
    with RedisServer(folder) as server:
        async with Fleet(("url", f"unix://{server.path}"), folder) as fleet:
            await fleet.accepts(2 * QUOTA)
            before = await epoch(server.path)
            with server.paused():
                await fleet.accepts(QUOTA // 2)
            await fleet.accepts(QUOTA)
            after = await epoch(server.path)
            await fleet.end()
    assert 0 <= after - before < NEW_BOOKS
    assert fleet.most_refused(WINDOW_S) <= STORM


async def test_a_cluster(folder: str) -> None:
    """A cluster's client serves: one call probes, and all callers end.

    The process that probes is killed.
    """
    port = free_port(bus=True)
    with RedisServer(folder, port=port, **{"cluster-enabled": "yes"}) as server:
        async with admin(server.path) as client:
            await client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            await until(lambda: is_whole(server.path))
        async with Fleet(("cluster", port), folder) as fleet:
            async with asyncio.timeout(60.0):
                process = await fleet.first("probe")
            await struck(fleet, process, "killed")
            await fleet.end(killed=process)
    assert fleet.beside_probe == 0
    assert 0 < fleet.most_refused(WINDOW_S) <= STORM


async def test_a_sentinel(folder: str) -> None:
    """The primary is killed, and its replica takes over, as a sentinel says.

    Calls go on, the books too, and all callers end.
    """
    with running_sentinel(folder) as sentinel:
        await until(lambda: replicates(sentinel.replica.path, "master_link_status", "up"))
        await until(lambda: knows_replica(sentinel.port))
        async with Fleet(("sentinel", sentinel.port), folder) as fleet:
            await fleet.accepts(2 * QUOTA)
            before = await epoch(sentinel.replica.path)
            sentinel.primary.kill()
            await until(lambda: replicates(sentinel.replica.path, "role", "master"))
            await fleet.accepts(QUOTA)
            after = await epoch(sentinel.replica.path)
            await fleet.end()
    assert 0 <= after - before < NEW_BOOKS
    assert fleet.most_refused(WINDOW_S) <= STORM
