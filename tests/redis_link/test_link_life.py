"""The way to Redis from the first call to the last: loops, closing, clusters."""

from __future__ import annotations

import asyncio
import gc

import pytest
from redis.asyncio import Redis, RedisCluster
from redis.crc import key_slot
from support.redis import RedisProxy, admin, running_server
from support.redis_records import PATIENT, RECORD

from wxrevenue import ClientStateError, RedisTicketStore, RedisTokenStore, Ticket, TokenUnavailableError
from wxrevenue._redis.link import key_stem
from wxrevenue.testing import unused_port


async def test_closing(proxy: RedisProxy) -> None:
    """A closed store has no connections left, and refuses calls.

    It may be closed twice; one that is not used needs no closing.
    """
    RedisTokenStore(proxy.url)
    store = RedisTokenStore(proxy.url, timeout=PATIENT)
    await store.read("wx1/")
    await store.aclose()
    await store.aclose()
    with pytest.raises(ClientStateError, match="the RedisTokenStore is closed"):
        await store.read("wx1/")
    del store
    gc.collect()


async def test_closing_during_calls(proxy: RedisProxy) -> None:
    """Q-20: when a store is closed, calls on the wire get their answers.

    Those that were not sent are refused, and none connects again.
    """
    store = RedisTokenStore(proxy.url, timeout=PATIENT)
    proxy.answers.clear()
    calls = [asyncio.create_task(store.write(f"wx{number}/", RECORD, fence=1)) for number in range(50)]
    async with asyncio.timeout(20):
        while proxy.connections < 32:  # noqa: ASYNC110  (the proxy's)
            await asyncio.sleep(0.01)
        closing = asyncio.create_task(store.aclose())
        await asyncio.sleep(0.02)
        assert not closing.done()
        with pytest.raises(ClientStateError, match="is closed"):
            await store.read("wx1/")
        proxy.answers.set()
        await closing
        ended = await asyncio.gather(*calls, return_exceptions=True)
    assert ended[:32] == [True] * 32
    assert {type(error) for error in ended[32:]} == {ClientStateError}
    assert proxy.connections == 32
    gc.collect()


async def test_closing_is_cancelled(proxy: RedisProxy) -> None:
    """Q-20: a cancelled closing waits no longer for calls, and leaves no connection."""
    store = RedisTokenStore(proxy.url, timeout=PATIENT)
    await store.read("wx1/")
    proxy.silent = True
    reading = asyncio.create_task(store.read("wx1/"))
    await asyncio.sleep(0.02)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await store.aclose()
    with pytest.raises(TokenUnavailableError, match="no connection"):
        await reading
    assert proxy.connections == 1
    del store
    gc.collect()


def test_one_loop(redis_path: str) -> None:
    """C-07: a store belongs to the event loop of its first call.

    On another loop it says so.
    """
    store = RedisTokenStore(f"unix://{redis_path}", timeout=PATIENT)
    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(store.read("wx1/"))
        with pytest.raises(ClientStateError, match="another event loop"):
            second.run(store.read("wx1/"))
        first.run(store.aclose())


@pytest.mark.parametrize("decode", [False, True])
async def test_a_client_of_ones_own(redis_path: str, *, decode: bool) -> None:
    """A user's own client is used as it is, and not closed.

    Its settings may make bytes or strings of answers.
    """
    client = Redis(unix_socket_path=redis_path, decode_responses=decode)
    async with RedisTokenStore(client, timeout=PATIENT) as store, RedisTicketStore(client, "wx-own", timeout=PATIENT) as tickets:
        assert await store.write("wx-own/", RECORD, fence=1)
        found = await store.read("wx-own/")
        assert found is not None
        assert found.token == RECORD.token
        assert await tickets.put(Ticket("fake-ticket", 5.0))
        assert await tickets.get() == Ticket("fake-ticket", 5.0)
    assert await client.exists("nothing") == 0
    await client.aclose()


def test_one_slot() -> None:
    """Q-05: all keys of a name are in one slot of a cluster.

    Different names are in different ones.
    """
    slots = [
        {key_slot(f"{key_stem('wxrevenue', name)}{key}".encode()) for key in ("record", "token", "lock")} for name in ("wx1/", "wx1/wx2")
    ]
    assert [len(found) for found in slots] == [1, 1]
    assert slots[0] != slots[1]


async def test_a_cluster() -> None:
    """Q-05: a cluster serves a store by a URL and by a client for clusters.

    It refuses scripts with keys of several slots.
    """
    port = unused_port()
    config = {"cluster-enabled": "yes", "cluster-port": str(unused_port())}
    with running_server(port, **config) as path:
        async with admin(path) as client, RedisTokenStore(f"unix://{path}", timeout=PATIENT) as store, asyncio.timeout(20):
            await client.execute_command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
            while "cluster_state:ok" not in str(await client.execute_command("CLUSTER", "INFO")):  # noqa: ASYNC110  (a server)
                await asyncio.sleep(0.05)
            assert await store.write("wx1/", RECORD, fence=1)
            cluster = RedisCluster.from_url(f"redis://127.0.0.1:{port}")
            async with RedisTokenStore(cluster, timeout=PATIENT) as other, RedisTicketStore(cluster, "wx1", timeout=PATIENT) as tickets:
                found = await other.read("wx1/")
                assert found is not None
                assert found.token == RECORD.token
                assert await other.lock("wx1/", lease=60.0) is not None
                assert await tickets.put(Ticket("fake-ticket", 5.0))
            await cluster.aclose()
