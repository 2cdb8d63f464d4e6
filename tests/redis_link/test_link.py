"""The way to Redis, when answers are lost, late or wrong.

It shows nothing of what it carries.
"""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio import Redis, RedisCluster
from redis.crc import key_slot
from support.leaks import assert_no_leak
from support.redis import RedisProxy, admin, running_server

import wxrevenue._redis.link
from wxrevenue import (
    ClientStateError,
    ConfigurationError,
    RedisTicketStore,
    RedisTokenStore,
    Secret,
    StoredToken,
    Ticket,
    TokenUnavailableError,
)
from wxrevenue._redis.link import key_stem
from wxrevenue.testing import unused_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

TOKEN, REFRESH, PASSWORD = "fake-token-of-redis", "fake-refresh-of-redis", "fake-password-of-redis"
SECRETS = [TOKEN, REFRESH, PASSWORD]
RECORD = StoredToken(token=Secret(TOKEN), left=100.0, refresh=Secret(REFRESH))
PATIENT, BRIEF = 5.0, 0.05


@pytest.fixture
async def proxy(redis_path: str) -> AsyncIterator[RedisProxy]:
    """Return a proxy in front of the server, which is empty."""
    async with admin(redis_path) as client:
        await client.flushall()
    async with RedisProxy(redis_path) as found:
        yield found


def configured(redis: Any = "redis://localhost", **options: Any) -> RedisTokenStore:
    """Return a store with one setting, which may be wrong."""
    return RedisTokenStore(redis, **options)


async def used(store: RedisTokenStore, name: str = "wx-used/") -> None:
    """Call each method once, so that Redis knows every script."""
    fence = await store.lock(name, lease=60.0)
    assert fence is not None
    await store.write(name, RECORD, fence=fence)
    await store.unlock(name, fence=fence)
    await store.read(name)


async def failed(store: RedisTokenStore) -> list[TokenUnavailableError]:
    """Call each method; return the errors."""
    calls: list[Callable[[], Any]] = [
        lambda: store.read("wx1/"),
        lambda: store.lock("wx1/", lease=60.0),
        lambda: store.write("wx1/", RECORD, fence=1),
        lambda: store.unlock("wx1/", fence=1),
    ]
    errors: list[TokenUnavailableError] = []
    for call in calls:
        with pytest.raises(TokenUnavailableError) as caught:
            await call()
        errors.append(caught.value)
    return errors


# -- answers that are lost or late -----------------------------------------------------------------


async def test_an_answer_lost_once(proxy: RedisProxy) -> None:
    """Q-01: a script whose answer is lost after it ran is repeated.

    The repetition gets the same answer and changes nothing.
    """
    async with RedisTokenStore(proxy.url, timeout=PATIENT) as store:
        await used(store)
        proxy.drops = 1
        fence = await store.lock("wx1/", lease=60.0)
        assert fence is not None
        assert proxy.drops == 0
        assert await store.lock("wx1/", lease=60.0) is None
        proxy.drops = 1
        assert await store.write("wx1/", RECORD, fence=fence)
        proxy.drops = 1
        found = await store.read("wx1/")
        assert found is not None
        assert (found.token, found.fence) == (RECORD.token, fence)
        proxy.drops = 1
        await store.unlock("wx1/", fence=fence)
        assert proxy.drops == 0
        later = await store.lock("wx1/", lease=60.0)
        assert later is not None
        assert later > fence


async def test_answers_lost_twice(proxy: RedisProxy, caplog: pytest.LogCaptureFixture) -> None:
    """Q-01: a script runs twice at most; then the call fails.

    Later calls work.
    """
    async with RedisTokenStore(proxy.url, timeout=PATIENT) as store:
        await used(store)
        proxy.drops = 100
        with pytest.raises(TokenUnavailableError, match=r"did not serve the RedisTokenStore: no connection") as caught:
            await store.write("wx1/", RECORD, fence=1)
        assert proxy.connections == 2
        proxy.drops = 0
        assert await store.read("wx2/") is None
    assert_no_leak(caught.value, secrets=SECRETS, caplog=caplog)


async def test_refused(proxy: RedisProxy, caplog: pytest.LogCaptureFixture) -> None:
    """Q-02: while connections are refused every method says so, without a secret.

    Afterwards all is well.
    """
    async with RedisTokenStore(proxy.url, timeout=PATIENT) as store:
        await store.read("wx1/")
        await proxy.close()
        errors = await failed(store)
        assert {str(error) for error in errors} == {
            f"Redis at {proxy.url[8:-2]} did not serve the RedisTokenStore: no connection (ConnectionError): is it running?"
        }
        await proxy.open()
        assert await store.read("wx1/") is None
    assert_no_leak(*errors, secrets=SECRETS, caplog=caplog)


