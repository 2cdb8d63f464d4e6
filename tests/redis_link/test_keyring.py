"""What lies in Redis: hashed names, a time to live, encryption with keys.

Foreign values count as absent.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from support.leaks import assert_no_leak
from support.redis import admin

from wxrevenue import RedisTicketStore, RedisTokenStore, Secret, StoredToken, Ticket

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TOKEN, REFRESH, TICKET = "fake-token-at-rest", "fake-refresh-at-rest", "fake-ticket-at-rest"
SECRETS = [TOKEN, REFRESH, TICKET]
RECORD = StoredToken(token=Secret(TOKEN), left=100.0, refresh=Secret(REFRESH))
OLD, NEW = b"fake-old-key" + bytes(20), b"fake-new-key" + bytes(20)
COMPONENT = "wx0000000000000000"
NAME = f"{COMPONENT}/wx1"


@pytest.fixture
async def redis(redis_path: str) -> AsyncIterator[Any]:
    """Return a client to look into Redis, which is empty at first."""
    async with admin(redis_path) as client:
        await client.flushall()
        yield client


async def stored(redis: Any) -> dict[str, str]:
    """Return everything that lies in Redis, as text; fail without a time to live."""
    found: dict[str, str] = {}
    for key in await redis.keys():
        assert await redis.pttl(key) > 0, f"{key} lives for ever"
        kind = await redis.type(key)
        found[key.decode()] = repr(await (redis.hgetall(key) if kind == b"hash" else redis.get(key)))
    return found


async def keyed(redis: Any, ending: str) -> str:
    """Return the one key with this ending."""
    (key,) = [key.decode() for key in await redis.keys() if key.decode().endswith(ending)]
    return str(key)


async def written(path: str, **options: Any) -> None:
    """Write tokens and a ticket, and keep the lock, as a process that died."""
    async with (
        RedisTokenStore(f"unix://{path}", timeout=5.0, **options) as store,
        RedisTicketStore(f"unix://{path}", COMPONENT, timeout=5.0, **options) as tickets,
    ):
        fence = await store.lock(NAME, lease=60.0)
        assert fence is not None
        assert await store.write(NAME, RECORD, fence=fence)
        assert await tickets.put(Ticket(TICKET, 1000.0))


def shown(box: Secret | None) -> str | None:
    """Return a secret's text, or ``None``."""
    return None if box is None else box.reveal()


async def read(path: str, **options: Any) -> tuple[str | None, str | None, str | None]:
    """Return the token, refresh token and ticket that another process finds."""
    async with (
        RedisTokenStore(f"unix://{path}", timeout=5.0, **options) as store,
        RedisTicketStore(f"unix://{path}", COMPONENT, timeout=5.0, **options) as tickets,
    ):
        record, ticket = await store.read(NAME) or StoredToken(), await tickets.get()
        return shown(record.token), shown(record.refresh), shown(ticket.value if ticket else None)


async def test_keys(redis: Any, redis_path: str) -> None:
    """K-23, K-24: keys are hashes of names, and no appid shows anywhere.

    Everything in Redis has a time to live.
    """
    await written(redis_path)
    await written(redis_path, prefix="other")
    found = await stored(redis)
    assert len(found) == 8
    assert {key.partition(":")[0] for key in found} == {"wxrevenue", "other"}
    assert COMPONENT not in str(found)
    assert "wx1" not in str(found)


async def test_prefixes_are_apart(redis: Any, redis_path: str) -> None:
    """K-23: environments with different prefixes share no key in one Redis."""
    await written(redis_path, prefix="one")
    assert await read(redis_path, prefix="other") == (None, None, None)
    assert await read(redis_path, prefix="one") == (TOKEN, REFRESH, TICKET)


