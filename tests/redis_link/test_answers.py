"""What servers of many releases, makers and clouds answer, and what follows.

The error has the server's word and its meaning, and no secret.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ReadOnlyError
from support.leaks import assert_no_leak
from support.redis import RedisProxy, ScriptServer, admin, running_server

from wxrevenue import ConfigurationError, RedisTokenStore, Secret, StoredToken, TokenUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

PATIENT = 5.0
TOKEN, PASSWORD = "fake-token-of-answers", "fake-password-of-answers"
RECORD = StoredToken(token=Secret(TOKEN), left=100.0, refresh=Secret(TOKEN))
FENCE = b"$2\r\n42\r\n"
FAILED = "ERR Error running script (call to f_a64e2a3d7e60e708ba504a13603e866cda17ad10): @user_script:17: @user_script: 17: "
PLACE = " script: a64e2a3d7e60e708ba504a13603e866cda17ad10, on @user_script:17."

DEMOTED = {
    "READONLY 3.2": f"{FAILED}-READONLY You can't write against a read only slave.   ",
    "READONLY 5.0": f"{FAILED}-READONLY You can't write against a read only replica.   ",
    "READONLY 6.2": f"{FAILED}-READONLY You can't write against a read only replica.",
    "READONLY 7.0": f"READONLY You can't write against a read only replica.{PLACE}",
    "MASTERDOWN 6.2": "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "MASTERDOWN 7.0": f"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.{PLACE}",
    "NOREPLICAS 6.2": f"{FAILED}-NOREPLICAS Not enough good replicas to write.",
    "NOREPLICAS 7.0": f"NOREPLICAS Not enough good replicas to write.{PLACE}",
}
"""By code and release: the answer of a server that is no longer primary.

They were taken down from real servers.
"""
REFUSED = {
    "OOM 6.2": f"{FAILED}-OOM command not allowed when used memory > 'maxmemory'.",
    "OOM 7.0": f"OOM command not allowed when used memory > 'maxmemory'.{PLACE}",
    "NOPERM 6.2": "NOPERM this user has no permissions to run the 'eval' command or its subcommand",
    "NOPERM 6.2, inside": f"{FAILED}The user executing the script can't run this command or subcommand",
    "NOPERM 7.0, inside": f"ERR The user executing the script can't run this command or subcommand{PLACE}",
    "NOAUTH": "NOAUTH Authentication required.",
    "LOADING": "LOADING Redis is loading the dataset in memory",
    "BUSY": "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "MISCONF 6.2": f"{FAILED}-MISCONF Redis is configured to save RDB snapshots, but is unable to persist on disk.",
    "DENIED": "DENIED Redis is running in protected mode because protected mode is enabled",
    "MOVED": "MOVED 3999 127.0.0.1:6381",
    "CLUSTERDOWN": "CLUSTERDOWN Hash slot not served",
    "NOPROTO": "NOPROTO unsupported protocol version",
    "ResponseError": f"ERR something new about {TOKEN}",
}
"""Refusals that a new connection does not help against, by code and release."""
NEVER = {
    "4.0": (
        (
            f"{FAILED}Write commands not allowed after non deterministic commands. "
            "Call redis.replicate_commands() at the start of your script in order to switch to single commands replication mode. "
        ),
        "is too old: Redis 5 is the oldest that works",
    ),
    "3.2": (f"{FAILED}Wrong number of args calling Redis command From Lua script ", "is too old: Redis 5"),
    "2.4": ("ERR unknown command 'EVALSHA'", "knows no EVALSHA and EVAL: it is too old"),
    "switched off": (f"ERR unknown command `EVALSHA`, with args beginning with: `abc`, `3`, `{TOKEN}`, ", "or they are switched off"),
    "protocol 3": (f"ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `{PASSWORD}`, ", "client of protocol 3"),
    "database": ("ERR DB index is out of range", "has no database of this number"),
    "database 3.2": ("ERR invalid DB index", "has no database of this number"),
}
"""Answers that mean a wrong configuration, and what the error says."""


def error(text: str) -> bytes:
    """Return an error reply of a Redis server, as bytes."""
    return f"-{text}\r\n".encode()


# -- fail-over -------------------------------------------------------------------------------------


client_at: Any = Redis.from_url  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
pool_at: Any = BlockingConnectionPool.from_url  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
CLIENTS: dict[str, Callable[[str], Any]] = {
    "a URL": lambda url: url,
    "a client": lambda url: client_at(url, protocol=2),
    "a client of one connection": lambda url: client_at(url, protocol=2, single_connection_client=True),
    "a client whose pool blocks": lambda url: Redis.from_pool(pool_at(url, protocol=2, max_connections=3)),
    "a client that retries": lambda url: client_at(url, protocol=2, retry=Retry(NoBackoff(), 3), retry_on_error=[ReadOnlyError]),
}
"""The ways to give a store its server: a URL or a client."""


@asynccontextmanager
async def store_of(kind: str, url: str) -> AsyncGenerator[RedisTokenStore]:
    """Return a store; close it and the caller's client afterwards."""
    given = CLIENTS[kind](url)
    async with RedisTokenStore(given, timeout=PATIENT) as store:
        yield store
    if not isinstance(given, str):
        await given.aclose()


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize("said", DEMOTED)
async def test_after_a_fail_over(said: str, kind: str) -> None:
    """Q-16: the connection to a demoted server is closed, whatever its words.

    A new connection serves the call. This holds for every client.
    """
    async with ScriptServer(error(DEMOTED[said]), FENCE) as server, store_of(kind, server.url) as store:
        assert [await store.lock("wx1/", lease=9.0) for _ in range(3)] == [42] * 3
        assert server.connections == 2