async def test_blackholed(proxy: RedisProxy, caplog: pytest.LogCaptureFixture) -> None:
    """Q-03: a server that takes connections and is silent is waited for twice.

    Each wait is as long as the timeout.
    """
    proxy.silent = True
    async with RedisTokenStore(proxy.url, timeout=BRIEF) as store:
        errors = await failed(store)
        assert {str(error).rpartition(": ")[2] for error in errors} == {"no answer within 0.05 s"}
    assert_no_leak(*errors, secrets=SECRETS, caplog=caplog)


async def test_blackholed_in_between(proxy: RedisProxy) -> None:
    """Q-03: the same holds on a connection that worked so far.

    When the server is back, the store works again.
    """
    async with RedisTokenStore(proxy.url, timeout=0.1) as store:
        await store.read("wx1/")
        proxy.silent = True
        with pytest.raises(TokenUnavailableError, match="no answer"):
            await store.read("wx1/")
        proxy.silent = False
        assert await store.read("wx1/") is None


async def test_cancelled_in_between(proxy: RedisProxy) -> None:
    """Q-08: of 300 calls that are cancelled at any moment none leaves its answer.

    The next call would take it for its own.
    """
    async with RedisTokenStore(proxy.url, timeout=PATIENT) as store:
        for number in range(5):
            await store.write(f"wx{number}/", StoredToken(token=Secret(f"fake-token-{number}"), left=100.0), fence=1)
        proxy.delay = 0.001
        for number in range(300):
            reading = asyncio.create_task(store.read(f"wx{number % 5}/"))
            await asyncio.sleep(number % 10 * 0.0003)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            if number % 20 == 0:
                found = await asyncio.gather(*(store.read(f"wx{each}/") for each in range(5)))
                assert [record and record.token for record in found] == [Secret(f"fake-token-{each}") for each in range(5)]


async def test_a_cancelled_write_shows_nothing(proxy: RedisProxy) -> None:
    """A cancellation through redis-py takes none of its frames along.

    The token would show in them.
    """
    async with RedisTokenStore(proxy.url, timeout=PATIENT) as store:
        await store.read("wx1/")
        proxy.silent = True
        writing = asyncio.create_task(store.write("wx1/", RECORD, fence=1))
        await asyncio.sleep(0.02)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await writing
        assert_no_leak(caught.value, secrets=SECRETS)


async def test_many_at_once(proxy: RedisProxy) -> None:
    """A thousand calls at once share a few connections, and all are answered."""
    async with RedisTokenStore(proxy.url, timeout=PATIENT) as store:
        fences = await asyncio.gather(*(store.lock(f"wx1/wx{number}", lease=60.0) for number in range(1000)))
        assert None not in fences
        async with admin(proxy.path) as client:  # pyright: ignore[reportPrivateUsage]
            assert len(await client.client_list()) <= 34


# -- answers that are errors -----------------------------------------------------------------------


async def test_a_script_that_redis_forgot(proxy: RedisProxy, redis_path: str) -> None:
    """Q-07: a restarted server knows no scripts; each is sent to it once."""
    async with RedisTokenStore(proxy.url, timeout=PATIENT) as store, admin(redis_path) as client:
        await store.read("wx1/")
        await client.script_flush()
        before = proxy.sent(b"EVAL\r\n")
        for _ in range(3):
            assert await store.read("wx1/") is None
        assert proxy.sent(b"EVAL\r\n") - before == 1


async def test_what_redis_refuses(caplog: pytest.LogCaptureFixture) -> None:
    """Q-07: for no memory or no rights the error has Redis' word and its meaning.

    The call is not repeated.
    """
    with running_server() as path:
        async with admin(path) as client, RedisTokenStore(f"unix://{path}", timeout=PATIENT) as store:
            await store.write("wx1/", RECORD, fence=1)
            await client.config_set("maxmemory", "1")
            with pytest.raises(TokenUnavailableError, match=r"it answered OOM \(its memory is full\)$") as out_of_memory:
                await store.write("wx1/", RECORD, fence=1)
            await client.config_set("maxmemory", "0")
            assert await store.write("wx1/", RECORD, fence=1)
            await client.execute_command("ACL", "SETUSER", "default", "-evalsha", "-eval")
            with pytest.raises(TokenUnavailableError, match=r"it answered NOPERM \(its user may not run EVALSHA, EVAL") as forbidden:
                await store.write("wx1/", RECORD, fence=1)
    assert_no_leak(out_of_memory.value, forbidden.value, secrets=SECRETS, caplog=caplog)