async def test_encrypted(redis: Any, redis_path: str, caplog: pytest.LogCaptureFixture) -> None:
    """K-24: with a key nothing readable lies in Redis.

    The same value looks different each time.
    """
    await written(redis_path, keys=OLD)
    first = await stored(redis)
    assert_no_leak(first, secrets=SECRETS)
    assert await read(redis_path, keys=OLD) == (TOKEN, REFRESH, TICKET)
    await redis.flushall()
    await written(redis_path, keys=[Secret(OLD.decode())])
    second = await stored(redis)
    assert first.keys() == second.keys()
    assert all(first[key] != second[key] for key in first)
    assert_no_leak(secrets=[*SECRETS, "fake-old-key"], caplog=caplog)


async def test_a_key_is_replaced(redis: Any, redis_path: str) -> None:
    """K-24: a new key in front encrypts from then on.

    What the former one encrypted stays readable while that key is listed.
    """
    await written(redis_path, keys=OLD)
    assert await read(redis_path, keys=[NEW, OLD]) == (TOKEN, REFRESH, TICKET)
    await redis.flushall()
    await written(redis_path, keys=[NEW, OLD])
    assert await read(redis_path, keys=NEW) == (TOKEN, REFRESH, TICKET)
    assert await read(redis_path, keys=OLD) == (None, None, None)


async def test_keys_are_brought_in(redis: Any, redis_path: str) -> None:
    """K-24: a value that was stored before there were keys is read with them.

    Without keys an encrypted value is absent.
    """
    await written(redis_path)
    assert await read(redis_path, keys=NEW) == (TOKEN, REFRESH, TICKET)
    await redis.flushall()
    await written(redis_path, keys=NEW)
    assert await read(redis_path) == (None, None, None)


async def test_moved_values(redis: Any, redis_path: str) -> None:
    """K-24: an encrypted value that was copied to another place is not read there.

    A value that was changed is not read, either.
    """
    await written(redis_path, keys=OLD)
    record, token = await keyed(redis, ":record"), await keyed(redis, ":token")
    sealed = await redis.get(token)
    await redis.hset(record, "refresh", sealed)
    await redis.set(token, sealed[:-4] + (b"AAA=" if sealed[-4:] != b"AAA=" else b"BBB="))
    await redis.hset(await keyed(redis, ":ticket"), "created", "2000.0")
    assert await read(redis_path, keys=OLD) == (None, None, None)


async def test_a_newer_version(redis: Any, redis_path: str) -> None:
    """K-21: a newer release's encryption is not taken for this one's, key or no key."""
    await written(redis_path, keys=OLD)
    token = await keyed(redis, ":token")
    await redis.set(token, (await redis.get(token)).replace(b"1e:", b"2e:"), px=60_000)
    assert await read(redis_path, keys=OLD) == (None, REFRESH, TICKET)


async def test_refresh_tokens_are_kept(redis: Any, redis_path: str) -> None:
    """K-24: a refresh token lives for ``keep`` seconds from its last write.

    The life of its access token does not matter.
    """
    async with RedisTokenStore(f"unix://{redis_path}", timeout=5.0, keep=1000.0) as store:
        for _ in range(2):
            await store.write(NAME, RECORD, fence=1)
            record, token = await keyed(redis, ":record"), await keyed(redis, ":token")
            assert 900_000 < await redis.pttl(record) <= 1_000_000
            assert 90_000 < await redis.pttl(token) <= 100_000
            await redis.pexpire(record, 50_000)