@pytest.mark.parametrize("kind", CLIENTS)
async def test_a_real_fail_over(kind: str) -> None:
    """Q-16: connections to a primary that becomes a replica are dropped.

    The new primary behind the same name serves.
    """
    with running_server() as old, running_server() as new:
        async with admin(old) as client, RedisProxy(old) as proxy, store_of(kind, proxy.url) as store:
            assert await store.lock("wx1/", lease=9.0) is not None
            await client.execute_command("REPLICAOF", "127.0.0.1", "1")
            proxy.path = new
            assert await store.write("wx1/", RECORD, fence=1)
            found = await store.read("wx1/")
            assert found is not None
            assert found.token == RECORD.token


@pytest.mark.parametrize("said", DEMOTED)
async def test_no_primary_to_be_found(said: str, caplog: pytest.LogCaptureFixture) -> None:
    """Q-16: while every connection leads to a replica, the error has its code.

    The error comes after one repetition.
    """
    async with ScriptServer(error(DEMOTED[said])) as server, RedisTokenStore(server.url, timeout=PATIENT) as store:
        with pytest.raises(TokenUnavailableError, match=rf"it answered {said.split(maxsplit=1)[0]} \(it ") as caught:
            await store.write("wx1/", RECORD, fence=1)
        assert server.connections == 2
    assert_no_leak(caught.value, secrets=[TOKEN], caplog=caplog)


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", REFUSED)
async def test_refused(said: str, caplog: pytest.LogCaptureFixture) -> None:
    """Q-07: the error for a refusal has its code and its meaning.

    The text is in this package's words alone, and the call is not repeated.
    """
    code = said.partition(",")[0].split()[0]
    async with ScriptServer(error(REFUSED[said]), FENCE) as server, RedisTokenStore(server.url, timeout=PATIENT) as store:
        with pytest.raises(TokenUnavailableError, match=rf"it answered {code}( \([a-z ].*\))?$") as caught:
            await store.lock("wx1/", lease=9.0)
        assert server.connections == 1
    assert_no_leak(caught.value, secrets=[TOKEN], caplog=caplog)


@pytest.mark.parametrize("why", NEVER)
async def test_refused_for_ever(why: str, caplog: pytest.LogCaptureFixture) -> None:
    """Q-17: a server that can never serve is a matter of configuration.

    The server is too old, or set up so that it cannot serve; the error names the cause.
    """
    text, said = NEVER[why]
    async with ScriptServer(error(text)) as server, RedisTokenStore(server.url, timeout=PATIENT) as store:
        with pytest.raises(ConfigurationError, match=rf"^Redis at 127\.0\.0\.1:\d+, for the RedisTokenStore, .*{said}") as caught:
            await store.lock("wx1/", lease=9.0)
    assert_no_leak(caught.value, secrets=[TOKEN, PASSWORD], caplog=caplog)


async def test_refused_at_the_door(redis_path: str, caplog: pytest.LogCaptureFixture) -> None:
    """Q-10: a wrong password or database is reported as the server's answer.

    It is not reported as a failure to connect.
    """
    async with RedisTokenStore(f"unix://{redis_path}?password={PASSWORD}&username=x", timeout=PATIENT) as store:
        with pytest.raises(TokenUnavailableError, match="it answered WRONGPASS") as wrong:
            await store.read("wx1/")
    async with RedisTokenStore(f"unix://{redis_path}?db=99", timeout=PATIENT) as store:
        with pytest.raises(ConfigurationError, match="has no database of this number"):
            await store.read("wx1/")
    assert_no_leak(wrong.value, secrets=[PASSWORD], caplog=caplog)


# -- limits of pools -------------------------------------------------------------------------------


@pytest.mark.parametrize("pool", [ConnectionPool, BlockingConnectionPool])
async def test_a_small_pool(redis_path: str, pool: Any) -> None:
    """Q-19: calls share the few connections that a caller's client allows.

    The client's limit causes no error.
    """
    client = Redis.from_pool(pool.from_url(f"unix://{redis_path}", max_connections=2))
    async with RedisTokenStore(client, timeout=PATIENT) as store:
        fences = await asyncio.gather(*(store.lock(f"wx-{pool.__name__}/{number}", lease=9.0) for number in range(150)))
        assert None not in fences
    await client.aclose()


@pytest.mark.parametrize("pool", [ConnectionPool, BlockingConnectionPool])
async def test_a_pool_that_others_use_up(redis_path: str, pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Q-19: a call waits for a connection that others hold, with the caller's client.

    If they keep it, the error says so.
    """
    monkeypatch.setattr("wxrevenue._redis.link._POOL_PATIENCE", 0.05)
    client = Redis.from_pool(pool.from_url(f"unix://{redis_path}", max_connections=1))
    taken = client.connection_pool.get_available_connection()  # type: ignore[no-untyped-call]
    async with RedisTokenStore(client, timeout=PATIENT) as store:
        with pytest.raises(TokenUnavailableError, match="every connection that its client allows is in use; raise max_connections"):
            await store.read("wx1/")
        monkeypatch.undo()
        waiting = asyncio.create_task(store.read("wx-nothing/"))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        await client.connection_pool.release(taken)
        assert await waiting is None
    await client.aclose()