async def test_a_wrong_password(proxy: RedisProxy, caplog: pytest.LogCaptureFixture) -> None:
    """Q-10: the password in the URL shows nowhere.

    This holds when it is wrong, and for the store.
    """
    url = proxy.url.replace("//", f"//somebody:{PASSWORD}@")
    async with RedisTokenStore(url, timeout=PATIENT) as store, RedisTicketStore(url, "wx1", timeout=PATIENT) as tickets:
        errors: list[Exception] = [*await failed(store)]
        with pytest.raises(TokenUnavailableError) as caught:
            await tickets.get()
        assert repr(store) == f"<RedisTokenStore in Redis at {proxy.url[8:-2]}>"
        assert repr(tickets) == f"<RedisTicketStore in Redis at {proxy.url[8:-2]}>"
        assert_no_leak(store, tickets, caught.value, *errors, secrets=SECRETS, caplog=caplog)


# -- lifetimes -------------------------------------------------------------------------------------


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


# -- configuration ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"redis": f"http://{PASSWORD}@host"}, r"RedisTokenStore\.redis: expected redis://host, rediss://host or unix:///path"),
        ({"redis": f"redis://:{PASSWORD}@"}, r"RedisTokenStore\.redis: expected redis://host"),
        ({"redis": f"redis://:{PASSWORD}@host:99999999"}, r"RedisTokenStore\.redis: expected redis://host"),
        ({"redis": f"redis://:{PASSWORD}@host?socket_timeout={TOKEN}"}, "redis-py does not accept the value of an option"),
        ({"redis": PASSWORD}, r"RedisTokenStore\.redis: expected redis://host"),
        ({"redis": PASSWORD.encode()}, r"RedisTokenStore\.redis: expected a URL or a client of redis\.asyncio"),
        ({"redis": None}, r"RedisTokenStore\.redis: expected a URL or a client of redis\.asyncio"),
        ({"timeout": 0}, r"RedisTokenStore\.timeout: expected a positive"),
        ({"keep": "1"}, r"RedisTokenStore\.keep: expected seconds as a number, got str"),
        ({"prefix": "a{b}"}, r"RedisTokenStore\.prefix: expected no braces"),
        ({"prefix": ""}, r"RedisTokenStore\.prefix: expected printable characters"),
        ({"keys": TOKEN.encode()}, r"RedisTokenStore\.keys: expected keys of 32 bytes, got one of 19"),
        ({"keys": TOKEN}, r"RedisTokenStore\.keys: expected keys as bytes, got str"),
        ({"keys": [bytes(32), 5]}, r"RedisTokenStore\.keys: expected keys as bytes, got int"),
    ],
)
def test_bad_configuration(arguments: dict[str, Any], said: str) -> None:
    """A forbidden value is refused before any I/O, by the name of the field.

    The value is not shown.
    """
    with pytest.raises(ConfigurationError, match=said) as caught:
        configured(**arguments)
    assert_no_leak(caught.value, secrets=SECRETS)


def test_bad_tickets() -> None:
    """A ticket store's error names the store."""
    wrong: Any = 5
    with pytest.raises(ConfigurationError, match=r"RedisTicketStore\.component_appid: expected a str, got int"):
        RedisTicketStore("redis://localhost", wrong)
    with pytest.raises(ConfigurationError, match=r"RedisTicketStore\.redis: expected"):
        RedisTicketStore(PASSWORD, "wx1")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without redis-py the error names the extra, before any I/O."""

    def nothing(_name: str) -> None:
        return None

    monkeypatch.setattr(wxrevenue._redis.link, "find_spec", nothing)
    with pytest.raises(ConfigurationError, match=r"RedisTokenStore needs redis-py: pip install 'wxrevenue\[redis\]'"):
        RedisTokenStore("redis://localhost")
    with pytest.raises(ConfigurationError, match=r"RedisTicketStore needs redis-py: pip install 'wxrevenue\[redis\]'"):
        RedisTicketStore("redis://localhost", "wx1")
