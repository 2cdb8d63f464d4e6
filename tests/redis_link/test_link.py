"""The way to Redis, when answers are lost, late or wrong.

It shows nothing of what it carries.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support.leaks import assert_no_leak
from support.redis import RedisProxy, admin, running_server
from support.redis_records import BRIEF, PASSWORD, PATIENT, RECORD, SECRETS

from wxrevenue import RedisTicketStore, RedisTokenStore, Secret, StoredToken, TokenUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable


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