@pytest.mark.parametrize(
    "garbage",
    [b"", b"garbage", b"\xff\xfe", b"1e:", b"1e:00000000:", b"2p:fake-of-a-newer-release", b'{"v":1}', b"1", b"-1", b"nan", b"inf"],
)
async def test_garbage(redis: Any, redis_path: str, garbage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """K-21: foreign values and those of a newer release count as absent.

    They prevent no write, and are logged once.
    """
    await written(redis_path, keys=OLD)
    for key in await redis.keys():
        kind = await redis.type(key)
        if kind == b"hash":
            await redis.hset(key, mapping=dict.fromkeys(await redis.hkeys(key), garbage))
        else:
            await redis.set(key, garbage, px=60_000)
    caplog.set_level(logging.WARNING)
    assert await read(redis_path, keys=OLD) == (None, None, None)
    assert len([record for record in caplog.records if "cannot be read" in record.message]) == 1
    await written(redis_path, keys=OLD)
    assert await read(redis_path, keys=OLD) == (TOKEN, REFRESH, TICKET)


@pytest.mark.parametrize("kind", ["list", "set", "string", "hash"])
async def test_other_types(redis: Any, redis_path: str, kind: str) -> None:
    """K-21: keys of another type, from another program, count as absent.

    They are replaced.
    """
    await written(redis_path)
    for key in await redis.keys():
        await redis.delete(key)
        make = {"list": redis.rpush, "set": redis.sadd, "string": redis.set}
        await (redis.hset(key, "a", "b") if kind == "hash" else make[kind](key, "garbage"))
    assert await read(redis_path) == (None, None, None)
    await written(redis_path)
    assert await read(redis_path) == (TOKEN, REFRESH, TICKET)


async def test_a_lost_counter(redis: Any, redis_path: str) -> None:
    """Q-04: fences keep growing when a fail-over or an eviction lost the counter.

    A new counter begins with the server's time.
    """
    async with RedisTokenStore(f"unix://{redis_path}", timeout=5.0) as store:
        before = await store.lock(NAME, lease=60.0)
        assert before is not None
        await redis.flushall()
        after = await store.lock(NAME, lease=60.0)
        assert after is not None
        assert after > before


async def test_a_clock_that_went_back(redis: Any, redis_path: str) -> None:
    """Q-04, Q-09: fences keep growing when a new server's clock is behind.

    No other clock is asked.
    """
    async with RedisTokenStore(f"unix://{redis_path}", timeout=5.0) as store:
        ahead = 4_000_000_000_000_000
        await written(redis_path)
        for field in ("issued", "written"):
            await redis.hset(await keyed(redis, ":record"), mapping={"issued": 0, "written": 0, field: ahead})
            await redis.delete(await keyed(redis, ":lock"))
            assert await store.lock(NAME, lease=60.0) == ahead + 1


@pytest.mark.parametrize("created", [b"garbage", b"inf", b"-1", b"nan"])
async def test_a_ticket_of_no_time(redis: Any, redis_path: str, created: bytes) -> None:
    """K-21: a ticket with an invalid time is absent; the next one replaces it."""
    await written(redis_path)
    await redis.hset(await keyed(redis, ":ticket"), "created", created)
    assert await read(redis_path) == (TOKEN, REFRESH, None)
    await redis.delete(await keyed(redis, ":lock"))
    await written(redis_path)
    assert await read(redis_path) == (TOKEN, REFRESH, TICKET)


# -- tickets ---------------------------------------------------------------------------------------


async def test_the_newest_ticket_wins(redis: Any, redis_path: str) -> None:
    """K-18: of tickets in any order, at two stores, the last that WeChat made stays.

    ``put`` tells the other writers that theirs was not kept.
    """
    url = f"unix://{redis_path}"
    one, other, third = (RedisTicketStore(url, appid, timeout=5.0) for appid in (COMPONENT, COMPONENT, "wx2"))
    async with one, other, third:
        assert await one.get() is None
        assert await one.put(Ticket("fake-ticket-2", 2000.25))
        assert not await other.put(Ticket("fake-ticket-1", 2000.0))
        assert await other.get() == Ticket("fake-ticket-2", 2000.25)
        assert await other.put(Ticket("fake-ticket-2", 2000.25))
        assert await other.put(Ticket("fake-ticket-3", 1_774_000_000.0))
        assert await one.get() == Ticket("fake-ticket-3", 1_774_000_000.0)
        assert await third.get() is None
        assert len(await redis.keys()) == 1
