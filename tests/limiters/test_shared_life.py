"""RedisRateLimiter from its making to its end.

Tested are arguments, keys, closing, forks and cancellation.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from support.redis import admin
from support.shared_limiter import PATIENT, SCOPE, Processes
from support.virtual import virtual

from wxrevenue import ClientStateError, ConfigurationError, MemoryTransport, Rate, RateLimiter, RedisRateLimiter, RevenueClient, Verdict

URL = "redis://:fake-password@127.0.0.1:1/0"


def test_making_one_does_nothing() -> None:
    """Making one needs no loop and no server.

    It shows where it leads to without the password.
    """
    limiter = RedisRateLimiter(URL)
    assert isinstance(limiter, RateLimiter)
    assert repr(limiter) == "<RedisRateLimiter in Redis at 127.0.0.1:1>"


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("url", {"url": 5}),
        ("redis", {"url": "http://127.0.0.1"}),
        ("cooldown", {"cooldown": 0}),
        ("rate", {"rate": 100}),
        ("lease", {"lease": -1.0}),
        ("prefix", {"prefix": "a{b}"}),
        ("on_event", {"on_event": 5}),
    ],
)
def test_arguments_that_make_no_sense(said: str, given: dict[str, Any]) -> None:
    """Each argument is checked by name before anything is connected to.

    No error shows the password.
    """
    url = given.pop("url", URL)
    with pytest.raises(ConfigurationError, match=said if said != "url" else "RedisRateLimiter") as caught:
        RedisRateLimiter(url, **given)
    assert "fake-password" not in str(caught.value)


def test_a_client_without_a_name() -> None:
    """A client with a name that only this process knows is refused when it is made.

    A client with an appid is accepted, and its timeout noted.
    """
    limiter: Any
    limiter, transport = RedisRateLimiter(URL, lease=2.0), MemoryTransport(lambda request: None)  # type: ignore[arg-type, return-value]
    with pytest.raises(ConfigurationError, match=r"RevenueClient\.component_appid: a RedisRateLimiter needs one"):
        RevenueClient("a-token", transport=transport, limiter=limiter)
    RevenueClient("a-token", component_appid="wx1", transport=transport, limiter=limiter, timeout=20.0)
    assert limiter._hub.probe_lease == 20.0


async def test_every_key_expires_and_shares_a_slot(redis_path: str) -> None:
    """Every key has a time to live, and those of an account have one hash tag.

    All keys that a limiter makes are checked.
    """
    prefix = f"test-{os.urandom(4).hex()}"
    async with RedisRateLimiter(f"unix://{redis_path}", prefix=prefix, cooldown=0.2) as limiter:
        for verdict in (Verdict.OK, Verdict.TOO_FAST, Verdict.OK):
            for action in ("one", "other"):
                turn = await limiter.acquire(f"wx1/-/{action}", timeout=PATIENT)
                turn.report(verdict)
                turn.release()
        async with admin(redis_path) as client:
            keys = [key.decode() for key in await client.keys(f"{prefix}:*")]
            lives = [await client.pttl(key) for key in keys]
    assert len(keys) >= 8
    assert min(lives) > 0
    assert len({key.partition("{")[2].partition("}")[0] for key in keys}) == 1


@virtual
async def test_closing_gives_everything_back() -> None:
    """A closed limiter leaves no permit, no process and no waiter in Redis.

    What a call did is not known.
    """
    fleet = Processes()
    limiter = fleet.start()
    used, unused = await limiter.acquire(SCOPE, timeout=1.0), await limiter.acquire(SCOPE, timeout=1.0)
    used.report(Verdict.OK)
    waiting = [asyncio.ensure_future(limiter.acquire(SCOPE, timeout=PATIENT)) for _ in range(5)]
    await asyncio.sleep(0.1)
    await fleet.end()
    assert fleet.state["out"] == "0"
    assert not [key for key in fleet.model.data if key.rsplit(":", 1)[-1] in {"processes", "leases", "queue", "members"}]
    assert sum(isinstance(done, ClientStateError) for done in await asyncio.gather(*waiting, return_exceptions=True)) == 3
    unused.report(Verdict.OK)
    with pytest.raises(ClientStateError):
        await limiter.acquire(SCOPE, timeout=1.0)


@virtual
async def test_cancelled_waiters_leave_nothing() -> None:
    """Waiters that are cancelled leave no want behind.

    What they would have got goes to another process at once.
    """
    fleet = Processes()
    one, other = fleet.start(), fleet.start()
    (turn := await one.acquire(SCOPE, timeout=1.0)).report(Verdict.TOO_FAST)
    turn.release()
    waiting = [asyncio.ensure_future(one.acquire(SCOPE, timeout=PATIENT)) for _ in range(3)]
    behind = asyncio.ensure_future(other.acquire(SCOPE, timeout=PATIENT))
    await asyncio.sleep(30.0)
    for task in waiting:
        task.cancel()
    await asyncio.sleep(32.0)
    assert behind.done()
    behind.result().report(Verdict.OK)
    await fleet.end()


async def test_a_forked_child_inherits_nothing(redis_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a forked child the parent's limiter gives no turn, and its error says why."""
    async with RedisRateLimiter(f"unix://{redis_path}") as limiter:
        (await limiter.acquire(SCOPE, timeout=5.0)).release()
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: 1)
            child.setattr("wxrevenue._engine.lifetime._process", 1)
            with pytest.raises(ClientStateError, match="forked"):
                await limiter.acquire(SCOPE, timeout=5.0)


async def test_a_client_that_is_given_stays_open(redis_path: str) -> None:
    """A client that is given is used, and is not closed with the limiter."""
    async with admin(redis_path) as client:
        async with RedisRateLimiter(client, rate=Rate(10)) as limiter:
            (await limiter.acquire(f"wx2/-/{os.urandom(4).hex()}", timeout=5.0)).release()
        assert await client.ping()
