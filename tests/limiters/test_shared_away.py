"""What the shared limiter does while Redis is away.

It makes a share of the calls and no more, reports an event, and closes gates as before.
No burst follows.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support.redis import RedisProxy, admin
from support.shared_limiter import PATIENT, SCOPE, Processes
from support.virtual import now, virtual

from wxrevenue import LimiterEvent, Rate, RedisRateLimiter, TooFastError, Verdict

if TYPE_CHECKING:
    from wxrevenue import Event

URL = "redis://:fake-password@127.0.0.1:1/0"


async def calls(limiter: RedisRateLimiter, went: list[float], patience: float = PATIENT) -> None:
    """Make one accepted call after the other."""
    while True:
        turn = await limiter.acquire(SCOPE, timeout=patience)
        went.append(now())
        await asyncio.sleep(0.01)
        turn.report(Verdict.OK)
        turn.release()


async def stopped(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@virtual
async def test_no_call_is_made_twice_over_an_outage() -> None:
    """Over an outage no span sees more calls than the budget.

    The share counts as spent when Redis goes. Then it is budget ÷ processes per span.
    """
    told: list[Event] = []
    fleet = Processes(rate=Rate(40, 60.0), on_event=told.append)
    went: list[float] = []
    tasks = [asyncio.ensure_future(calls(fleet.start(), went)) for _ in range(4)]
    await asyncio.sleep(70.0)
    for client in fleet.clients:
        client.away = True
    begun = now()
    await asyncio.sleep(150.0)
    during = [moment for moment in went if moment > begun + 0.1]
    for client in fleet.clients:
        client.away = False
    back = now()
    await asyncio.sleep(130.0)
    await stopped(*tasks)
    await fleet.end()
    assert not [moment for moment in during if moment < begun + 59.0]
    assert 4 * 10 <= len(during) <= 2 * 4 * 10
    events = [event for event in told if isinstance(event, LimiterEvent)]
    assert [event.state for event in events] == ["away"] * 4 + ["back"] * 4
    assert {(event.budget, event.span, event.processes) for event in events[:4]} == {(10, 60.0, 4)}
    assert not [moment for moment in went if back < moment < back + 0.9]
    assert max(sum(start <= moment < start + 59.9 for moment in went) for start in went if start > begun + 60.0) <= 2 * 40


@virtual
async def test_a_refusal_closes_without_redis_too() -> None:
    """While Redis is away a refusal closes the gate of its process.

    One call probes it.
    """
    fleet = Processes()
    limiter = fleet.start()
    fleet.clients[0].away = True
    turn = await limiter.acquire(SCOPE, timeout=60.0)
    turn.report(Verdict.TOO_FAST)
    turn.release()
    with pytest.raises(TooFastError) as caught:
        await limiter.acquire(SCOPE, timeout=10.0)
    assert caught.value.retry_after == pytest.approx(60.0, abs=1.0)
    waiting = [asyncio.ensure_future(limiter.acquire(SCOPE, timeout=PATIENT)) for _ in range(2)]
    await asyncio.sleep(70.0)
    assert [task.done() for task in waiting] == [True, False]
    waiting[0].result().report(Verdict.OK)
    await stopped(*waiting)  # type: ignore[arg-type]
    await fleet.end()


@virtual
async def test_an_outage_teaches_nothing() -> None:
    """An outage teaches nothing.

    Calls made while Redis was away count as used and not as accepted. For one span no refusal
    changes what is known.
    """
    fleet = Processes()
    limiter = fleet.start()
    went: list[float] = []
    task = asyncio.ensure_future(calls(limiter, went))
    await asyncio.sleep(2.0)
    await stopped(task)
    fleet.clients[0].away = True
    task = asyncio.ensure_future(calls(limiter, went))
    await asyncio.sleep(100.0)
    await stopped(task)
    fleet.clients[0].away = False
    made = len(went)
    turn = await limiter.acquire(SCOPE, timeout=PATIENT)
    turn.report(Verdict.TOO_FAST)
    await asyncio.sleep(0.1)
    assert fleet.state["phase"] != "refused"
    assert fleet.state["closed"] == "1"
    assert made > 0
    turn.release()
    await fleet.end()


async def test_a_redis_that_lost_everything(redis_path: str) -> None:
    """After Redis lost its data, calls continue.

    Late reports do no harm, and a late refusal still closes the gate.
    """
    async with admin(redis_path) as client, RedisRateLimiter(f"unix://{redis_path}") as limiter:
        scope = f"wx-lost-{id(client)}/-/action"
        turn = await limiter.acquire(scope, timeout=20.0)
        await client.flushall()
        turn.report(Verdict.OK)
        for _ in range(5):
            (await limiter.acquire(scope, timeout=20.0)).report(Verdict.OK)
        late = await limiter.acquire(scope, timeout=20.0)
        await client.flushall()
        late.report(Verdict.TOO_FAST)
        with pytest.raises(TooFastError):
            await limiter.acquire(scope, timeout=10.0)


async def test_a_server_that_is_not_there(caplog: pytest.LogCaptureFixture) -> None:
    """Where no server was ever reached, some calls still go.

    Event and log say why, and show no password.
    """
    told: list[Any] = []
    async with RedisRateLimiter(URL, on_event=told.append) as limiter:
        turn = await limiter.acquire(SCOPE, timeout=30.0)
        turn.report(Verdict.OK)
    assert [event.state for event in told] == ["away"]
    assert "no connection" in told[0].error
    assert "fake-password" not in caplog.text + told[0].error


@pytest.mark.parametrize("how", ["refused", "silent", "answers dropped"])
async def test_a_way_that_breaks_and_mends(redis_path: str, how: str) -> None:
    """A broken connection ends in an outage, and a mended one in sharing again.

    It is refused, swallows everything or loses answers.
    """
    told: list[Any] = []
    async with RedisProxy(redis_path) as proxy, RedisRateLimiter(proxy.url, rate=Rate(10_000, 1.0), on_event=told.append) as limiter:
        scope = f"wx-{how.replace(' ', '-')}-{id(told)}/-/action"
        (await limiter.acquire(scope, timeout=20.0)).report(Verdict.OK)
        if how == "refused":
            await proxy.close()
        elif how == "silent":
            proxy.silent = True
        else:
            proxy.drops = 4
        for _ in range(3):
            (await limiter.acquire(scope, timeout=30.0)).report(Verdict.OK)
        proxy.silent, proxy.drops = False, 0
        if how == "refused":
            await proxy.open()
        async with asyncio.timeout(30.0):
            while "back" not in [event.state for event in told]:
                (await limiter.acquire(scope, timeout=30.0)).report(Verdict.OK)
                await asyncio.sleep(0.01)
    assert [event.state for event in told][:2] == ["away", "back"]
